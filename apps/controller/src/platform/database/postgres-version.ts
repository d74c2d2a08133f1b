import { PostgresStartError } from './postgres-start-error.js';

/** What Debian's oldest supported release has; the SQL of this controller is tested on it and on the embedded one. */
export const OLDEST_MAJOR_VERSION = 15;

/**
 * Throws PostgresStartError for a server that is too old.
 * @param versionNumber `server_version_num`: major version times 10000 plus the minor one
 * @param server for the message; no credentials
 */
export function checkServerVersion(versionNumber: number, server: string): void {
  if (versionNumber >= OLDEST_MAJOR_VERSION * MAJOR) return;
  const version = `${Math.floor(versionNumber / MAJOR)}.${versionNumber % MAJOR}`;
  throw new PostgresStartError(
    'too_old',
    `${server}: the server there is Postgres ${version}; version ${OLDEST_MAJOR_VERSION} or later is needed`,
  );
}

const MAJOR = 10_000;
