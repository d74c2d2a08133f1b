import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { unshareArguments } from './namespaces.js';

/** What the lab asks of the machine that it is to run on. */
export interface Machine {
  readonly isRoot: boolean;
  readonly tunDevice: 'usable' | 'closed' | 'absent';
  readonly hasIpv6: boolean;
  hasProgram(name: string): boolean;
  /** What a file of settings says; undefined when there is none. */
  setting(path: string): string | undefined;
  /** Makes, and thereby removes again, one of each kind of thing that the lab is made of. */
  probe(): ProbeResult;
}

export type ProbeResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly stage: ProbeStage; readonly said: string };

/** What the probe makes, in this order. */
export type ProbeStage = 'namespaces' | keyof typeof PROBE_STEPS;

/** This machine, looked at when asked. */
export const THIS_MACHINE: Machine = {
  isRoot: process.getuid?.() === 0,
  get tunDevice() {
    if (!existsSync(TUN_DEVICE)) return 'absent';
    return allows(TUN_DEVICE, constants.R_OK | constants.W_OK) ? 'usable' : 'closed';
  },
  get hasIpv6() {
    return existsSync('/proc/net/if_inet6');
  },
  hasProgram: (name) => searchPath().some((directory) => allows(join(directory, name), constants.X_OK)),
  setting: (path) => (existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined),
  probe: () => probe(THIS_MACHINE.isRoot),
};

/** Where programs are looked for: the PATH, with the sbin directories that users of a desktop often lack. */
export function searchPath(): readonly string[] {
  const given = (process.env['PATH'] ?? '').split(delimiter).filter((each) => each !== '');
  return [...new Set([...given, '/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'])];
}

function probe(isRoot: boolean): ProbeResult {
  const script = Object.entries(PROBE_STEPS).map(([stage, command]) => `echo ${stage} && ${command}`);
  const { error, status, stdout, stderr } = spawnSync(
    'unshare',
    [...unshareArguments(isRoot), '--', 'sh', '-c', script.join(' && ')],
    {
      encoding: 'utf8',
      env: { PATH: searchPath().join(delimiter), LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: PROBE_TIMEOUT_MILLISECONDS,
      killSignal: 'SIGKILL',
    },
  );
  if (status === 0) return { ok: true };
  const reached = stdout.trimEnd().split('\n').at(-1) as keyof typeof PROBE_STEPS | '';
  return { ok: false, stage: reached === '' ? 'namespaces' : reached, said: stderr.trim() || (error?.message ?? '') };
}

function allows(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

const TUN_DEVICE = '/dev/net/tun';
const PROBE_TIMEOUT_MILLISECONDS = 10_000;
const PROBE_STEPS = {
  mounts: 'mount -t tmpfs tmpfs /run && mkdir /run/netns',
  links: 'ip netns add peer && ip link add name probe type veth peer name probe netns peer',
  settings: 'echo 1 > /proc/sys/net/ipv4/ip_forward',
  tun: 'ip tuntap add dev tun0 mode tun',
} as const;
