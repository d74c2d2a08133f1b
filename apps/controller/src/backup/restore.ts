import { setTimeout } from 'node:timers/promises';
import postgres from 'postgres';
import { MIGRATION_LOCK, makeHistory, migrate, pendingMigrations } from '../db/apply-migrations.js';
import type { Migration } from '../db/migration-files.js';
import { BackupError } from './backup-error.js';
import { type BackupEnd, BackupHeader, BackupState, TableEnd, TableStart } from './backup-format.js';
import {
  type BackupConnection,
  type CatalogueTable,
  OMITTED_TABLES,
  quoted,
  readCatalogue,
  readDeferrableReferences,
  readSequenceNames,
  settleSession,
} from './catalogue.js';
import { copyInto } from './copy-into.js';
import type { FrameSource } from './frame-source.js';
import { parseFrame } from './frames.js';
import { readBrokenAudits } from './make-backup.js';

/** How to restore. */
export interface RestorePlan {
  /** Those of this program. */
  readonly migrations: readonly Migration[];
  readonly now: Date;
  /** Whether what is in the database goes. */
  readonly replace: boolean;
}

/** What was restored. */
export interface RestoreSummary {
  readonly header: BackupHeader;
  readonly tables: number;
  readonly rows: number;
  /** Migrations that came after the backup was made. */
  readonly migrated: readonly string[];
  /** The next controller that starts has the next one. */
  readonly epoch: bigint;
  readonly end: BackupEnd;
  readonly brokenAudits: BackupState['brokenAudits'];
}

/**
 * Makes the database what the backup says, in the transaction that has begun: schema, rows, and what has come to the schema since.
 *
 * Nobody works with the database meanwhile, and nothing is there yet or everything goes.
 *
 * @throws BackupError, MigrationError when the schema of the backup is not one that this program knows. Roll back then.
 */
export async function restoreFrames(
  connection: BackupConnection,
  source: FrameSource,
  plan: RestorePlan,
): Promise<RestoreSummary> {
  await settleSession(connection);
  await connection`select pg_advisory_xact_lock(${MIGRATION_LOCK})`;
  await refuseWhileInUse(connection);
  await makeRoom(connection, plan.replace);
  const header = parseFrame(await source.take('H'), BackupHeader);
  const later = pendingMigrations(header.migrations, plan.migrations);
  const earlier = plan.migrations.slice(0, plan.migrations.length - later.length);
  await makeHistory(connection);
  for (const migration of earlier) await migrate(connection, migration);
  const filled = await fillTables(connection, source, header);
  const state = parseFrame(await source.take('S'), BackupState);
  await setSequences(connection, state);
  await source.takeOptional('K');
  const end = await source.end();
  await connection.unsafe('set constraints all immediate');
  for (const migration of later) {
    await migrate(connection, migration);
    await connection.unsafe('set constraints all immediate');
  }
  await checkAudits(connection, state);
  await recordRestore(connection, header);
  await connection`update enrollment_tokens set replaced_at = now() where used_at is null and replaced_at is null`;
  await connection`update event_journals set journal = default`;
  const epoch = await moveEpoch(connection, plan.now);
  const migrated = later.map(({ name }) => name);
  return { header, ...filled, migrated, epoch, end, brokenAudits: state.brokenAudits };
}

