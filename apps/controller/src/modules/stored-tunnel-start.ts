import type { SqlExecutor } from '../platform/database/connection-options.js';

/** When tunnels start, as JSON, of a row that has both columns; null: it does not say. */
export function tunnelStartJson(sql: SqlExecutor, table: ReturnType<SqlExecutor>) {
  return sql`case when ${table}.tunnel_start is not null then
    json_strip_nulls(json_build_object('kind', ${table}.tunnel_start, 'idleSeconds', ${table}.idle_seconds)) end`;
}
