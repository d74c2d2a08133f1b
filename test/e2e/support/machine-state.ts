import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';

/** What a lab could leave behind on the machine that it ran on. */
export interface MachineState {
  readonly namedNamespaces: readonly string[];
  readonly routes: string;
  readonly firewall: string;
  readonly temporaryFiles: readonly string[];
  readonly sharedMemory: readonly string[];
}

/** Reads everything that is compared before and after. */
export function readMachineState(): MachineState {
  return {
    namedNamespaces: listing('/run/netns'),
    routes: ['-4', '-6'].map((family) => output('ip', [family, 'route', 'show', 'table', 'all'])).join('\n'),
    firewall: output('nft', ['list', 'ruleset']),
    temporaryFiles: listing(tmpdir()).filter((name) => name.startsWith('weft-lab')),
    sharedMemory: listing('/dev/shm').filter((name) => name.startsWith('PostgreSQL')),
  };
}

/** The namespaces that the sandbox of a lab lives in, seen from the process that started it. */
export interface SandboxNamespaces {
  readonly pid: string;
  readonly net: string;
  readonly mnt: string;
}

/** The namespaces of the newest child of a process; undefined while it has none of its own. */
export function sandboxOf(outerPid: number): SandboxNamespaces | undefined {
  const own = namespaceOf(process.pid, 'net');
  for (const child of childrenOf(outerPid)) {
    const found = {
      pid: namespaceOf(child, 'pid_for_children'),
      net: namespaceOf(child, 'net'),
      mnt: namespaceOf(child, 'mnt'),
    };
    if (found.pid !== undefined && found.net !== undefined && found.mnt !== undefined && found.net !== own) {
      return { pid: found.pid, net: found.net, mnt: found.mnt };
    }
  }
  return undefined;
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
