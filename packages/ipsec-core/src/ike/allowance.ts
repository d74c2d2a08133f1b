/** So many at once, and then so many a second: what strangers can make us send, or do. */
export class Allowance {
  readonly #burst: number;
  readonly #perSecond: number;
  #left: number;
  #since = Number.NEGATIVE_INFINITY;

  constructor(burst: number, perSecond: number) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#left = burst;
  }

  /** Takes one, if there is one left. */
  take(now: number): boolean {
    if (now > this.#since) {
      const earned = Number.isFinite(this.#since) ? ((now - this.#since) / 1000) * this.#perSecond : 0;
      this.#left = Math.min(this.#burst, this.#left + earned);
      this.#since = now;
    }
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
