import { addToCounter, TUNNEL_COUNTER } from './counter-memory.js';

/**
 * What the probes of one kind in one tunnel say of the way there and back: how long it takes, and how much of what is sent
 * comes to nothing. No IO and no clock: `now` is milliseconds of one monotonic clock, and everything is counted in the
 * counters of the tunnel, which outlive this.
 */
export class RoundTrips {
  readonly #tokens = new Uint32Array(MOST_OUT);
  readonly #sentAt = new Float64Array(MOST_OUT).fill(Number.NaN);
  readonly #counted = new Uint8Array(MOST_OUT);

  /** `passes`: the path is known to carry packets of that size, so that one without an answer was lost, there or back. */
  sent(token: number, now: number, passes: boolean, counters: Float64Array): void {
    const place = token % MOST_OUT;
    this.#tokens[place] = token;
    this.#sentAt[place] = now;
    this.#counted[place] = Number(passes);
    if (passes) addToCounter(counters, TUNNEL_COUNTER.roundTripProbes, 1);
  }

  /** An authentic answer. What was answered before, or was sent too long ago, says nothing. */
  answered(token: number, now: number, counters: Float64Array): void {
    const place = token % MOST_OUT;
    const sentAt = this.#sentAt[place] ?? Number.NaN;
    if (Number.isNaN(sentAt) || this.#tokens[place] !== token) return;
    this.#sentAt[place] = Number.NaN;
    if (this.#counted[place] === 1) addToCounter(counters, TUNNEL_COUNTER.roundTripAnswers, 1);
    counters[TUNNEL_COUNTER.roundTrip] = smoothed(counters[TUNNEL_COUNTER.roundTrip] ?? 0, now - sentAt);
  }
}

/** RFC 6298 section 2.3: "SRTT <- (1 - alpha) * SRTT + alpha * R'", with alpha = 1/8. In memory, 0 is no time at all. */
function smoothed(before: number, milliseconds: number): number {
  const measured = Math.max(milliseconds, LEAST_MILLISECONDS);
  return before === 0 ? measured : before + (measured - before) / 8;
}

/** Probes whose answer is waited for: a power of two, so that tokens that follow each other have places of their own. */
const MOST_OUT = 16;
/** Finer than any clock that is asked here. */
const LEAST_MILLISECONDS = 0.001;
