import { writeUint16, writeUint32 } from '../../bytes/octets.js';

/** Grows as needed; lengths that are known only afterwards are patched with `lengthAt`. */
export class Writer {
  #octets: Uint8Array;
  #length = 0;

  constructor(capacity = 256) {
    this.#octets = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  uint8(value: number): this {
    const at = this.#reserve(1);
    this.#octets[at] = value;
    return this;
  }

  uint16(value: number): this {
    const at = this.#reserve(2);
    writeUint16(this.#octets, at, value);
    return this;
  }

  uint32(value: number): this {
    const at = this.#reserve(4);
    writeUint32(this.#octets, at, value);
    return this;
  }

  bytes(octets: Uint8Array): this {
    const at = this.#reserve(octets.length);
    this.#octets.set(octets, at);
    return this;
  }

  zeros(count: number): this {
    this.#reserve(count);
    return this;
  }

  /** Writes the 16-bit length of the structure that began at `start` to `at`. */
  lengthAt(at: number, start: number): this {
    const length = this.#length - start;
    if (length > 0xffff) throw new RangeError(`A structure of ${length} octets does not fit a 16-bit length.`);
    writeUint16(this.#octets, at, length);
    return this;
  }

  patch8(at: number, value: number): this {
    this.#octets[at] = value;
    return this;
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.#octets.slice(0, this.#length);
  }

  #reserve(count: number): number {
    const at = this.#length;
    if (at + count > this.#octets.length) {
      const grown = new Uint8Array(Math.max(2 * this.#octets.length, at + count));
      grown.set(this.#octets);
      this.#octets = grown;
    }
    this.#length = at + count;
    return at;
  }
}
