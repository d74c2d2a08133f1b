import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Database } from './database.js';
import { installationScope } from './database-scope.js';

/** The number of this start of the controller; higher than that of any before it on the same database. */
@Injectable()
export class ControllerEpoch implements OnModuleInit {
  readonly #database: Database;
  #taken: Promise<bigint> | undefined;
  #value: bigint | undefined;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Available once the application is initialised. */
  get value(): bigint {
    if (this.#value === undefined) throw new Error('the controller epoch is taken in init(); it was read before');
    return this.#value;
  }

  /** Idempotent: a start takes one epoch. */
  async take(): Promise<bigint> {
    this.#taken ??= this.#take();
    this.#value = await this.#taken;
    return this.#value;
  }

  async onModuleInit(): Promise<void> {
    await this.take();
  }

  async #take(): Promise<bigint> {
    await this.#database.start();
    const [row] = await this.#database.within(
      installationScope('start'),
      () => this.#database.sql<{ epoch: bigint }[]>`update controller_epoch set epoch = epoch + 1 returning epoch`,
    );
    if (row === undefined) throw new Error('controller_epoch has no row; the database was tampered with');
    return row.epoch;
  }
}
