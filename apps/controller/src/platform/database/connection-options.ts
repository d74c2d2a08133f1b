import postgres from 'postgres';

/** Types beyond the driver's own: int8 arrives as bigint, not as text. A type, as interfaces have no index signature. */
export type SqlTypes = { bigint: bigint };

/** What runs SQL: the pool or a transaction. Repositories take it as their first argument. */
export type SqlExecutor = postgres.ISql<SqlTypes>;

/** How to reach a server. */
export interface DatabaseLocation {
  /** `postgres://user:password@host:port/database`; libpq's `?host=/directory` names a Unix socket. */
  readonly url: string;
}

/** Opens a pool. Connects on first use, reconnects by itself. Column names are snake_case in SQL, camelCase here. */
export function openPool(location: DatabaseLocation, maximumConnections: number): postgres.Sql<SqlTypes> {
  const { url, path } = splitSocketDirectory(location.url);
  return postgres(url, {
    ...(path === undefined ? {} : { path }),
    max: maximumConnections,
    connect_timeout: CONNECT_TIMEOUT_SECONDS,
    keep_alive: KEEP_ALIVE_SECONDS,
    // The driver's own back-off grows to 20 s; a service that is asked all the time wants to know sooner.
    backoff: () => RECONNECT_SECONDS,
    connection: {
      application_name: 'weft-controller',
      statement_timeout: STATEMENT_TIMEOUT_MILLISECONDS,
      idle_in_transaction_session_timeout: IDLE_TRANSACTION_TIMEOUT_MILLISECONDS,
    },
    types: { bigint: postgres.BigInt },
    // Only columns: the driver's `camel` preset would also rewrite keys inside of JSON values.
    transform: { column: { from: postgres.toCamel, to: postgres.fromCamel } },
    onnotice: ignoreNotice,
  });
}

/** The driver takes a socket as an option only; libpq's spelling in the URL is what people know. */
function splitSocketDirectory(text: string): { url: string; path: string | undefined } {
  const url = new URL(text);
  const directory = url.searchParams.get('host');
  if (directory === null || !directory.startsWith('/')) return { url: text, path: undefined };
  url.searchParams.delete('host');
  const port = url.searchParams.get('port') ?? (url.port === '' ? '5432' : url.port);
  url.searchParams.delete('port');
  if (url.hostname === '') url.hostname = 'localhost';
  return { url: url.href, path: `${directory}/.s.PGSQL.${port}` };
}

/** Notices ("relation already exists, skipping") are for a person at psql. */
function ignoreNotice(): void {
  return;
}

const CONNECT_TIMEOUT_SECONDS = 5;
const KEEP_ALIVE_SECONDS = 15;
const RECONNECT_SECONDS = 0.25;
const STATEMENT_TIMEOUT_MILLISECONDS = 30_000;
const IDLE_TRANSACTION_TIMEOUT_MILLISECONDS = 30_000;
