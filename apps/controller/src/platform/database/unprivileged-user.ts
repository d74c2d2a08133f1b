import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { PostgresStartError } from './postgres-start-error.js';

/** How to run a program that refuses to run as root, and that must not outlive us. */
export interface UnprivilegedUser {
  /** Words to put before the program's own. */
  readonly prefix: readonly string[];
  /** Identity to spawn with; the program's directories must belong to it. */
  readonly identity: { readonly uid: number; readonly gid: number } | undefined;
}

/**
 * Postgres refuses uid 0. As root it runs in a user namespace where root is mapped to nobody: it still is root's
 * process to the outside, so it can read a checkout under /root and owns files that root made. Where user
 * namespaces are off (many containers) it runs as nobody, which must then be able to reach its own binaries.
 */
export async function unprivilegedUser(): Promise<UnprivilegedUser> {
  if (process.getuid?.() !== 0) return { prefix: DIES_WITH_PARENT, identity: undefined };
  const namespace = ['unshare', '--user', `--map-user=${NOBODY}`, `--map-group=${NOBODY}`];
  if (await works([...namespace, 'true'])) {
    return { prefix: [...namespace, ...DIES_WITH_PARENT], identity: undefined };
  }
  if (await works([...DIES_WITH_PARENT, 'true'])) {
    return { prefix: DIES_WITH_PARENT, identity: { uid: NOBODY, gid: NOBODY } };
  }
  throw new PostgresStartError(
    'cannot_drop_root',
    'Postgres does not run as root and neither unshare nor setpriv (util-linux) works here; start the controller as another user or set DATABASE_URL',
  );
}

async function works(words: readonly string[]): Promise<boolean> {
  const [program, ...rest] = words;
  if (program === undefined) return false;
  try {
    await promisify(execFile)(program, rest, { timeout: PROBE_TIMEOUT_MILLISECONDS });
    return true;
  } catch {
    return false;
  }
}

/**
 * SIGINT is Postgres' fast shutdown. Without this a killed controller leaves an orphaned server that holds its data: the next one
 * would not come up. PR_SET_PDEATHSIG says nothing of a parent that has died before, so the shell looks once it is set.
 */
const DIES_WITH_PARENT: readonly string[] = [
  ...['setpriv', '--pdeathsig', 'INT'],
  ...['sh', '-c', 'test "$PPID" = "$0" && exec "$@"', String(process.pid)],
];
/** uid and gid of nobody/nogroup, present in every passwd file; initdb insists on an entry. */
const NOBODY = 65_534;
const PROBE_TIMEOUT_MILLISECONDS = 5_000;
