import { IOVEC } from '../ffi/layouts.js';
import { addressWithin, allocate, type Memory } from '../ffi/memory.js';
import { writePointer } from '../ffi/pointers.js';

/** Pieces of memory, in order, that one call takes as if they stood behind each other: an array of `struct iovec`. */
export class GatherList {
  readonly #vectors: Memory;
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#vectors = allocate(capacity * IOVEC.size);
  }

  /** Makes `length` octets of a memory piece number `index`. Throws RangeError unless they lie within it. */
  set(index: number, memory: Memory, offset: number, length: number): void {
    if (!(index >= 0 && index < this.#capacity)) throw new RangeError(`piece ${index} of ${this.#capacity}`);
    const at = index * IOVEC.size;
    writePointer(this.#vectors.view, at + IOVEC.iov_base, addressWithin(memory, offset, length));
    writePointer(this.#vectors.view, at + IOVEC.iov_len, length);
  }

  /** Address of the first `count` pieces. */
  address(count: number): number {
    return addressWithin(this.#vectors, 0, count * IOVEC.size);
  }
}
