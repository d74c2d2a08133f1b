import type { PathRehearsal } from './path-rehearsal.js';

/**
 * Keeps the packet path in the caches of the processor while packets come now and then. A few milliseconds without one are
 * enough for others to have filled the caches with theirs, and the next packet then takes three times as long (a round
 * trip through two edges 500 µs instead of 150). So for a while after a packet the way of one is gone every millisecond,
 * which costs 6 % of a processor (every 3 ms it costs no less, since each finds less in the caches); when nothing comes any
 * more the path sleeps. A path under load has no pauses to fill. A path that has just begun is gone as well, without its
 * being waited for: V8 compiles for good what has run some thousand times, and the first seconds of traffic would take
 * twice as long while that is being done with their packets.
 */
export class WarmPath {
  readonly #rehearsal: PathRehearsal;
  #coldAt: number;

  /** The path that begins at `now`. */
  constructor(rehearsal: PathRehearsal, now: number) {
    this.#rehearsal = rehearsal;
    this.#coldAt = now + COMPILING_MILLISECONDS;
  }

  /** Milliseconds after which `refresh` is to be called when nothing comes; Infinity: not before a packet has come. */
  longestWait(now: number): number {
    return now < this.#coldAt ? REFRESH_MILLISECONDS : Number.POSITIVE_INFINITY;
  }

  /** A packet has come. */
  used(now: number): void {
    this.#coldAt = Math.max(this.#coldAt, now + WARM_MILLISECONDS);
  }

  /** Nothing has come. Throws SelfTestError. */
  refresh(now: number): void {
    if (now < this.#coldAt) this.#rehearsal.echo();
  }

  close(): void {
    this.#rehearsal.close();
  }
}

/** As long as the pauses of somebody who types. */
const WARM_MILLISECONDS = 250;
const REFRESH_MILLISECONDS = 1;
/** Some thousand times the way of a packet. */
const COMPILING_MILLISECONDS = 4000;
