import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ProbeResult, TrafficRequest } from './process.js';

/** A host behind one end of the tunnel: a process in its namespace that echoes, and sends on request. */
export class TrafficEnd {
  readonly namespace: string;
  readonly host: string;
  readonly ready: Promise<void>;
  readonly #child;
  readonly #answers = new Map<number, { resolve(result: never): void; reject(error: Error): void }>();
  #nextId = 1;

  constructor(namespace: string, host: string) {
    this.namespace = namespace;
    this.host = host;
    const script = fileURLToPath(new URL('./process.ts', import.meta.url));
    const node = [process.execPath, '--import', '@oxc-node/core/register', script];
    this.#child = spawn('ip', ['netns', 'exec', namespace, ...node], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: this.#child.stdout });
    this.ready = new Promise((resolve) => {
      lines.on('line', (line) => (line === 'ready' ? resolve() : this.#receive(line)));
    });
  }

  /** The same host by another of its addresses. */
  at(host: string): Pick<TrafficEnd, 'namespace' | 'host'> {
    return { namespace: this.namespace, host };
  }

  async startProbes(destination: string, interval: number, source = this.host): Promise<void> {
    await this.#ask({ kind: 'start-probes', source, destination, interval });
  }

  /** Resolves when so many more have come back. Rejects when they do not in time. */
  async awaitProbes(count: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`fewer than ${count} probes came back within ${PATIENCE} ms`)),
        PATIENCE,
      );
    });
    await Promise.race([this.#ask({ kind: 'await-probes', count }), late]).finally(() => clearTimeout(timer));
  }

  /** Those that are missing get `patience` milliseconds; none, where some may have been lost. */
  stopProbes(patience: number): Promise<ProbeResult> {
    return this.#ask({ kind: 'stop-probes', patience });
  }

  stream(destination: string, octets: number, source = this.host): Promise<boolean> {
    return this.#ask({ kind: 'stream', source, destination, octets });
  }

  #receive(line: string): void {
    const { id, result, error } = JSON.parse(line) as { id: number; result?: unknown; error?: string };
    const asked = this.#answers.get(id);
    this.#answers.delete(id);
    if (error === undefined) asked?.resolve(result as never);
    else asked?.reject(new Error(error));
  }

  #ask<T>(request: TrafficRequest): Promise<T> {
    const id = this.#nextId++;
    return new Promise<T>((resolve, reject) => {
      this.#answers.set(id, { resolve: resolve as (result: never) => void, reject });
      this.#child.stdin.write(`${JSON.stringify({ id, request })}\n`);
    });
  }
}

const PATIENCE = 30_000;
