import type { PathRehearsal } from './path-rehearsal.js';

/**
 * Keeps the packet path in the caches of the processor while packets come now and then. A few milliseconds without one are
 * enough for others to have filled the caches with theirs, and the next packet then takes three times as long (a round
 * trip through two edges 500 µs instead of 150). So for a while after a packet the way of one is gone every few
 * milliseconds, which costs 4 % of a processor; when nothing comes any more the path sleeps. A path under load has no
 * pauses to fill.
 */
export class WarmPath {
  readonly #rehearsal: PathRehearsal;
  #coldAt = Number.NEGATIVE_INFINITY;

  constructor(rehearsal: PathRehearsal) {
    this.#rehearsal = rehearsal;
  }

  /** Milliseconds after which `refresh` is to be called when nothing comes; Infinity: not before a packet has come. */
  longestWait(now: number): number {
    return now < this.#coldAt ? REFRESH_MILLISECONDS : Number.POSITIVE_INFINITY;
  }

  /** A packet has come. */
  used(now: number): void {
    this.#coldAt = now + WARM_MILLISECONDS;
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
const REFRESH_MILLISECONDS = 3;
