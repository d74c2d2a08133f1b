import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ChildAssociation, ExplainedEntry, FailureReason, IkeEvent } from '@weft/ipsec-core/ike';
import type { ConnectionSpec } from './connection-spec.js';
import type { EdgeMessage, EdgeRequest } from './protocol.js';

/** What the edge process counts; octets are hexadecimal, 64-bit numbers decimal. */
export interface EdgeStatus {
  readonly drops: Readonly<Record<string, number>>;
  readonly associations: readonly ChildAssociation[];
  readonly packets: { readonly drops: readonly { readonly reason: string; readonly packets: string }[] };
  readonly ikes: readonly { readonly state: string; readonly history: readonly ExplainedEntry[] }[];
}

export type EdgeNews = Extract<EdgeMessage, { kind: 'event' | 'installed' | 'install-failed' }>;

/** Our end, a process in its namespace, and the conversation with it. */
export class Edge {
  readonly #child;
  readonly #answers = new Map<number, { resolve(result: never): void; reject(error: Error): void }>();
  #news: EdgeNews[] = [];
  #watchers: { readonly sees: (news: EdgeNews) => boolean; readonly resolve: (news: EdgeNews) => void }[] = [];
  #nextId = 1;
  readonly ready: Promise<void>;

  constructor(namespace: string, device: string, ...addresses: readonly string[]) {
    const script = fileURLToPath(new URL('./process.ts', import.meta.url));
    const node = [process.execPath, '--conditions=source', '--import', '@oxc-node/core/register', script];
    this.#child = spawn('ip', ['netns', 'exec', namespace, ...node, device, ...addresses], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: this.#child.stdout });
    this.ready = new Promise((resolve, reject) => {
      lines.on('line', (line) => this.#receive(JSON.parse(line) as EdgeMessage, resolve));
      this.#child.once('exit', (code) => {
        const error = new Error(`the edge process ended with code ${code}`);
        reject(error);
        for (const { reject: fail } of this.#answers.values()) fail(error);
      });
    });
  }

  /** A fresh engine with this one connection. What happened before is forgotten. */
  async configure(spec: ConnectionSpec): Promise<void> {
    await this.#ask({ kind: 'configure', spec });
    this.#news = [];
  }

  async command(command: string): Promise<void> {
    await this.#ask({ kind: 'command', command });
  }

  status(): Promise<EdgeStatus> {
    return this.#ask({ kind: 'status' });
  }

  /** Everything that happened since the configuration. */
  get news(): readonly EdgeNews[] {
    return this.#news;
  }

  /** The first event that fits, from the past or to come. Rejects after the named patience. */
  async event<K extends IkeEvent['kind']>(
    kinds: readonly K[],
    patience: number,
    from = 0,
  ): Promise<Extract<IkeEvent, { kind: K }>> {
    const sees = (news: EdgeNews) => news.kind === 'event' && (kinds as readonly string[]).includes(news.event.kind);
    const past = this.#news.slice(from).find(sees);
    const news = past ?? (await this.#next(sees, kinds.join(' or '), patience));
    if (news.kind !== 'event') throw new TypeError('the predicate lets events through only');
    return news.event as Extract<IkeEvent, { kind: K }>;
  }

  /** The first Child SA that was installed, or why there is none. Rejects after the named patience. */
  async childOutcome(patience: number, from = 0): Promise<FailureReason | undefined> {
    const sees = (news: EdgeNews) =>
      news.kind === 'installed' || (news.kind === 'event' && news.event.kind === 'child-failed');
    const past = this.#news.slice(from).find(sees);
    const news = past ?? (await this.#next(sees, 'Child SA', patience));
    return news.kind === 'event' && news.event.kind === 'child-failed' ? news.event.reason : undefined;
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }

  #next(sees: (news: EdgeNews) => boolean, what: string, patience: number): Promise<EdgeNews> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#watchers = this.#watchers.filter((other) => other !== watcher);
        reject(new Error(`no ${what} within ${patience} ms; there was: ${JSON.stringify(this.#news)}`));
      }, patience);
      const watcher = {
        sees,
        resolve: (news: EdgeNews) => {
          clearTimeout(timer);
          resolve(news);
        },
      };
      this.#watchers.push(watcher);
    });
  }

  #receive(message: EdgeMessage, ready: () => void): void {
    if (message.kind === 'ready') ready();
    else if (message.kind === 'answer') {
      const asked = this.#answers.get(message.id);
      this.#answers.delete(message.id);
      if (message.error === undefined) asked?.resolve(message.result as never);
      else asked?.reject(new Error(message.error));
    } else {
      this.#news.push(message);
      const seen = this.#watchers.filter((watcher) => watcher.sees(message));
      this.#watchers = this.#watchers.filter((watcher) => !seen.includes(watcher));
      for (const watcher of seen) watcher.resolve(message);
    }
  }

  #ask<T>(request: EdgeRequest): Promise<T> {
    const id = this.#nextId++;
    return new Promise<T>((resolve, reject) => {
      this.#answers.set(id, { resolve: resolve as (result: never) => void, reject });
      this.#child.stdin.write(`${JSON.stringify({ id, request })}\n`);
    });
  }
}
