import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import type { NamespacedProcess, Namespaces } from './namespaces.js';

/** From one packet to the next. */
export const PING_MILLISECONDS = 20;

/** Numbered packets from one address to another, without a pause, and their answers. */
export class NumberedPing {
  readonly #child: NamespacedProcess;
  readonly #lines: Interface;
  readonly #ended = new AbortController();
  #answers = 0;
  #last = 0;

  constructor(namespaces: Namespaces, namespace: string, from: string, to: string) {
    const args = ['-n', '-i', String(PING_MILLISECONDS / 1000), '-I', from, to];
    this.#child = namespaces.start(namespace, 'ping', args);
    this.#lines = createInterface({ input: this.#child.stdout });
    // Counted as they come: what was there before somebody asks for more is not more.
    this.#lines.on('line', (line) => this.#note(line));
    this.#lines.once('close', () => this.#ended.abort(new Error('ping ended')));
  }

  /** Waits for so many more answers. */
  async more(answers: number): Promise<void> {
    for (const enough = this.#answers + answers; this.#answers < enough; ) {
      await once(this.#lines, 'line', { signal: this.#ended.signal });
    }
  }

  /** Waits until everything before the last answer was answered: what went another way may come later. */
  async withoutGap(): Promise<void> {
    while (this.#answers < this.#last) await this.more(1);
  }

  /** @returns how many packets before the last one that was answered were not. */
  async stop(): Promise<number> {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
    return this.#last - this.#answers;
  }

  #note(line: string): void {
    const number = /icmp_seq=(\d+) ttl/.exec(line)?.[1];
    if (number === undefined) return;
    this.#answers++;
    this.#last = Math.max(this.#last, Number(number));
  }
}
