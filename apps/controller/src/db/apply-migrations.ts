import type postgres from 'postgres';
import type { SqlTypes } from '../platform/database/connection-options.js';
import { translateDatabaseError } from '../platform/database/database-errors.js';
import { MigrationError } from './migration-error.js';
import type { Migration } from './migration-files.js';

/**
 * Brings the schema up to date: each migration in a transaction of its own, all of them under one advisory lock so
 * that controllers that start together do it once. Then every table has its policies.
 *
 * @param prepare what else is to be done on the finished schema under the same lock
 * @returns the names of those applied now
 * @throws MigrationError when history and files disagree, before anything is applied; or when one fails, which
 *   leaves those before it applied and nothing of itself. DatabaseUnavailableError when Postgres is gone.
 */
export async function applyMigrations(
  pool: postgres.Sql<SqlTypes>,
  migrations: readonly Migration[],
  prepare?: (connection: postgres.ReservedSql<SqlTypes>) => Promise<void>,
): Promise<readonly string[]> {
  try {
    const connection = await pool.reserve();
    try {
      return await applyOn(connection, migrations, prepare);
    } finally {
      connection.release();
    }
  } catch (error) {
    throw translateDatabaseError(error);
  }
}

/** One that a database has had. */
export interface AppliedMigration {
  readonly version: number;
  readonly name: string;
  readonly checksum: string;
}

async function applyOn(
  connection: postgres.ReservedSql<SqlTypes>,
  migrations: readonly Migration[],
  prepare: ((connection: postgres.ReservedSql<SqlTypes>) => Promise<void>) | undefined,
): Promise<readonly string[]> {
  // Waiting for another controller's migration may take longer than a statement may.
  await connection`set statement_timeout = 0`;
  await connection`select pg_advisory_lock(${MIGRATION_LOCK})`;
  try {
    await makeHistory(connection);
    const pending = pendingMigrations(await readHistory(connection), migrations);
    for (const migration of pending) await applyOne(connection, migration);
    await prepare?.(connection);
    return pending.map(({ name }) => name);
  } finally {
    await connection`select pg_advisory_unlock(${MIGRATION_LOCK})`;
    await connection`reset statement_timeout`;
  }
}

/** Compares history with files. Throws MigrationError 'changed', 'unknown' or 'out_of_order'. */
export function pendingMigrations(
  applied: readonly AppliedMigration[],
  migrations: readonly Migration[],
): readonly Migration[] {
  const known = new Map(migrations.map((migration) => [migration.version, migration]));
  for (const { version, name, checksum } of applied) {
    const migration = known.get(version);
    if (migration === undefined || migration.name !== name) {
      throw new MigrationError(
        'unknown',
        name,
        'is applied in this database but not part of this controller; run the version that applied it, or a newer one',
      );
    }
    if (migration.checksum !== checksum) {
      throw new MigrationError(
        'changed',
        name,
        'was edited after it had been applied; restore the file and put the change into a new migration',
      );
    }
  }
  const latest = applied.at(-1);
  const pending = migrations.filter(({ version }) => !applied.some((done) => done.version === version));
  const late = latest === undefined ? undefined : pending.find(({ version }) => version < latest.version);
  if (latest !== undefined && late !== undefined) {
    throw new MigrationError(
      'out_of_order',
      late.name,
      `is new, but ${latest.name} is applied already; give it a higher number`,
    );
  }
  return pending;
}

async function applyOne(connection: postgres.ReservedSql<SqlTypes>, migration: Migration): Promise<void> {
  await connection.unsafe('begin');
  try {
    await migrate(connection, migration);
    await connection.unsafe('commit');
  } catch (error) {
    await connection.unsafe('rollback');
    throw error;
  }
}

/** Applies one in the transaction that has begun, and records it. Throws MigrationError 'failed', DatabaseUnavailableError. */
export async function migrate(connection: postgres.ReservedSql<SqlTypes>, migration: Migration): Promise<void> {
  try {
    // Migrations change the rows of all tenants, also where row-level security holds for whoever owns the tables.
    await connection`select set_config('weft.scope', 'installation', true)`;
    await connection.unsafe(migration.statements).simple();
    await connection.unsafe(ISOLATE_TENANTS).simple();
    await connection`
      insert into schema_migrations (version, name, checksum)
      values (${migration.version}, ${migration.name}, ${migration.checksum})`;
  } catch (error) {
    const translated = translateDatabaseError(error);
    if (translated !== error) throw translated;
    throw new MigrationError('failed', migration.name, error instanceof Error ? error.message : String(error), error);
  }
}

/** The table that says which migrations a database has had. */
export async function makeHistory(connection: postgres.ReservedSql<SqlTypes>): Promise<void> {
  await connection`
    create table if not exists schema_migrations (
      version integer primary key,
      name text not null,
      checksum text not null,
      applied_at timestamptz not null default now()
    )`;
}

/** In order of their numbers. */
export async function readHistory(connection: postgres.ReservedSql<SqlTypes>): Promise<readonly AppliedMigration[]> {
  return connection<AppliedMigration[]>`select version, name, checksum from schema_migrations order by version`;
}

/** A table of a later migration gets its policies with it. The function is there from migration 0035 on. */
const ISOLATE_TENANTS = `do $$ begin
  if to_regprocedure('isolate_tenants()') is not null then perform isolate_tenants(); end if;
end $$`;
/** Whoever changes the schema has this advisory lock. "weft" in ASCII: any number, the same in every controller. */
export const MIGRATION_LOCK = 0x77656674n;
