import { LINUX } from '../ffi/constants.js';
import { IOVEC, MMSGHDR, MSGHDR, SOCKADDR_IN6 } from '../ffi/layouts.js';
import { addressWithin, allocate, type Memory } from '../ffi/memory.js';
import { writePointer } from '../ffi/pointers.js';
import { ReceivedControl } from './control-messages.js';
import { decodeSocketAddress, type Endpoint, SOCKADDR_IN6_OCTETS } from './socket-address.js';

/** Slots for messages that one recvmmsg fills; each is a datagram, or a run of datagrams of one size (UDP_GRO). */
export class ReceiveBatch {
  readonly slots: number;
  readonly capacity: number;
  readonly memory: Memory;
  /** Slots that the last receive has filled, of whatever socket: they are made ready before the next. */
  filled = 0;
  readonly #headers: Memory;
  readonly #vectors: Memory;
  readonly #addresses: Memory;
  readonly #controls: Memory;
  readonly #control = new ReceivedControl();
  readonly #prefix: number;

  /**
   * `memory` has room for `slots` messages of `capacity` octets. The first `prefix` of a slot stay free, for a header that
   * the kernel keeps to itself; offsets and lengths are those of what was received behind it.
   */
  constructor(memory: Memory, slots: number, capacity: number, prefix = 0) {
    this.slots = slots;
    this.capacity = capacity;
    this.memory = memory;
    this.#prefix = prefix;
    this.#headers = allocate(slots * MMSGHDR.size);
    this.#vectors = allocate(slots * IOVEC.size);
    this.#addresses = allocate(slots * ADDRESS_STRIDE);
    this.#controls = allocate(slots * CONTROL_STRIDE);
    for (let slot = 0; slot < slots; slot++) this.#link(slot);
  }

  /** Index in the memory of the first octet received into a slot. */
  offset(slot: number): number {
    return slot * this.capacity + this.#prefix;
  }

  /** Octets received into a slot. */
  length(slot: number): number {
    return this.#headers.view.getUint32(slot * MMSGHDR.size + MMSGHDR.msg_len, true);
  }

  /** True when the message was longer than the slot; its tail is gone. */
  truncated(slot: number): boolean {
    const flags = this.#headers.view.getUint32(slot * MMSGHDR.size + MSGHDR.msg_flags, true);
    return (flags & LINUX.MSG_TRUNC) !== 0;
  }

  /** True when the kernel had more to say than there was room for. */
  controlTruncated(slot: number): boolean {
    const flags = this.#headers.view.getUint32(slot * MMSGHDR.size + MSGHDR.msg_flags, true);
    return (flags & LINUX.MSG_CTRUNC) !== 0;
  }

  /** What the kernel says about the message in a slot. Overwritten by the next call. */
  control(slot: number): ReceivedControl {
    const length = this.#headers.view.getUint32(slot * MMSGHDR.size + MSGHDR.msg_controllen, true);
    this.#control.read(this.#controls.view, slot * CONTROL_STRIDE, Math.min(length, CONTROL_STRIDE));
    return this.#control;
  }

  /** What the offsets of a `ReceivedControl` are in. */
  get controls(): Memory {
    return this.#controls;
  }

  /** Copies the address that an IPv6 message came from, of 16 octets. */
  copyIpv6Source(slot: number, out: Uint8Array, at: number): void {
    const from = slot * ADDRESS_STRIDE + SOCKADDR_IN6.sin6_addr;
    for (let i = 0; i < 16; i++) out[at + i] = this.#addresses.bytes[from + i] ?? 0;
  }

  /** Copies where the message came from as the kernel has it, SOCKADDR_IN6_OCTETS of it: for `decodeSocketAddress`, later. */
  copySource(slot: number, out: Uint8Array, at: number): void {
    const from = slot * ADDRESS_STRIDE;
    for (let i = 0; i < SOCKADDR_IN6_OCTETS; i++) out[at + i] = this.#addresses.bytes[from + i] ?? 0;
  }

  /** Where the message came from, or, on the error queue, was sent to. Allocates: not for every packet. */
  source(slot: number): Endpoint | undefined {
    const start = slot * ADDRESS_STRIDE;
    return decodeSocketAddress(this.#addresses.bytes.subarray(start, start + SOCKADDR_IN6_OCTETS));
  }

  /** Makes a slot ready again: the kernel overwrites these lengths with every message. */
  rearm(slot: number): void {
    const { view } = this.#headers;
    view.setUint32(slot * MMSGHDR.size + MSGHDR.msg_namelen, SOCKADDR_IN6_OCTETS, true);
    view.setUint32(slot * MMSGHDR.size + MSGHDR.msg_controllen, CONTROL_STRIDE, true);
  }

  /** Address of the `count` headers from slot `first`. */
  headersAddress(first: number, count: number): number {
    return addressWithin(this.#headers, first * MMSGHDR.size, count * MMSGHDR.size);
  }

  #link(slot: number): void {
    const header = slot * MMSGHDR.size;
    const vector = slot * IOVEC.size;
    const { view } = this.#headers;
    writePointer(view, header + MSGHDR.msg_name, addressWithin(this.#addresses, slot * ADDRESS_STRIDE, ADDRESS_STRIDE));
    writePointer(view, header + MSGHDR.msg_iov, addressWithin(this.#vectors, vector, IOVEC.size));
    view.setUint32(header + MSGHDR.msg_iovlen, 1, true);
    writePointer(
      view,
      header + MSGHDR.msg_control,
      addressWithin(this.#controls, slot * CONTROL_STRIDE, CONTROL_STRIDE),
    );
    const octets = this.capacity - this.#prefix;
    const payload = addressWithin(this.memory, this.offset(slot), octets);
    writePointer(this.#vectors.view, vector + IOVEC.iov_base, payload);
    writePointer(this.#vectors.view, vector + IOVEC.iov_len, octets);
    this.rearm(slot);
  }
}

/** Room for a sockaddr_in6, kept 8-octet aligned. */
const ADDRESS_STRIDE = 32;
/** Room for UDP_GRO and the traffic class; on a raw socket hop limit and destination; on the error queue the error as well. */
const CONTROL_STRIDE = 256;
