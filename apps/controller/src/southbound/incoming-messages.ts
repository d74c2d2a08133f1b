import type { Readable } from 'node:stream';

/**
 * The reading half of a stream, one message at a time: nothing is read ahead while a message is worked in. Unlike the
 * stream's own iterator it never destroys the stream, so that a status can still leave after an error.
 */
export class IncomingMessages<T> {
  readonly #stream: Readable;
  readonly #read: T[] = [];
  #wake: (() => void) | undefined;
  #over = false;

  constructor(stream: Readable) {
    this.#stream = stream;
    stream.on('data', (message: T) => {
      stream.pause();
      this.#read.push(message);
      this.#wake?.();
    });
    for (const event of ['end', 'cancelled', 'error', 'close']) {
      stream.on(event, () => {
        this.#over = true;
        this.#wake?.();
      });
    }
    stream.pause();
  }

  /** The next message; undefined when the stream is over, whoever ended it. One call at a time. */
  async next(): Promise<T | undefined> {
    for (;;) {
      const message = this.#read.shift();
      if (message !== undefined) return message;
      if (this.#over) return undefined;
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#stream.resume();
      await woken;
    }
  }
}
