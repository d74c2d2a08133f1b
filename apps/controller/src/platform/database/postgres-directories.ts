import { createHash } from 'node:crypto';
import { chmod, chown, lstat, mkdir, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { UNIX_PATH_MAXIMUM_OCTETS } from '../../config/listen-address.js';
import { PostgresStartError } from './postgres-start-error.js';
import type { UnprivilegedUser } from './unprivileged-user.js';

/** Where a server of ours keeps its things. */
export interface PostgresDirectories {
  /** The cluster; one a major version, because a server opens only its own. */
  readonly data: string;
  readonly socket: string;
}

/**
 * Makes what a server needs below `base`: 0700 and the user's own. Throws PostgresStartError when only a cluster of
 * another major version is there: starting empty beside it would look like the loss of everything.
 */
export async function preparePostgresDirectories(
  base: string,
  majorVersion: number,
  user: UnprivilegedUser,
): Promise<PostgresDirectories> {
  await mkdir(base, { recursive: true, mode: 0o700 });
  if (user.identity !== undefined) {
    await chown(base, user.identity.uid, user.identity.gid);
    // Somebody who is neither root nor owner must be able to pass through; what is secret beside it is 0700 itself.
    await chmod(dirname(base), 0o711);
  }
  const name = `data-${majorVersion}`;
  const clusters = (await readdir(base)).filter((entry) => /^data-\d+$/.test(entry));
  if (clusters.length > 0 && !clusters.includes(name)) {
    throw new PostgresStartError(
      'other_major_version',
      `${base} holds ${clusters.join(', ')} but this is Postgres ${majorVersion}; start with the old version, move the data with --backup and --restore, or use another WEFT_DATA_DIR`,
    );
  }
  return { data: join(base, name), socket: await socketDirectory(base, user) };
}

/** Leaves nothing in the system's temporary directory; below the data directory the next start uses it again. */
export async function removeSocketDirectory({ data, socket }: PostgresDirectories): Promise<void> {
  if (dirname(socket) !== dirname(data)) await rm(socket, { recursive: true, force: true });
}

/** Below `base` unless that makes the path of the socket too long; then below the system's temporary directory. */
async function socketDirectory(base: string, user: UnprivilegedUser): Promise<string> {
  const inside = join(base, 's');
  const fits = Buffer.byteLength(join(inside, SOCKET_LOCK_FILE)) <= UNIX_PATH_MAXIMUM_OCTETS;
  // A name made from `base` and not a random one: a controller that was killed leaves one directory, not a heap.
  const digest = createHash('sha256').update(base).digest('hex').slice(0, 16);
  const directory = fits ? inside : join(tmpdir(), `weft-postgres-${digest}`);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const uid = user.identity?.uid ?? process.getuid?.();
  if (user.identity !== undefined) await chown(directory, user.identity.uid, user.identity.gid);
  // In a shared directory somebody else may have made it first.
  const status = await lstat(directory);
  if (!status.isDirectory() || status.uid !== uid || (status.mode & 0o077) !== 0) {
    throw new PostgresStartError(
      'socket_directory',
      `${directory} must be a directory of user ${uid} with mode 0700; remove it and start again`,
    );
  }
  return directory;
}

/** The longest name that Postgres makes there. */
const SOCKET_LOCK_FILE = '.s.PGSQL.5432.lock';
