import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** Which core a process has to itself, as far as the machine goes along. */
export const CORE = { load: '1', responder: '0' } as const;

/** A program of this folder in a namespace: it prints "ready", then answers each line with one line of JSON. */
export class Answering {
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess) {
    if (child.stdout === null) throw new TypeError('The output is piped.');
    this.pid = child.pid ?? 0;
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  static async start(
    namespace: string,
    core: string,
    script: string,
    args: readonly string[],
    flags: readonly string[] = [],
  ): Promise<Answering> {
    const path = fileURLToPath(new URL(script, import.meta.url));
    const node = [process.execPath, '--expose-gc', ...flags, '--conditions=source', '--import', LOADER];
    const place = ['netns', 'exec', namespace, 'nice', '-n', PRIORITY, 'taskset', '-c', core];
    const started = new Answering(
      spawn('ip', [...place, ...node, path, ...args], { stdio: ['pipe', 'pipe', 'inherit'] }),
    );
    await started.#line();
    return started;
  }

  async ask<T>(question: string): Promise<T> {
    this.#child.stdin?.write(`${question}\n`);
    return JSON.parse(await this.#line()) as T;
  }

  /** Lets it end by itself, so that a profile is written. */
  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.stdin?.end();
    await ended;
  }

  async #line(): Promise<string> {
    const { done, value } = await this.#lines.next();
    if (done === true) throw new Error('a process of the bench ended before it answered');
    return value;
  }
}

/** Processor seconds that all threads of a process have had, user and system (/proc/PID/task/TID/schedstat). */
export function processorSeconds(pid: number): number {
  const tasks = readdirSync(`/proc/${pid}/task`);
  const nanoseconds = tasks.map((task) =>
    Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]),
  );
  return nanoseconds.reduce((sum, each) => sum + each, 0) / 1e9;
}

/** The same core and priority for a process that somebody else started. */
export function place(pid: number, core: string): void {
  execFileSync('taskset', ['-a', '-p', '-c', core, String(pid)], { stdio: 'ignore' });
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    execFileSync('renice', ['-n', PRIORITY, '-p', task], { stdio: 'ignore' });
  }
}

const LOADER = '@oxc-node/core/register';
/** Other work of the machine should disturb neither side. */
const PRIORITY = '-19';
