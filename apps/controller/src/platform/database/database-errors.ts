import postgres from 'postgres';

/**
 * Postgres cannot be reached, is shutting down, or refuses us. What was under way did not happen, save for a
 * COMMIT whose answer was lost: callers may repeat what they asked for if it is idempotent.
 */
export class DatabaseUnavailableError extends Error {
  override readonly name = 'DatabaseUnavailableError';
  readonly code = 'database_unavailable';

  /** @param reason what the driver or the server said: an errno, a driver code or an SQLSTATE */
  constructor(
    readonly reason: string,
    cause?: unknown,
  ) {
    super(`Postgres is unavailable (${reason}); try again later`, { cause });
  }
}

/** Turns an error of the driver that means "no database" into DatabaseUnavailableError; leaves every other as it is. */
export function translateDatabaseError(error: unknown): unknown {
  if (error instanceof DatabaseUnavailableError) return error;
  const reason = unavailableReason(error);
  return reason === undefined ? error : new DatabaseUnavailableError(reason, withoutArguments(error));
}

/** True when the error means that the connection is closed or about to be: the server ends it, or the socket has. */
export function isConnectionLoss(error: unknown): boolean {
  if (error instanceof DatabaseUnavailableError)
    return isConnectionLoss(error.cause) || CONNECTION_LOSS.test(error.reason);
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return false;
  return CONNECTION_LOSS.test(error.code);
}

function unavailableReason(error: unknown): string | undefined {
  if (error instanceof postgres.PostgresError) {
    return UNAVAILABLE_SQLSTATE.test(error.code) ? error.code : undefined;
  }
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  return UNAVAILABLE_CODES.has(error.code) ? error.code : undefined;
}

/** The driver hangs the query's arguments on its errors; they may be secrets and have no place in a log. */
function withoutArguments(error: unknown): Error {
  return new Error(error instanceof Error ? error.message : String(error));
}

/** Closed by the driver or the peer, or a FATAL of class 57P0x (administrator, crash, database dropped). */
const CONNECTION_LOSS = /^(?:CONNECTION_CLOSED|CONNECTION_DESTROYED|CONNECTION_ENDED|ECONNRESET|EPIPE|57P0[1-5])$/;

/** Codes of the socket and of the driver: the connection is not there (any more). */
const UNAVAILABLE_CODES: ReadonlySet<string> = new Set([
  'CONNECTION_CLOSED',
  'CONNECTION_DESTROYED',
  'CONNECTION_ENDED',
  'CONNECT_TIMEOUT',
  'EACCES',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
]);

/**
 * Classes 08 (connection), 28 (authorization), 53 (resources), 57P0x (shutdown, start), 3D000 (no such database),
 * 25006 (a standby answered).
 */
const UNAVAILABLE_SQLSTATE = /^(?:08...|28...|53...|57P0.|3D000|25006)$/;
