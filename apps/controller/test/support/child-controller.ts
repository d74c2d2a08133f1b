import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
export const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));

/** How to run the program from source: the words for node, and where. */
export const MAIN_ARGUMENTS = {
  words: ['-C', 'source', '--import', '@oxc-node/core/register', MAIN],
  cwd: ROOT,
} as const;

/** The controller as a process of its own, from source. Its log is kept line by line. */
export class ChildController {
  readonly process: ChildProcess;
  readonly log: Record<string, unknown>[] = [];
  /** Resolves with exit code or signal, when its whole log is read. */
  readonly exited: Promise<number | NodeJS.Signals>;
  readonly #ready: Promise<void>;

  constructor(environment: Readonly<Record<string, string>>) {
    this.process = spawn(process.execPath, MAIN_ARGUMENTS.words, {
      cwd: MAIN_ARGUMENTS.cwd,
      env: { PATH: process.env['PATH'] ?? '', ...environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.exited = once(this.process, 'close').then(([code, signal]) => signal ?? code);
    this.#ready = new Promise((resolve) => {
      if (this.process.stdout === null) return;
      createInterface({ input: this.process.stdout }).on('line', (line) => {
        const entry: Record<string, unknown> = JSON.parse(line);
        this.log.push(entry);
        if (entry['msg'] === 'controller ready') resolve();
      });
    });
  }

  /** Rejects when it ends before it is ready. */
  async ready(): Promise<this> {
    const ended = this.exited.then((how) => {
      throw new Error(`the controller ended (${how}):\n${this.log.map((line) => JSON.stringify(line)).join('\n')}`);
    });
    await Promise.race([this.#ready, ended]);
    return this;
  }

  /** Sends the signal and waits for the end; returns what it ended by. */
  end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals> {
    this.process.kill(signal);
    return this.exited;
  }
}
