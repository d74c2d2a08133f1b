import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { LAB_TOPOLOGY, waitUntil } from '@weft/lab';

/** What a lab could leave behind on the machine that it ran on; what others do there at the same time is not in it. */
export interface MachineState {
  readonly namedNamespaces: readonly string[];
  readonly routes: string;
  readonly firewall: string;
  readonly temporaryFiles: readonly string[];
}

/** Reads everything that is compared before and after. */
export function readMachineState(): MachineState {
  return {
    namedNamespaces: listing('/run/netns').filter((name) => LAB_NAMESPACES.has(name)),
    routes: ['-4', '-6'].map((family) => output('ip', [family, 'route', 'show', 'table', 'all'])).join('\n'),
    firewall: output('nft', ['list', 'ruleset']),
    temporaryFiles: listing(tmpdir()).filter((name) => name.startsWith('weft-lab')),
  };
}

/** The sandbox of a lab, seen from the process that started it. */
export interface SandboxNamespaces {
  readonly user: string;
  readonly pid: string;
  readonly net: string;
  readonly mnt: string;
  /** Names of Postgres' shared memory inside, which would outlive a Postgres killed on the machine itself. */
  readonly sharedMemory: readonly string[];
}

/** The namespaces of the newest child of a process; undefined while it has none of its own. */
export function sandboxOf(outerPid: number): SandboxNamespaces | undefined {
  const own = namespaceOf(process.pid, 'net');
  for (const child of childrenOf(outerPid)) {
    const found = {
      user: namespaceOf(child, 'user'),
      pid: namespaceOf(child, 'pid_for_children'),
      net: namespaceOf(child, 'net'),
      mnt: namespaceOf(child, 'mnt'),
    };
    const { user, pid, net, mnt } = found;
    if (user !== undefined && pid !== undefined && net !== undefined && mnt !== undefined && net !== own) {
      const sharedMemory = listing(`/proc/${child}/root/dev/shm`).filter((name) => name.startsWith('PostgreSQL'));
      return { user, pid, net, mnt, sharedMemory };
    }
  }
  return undefined;
}

/** Which of these names exist in the machine's own shared memory. */
export function sharedMemoryOutside(names: readonly string[]): readonly string[] {
  return listing('/dev/shm').filter((name) => names.includes(name));
}

/** Processes that still live in one of these namespaces. */
export function processesIn(namespaces: SandboxNamespaces): readonly string[] {
  return processIds()
    .filter(
      (pid) =>
        namespaceOf(pid, 'pid') === namespaces.pid ||
        namespaceOf(pid, 'net') === namespaces.net ||
        namespaceOf(pid, 'mnt') === namespaces.mnt,
    )
    .map((pid) => `${pid} ${commandOf(pid)}`);
}

/** Resolves when no process lives in them any more. */
export async function untilGone(namespaces: SandboxNamespaces): Promise<void> {
  await waitUntil('Every process of the lab is gone', GONE_TIMEOUT_MILLISECONDS, async () => {
    const left = processesIn(namespaces);
    return left.length === 0 ? { value: undefined } : { problem: left.join('; ') };
  });
}

function childrenOf(pid: number): readonly number[] {
  return processIds().filter((candidate) => parentOf(candidate) === pid);
}

function processIds(): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function parentOf(pid: number): number | undefined {
  const status = orUndefined(() => readFileSync(`/proc/${pid}/status`, 'utf8'));
  const parent = /^PPid:\s+(\d+)$/m.exec(status ?? '')?.[1];
  return parent === undefined ? undefined : Number(parent);
}

function namespaceOf(pid: number, kind: string): string | undefined {
  return orUndefined(() => readlinkSync(`/proc/${pid}/ns/${kind}`));
}

function commandOf(pid: number): string {
  return (orUndefined(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ?? '').replaceAll('\0', ' ').trim();
}

function listing(directory: string): readonly string[] {
  return (orUndefined(() => readdirSync(directory)) ?? []).sort();
}

function output(command: string, args: readonly string[]): string {
  return (
    orUndefined(() => execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })) ?? ''
  );
}

/** Processes end and directories are missing while one looks: that is an answer too. */
function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

const GONE_TIMEOUT_MILLISECONDS = 30_000;
const LAB_NAMESPACES: ReadonlySet<string> = new Set([
  LAB_TOPOLOGY.routerNamespace,
  LAB_TOPOLOGY.controllerNamespace,
  ...LAB_TOPOLOGY.sites.flatMap((site) => [site.edgeNamespace, site.hostNamespace]),
]);
