import { openSync, readSync } from 'node:fs';
import { performance } from 'node:perf_hooks';

/**
 * How late a timer of one millisecond was at most: by the clock, and without what the machine is to blame for, since a bench does
 * not have it to itself. That is the time in which this thread could have run and another had its processor (`run_delay`, the
 * second number of /proc/thread-self/schedstat), or the time for which a loop that had nothing to do slept beyond its timer (what
 * libuv counts as idle): whichever is longer, as the two may overlap.
 */
export class LoopDelay {
  readonly #statistics = openSync('/proc/thread-self/schedstat', 'r');
  readonly #text = Buffer.alloc(128);
  #last = performance.now();
  #waited = this.#waiting();
  #slept = sleeping();
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
    this.#slept = sleeping();
  }

  #tick(): void {
    const [now, waited, slept] = [performance.now(), this.#waiting(), sleeping()];
    const late = Math.max(0, now - this.#last - RESOLUTION);
    const own = Math.max(0, late - Math.max(waited - this.#waited, slept - this.#slept - RESOLUTION));
    this.#longest = { byClock: Math.max(this.#longest.byClock, late), own: Math.max(this.#longest.own, own) };
    this.#last = now;
    this.#waited = waited;
    this.#slept = slept;
  }

  /** Milliseconds that the thread has waited for a processor since it began. */
  #waiting(): number {
    const length = readSync(this.#statistics, this.#text, 0, this.#text.length, 0);
    return Number(this.#text.toString('latin1', 0, length).split(' ')[1]) / 1e6;
  }
}

/** Milliseconds that the loop has waited for something to do since it began. */
function sleeping(): number {
  return performance.eventLoopUtilization().idle;
}

const RESOLUTION = 1;
