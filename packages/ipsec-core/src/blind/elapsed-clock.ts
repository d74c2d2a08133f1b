/**
 * Time that has passed for a tunnel, over restarts. A wall clock that is set back, or stands at its beginning after a restart, makes
 * no time go away: it merely stands still until the clock goes on.
 */
export class ElapsedClock {
  #elapsed: number;
  #last: number;

  /** With what was stored, or from the beginning. `last` is a reading of the wall clock, milliseconds. */
  constructor(elapsed: number, last: number) {
    this.#elapsed = elapsed;
    this.#last = last;
  }

  get elapsed(): number {
    return this.#elapsed;
  }

  get last(): number {
    return this.#last;
  }

  advance(now: number): void {
    this.#elapsed += Math.max(0, now - this.#last);
    this.#last = now;
  }

  /** When the wall clock will be there: a whole millisecond, and never one too early by a rounding error. */
  wallTimeOf(elapsed: number): number {
    return Math.ceil(this.#last + (elapsed - this.#elapsed));
  }
}
