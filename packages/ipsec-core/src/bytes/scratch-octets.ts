/**
 * Working memory that lasts: it grows to what was asked for once, so that in the long run nothing is allocated, and an
 * association whose packets have few headers does not hold room for many.
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

/** The headers of a packet, without the unusual. */
const LEAST = 128;
