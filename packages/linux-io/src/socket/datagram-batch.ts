import { LINUX } from '../ffi/constants.js';
import { IOVEC, MMSGHDR, MSGHDR } from '../ffi/layouts.js';
import { addressWithin, allocate, type Memory } from '../ffi/memory.js';
import { decodeSocketAddress, type Endpoint, SOCKADDR_IN6_OCTETS } from './socket-address.js';

/**
 * Slots for datagrams that one recvmmsg or sendmmsg moves at once. Slot i owns `capacity` octets of `bytes` from
 * `offset(i)`, a socket address and a `struct mmsghdr` that points to both (64-bit layout, bits/socket.h):
 *
 *     0      8         16    24       32        40           48      56        64
 *     +------+---------+-----+--------+---------+------------+-------+---------+
 *     | name | namelen | iov | iovlen | control | controllen | flags | msg_len |
 *     +------+---------+-----+--------+---------+------------+-------+---------+
 *
 * Segmentation offloads fit in here later: a control buffer per slot carries the segment size, nothing else changes.
 */
export class DatagramBatch {
  readonly slots: number;
  readonly capacity: number;
  readonly #payload: Memory;
  /** Slots that the last receive has filled, of whatever socket: they are made ready before the next. */
  filled = 0;
  readonly #headers: Memory;
  readonly #vectors: Memory;
  readonly #addresses: Memory;

  constructor(slots: number, capacity: number) {
    this.slots = slots;
    this.capacity = capacity;
    this.#payload = allocate(slots * capacity);
    this.#headers = allocate(slots * MMSGHDR.size);
    this.#vectors = allocate(slots * IOVEC.size);
    this.#addresses = allocate(slots * ADDRESS_STRIDE);
    for (let slot = 0; slot < slots; slot++) this.#link(slot);
  }

  /** All slots, one after the other. */
  get bytes(): Uint8Array {
    return this.#payload.bytes;
  }

  /** The same, to read from a device straight into a slot. */
  get memory(): Memory {
    return this.#payload;
  }

  /** Index in `bytes` of the first octet of a slot. */
  offset(slot: number): number {
    return slot * this.capacity;
  }

  /** Octets received into, or sent from, a slot. */
  length(slot: number): number {
    return this.#headers.view.getUint32(slot * MMSGHDR.size + MMSGHDR.msg_len, true);
  }

  /** True when the received datagram was longer than the slot; its tail is gone. */
  truncated(slot: number): boolean {
    return (this.#headers.view.getUint32(slot * MMSGHDR.size + MSGHDR.msg_flags, true) & LINUX.MSG_TRUNC) !== 0;
  }

  /** Where the received datagram came from. Allocates: not for every packet. */
  source(slot: number): Endpoint | undefined {
    const start = slot * ADDRESS_STRIDE;
    return decodeSocketAddress(this.#addresses.bytes.subarray(start, start + SOCKADDR_IN6_OCTETS));
  }

  /** Makes a slot ready to send its first `length` octets to `destination` (from `encodeSocketAddress`). */
  prepare(slot: number, length: number, destination: Uint8Array): void {
    if (length > this.capacity) throw new RangeError(`${length} octets do not fit a slot of ${this.capacity}`);
    this.#vectors.view.setUint32(slot * IOVEC.size + IOVEC.iov_len, length, true);
    this.#addresses.bytes.set(destination, slot * ADDRESS_STRIDE);
    this.#headers.view.setUint32(slot * MMSGHDR.size + MSGHDR.msg_namelen, destination.length, true);
  }

  /** Gives a slot its whole capacity again; the kernel overwrites these lengths with every datagram. */
  rearm(slot: number): void {
    this.#vectors.view.setUint32(slot * IOVEC.size + IOVEC.iov_len, this.capacity, true);
    this.#headers.view.setUint32(slot * MMSGHDR.size + MSGHDR.msg_namelen, SOCKADDR_IN6_OCTETS, true);
  }

  /** Address of the `count` headers from slot `first`. */
  headersAddress(first: number, count: number): number {
    return addressWithin(this.#headers, first * MMSGHDR.size, count * MMSGHDR.size);
  }

  #link(slot: number): void {
    const header = slot * MMSGHDR.size;
    const vector = slot * IOVEC.size;
    const name = addressWithin(this.#addresses, slot * ADDRESS_STRIDE, ADDRESS_STRIDE);
    const payload = addressWithin(this.#payload, this.offset(slot), this.capacity);
    this.#headers.view.setBigUint64(header, BigInt(name), true);
    this.#headers.view.setBigUint64(
      header + MSGHDR.msg_iov,
      BigInt(addressWithin(this.#vectors, vector, IOVEC.size)),
      true,
    );
    this.#headers.view.setBigUint64(header + MSGHDR.msg_iovlen, 1n, true);
    this.#vectors.view.setBigUint64(vector, BigInt(payload), true);
    this.rearm(slot);
  }
}

/** Room for a sockaddr_in6, kept 8-octet aligned. */
const ADDRESS_STRIDE = 32;
