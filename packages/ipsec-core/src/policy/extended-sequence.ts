/**
 * The high half of a received sequence number (RFC 4303 appendix A2.2): the one that puts the number into the window,
 * or else above it. Returns -1 when no number of 64 bits fits, that is, before the first and after the last subspace.
 */
export function inferSequenceHigh(low: number, topHigh: number, topLow: number, window: number): number {
  if (topLow >= window - 1) {
    // The window lies within one subspace: numbers below its bottom belong to the next one.
    if (low >= topLow - window + 1) return topHigh;
    return topHigh === LAST_SUBSPACE ? -1 : topHigh + 1;
  }
  // The window spans two subspaces: its bottom lies near the end of the previous one.
  if (low >= topLow - window + 1 + TWO_32) return topHigh - 1;
  return topHigh;
}

/** A sender's 64-bit counter in two halves. The first packet carries 1 (RFC 4303 section 3.3.3). */
export class SequenceCounter {
  high = 0;
  low = 0;
  readonly #extended: boolean;

  constructor(extended: boolean) {
    this.#extended = extended;
  }

  /** Steps to the next number; false, and nothing changed, when the counter would cycle. */
  advance(): boolean {
    if (this.low < LAST_LOW) {
      this.low++;
      return true;
    }
    if (!this.#extended || this.high === LAST_SUBSPACE) return false;
    this.high++;
    this.low = 0;
    return true;
  }

  /** Continues from a given number, for an association that is taken over. */
  restore(high: number, low: number): void {
    this.high = high >>> 0;
    this.low = low >>> 0;
  }
}

const TWO_32 = 2 ** 32;
const LAST_LOW = 0xffffffff;
const LAST_SUBSPACE = 0xffffffff;
