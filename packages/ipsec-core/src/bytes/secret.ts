/**
 * Octets that must not be seen: printing, logging or serialising a Secret gives a placeholder, and `wipe` overwrites
 * them. A Secret owns a copy, so that wiping the caller's array and wiping this one are separate decisions.
 */
export class Secret {
  readonly #octets: Uint8Array;

  constructor(octets: Uint8Array) {
    // `slice` of a Buffer would not copy.
    this.#octets = new Uint8Array(octets);
  }

  get length(): number {
    return this.#octets.length;
  }

  /** Lends the octets; the borrower must not keep them. */
  reveal<T>(borrow: (octets: Uint8Array) => T): T {
    return borrow(this.#octets);
  }

  wipe(): void {
    this.#octets.fill(0);
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  /** What util.inspect of Node prints. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return REDACTED;
  }
}

const REDACTED = '[secret]';