/** Fills every table that the schema has; one that the backup does not have is not taken for empty. */
async function fillTables(
  connection: BackupConnection,
  source: FrameSource,
  { omitted }: BackupHeader,
): Promise<{ tables: number; rows: number }> {
  const unknown = omitted.find((name) => !OMITTED_TABLES.includes(name));
  if (unknown !== undefined) throw new BackupError('damaged', `the backup leaves out the table ${unknown}`);
  const catalogue = await readCatalogue(connection);
  const missing = new Map(catalogue.filter(({ name }) => !omitted.includes(name)).map((table) => [table.name, table]));
  for (const { name } of catalogue) await connection.unsafe(BEFORE_FILLING.replaceAll('%', quoted(name))).simple();
  // What migrations have put there is in the backup, as it is now.
  for (const { name } of [...catalogue].reverse()) await connection.unsafe(`delete from ${quoted(name)}`);
  const tables = missing.size;
  const deferrable = (await readDeferrableReferences(connection)).map(quoted).join();
  if (deferrable !== '') await connection.unsafe(`set constraints ${deferrable} deferred`);
  let rows = 0;
  for (;;) {
    const start = await source.takeOptional('T');
    if (start === undefined) break;
    rows += await fillTable(connection, source, matching(parseFrame(start, TableStart), missing));
  }
  const [first] = missing.keys();
  if (first !== undefined) throw new BackupError('damaged', `the backup does not hold the table ${first}`);
  if (deferrable !== '') await checkTogether(connection, deferrable);
  for (const { name } of catalogue) await connection.unsafe(AFTER_FILLING.replaceAll('%', quoted(name))).simple();
  return { tables, rows };
}

async function checkTogether(connection: BackupConnection, deferred: string): Promise<void> {
  try {
    await connection.unsafe(`set constraints ${deferred} immediate`);
  } catch (error) {
    if (!(error instanceof postgres.PostgresError)) throw error;
    throw new BackupError('refused', `the database does not take the tables together: ${error.message}`, error);
  }
}

/** Takes the table out of those that are missing. */
function matching({ name, columns }: TableStart, missing: Map<string, CatalogueTable>): CatalogueTable {
  const table = missing.get(name);
  missing.delete(name);
  if (table !== undefined && [...table.columns].sort().join() === [...columns].sort().join()) return { name, columns };
  throw new BackupError('damaged', `the backup has a table "${name}" that its schema has not, or with other columns`);
}

async function fillTable(connection: BackupConnection, source: FrameSource, table: CatalogueTable): Promise<number> {
  try {
    await copyInto(connection, table, source.run('D'));
  } catch (error) {
    if (!(error instanceof postgres.PostgresError)) throw error;
    throw new BackupError('refused', `the database does not take the table ${table.name}: ${error.message}`, error);
  }
  const { rows } = parseFrame(await source.take('E'), TableEnd);
  const [counted] = await connection.unsafe<{ n: number }[]>(
    `select count(*)::integer as n from ${quoted(table.name)}`,
  );
  if (counted?.n !== rows) {
    throw new BackupError('damaged', `the table ${table.name} had ${rows} rows and has ${counted?.n}`);
  }
  return rows;
}

async function setSequences(connection: BackupConnection, { sequences }: BackupState): Promise<void> {
  const known = new Set(await readSequenceNames(connection));
  for (const { name, lastValue, called } of sequences) {
    if (!known.delete(name))
      throw new BackupError('damaged', `the backup has a sequence "${name}" that its schema has not`);
    await connection`select setval(${quoted(name)}::regclass, ${lastValue}::bigint, ${called})`;
  }
  const [missing] = known;
  if (missing !== undefined) throw new BackupError('damaged', `the backup does not hold the sequence ${missing}`);
}

/** A controller that was stopped a moment ago may still be seen: its end is no event that could be waited for. */
async function refuseWhileInUse(connection: BackupConnection): Promise<void> {
  const deadline = performance.now() + IN_USE_PATIENCE_MILLISECONDS;
  for (;;) {
    const [others] = await connection<{ n: number }[]>`
      select count(*)::integer as n from pg_stat_activity
      where datname = current_database() and application_name = 'weft-controller' and pid <> pg_backend_pid()`;
    if (others?.n === 0) return;
    if (performance.now() > deadline) {
      const message = `a controller is connected to this database (${others?.n} connections); stop it first`;
      throw new BackupError('in_use', message);
    }
    await setTimeout(IN_USE_RETRY_MILLISECONDS);
    await connection`select pg_stat_clear_snapshot()`;
  }
}

