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
import { type DatabaseScope, DatabaseScopes, NoDatabaseScopeError, sameScope } from './database-scope.js';
import { type DatabaseServer, openDatabaseServer } from './database-server.js';
import { checkServerVersion } from './postgres-version.js';
import { prepareRequestRole } from './request-role.js';
import { refusingWhen, scopedPool, startScope } from './scoped-executor.js';
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
 * Statements run in the scope that is in force where they are made (DatabaseScopes), and fail without one.
 *
 * Every method and query fails with DatabaseUnavailableError while Postgres is gone and works again when it is back.
 */
@Injectable()
export class Database implements OnModuleInit {
  readonly #config: ControllerConfig;
  readonly #logger: Logger;
  readonly #scopes: DatabaseScopes;
  readonly #units = new AsyncLocalStorage<{ readonly unit: WriteUnit; readonly scope: DatabaseScope }>();
  #stopping = false;
  #started: Promise<void> | undefined;
  #server: DatabaseServer | undefined;
  #pool: postgres.Sql<SqlTypes> | undefined;
  #sql: SqlExecutor | undefined;
  /** Whom statements run as; undefined: as whom we connect. */
  #role: string | undefined;

  constructor(config: ControllerConfig, scopes: DatabaseScopes, @InjectLogger() logger: Logger) {
    this.#config = config;
    this.#scopes = scopes;
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

  /** For single statements: each runs on its own. More than one statement belongs in `transaction`. */
  get sql(): SqlExecutor {
    const inUnit = this.#unit?.executor;
    if (inUnit !== undefined) return inUnit;
    this.#sql ??= scopedPool(this.#requirePool(), () => {
      const scope = this.#scopes.current;
      return (work) => this.#begin(scope, 'read committed', work);
    });
    return this.#sql;
  }

  /** Runs `work`, with all the statements that it makes, in a scope. */
  within<T>(scope: DatabaseScope, work: () => T): T {
    return this.#scopes.within(scope, work);
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
      return await this.#begin(this.#scopes.current, isolation, (sql) => work(refusingWhen(() => over, sql)));
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
    const scope = this.#scopes.current;
    if (scope === undefined) throw new NoDatabaseScopeError();
    const unit = new WriteUnit(
      (inside) => this.#begin(scope, 'read committed', inside),
      (sql) => options.opened(sql),
    );
    try {
      const result = await this.#units.run({ unit, scope }, work);
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
      await Promise.race([this.#requirePool()`select 1`, late]);
    } catch (error) {
      throw translateDatabaseError(error);
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
    const applied = await applyMigrations(this.#pool, await readMigrations(), async (connection) => {
      this.#role = await prepareRequestRole(connection);
    });
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
    const entered = this.#units.getStore();
    if (entered?.unit.active !== true) return undefined;
    // What is written for another tenant cannot be part of it; on its own it would not be undone with it.
    if (!sameScope(entered.scope, this.#scopes.current)) throw new Error('a unit of writes belongs to one scope');
    return entered.unit;
  }

  async #begin<T>(
    scope: DatabaseScope | undefined,
    isolation: IsolationLevel,
    work: (sql: postgres.TransactionSql<SqlTypes>) => Promise<T>,
  ): Promise<T> {
    if (scope === undefined) throw new NoDatabaseScopeError();
    try {
      // The driver's type unwraps arrays of promises; `work` returns one promise, so T it is.
      return (await this.#requirePool().begin(`isolation level ${isolation}`, (sql) =>
        untilConnectionIsLost(startScope(sql, scope, this.#role, () => work(sql))),
      )) as T;
    } catch (error) {
      throw translateDatabaseError(error);
    }
  }

  #requirePool(): postgres.Sql<SqlTypes> {
    if (this.#pool === undefined) throw new DatabaseUnavailableError('not started');
    return this.#pool;
  }
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
