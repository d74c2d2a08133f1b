import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';

/** A program in a namespace; its complaints go to ours. */
export type NamespacedProcess = ChildProcessByStdio<Writable, Readable, null>;

/** Why network namespaces cannot be used here; `undefined` when they can. */
export function namespacesUnavailable(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root to make network namespaces and TUN devices';
  if (!existsSync('/dev/net/tun')) return 'needs /dev/net/tun (load the tun module)';
  try {
    execFileSync('ip', ['-V'], { stdio: 'ignore' });
    execFileSync('unshare', ['-n', 'true'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'needs iproute2 and the right to make network namespaces';
  }
}

/** Whether a namespace can have a packet filter. */
export function hasNft(): boolean {
  try {
    execFileSync('unshare', ['-n', 'nft', 'list', 'ruleset'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Network namespaces with a prefix of their own, and the processes in them; `close` leaves nothing behind. */
export class Namespaces {
  readonly #prefix: string;
  readonly #names: string[] = [];
  readonly #children = new Set<NamespacedProcess>();

  constructor(purpose: string) {
    this.#prefix = `weft-${purpose}-${process.pid}`;
  }

  /** Makes a namespace with its loopback up. @returns its system-wide name. */
  add(name: string): string {
    const full = `${this.#prefix}-${name}`;
    execFileSync('ip', ['netns', 'add', full]);
    this.#names.push(full);
    this.ip(full, 'link set lo up');
    return full;
  }

  /** Connects two namespaces with a veth pair. */
  connect(a: string, aDevice: string, b: string, bDevice: string): void {
    execFileSync('ip', ['-n', a, 'link', 'add', aDevice, 'type', 'veth', 'peer', 'name', bDevice, 'netns', b]);
    this.ip(a, `link set ${aDevice} up`);
    this.ip(b, `link set ${bDevice} up`);
  }

  /** Runs `ip` in a namespace. */
  ip(namespace: string, command: string): string {
    return execFileSync('ip', ['-n', namespace, ...command.split(' ')], { encoding: 'utf8' });
  }

  /** Runs a program in a namespace to its end. @returns what it printed. Throws when it fails, or does not end. */
  run(namespace: string, program: string, args: readonly string[]): string {
    const options = { encoding: 'utf8', timeout: LONGEST_RUN_MILLISECONDS, killSignal: 'SIGKILL' } as const;
    return execFileSync('ip', ['netns', 'exec', namespace, program, ...args], options);
  }

  /** Starts a program in a namespace. */
  start(namespace: string, program: string, args: readonly string[]): NamespacedProcess {
    const child = spawn('ip', ['netns', 'exec', namespace, program, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    return child;
  }

  /** Ends the processes and removes the namespaces. */
  async close(): Promise<void> {
    await Promise.all(
      [...this.#children].map(
        (child) =>
          new Promise<void>((resolve) => {
            child.once('exit', () => resolve());
            child.kill('SIGKILL');
          }),
      ),
    );
    for (const name of this.#names.splice(0)) execFileSync('ip', ['netns', 'delete', name]);
  }
}

/** The runner's own time limits do not reach somebody who waits like this: it ends before them. */
const LONGEST_RUN_MILLISECONDS = 150_000;
