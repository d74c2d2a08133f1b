import { AsyncLocalStorage } from 'node:async_hooks';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { Logger } from 'pino';
import type postgres from 'postgres';
import { ControllerConfig } from '../../config/controller-config.js';
import { applyMigrations } from '../../db/apply-migrations.js';
import { readMigrations } from '../../db/migration-files.js';
import { InjectLogger } from '../logging/logger.js';
import { openPool, type SqlExecutor, type SqlTypes } from './connection-options.js';
import { DatabaseUnavailableError, translateDatabaseError } from './database-errors.js';
import { type DatabaseServer, openDatabaseServer } from './database-server.js';
import { checkServerVersion } from './postgres-version.js';
import { untilConnectionIsLost, WriteUnit } from './write-unit.js';

export type IsolationLevel = 'read committed' | 'repeatable read' | 'serializable';

/** What becomes of the writes of a unit. */
export interface UnitOptions<T> {
  /** Whether everything is undone in the end. */
  readonly tryOnly: boolean;
  /** Before anything is written, in the same transaction. */
  opened(sql: SqlExecutor): Promise<void>;
  /** After `work`, in the same transaction, unless everything is undone: so that the one is not without the other. */
  finished(transaction: UnitTransaction, result: T): Promise<void>;
}

/** Runs something in the transaction of a unit. */
export type UnitTransaction = <T>(work: (sql: SqlExecutor) => Promise<T>) => Promise<T>;

/**
 * The controller's Postgres. Starting it brings up our own server when no `DATABASE_URL` is given, then applies the
 * migrations. Constructing it does nothing, so that the application can be built without a database.
 *
 * Every method and query fails with DatabaseUnavailableError while Postgres is gone and works again when it is back.
 */
@Injectable()
export class Database implements OnModuleInit {
  readonly #config: ControllerConfig;
  readonly #logger: Logger;
  readonly #units = new AsyncLocalStorage<WriteUnit>();
  #stopping = false;
  #started: Promise<void> | undefined;
  #server: DatabaseServer | undefined;
  #pool: postgres.Sql<SqlTypes> | undefined;
  #sql: SqlExecutor | undefined;

  constructor(config: ControllerConfig, @InjectLogger() logger: Logger) {
    this.#config = config;
    this.#logger = logger.child({ component: 'database' });
  }

  /** Idempotent. Throws MigrationError, PostgresStartError or DatabaseUnavailableError when there is nothing to work with. */
  start(): Promise<void> {
    this.#started ??= this.#start();
    return this.#started;
  }

  onModuleInit(): Promise<void> {
    return this.start();
  }

  /** The pool, for single statements: each runs on its own. More than one statement belongs in `transaction`. */
  get sql(): SqlExecutor {
    const inUnit = this.#unit?.executor;
    if (inUnit !== undefined) return inUnit;
    this.#sql ??= translating(this.#requirePool());
    return this.#sql;
  }

