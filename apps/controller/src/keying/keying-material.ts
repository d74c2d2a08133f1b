import { inspect } from 'node:util';

/**
 * KEYMAT of one association (RFC 4106 section 8.1). Shows itself to nobody by accident: neither logs nor JSON nor the
 * debugger's console print the octets.
 */
export class KeyingMaterial {
  readonly #octets: Uint8Array;

  /** Takes ownership of the octets. */
  constructor(octets: Uint8Array) {
    this.#octets = octets;
  }

  /** A copy for one message; whoever takes it wipes it. Zeros after `wipe`. */
  copyOctets(): Buffer {
    return Buffer.from(this.#octets);
  }

  wipe(): void {
    this.#octets.fill(0);
  }

  toString(): string {
    return '[keying material]';
  }

  toJSON(): string {
    return '[keying material]';
  }

  [inspect.custom](): string {
    return '[keying material]';
  }
}
