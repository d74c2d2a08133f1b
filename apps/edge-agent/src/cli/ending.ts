import { AgentError, messageOf } from '../platform/agent-error.js';
import type { Log } from '../platform/log.js';

/** How a run ends: once, by a signal, by the first failure, or because another identity has taken over. */
export class Ending {
  readonly reached: Promise<void>;
  readonly #log: Log;
  readonly #signals: ReadonlyMap<NodeJS.Signals, () => void>;
  #code: number | undefined;
  #reach: () => void = () => undefined;

  constructor(log: Log) {
    this.#log = log;
    this.reached = new Promise((resolve) => {
      this.#reach = resolve;
    });
    this.#signals = new Map((['SIGTERM', 'SIGINT'] as const).map((signal) => [signal, () => this.#signalled(signal)]));
    for (const [signal, hear] of this.#signals) process.once(signal, hear);
  }

  /** With what the process ends; undefined when the agent begins anew. */
  get code(): number | undefined {
    return this.#code;
  }

  fail(error: unknown, story: string): void {
    const details = error instanceof AgentError ? { code: error.code, fix: error.fix } : {};
    this.#log.fatal({ ...details, reason: messageOf(error) }, story);
    this.#end(1);
  }

  beginAnew(): void {
    this.#reach();
  }

  /** Hears signals no longer. */
  release(): void {
    for (const [signal, hear] of this.#signals) process.removeListener(signal, hear);
  }

  #signalled(signal: NodeJS.Signals): void {
    this.#log.info({ signal }, 'edge stopping');
    this.#end(0);
  }

  #end(code: number): void {
    this.#code ??= code;
    this.#reach();
  }
}
