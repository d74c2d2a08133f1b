/** Work that is done one after the other, in the order of asking. What fails stops nothing of what comes behind it. */
export class SerialQueue {
  readonly #limit: number;
  #last: Promise<unknown> = Promise.resolve();
  #length = 0;

  /** `limit`: pieces of work that may wait or be under way at a time. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Resolves or rejects as `work` does, which begins when everything before it has ended. RangeError: too much waits. */
  run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#length >= this.#limit) return Promise.reject(new RangeError(`more than ${this.#limit} requests wait`));
    this.#length++;
    const done = this.#last.then(work).finally(() => {
      this.#length--;
    });
    // Whoever asked hears of the failure; the next one only waits for the end.
    this.#last = done.catch(() => undefined);
    return done;
  }
}
