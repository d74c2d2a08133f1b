import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { delimiter } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { searchPath, THIS_MACHINE } from './machine.js';
import { unshareArguments } from './namespaces.js';
import { SANDBOX_STATE_DIRECTORY, type SandboxCalls, type SandboxMessage, type SandboxMethod } from './protocol.js';
import { SandboxError } from './sandbox-error.js';

/** The private namespaces in which the whole lab lives. When this process ends, however it ends, they end with it. */
export interface Sandbox {
  /** Does one thing inside; rejects with a SandboxError. */
  call<M extends SandboxMethod>(method: M, params: SandboxCalls[M]['params']): Promise<SandboxCalls[M]['result']>;
  /** The path by which this process reaches a file inside, given its absolute path there. */
  outsidePath(insidePath: string): string;
  /** Resolves when the sandbox has ended, with what it wrote to standard error. */
  readonly ended: Promise<string>;
  /** Ends everything inside at once and resolves when nothing is left. */
  close(): Promise<void>;
}

export interface SandboxOptions {
  /** A process that was started inside has ended, asked for or not. */
  readonly onProcessExit?: (name: string, code: number | null, signal: string | null) => void;
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/**
 * Makes the namespaces and resolves when the program inside answers. Root makes them directly; anybody else inside a user
 * namespace. What the machine must have and allow for it, `missingRequirements` tells beforehand.
 *
 * Nothing here needs cleaning up afterwards: the kernel does it when the first process inside is gone, and that one dies
 * with this process (`--pdeathsig`, `--kill-child`, and the end of its standard input).
 */
export async function openSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const child = spawnInside();
  const connection = new Connection(child, options);
  await connection.ready;
  return {
    call: (method, params) => connection.call(method, params),
    outsidePath: (insidePath) => `/proc/${child.pid}/root${insidePath}`,
    ended: connection.ended,
    close: () => endSandbox(child, connection.ended),
  };
}

/**
 * `sh` is the first process: it collects the orphans of the namespace, which node would not. It is a session of its own
 * (`detached`), so that Ctrl-C reaches this process only, which then decides.
 */
function spawnInside(): Child {
  const program = ['sh', '-c', '"$@"; exit $?', 'sh', process.execPath, INNER_PROGRAM];
  const unshare = ['unshare', ...unshareArguments(THIS_MACHINE.isRoot), '--', ...program];
  return spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...unshare], {
    detached: true,
    env: { ...process.env, PATH: searchPath().join(delimiter), TMPDIR: `${SANDBOX_STATE_DIRECTORY}/tmp` },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

/**
 * The program inside ends when its standard input does, its namespace of processes with it, and `unshare` when that is empty:
 * whoever waits for it finds nothing left. Killing `unshare` first would leave the last one to be collected by others.
 */
async function endSandbox(child: Child, ended: Promise<string>): Promise<void> {
  child.stdin.end();
  const tooLate = setTimeout(() => child.kill('SIGKILL'), END_TIMEOUT_MILLISECONDS);
  await ended;
  clearTimeout(tooLate);
}

interface PendingCall {
  readonly resolve: (result: never) => void;
  readonly reject: (error: Error) => void;
}

class Connection {
  readonly ready: Promise<void>;
  readonly ended: Promise<string>;
  readonly #child: Child;
  readonly #options: SandboxOptions;
  readonly #calls = new Map<number, PendingCall>();
  #nextId = 1;
  #stderr = '';
  #closed = false;
  #onReady: () => void = () => undefined;

  constructor(child: Child, options: SandboxOptions) {
    this.#child = child;
    this.#options = options;
    child.stderr.on('data', (chunk: Buffer) => {
      this.#stderr = `${this.#stderr}${chunk}`.slice(-KEPT_STDERR);
    });
    child.stdin.on('error', () => undefined); // the sandbox has ended: `ended` says so to everyone waiting
    createInterface({ input: child.stdout }).on('line', (line) => this.#receive(JSON.parse(line) as SandboxMessage));
    this.ended = new Promise((resolve) => {
      child.on('error', (error) => {
        this.#stderr += error.message;
        resolve(this.#stderr);
      });
      child.on('close', () => resolve(this.#stderr));
    });
    this.ready = this.#whenReady();
    void this.ended.then(() => this.#abandonCalls());
  }

  call<M extends SandboxMethod>(method: M, params: SandboxCalls[M]['params']): Promise<SandboxCalls[M]['result']> {
    if (this.#closed) return Promise.reject(this.#gone());
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      this.#child.stdin.write(`${JSON.stringify({ id, method, params })}\n`);
    });
  }

  #whenReady(): Promise<void> {
    const ready = new Promise<void>((resolve) => {
      this.#onReady = resolve;
    });
    const failed = this.ended.then((stderr): never => {
      throw new SandboxError({ code: 'sandbox' }, `${NEVER_READY} ${stderr.trim()}`);
    });
    return Promise.race([ready, failed]);
  }

  #receive(message: SandboxMessage): void {
    switch (message.type) {
      case 'ready':
        this.#onReady();
        break;
      case 'exited':
        this.#options.onProcessExit?.(message.name, message.code, message.signal);
        break;
      case 'result':
        this.#take(message.id)?.resolve(message.result as never);
        break;
      case 'failure': {
        const { message: text, process } = message.failure;
        this.#take(message.id)?.reject(new SandboxError({ code: 'call', process }, text));
      }
    }
  }

  #take(id: number): PendingCall | undefined {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    return call;
  }

  #abandonCalls(): void {
    this.#closed = true;
    for (const { reject } of this.#calls.values()) reject(this.#gone());
    this.#calls.clear();
  }

  #gone(): SandboxError {
    return new SandboxError({ code: 'sandbox' }, `The lab has ended. ${this.#stderr.trim()}`.trim());
  }
}

const INNER_PROGRAM = fileURLToPath(new URL('../../dist/inner/main.js', import.meta.url));
const END_TIMEOUT_MILLISECONDS = 5_000;
const KEPT_STDERR = 16_384;
const NEVER_READY = 'The program inside the private namespaces of the lab ended before it was ready:';