/** Leaves a schema without tables, sequences and functions of ours. */
async function makeRoom(connection: BackupConnection, replace: boolean): Promise<void> {
  const catalogue = await readCatalogue(connection);
  const [history] = await connection<{ ours: boolean }[]>`select to_regclass('schema_migrations') is not null as ours`;
  if (history?.ours !== true) {
    if (catalogue.length === 0) return;
    throw new BackupError(
      'not_empty',
      `the database holds tables that are none of a controller, as ${catalogue[0]?.name}; take another one`,
    );
  }
  if (!replace) await refuseRows(connection, catalogue);
  const tables = ['schema_migrations', ...catalogue.map(({ name }) => name)].map(quoted);
  await connection.unsafe(`drop table ${tables.join(', ')} cascade`);
  for (const name of await readSequenceNames(connection))
    await connection.unsafe(`drop sequence ${quoted(name)} cascade`);
  const routines = await connection<{ name: string }[]>`
    select oid::regprocedure::text as name from pg_proc p where pronamespace = current_schema()::regnamespace
      and not exists (select from pg_depend where classid = 'pg_proc'::regclass and objid = p.oid and deptype = 'e')`;
  for (const { name } of routines) await connection.unsafe(`drop routine if exists ${name} cascade`);
}

async function refuseRows(connection: BackupConnection, catalogue: readonly CatalogueTable[]): Promise<void> {
  for (const { name } of catalogue) {
    if (name === 'controller_epoch') continue;
    const [row] = await connection.unsafe<{ some: boolean }[]>(`select exists (select from ${quoted(name)}) as some`);
    if (row?.some !== true) continue;
    throw new BackupError(
      'not_empty',
      `the database is not empty (${name} has rows); restore into an empty one, or replace everything in it with --replace`,
    );
  }
}

/** A chain that holds where it did not, or does not where it did, is not the one that was saved. */
async function checkAudits(connection: BackupConnection, { brokenAudits }: BackupState): Promise<void> {
  const now = await readBrokenAudits(connection);
  const said = (audits: BackupState['brokenAudits']) =>
    audits.map(({ tenantId, brokenAt }) => `${tenantId} at ${brokenAt}`).sort();
  const [before, after] = [said(brokenAudits), said(now)];
  if (before.join() === after.join()) return;
  const where = after.filter((audit) => !before.includes(audit)).join(', ') || before.join(', ');
  throw new BackupError(
    'audit_broken',
    `the audit log in the backup is not the one that was saved: tenant ${where}; take another backup`,
  );
}

/** Each tenant can see that its history goes on from an earlier point. */
async function recordRestore(connection: BackupConnection, { createdAt }: BackupHeader): Promise<void> {
  await connection`
    insert into audit_entries (tenant_id, actor, action, details)
    select id, ${RESTORE_ACTOR}, 'backup_restored', jsonb_build_object('createdAt', ${createdAt}::text) from tenants`;
}

/**
 * Edges refuse a controller of a lower epoch than they have seen, and they have seen later ones than the backup has. Epochs grow by one with
 * each start, which is less than one a second: the present second is higher than all that followed from any earlier restore.
 */
async function moveEpoch(connection: BackupConnection, now: Date): Promise<bigint> {
  const second = Math.floor(now.getTime() / 1000).toString();
  const [row] = await connection<{ epoch: bigint }[]>`
    update controller_epoch set epoch = greatest(epoch, ${second}::bigint) returning epoch`;
  if (row === undefined) throw new BackupError('damaged', 'the table controller_epoch has no row');
  return row.epoch;
}

/**
 * Rows are taken as they are: no trigger chains audit entries anew. COPY does not fill tables whose policies hold for whoever owns
 * them. The statements lock the table until everything is over: nobody sees it without its policies.
 */
const BEFORE_FILLING = 'alter table % disable trigger user, no force row level security';
const AFTER_FILLING = 'alter table % enable trigger user, force row level security';

/** Who is at the machine has no name in the database. */
const RESTORE_ACTOR = 'the command --restore';
const IN_USE_PATIENCE_MILLISECONDS = 5_000;
const IN_USE_RETRY_MILLISECONDS = 100;
