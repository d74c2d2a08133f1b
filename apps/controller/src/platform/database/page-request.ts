import type postgres from 'postgres';
import type { SqlExecutor } from './connection-options.js';

/** Types of columns that lists are sorted by. */
export type SortType = 'text' | 'uuid' | 'cidr' | 'timestamptz' | 'integer';

/** Some entries of a list: those behind the one that is sorted by these values, whether it is there or not. */
export interface PageRequest {
  readonly after?: readonly { readonly type: SortType; readonly value: string }[] | undefined;
  readonly limit: number;
}

type Fragment = postgres.PendingQuery<postgres.Row[]>;

/**
 * The end of a statement with a condition: continues, sorts and bounds it. It asks for one entry more than the page has, which says
 * whether there is another page. Without a page: all of them.
 * @param columns together no two entries have the same values of them
 */
export function pageEnd(
  sql: SqlExecutor,
  page: PageRequest | undefined,
  columns: readonly Fragment[],
  direction: 'ascending' | 'descending' = 'ascending',
): Fragment {
  const descending = direction === 'descending';
  const order = listed(
    sql,
    columns.map((column) => (descending ? sql`${column} desc` : column)),
  );
  if (page === undefined) return sql`order by ${order}`;
  const { after = [], limit } = page;
  const values = after.map(({ type, value }) => castOf(sql, type, value));
  const compare = descending ? sql`<` : sql`>`;
  const behind = values.length === 0 ? sql`` : sql`and (${listed(sql, columns)}) ${compare} (${listed(sql, values)})`;
  return sql`${behind} order by ${order} limit ${limit + 1}`;
}

/** As text first: the driver would make a Date of a time, which has milliseconds only. */
function castOf(sql: SqlExecutor, type: SortType, value: string): Fragment {
  const casts = {
    text: () => sql`${value}::text`,
    uuid: () => sql`${value}::text::uuid`,
    cidr: () => sql`${value}::text::cidr`,
    timestamptz: () => sql`${value}::text::timestamptz`,
    integer: () => sql`${value}::text::integer`,
  };
  return casts[type]();
}

function listed(sql: SqlExecutor, parts: readonly Fragment[]): Fragment {
  return sql`${parts.map((part, index) => (index === 0 ? part : sql`, ${part}`))}`;
}
