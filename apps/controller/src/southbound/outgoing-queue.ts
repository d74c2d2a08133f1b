/** The writing half of a stream: `write` says whether more may follow before `drain`. */
export interface MessageSink<T> {
  write(message: T, written: () => void): boolean;
  once(event: 'drain', listener: () => void): unknown;
}

/** Messages that wait for a slow reader: in order, bounded, written only when the stream wants more. */
export class OutgoingQueue<T> {
  readonly #sink: MessageSink<T>;
  readonly #overflow: () => void;
  readonly #waiting: { message: T; gone: () => void }[] = [];
  readonly #written = new Set<() => void>();
  #blocked = false;
  #closed = false;

  /** @param overflow called once when the reader falls too far behind; the queue is closed then */
  constructor(sink: MessageSink<T>, overflow: () => void) {
    this.#sink = sink;
    this.#overflow = overflow;
  }

  /** @param gone called exactly once: when the octets have left, or when they never will */
  push(message: T, gone: () => void): void {
    if (this.#closed) {
      gone();
      return;
    }
    this.#waiting.push({ message, gone });
    this.#flush();
    if (this.#waiting.length <= MAX_WAITING) return;
    this.close();
    this.#overflow();
  }

  close(): void {
    this.#closed = true;
    for (const { gone } of this.#waiting.splice(0)) gone();
    for (const gone of this.#written) gone();
    this.#written.clear();
  }

  #flush(): void {
    while (!this.#blocked && !this.#closed) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      const { message, gone } = next;
      this.#written.add(gone);
      const more = this.#sink.write(message, () => {
        if (this.#written.delete(gone)) gone();
      });
      if (more) continue;
      this.#blocked = true;
      this.#sink.once('drain', () => {
        this.#blocked = false;
        this.#flush();
      });
    }
  }
}

/** One command per tunnel, one bundle and the welcome may wait; more than twice that is a reader that does not read. */
const MAX_WAITING = 8192;
