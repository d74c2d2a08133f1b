import { MIGRATION_LOCK, pendingMigrations, readHistory } from '../db/apply-migrations.js';
import type { Migration } from '../db/migration-files.js';
import { BackupError } from './backup-error.js';
import type { BackupHeader, BackupState, Frame } from './backup-format.js';
import {
  type BackupConnection,
  type CatalogueTable,
  OMITTED_TABLES,
  quoted,
  readCatalogue,
  readSequenceNames,
  settleSession,
} from './catalogue.js';
import { jsonFrame } from './frames.js';

/** What a backup holds. */
export interface BackupSummary {
  readonly header: BackupHeader;
  readonly tables: number;
  readonly rows: number;
  readonly brokenAudits: BackupState['brokenAudits'];
}

/** What is to be saved, besides what the database holds. */
export interface BackupPlan {
  /** Those of this program: a schema that has others is not understood. */
  readonly migrations: readonly Migration[];
  readonly now: Date;
  /** Keys of the fabric, sealed. */
  readonly sealedKeys: Buffer | undefined;
}

/**
 * The whole database as it is at one moment, as frames, read as fast as they are taken. Controllers go on meanwhile; one that starts
 * with a newer schema waits.
 *
 * @param connection kept for this alone
 * @throws BackupError 'unsuitable_database', MigrationError 'unknown' or 'changed' when the schema is not one of this program
 */
export async function* backupFrames(
  connection: BackupConnection,
  plan: BackupPlan,
  done: (summary: BackupSummary) => void,
): AsyncGenerator<Frame, void, undefined> {
  await connection`set statement_timeout = 0`;
  // Before the transaction: what it sees begins with its first statement, and the schema must not change after that.
  await connection`select pg_advisory_lock_shared(${MIGRATION_LOCK})`;
  await connection.unsafe('begin isolation level repeatable read read only');
  await settleSession(connection);
  const header = await readHeader(connection, plan);
  yield jsonFrame('H', header);
  let tables = 0;
  let rows = 0;
  for (const table of await readCatalogue(connection)) {
    if (OMITTED_TABLES.includes(table.name)) continue;
    rows += yield* tableFrames(connection, table);
    tables += 1;
  }
  const state = await readState(connection);
  yield jsonFrame('S', state);
  if (plan.sealedKeys !== undefined) yield { kind: 'K', payload: plan.sealedKeys };
  await connection.unsafe('commit');
  await connection`select pg_advisory_unlock_shared(${MIGRATION_LOCK})`;
  done({ header, tables, rows, brokenAudits: state.brokenAudits });
}

async function readHeader(connection: BackupConnection, { migrations, now }: BackupPlan): Promise<BackupHeader> {
  const [there] = await connection<{ there: boolean }[]>`select to_regclass('schema_migrations') is not null as there`;
  if (there?.there !== true) {
    throw new BackupError(
      'unsuitable_database',
      'no controller was ever started on this database: there is nothing to save',
    );
  }
  const applied = await readHistory(connection);
  pendingMigrations(applied, migrations);
  const [row] = await connection<{ postgres: number; epoch: string }[]>`
    select current_setting('server_version_num')::integer / 10000 as postgres, epoch::text from controller_epoch`;
  if (row === undefined) throw new BackupError('unsuitable_database', 'controller_epoch has no row');
  return { format: 1, createdAt: now.toISOString(), ...row, migrations: [...applied], omitted: [...OMITTED_TABLES] };
}

/** Returns how many rows the table has. */
async function* tableFrames(
  connection: BackupConnection,
  { name, columns }: CatalogueTable,
): AsyncGenerator<Frame, number, undefined> {
  yield jsonFrame('T', { name, columns });
  const statement = `copy ${quoted(name)} (${columns.map(quoted).join(', ')}) to stdout`;
  const lines = await connection.unsafe(statement).readable();
  let rows = 0;
  let pending: Buffer[] = [];
  let octets = 0;
  for await (const chunk of lines) {
    if (!Buffer.isBuffer(chunk)) throw new TypeError('COPY gave something else than octets');
    for (const octet of chunk) if (octet === NEWLINE) rows += 1;
    pending.push(chunk);
    octets += chunk.length;
    if (octets < CHUNK_OCTETS) continue;
    yield* dataFrames(Buffer.concat(pending));
    pending = [];
    octets = 0;
  }
  // postgres.js 3.4 pauses the connection when it is ahead of us, and takes it up again when more is asked for: at the end nothing is.
  lines._read(0);
  yield* dataFrames(Buffer.concat(pending));
  yield jsonFrame('E', { rows });
  return rows;
}

/** A row may be longer than a frame. */
function* dataFrames(octets: Buffer): Generator<Frame> {
  for (let at = 0; at < octets.length; at += CHUNK_OCTETS) {
    yield { kind: 'D', payload: octets.subarray(at, at + CHUNK_OCTETS) };
  }
}

async function readState(connection: BackupConnection): Promise<BackupState> {
  const sequences: BackupState['sequences'][number][] = [];
  for (const name of await readSequenceNames(connection)) {
    const [row] = await connection.unsafe<{ lastValue: string; called: boolean }[]>(
      `select last_value::text, is_called as called from ${quoted(name)}`,
    );
    if (row !== undefined) sequences.push({ name, ...row });
  }
  return { sequences, brokenAudits: await readBrokenAudits(connection) };
}

/** Tenants whose audit log is not as it was written, and where that begins. */
export async function readBrokenAudits(connection: BackupConnection): Promise<BackupState['brokenAudits']> {
  const [there] = await connection<{ there: boolean }[]>`select to_regproc('audit_broken_at') is not null as there`;
  if (there?.there !== true) return [];
  return connection<BackupState['brokenAudits']>`
    select id as tenant_id, broken_at from tenants, audit_broken_at(id) as broken_at where broken_at is not null order by id`;
}

/** In COPY's text format a newline ends a row and is nothing else: those of values are escaped. */
const NEWLINE = 0x0a;
/** How much is gathered before it becomes a frame. */
const CHUNK_OCTETS = 1 << 16;
