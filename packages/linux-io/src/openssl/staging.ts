import { addressOf, allocate, type Memory } from '../ffi/memory.js';

/**
 * Finds or makes an address for octets that a caller hands over. Octets in an arena are used where they are; others,
 * which V8 may move or free, are copied into an arena and back. One object per thread: calls are synchronous.
 */
export class Staging {
  readonly #memory: Memory;
  /** The last two arrays seen, for packets come in batches from the same memory. */
  #known: Uint8Array = EMPTY;
  #knownAddress = 0;
  #older: Uint8Array = EMPTY;
  #olderAddress = 0;

  constructor(capacity: number) {
    this.#memory = allocate(capacity);
  }

  /** Address of `bytes[0]`, or 0 when the octets lie in no arena. Throws RangeError unless offset..+length lies within. */
  locate(bytes: Uint8Array, offset: number, length: number): number {
    if (!(offset >= 0 && length >= 0 && offset + length <= bytes.length)) {
      throw new RangeError(`octets ${offset}..${offset + length} lie outside an array of ${bytes.length}`);
    }
    if (bytes === this.#known) return this.#knownAddress;
    if (bytes === this.#older) return this.#olderAddress;
    this.#older = this.#known;
    this.#olderAddress = this.#knownAddress;
    this.#known = bytes;
    this.#knownAddress = addressOf(bytes);
    return this.#knownAddress;
  }

  /** Copies octets in. @returns their address. Throws RangeError when they do not fit. */
  copyIn(bytes: Uint8Array, offset: number, length: number, room = length): number {
    const address = this.reserve(room);
    this.#memory.bytes.set(bytes.subarray(offset, offset + length));
    return address;
  }

  /** Address of room for `length` octets. Throws RangeError when there is less. */
  reserve(length: number): number {
    if (length > this.#memory.bytes.length) {
      throw new RangeError(`${length} octets are more than the ${this.#memory.bytes.length} of a packet`);
    }
    return this.#memory.address;
  }

  /** Copies the first octets back out and forgets them. */
  copyOut(bytes: Uint8Array, offset: number, length: number): void {
    bytes.set(this.#memory.bytes.subarray(0, length), offset);
    this.forget(length);
  }

  /** Wipes the first octets. */
  forget(length: number): void {
    this.#memory.bytes.fill(0, 0, length);
  }
}

const EMPTY = new Uint8Array(0);
