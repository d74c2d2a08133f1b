import type postgres from 'postgres';
import type { SqlTypes } from '../platform/database/connection-options.js';
import { inDependencyOrder, type TableReference } from './table-order.js';

/** A table of the controller, and the columns that are not computed from others. */
export interface CatalogueTable {
  readonly name: string;
  readonly columns: readonly string[];
}

/** What runs statements on one connection, in a transaction that has begun. */
export type BackupConnection = postgres.ReservedSql<SqlTypes>;

/**
 * The tables of the schema in an order in which they can be filled, with `deferrableReferences` deferred. The history of migrations is
 * none: it is in the header.
 */
export async function readCatalogue(connection: BackupConnection): Promise<readonly CatalogueTable[]> {
  const tables = await connection<CatalogueTable[]>`
    select c.relname as name, array_agg(a.attname::text order by a.attnum) as columns
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') and c.relname <> 'schema_migrations'
      and not exists (select from pg_depend where classid = 'pg_class'::regclass and objid = c.oid and deptype = 'e')
    group by c.relname`;
  const references = await connection<TableReference[]>`
    select child.relname as child, parent.relname as parent from pg_constraint k
    join pg_class child on child.oid = k.conrelid join pg_class parent on parent.oid = k.confrelid
    where k.contype = 'f' and not k.condeferrable and child.relnamespace = current_schema()::regnamespace`;
  const byName = new Map(tables.map((table) => [table.name, table]));
  return inDependencyOrder([...byName.keys()], references).flatMap((name) => byName.get(name) ?? []);
}

/** Names of the foreign keys that can be checked when all tables are filled: by these, two tables may refer to each other. */
export async function readDeferrableReferences(connection: BackupConnection): Promise<readonly string[]> {
  const rows = await connection<{ name: string }[]>`
    select conname as name from pg_constraint
    where contype = 'f' and condeferrable and connamespace = current_schema()::regnamespace order by conname`;
  return rows.map(({ name }) => name);
}

/** Sequences by name: those of identity columns, too. */
export async function readSequenceNames(connection: BackupConnection): Promise<readonly string[]> {
  const rows = await connection<{ name: string }[]>`
    select relname as name from pg_class where relnamespace = current_schema()::regnamespace and relkind = 'S' order by relname`;
  return rows.map(({ name }) => name);
}

/** A name as Postgres takes it. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** How values are written must not depend on how the server or the database is set up. */
export async function settleSession(connection: BackupConnection): Promise<void> {
  await connection`
    select set_config('weft.scope', 'installation', true),
      set_config('statement_timeout', '0', true), set_config('idle_in_transaction_session_timeout', '0', true),
      set_config('datestyle', 'ISO, YMD', true), set_config('intervalstyle', 'postgres', true),
      set_config('timezone', 'UTC', true), set_config('bytea_output', 'hex', true), set_config('extra_float_digits', '1', true)`;
}

/**
 * Logins of people are not saved: one that was ended meanwhile would be good again.
 */
export const OMITTED_TABLES: readonly string[] = ['http_sessions'];
