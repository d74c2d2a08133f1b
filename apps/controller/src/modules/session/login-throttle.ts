/**
 * Counts failed attempts by key (an address, a user name). A key that has used up its attempts waits until the
 * oldest of them is forgotten. Bounded: when too many keys are known, the one that failed longest ago is forgotten.
 */
export class LoginThrottle {
  readonly #failures = new Map<string, number[]>();
  readonly #limit: number;
  readonly #windowMilliseconds: number;
  readonly #maximumKeys: number;

  constructor(limit: number, windowMilliseconds: number, maximumKeys: number) {
    this.#limit = limit;
    this.#windowMilliseconds = windowMilliseconds;
    this.#maximumKeys = maximumKeys;
  }

  /** Milliseconds until the key may try again; 0 when it may now. */
  waitMilliseconds(key: string, now: number): number {
    const recent = this.#recent(key, now);
    const oldest = recent[0];
    return oldest === undefined || recent.length < this.#limit ? 0 : oldest + this.#windowMilliseconds - now;
  }

  failed(key: string, now: number): void {
    const recent = [...this.#recent(key, now), now].slice(-this.#limit);
    // Behind the others: a Map remembers the order of insertion.
    this.#failures.delete(key);
    this.#failures.set(key, recent);
    if (this.#failures.size > this.#maximumKeys) {
      const [oldest] = this.#failures.keys();
      if (oldest !== undefined) this.#failures.delete(oldest);
    }
  }

  /** The failure that was counted at `at` was none. */
  withdrawn(key: string, at: number): void {
    const failures = this.#failures.get(key);
    const index = failures?.indexOf(at) ?? -1;
    if (index !== -1) failures?.splice(index, 1);
  }

  succeeded(key: string): void {
    this.#failures.delete(key);
  }

  #recent(key: string, now: number): readonly number[] {
    return (this.#failures.get(key) ?? []).filter((at) => now - at < this.#windowMilliseconds);
  }
}
