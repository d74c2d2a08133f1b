/** Lets `burst` things happen at once and `perSecond` of them in the long run. */
export class TokenBucket {
  readonly #perMillisecond: number;
  readonly #burst: number;
  #tokens: number;
  #at = Number.NEGATIVE_INFINITY;

  constructor(perSecond: number, burst: number) {
    this.#perMillisecond = perSecond / 1000;
    this.#burst = burst;
    this.#tokens = burst;
  }

  /** `now` in milliseconds; time that goes backwards adds nothing. */
  take(now: number): boolean {
    if (now > this.#at) {
      const earned = this.#at === Number.NEGATIVE_INFINITY ? 0 : (now - this.#at) * this.#perMillisecond;
      this.#tokens = Math.min(this.#burst, this.#tokens + earned);
      this.#at = now;
    }
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
