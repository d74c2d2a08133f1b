import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { SignedBundle } from '@weft/contracts/southbound';
import { BundleStore } from '../../src/control/bundle-store.js';
import type { StoredIdentity } from '../../src/identity/identity.js';
import { storeIdentity } from '../../src/identity/identity-store.js';
import { StateDirectory } from '../../src/platform/state-directory.js';
import { defaultStateKeyFile, StateKey } from '../../src/platform/state-key.js';
import { typescript } from './edge-harness.js';
import type { NamespacedProcess, Namespaces } from './namespaces.js';

/** A line of the agent's log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string; readonly level: string };

/** `weft-edge` itself in a namespace, with a state directory of its own. */
export class AgentProcess {
  readonly stateDir: string;
  /** Imported ahead of the agent. */
  preload: URL | undefined;
  /** What Node runs: the sources, unless something else is said. */
  program: readonly string[] = typescript('../../src/main.ts');
  readonly #namespaces: Namespaces;
  readonly #namespace: string;
  #child: NamespacedProcess | undefined;
  #lines: LogLine[] = [];
  #waiting: (() => void)[] = [];

  private constructor(namespaces: Namespaces, namespace: string, stateDir: string) {
    this.#namespaces = namespaces;
    this.#namespace = namespace;
    this.stateDir = stateDir;
  }

  /** With what enrollment leaves behind, and the last bundle where there is one. */
  static async prepare(
    namespaces: Namespaces,
    namespace: string,
    stateDir: string,
    identity: StoredIdentity,
    bundle?: SignedBundle,
  ): Promise<AgentProcess> {
    mkdirSync(path.dirname(stateDir), { recursive: true });
    const state = await StateDirectory.open(stateDir);
    await storeIdentity(state, identity);
    if (bundle !== undefined) {
      await new BundleStore(state, await StateKey.open(defaultStateKeyFile(stateDir))).keep(bundle);
    }
    return new AgentProcess(namespaces, namespace, stateDir);
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error('the agent does not run');
    return this.#child.pid;
  }

  /** Starts it. @returns when it has said one of these messages. */
  async run(until: RegExp, flags: readonly string[] = []): Promise<LogLine> {
    this.start(flags);
    return this.said(until);
  }

  /** Starts it. @returns when it has written so many lines. */
  async runUntilLine(count: number): Promise<void> {
    this.start();
    while (this.#lines.length < count) {
      if (this.#child === undefined) throw new Error(`the agent ended: ${JSON.stringify(this.#lines.slice(-5))}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Starts it. */
  start(flags: readonly string[] = []): void {
    this.#lines = [];
    const args = ['run', '--state-dir', this.stateDir, '--log-level', 'debug', ...flags];
    const child = this.#namespaces.start(this.#namespace, process.execPath, [
      ...(this.preload === undefined ? [] : importing(this.preload)),
      ...this.program,
      ...args,
    ]);
    this.#child = child;
    createInterface({ input: child.stdout }).on('line', (line) => {
      // What is killed may not have ended its last line.
      if (this.#child !== child || !line.endsWith('}')) return;
      this.#lines.push(JSON.parse(line) as LogLine);
      for (const wake of this.#waiting.splice(0)) wake();
    });
    child.once('exit', () => {
      if (this.#child === child) this.#child = undefined;
      for (const wake of this.#waiting.splice(0)) wake();
    });
  }

  /** The first line with such a message, of this run. Rejects when it ends without. */
  async said(message: RegExp): Promise<LogLine> {
    for (;;) {
      const found = this.#lines.find(({ msg }) => message.test(msg));
      if (found !== undefined) return found;
      if (this.#child === undefined) throw new Error(`the agent ended: ${JSON.stringify(this.#lines.slice(-5))}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Sends it a signal as soon as it has said this. @returns false when it ended before. */
  async signal(signal: NodeJS.Signals, message: RegExp): Promise<boolean> {
    for (;;) {
      if (this.#child === undefined) return false;
      if (this.#lines.some(({ msg }) => message.test(msg))) return this.#child.kill(signal);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Waits until it has ended by itself. */
  async ended(): Promise<void> {
    while (this.#child !== undefined) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  get log(): readonly LogLine[] {
    return this.#lines;
  }

  /** Runs another command of it to its end. @returns what it printed. */
  command(...words: readonly string[]): string {
    const program = [...typescript('../../src/main.ts'), ...words, '--state-dir', this.stateDir];
    return this.#namespaces.run(this.#namespace, process.execPath, program);
  }

  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  }

  /** Ends it, and leaves something else in a file of its state directory. */
  damage(file: string, content: Uint8Array): void {
    writeFileSync(path.join(this.stateDir, file), content);
  }
}

/** Arguments of Node: the loader of TypeScript has to be there first. */
export function importing(module: URL): string[] {
  return ['--import', '@oxc-node/core/register', '--import', module.href];
}
