/**
 * Working memory that lasts: it grows to what was asked for once, so that in the long run nothing is allocated, and an
 * association that only carries small packets does not hold room for the largest.
 */
export class ScratchOctets {
  #octets = new Uint8Array(LEAST);

  /** At least `length` octets, with whatever was there before. */
  room(length: number): Uint8Array {
    if (this.#octets.length < length) {
      let size = this.#octets.length;
      while (size < length) size *= 2;
      this.#octets = new Uint8Array(size);
    }
    return this.#octets;
  }
}

/** A packet of 1,500 octets and what is put around it. */
const LEAST = 2048;
