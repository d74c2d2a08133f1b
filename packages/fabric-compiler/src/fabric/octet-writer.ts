import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import type { Bitset } from '../bitset.js';

/** Writes values one after the other so that different values give different octets: everything says how long it is. */
export class OctetWriter {
  #octets = new Uint8Array(256);
  #length = 0;

  /** A whole number below 2^32. */
  number(value: number): this {
    const at = this.#take(4);
    this.#octets[at] = value >>> 24;
    this.#octets[at + 1] = value >>> 16;
    this.#octets[at + 2] = value >>> 8;
    this.#octets[at + 3] = value;
    return this;
  }

  text(value: string): this {
    return this.octets(utf8ToBytes(value));
  }

  octets(value: Uint8Array): this {
    return this.number(value.length).digest(value);
  }

  /** A SHA-256, whose length everybody knows. */
  digest(value: Uint8Array): this {
    const at = this.#take(value.length);
    this.#octets.set(value, at);
    return this;
  }

  bits(value: Bitset): this {
    this.number(value.length);
    for (const word of value) this.number(word);
    return this;
  }

  finish(): Uint8Array {
    return this.#octets.slice(0, this.#length);
  }

  /** SHA-256 of what was written. */
  hash(): Uint8Array {
    return sha256(this.#octets.subarray(0, this.#length));
  }

  #take(length: number): number {
    const at = this.#length;
    this.#length += length;
    if (this.#length > this.#octets.length) {
      const grown = new Uint8Array(2 * this.#length);
      grown.set(this.#octets);
      this.#octets = grown;
    }
    return at;
  }
}
