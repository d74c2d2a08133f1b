/** How often a peer is asked whether it answers, and what is made of it when it does not. */
export interface LivenessBounds {
  /** Milliseconds from one probe to the next. */
  readonly interval: number;
  /** Probes in a row that go unanswered when the peer is held for dead. A round trip must not take longer than all of them. */
  readonly misses: number;
}

/** `unknown`: nothing has been found yet. */
export type PathLivenessState = 'unknown' | 'alive' | 'dead';

/**
 * Whether a peer answers inside an association: both of them are there, and the path carries packets there and back. RFC 7296
 * section 2.4 has "receipt of a fresh cryptographically protected message" prove liveness; the exchange that it asks for
 * otherwise takes minutes to fail, and says nothing of the way that ESP takes. No IO and no clock: `now` is milliseconds of one
 * monotonic clock.
 *
 * What counts are probes, not time: a process that did not run for a while has sent none, and concludes nothing.
 */
export class PathLiveness {
  readonly #bounds: LivenessBounds;
  #state: PathLivenessState = 'unknown';
  /** Number of the probe sent last, and of the last one before the peer was heard of. Both modulo 2^32. */
  #sent: number;
  #answered: number;
  #pollAt = 0;

  /** `firstToken`: any 32-bit number that a predecessor has probably not used. */
  constructor(bounds: LivenessBounds, firstToken: number) {
    this.#bounds = bounds;
    this.#sent = firstToken >>> 0;
    this.#answered = this.#sent;
  }

  get state(): PathLivenessState {
    return this.#state;
  }

  /** When the next probe is due. */
  get pollAt(): number {
    return this.#pollAt;
  }

  /** The token of a probe that is to be sent now; undefined: none is. */
  poll(now: number): number | undefined {
    if (now < this.#pollAt) return undefined;
    if (this.#outstanding >= this.#bounds.misses) this.#state = 'dead';
    this.#pollAt = now + this.#bounds.interval;
    this.#sent = (this.#sent + 1) >>> 0;
    return this.#sent;
  }

  /** An authentic answer. One to a probe that was given up, or that never was, says nothing. */
  acknowledge(token: number): void {
    const age = (this.#sent - token) >>> 0;
    if (age >= this.#outstanding || age >= this.#bounds.misses) return;
    this.#answered = token >>> 0;
    this.#state = 'alive';
  }

  /** There is nothing to ask through: what was found is of no use any more, and probes that are out will not be answered. */
  forget(): void {
    this.#state = 'unknown';
    this.#answered = this.#sent;
    this.#pollAt = 0;
  }

  get #outstanding(): number {
    return (this.#sent - this.#answered) >>> 0;
  }
}
