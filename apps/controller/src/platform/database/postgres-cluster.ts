import { execFile } from 'node:child_process';
import { access, chown, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { PostgresBinaries } from './postgres-binaries.js';
import { PostgresStartError } from './postgres-start-error.js';
import type { UnprivilegedUser } from './unprivileged-user.js';

/** Superuser of a cluster of ours; the socket's directory (0700) is what guards it. */
export const CLUSTER_USER = 'weft';

/** Makes the cluster in `data` if there is none. Whole or not at all: it is made aside and renamed. */
export async function ensureCluster(binaries: PostgresBinaries, data: string, user: UnprivilegedUser): Promise<void> {
  if (await exists(join(data, 'PG_VERSION'))) return;
  await removeUnfinished(data);
  const fresh = await mkdtemp(`${data}${UNFINISHED}`);
  if (user.identity !== undefined) await chown(fresh, user.identity.uid, user.identity.gid);
  const [program = binaries.initdb, ...words] = [
    ...user.prefix,
    binaries.initdb,
    ...['--pgdata', fresh],
    ...['--username', CLUSTER_USER],
    ...['--auth', 'trust'],
    ...['--encoding', 'UTF8'],
    ...['--locale', 'C.UTF-8'],
    '--no-instructions',
  ];
  try {
    await promisify(execFile)(program, words, {
      cwd: '/',
      env: postgresEnvironment(binaries),
      timeout: INITDB_TIMEOUT_MILLISECONDS,
      ...(user.identity ?? {}),
    });
  } catch (error) {
    const output = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : String(error);
    throw new PostgresStartError('initdb_failed', `initdb could not make a cluster in ${fresh}`, output);
  }
  await rename(fresh, data);
}

/** A small environment of our own: ours may hold secrets, and variables that change what Postgres does. */
export function postgresEnvironment(binaries: PostgresBinaries): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
    LC_ALL: 'C.UTF-8',
    ...(binaries.libraryPath === undefined ? {} : { LD_LIBRARY_PATH: binaries.libraryPath }),
  };
}

/**
 * What an initdb of a controller that was killed has left. It may still be about to end, and to remove what it has made itself;
 * therefore each works in a directory of its own.
 */
async function removeUnfinished(data: string): Promise<void> {
  const begins = `${basename(data)}${UNFINISHED}`;
  for (const entry of await readdir(dirname(data))) {
    if (!entry.startsWith(begins)) continue;
    await rm(join(dirname(data), entry), { recursive: true, force: true, maxRetries: REMOVAL_RETRIES });
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

const UNFINISHED = '.new-';
/** While somebody still writes there. */
const REMOVAL_RETRIES = 10;
const INITDB_TIMEOUT_MILLISECONDS = 120_000;
