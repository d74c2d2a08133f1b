import { openSync, readSync } from 'node:fs';
import { performance } from 'node:perf_hooks';

/**
 * How late a timer of one millisecond was at most: by the clock, and without the time in which this thread could have run
 * and another had its processor (`run_delay`, the second number of /proc/thread-self/schedstat), since a bench does not
 * have its machine to itself.
 */
export class LoopDelay {
  readonly #statistics = openSync('/proc/thread-self/schedstat', 'r');
  readonly #text = Buffer.alloc(128);
  #last = performance.now();
  #waited = this.#waiting();
  #longest = { byClock: 0, own: 0 };

  constructor() {
    setInterval(() => this.#tick(), RESOLUTION).unref();
  }

  /** Milliseconds, since it was asked last. */
  take(): { readonly byClock: number; readonly own: number } {
    const longest = this.#longest;
    this.#longest = { byClock: 0, own: 0 };
    return longest;
  }

  /** What follows was caused by the bench itself. */
  forget(): void {
    this.#last = performance.now();
    this.#waited = this.#waiting();
  }

  #tick(): void {
    const [now, waited] = [performance.now(), this.#waiting()];
    const late = Math.max(0, now - this.#last - RESOLUTION);
    const own = Math.max(0, late - (waited - this.#waited));
    this.#longest = { byClock: Math.max(this.#longest.byClock, late), own: Math.max(this.#longest.own, own) };
    this.#last = now;
    this.#waited = waited;
  }

  /** Milliseconds that the thread has waited for a processor since it began. */
  #waiting(): number {
    const length = readSync(this.#statistics, this.#text, 0, this.#text.length, 0);
    return Number(this.#text.toString('latin1', 0, length).split(' ')[1]) / 1e6;
  }
}

const RESOLUTION = 1;
