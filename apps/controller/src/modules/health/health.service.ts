import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import type { Readiness } from './health.dto.js';

@Injectable()
export class HealthService {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Throws DatabaseUnavailableError. */
  async readiness(): Promise<Readiness> {
    await this.#database.check();
    return { status: 'ready' };
  }
}
