import { Slab } from './slab.js';

/**
 * Octets that must not be seen: printing, logging or serialising a Secret gives a placeholder, and `wipe` overwrites
 * them. A Secret owns a copy, so that wiping the caller's array and wiping this one are separate decisions.
 */
export class Secret {
  readonly #octets: Uint8Array;

  constructor(octets: Uint8Array) {
    this.#octets = SECRETS.copy(octets);
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
/** Secrets stand beside secrets only. */
const SECRETS = new Slab();
