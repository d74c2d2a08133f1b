/**
 * Room for short octet strings that may live long, as keys, nonces, SPIs and selectors of an SA do: many to one ArrayBuffer.
 * An ArrayBuffer is memory outside of the heap that the garbage collector follows and frees one by one; thousands of SAs with
 * dozens each make its pauses longer than anything else that lives. No room is given out twice: the memory of a slab goes
 * when nobody refers to anything in it.
 *
 * What stands in a slab has neighbours. Whoever hands it to another thread hands over a copy of its own, or all of them go
 * along; `buffer` of it is not its own either.
 */
export class Slab {
  #slab = NONE;
  #used = 0;

  /** Zeroes. What is long has an ArrayBuffer of its own. */
  room(length: number): Uint8Array {
    if (length === 0) return NONE;
    if (length > LONGEST) return new Uint8Array(length);
    if (length > this.#slab.length - this.#used) {
      this.#slab = new Uint8Array(SLAB_OCTETS);
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += length;
    return this.#slab.subarray(start, this.#used);
  }

  copy(octets: Uint8Array): Uint8Array {
    const room = this.room(octets.length);
    room.set(octets);
    return room;
  }
}

const NONE = new Uint8Array(0);
/** A slab stays for as long as one of its strings: small ones, so that the few that live long keep little else. */
const SLAB_OCTETS = 1024;
const LONGEST = 128;