  /**
   * Runs `work` in one transaction: committed when it resolves, rolled back when it rejects. `work` must use the
   * executor it is given and nothing else. With 'serializable' be ready for SQLSTATE 40001.
   */
  async transaction<T>(
    work: (sql: SqlExecutor) => Promise<T>,
    isolation: IsolationLevel = 'read committed',
  ): Promise<T> {
    let over = false;
    try {
      const unit = this.#unit;
      if (unit !== undefined) return await unit.join((sql) => work(refusingWhen(() => over, sql)));
      // The driver's type unwraps arrays of promises; `work` returns one promise, so T it is.
      return (await this.#requirePool().begin(`isolation level ${isolation}`, (sql) =>
        untilConnectionIsLost(work(refusingWhen(() => over, sql))),
      )) as T;
    } catch (error) {
      throw translateDatabaseError(error);
    } finally {
      over = true;
    }
  }

  /**
   * Runs `work` with all its transactions as one: committed when `work` resolves, rolled back when it rejects or is only tried.
   * Single statements that write belong in `transaction`, too, or they are no part of it.
   */
  async unit<T>(options: UnitOptions<T>, work: () => Promise<T>): Promise<T> {
    const unit = new WriteUnit(
      (inside) => this.#requirePool().begin('isolation level read committed', inside),
      (sql) => options.opened(sql),
    );
    try {
      const result = await this.#units.run(unit, work);
      if (options.tryOnly) {
        await unit.tryOnly();
        return result;
      }
      await options.finished((last) => unit.join(last), result);
      await unit.keep();
      await this.#units.exit(() => unit.effects());
      return result;
    } catch (error) {
      await unit.abandon(error);
      throw translateDatabaseError(error);
    }
  }

  /** Has `effect` follow once what is being written is in the database for good: at once, outside of a unit. */
  async whenKept(effect: () => unknown): Promise<void> {
    const unit = this.#unit;
    if (unit === undefined) await effect();
    else unit.whenKept(effect);
  }

  /**
   * Calls `heard` with the payload of every notification on the channel, on a connection of its own that comes back by
   * itself. What is announced while it is away is lost: a hint, never a guarantee. Ends with stop().
   */
  async listen(channel: string, heard: (payload: string) => void): Promise<void> {
    try {
      await this.#requirePool().listen(channel, heard);
    } catch (error) {
      throw translateDatabaseError(error);
    }
  }

  /** Resolves when Postgres answers, within READINESS_TIMEOUT_MILLISECONDS; otherwise DatabaseUnavailableError. */
  async check(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new DatabaseUnavailableError('no answer')), READINESS_TIMEOUT_MILLISECONDS);
    });
    try {
      await Promise.race([this.sql`select 1`, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Ends the pool and our own server, if it is ours. No Nest hook: whoever owns the application calls it after
   * close(), when no module has anything left to write. Idempotent.
   */
  async stop(): Promise<void> {
    this.#stopping = true;
    // A start under way must end first, or it would leave a server behind.
    await this.#started?.catch(ignoreReported);
    await this.#pool?.end({ timeout: POOL_END_SECONDS });
    await this.#server?.stop();
  }

  async #start(): Promise<void> {
    this.#server = await openDatabaseServer(this.#config, this.#logger);
    this.#pool = openPool(this.#server.location, POOL_CONNECTIONS);
    checkServerVersion(await this.#untilReachable(this.#pool), this.#server.description);
    const applied = await applyMigrations(this.#pool, await readMigrations());
    this.#logger.info({ server: this.#server.description, applied }, 'database ready');
  }

  /**
   * A database started beside us (containers) may need a while; our own server is ready already.
   * @returns its `server_version_num`
   */
  async #untilReachable(pool: postgres.Sql<SqlTypes>): Promise<number> {
    const deadline = performance.now() + START_PATIENCE_MILLISECONDS;
    let said = false;
    for (;;) {
      try {
        const [row] = await pool<{ version: number }[]>`
          select current_setting('server_version_num')::integer as version`;
        return row?.version ?? 0;
      } catch (error) {
        const translated = translateDatabaseError(error);
        if (!(translated instanceof DatabaseUnavailableError) || this.#stopping) throw translated;
        if (performance.now() > deadline) throw translated;
        if (!said) this.#logger.warn({ reason: translated.reason }, 'waiting for Postgres');
        said = true;
        await new Promise((resolve) => setTimeout(resolve, START_RETRY_MILLISECONDS));
      }
    }
  }

  get #unit(): WriteUnit | undefined {
    const unit = this.#units.getStore();
    return unit?.active === true ? unit : undefined;
  }

  #requirePool(): postgres.Sql<SqlTypes> {
    if (this.#pool === undefined) throw new DatabaseUnavailableError('not started');
    return this.#pool;
  }
}

/** The pool as an executor whose queries reject with our errors. */
function translating(pool: postgres.Sql<SqlTypes>): SqlExecutor {
  return new Proxy(pool, {
    apply(target, _self, args: unknown[]) {
      const result: unknown = Reflect.apply(target, undefined, args);
      if (isQuery(result)) {
        // A query is its own promise and doubles as a fragment of another, so it cannot be wrapped in a new one.
        const reject = result.reject;
        result.reject = (error) => reject(translateDatabaseError(error));
      }
      return result;
    },
  });
}

/** The executor of a transaction, which answers no more once the transaction is over. */
function refusingWhen(over: () => boolean, sql: SqlExecutor): SqlExecutor {
  return new Proxy(sql, {
    apply(target, _self, args: unknown[]) {
      if (over()) throw new DatabaseUnavailableError('the transaction is over');
      return Reflect.apply(target, undefined, args);
    },
  });
}

function isQuery(value: unknown): value is Promise<unknown> & { reject: (error: unknown) => void } {
  return value instanceof Promise && 'reject' in value;
}

/** Whoever called start() has the error already. */
function ignoreReported(): void {
  return;
}

const POOL_CONNECTIONS = 10;
const POOL_END_SECONDS = 5;
const READINESS_TIMEOUT_MILLISECONDS = 2_000;
const START_PATIENCE_MILLISECONDS = 60_000;
const START_RETRY_MILLISECONDS = 250;
