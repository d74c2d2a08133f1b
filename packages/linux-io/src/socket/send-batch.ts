import { LINUX } from '../ffi/constants.js';
import { IOVEC, MMSGHDR, MSGHDR, SOCKADDR_IN, SOCKADDR_IN6 } from '../ffi/layouts.js';
import { addressWithin, allocate, type Memory } from '../ffi/memory.js';
import { writePointer } from '../ffi/pointers.js';
import { CONTROL_INTEGER_OCTETS, writeControlInteger } from './control-messages.js';
import { encodeSocketAddress } from './socket-address.js';

/**
 * Messages that one sendmmsg takes. Each is a run of octets somewhere in one memory: a datagram, or several of one size
 * (the last may be shorter) that the kernel takes apart (UDP_SEGMENT).
 */
export class SendBatch {
  readonly memory: Memory;
  readonly #capacity: number;
  readonly #headers: Memory;
  readonly #vectors: Memory;
  readonly #addresses: Memory;
  readonly #controls: Memory;
  readonly #offsets: Int32Array;
  readonly #lengths: Int32Array;
  readonly #segments: Int32Array;
  readonly #targets: SendTarget[] = [];
  #count = 0;

  constructor(memory: Memory, capacity: number) {
    this.memory = memory;
    this.#capacity = capacity;
    this.#headers = allocate(capacity * MMSGHDR.size);
    this.#vectors = allocate(capacity * IOVEC.size);
    this.#addresses = allocate(capacity * ADDRESS_STRIDE);
    this.#controls = allocate(capacity * CONTROL_STRIDE);
    this.#offsets = new Int32Array(capacity);
    this.#lengths = new Int32Array(capacity);
    this.#segments = new Int32Array(capacity);
    for (let message = 0; message < capacity; message++) {
      this.#link(message);
      this.#targets.push({ destination: NOBODY, trafficClass: 0 });
    }
  }

  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count === this.#capacity;
  }

  /**
   * Appends a message to `destination` (from `encodeSocketAddress`). `segmentOctets` 0: it is one datagram.
   * Throws RangeError when the batch is full or the octets lie outside the memory.
   */
  add(offset: number, length: number, segmentOctets: number, destination: Uint8Array, trafficClass: number): void {
    if (this.isFull) throw new RangeError(`a batch takes ${this.#capacity} messages`);
    const payload = addressWithin(this.memory, offset, length);
    const message = this.#count++;
    const header = message * MMSGHDR.size;
    const vector = message * IOVEC.size;
    writePointer(this.#vectors.view, vector + IOVEC.iov_base, payload);
    this.#vectors.view.setUint32(vector + IOVEC.iov_len, length, true);
    const address = message * ADDRESS_STRIDE;
    for (let i = 0; i < destination.length; i++) this.#addresses.bytes[address + i] = destination[i] ?? 0;
    this.#headers.view.setUint32(header + MSGHDR.msg_namelen, destination.length, true);
    const ipv6 = destination[0] === LINUX.AF_INET6;
    const control = this.#writeControl(message * CONTROL_STRIDE, segmentOctets, trafficClass, ipv6);
    this.#headers.view.setUint32(header + MSGHDR.msg_controllen, control, true);
    this.#offsets[message] = offset;
    this.#lengths[message] = length;
    this.#segments[message] = segmentOctets;
    const target = this.#targets[message];
    if (target === undefined) return;
    target.destination = destination;
    target.trafficClass = trafficClass;
  }

  /**
   * Appends a whole IP packet, which a raw socket sends with the header it has (IP_HDRINCL, IPV6_HDRINCL), to the
   * destination that is written there. Throws RangeError as `add` does.
   */
  addPacket(offset: number, length: number): void {
    const ipv6 = (this.memory.bytes[offset] ?? 0) >>> 4 === 6;
    // The port stays 0: on a raw socket it would be a protocol.
    this.add(offset, length, 0, ipv6 ? ANY_IPV6 : ANY_IPV4, 0);
    const from = offset + (ipv6 ? IPV6_DESTINATION : IPV4_DESTINATION);
    const octets = ipv6 ? 16 : 4;
    const to = (this.#count - 1) * ADDRESS_STRIDE + (ipv6 ? SOCKADDR_IN6.sin6_addr : SOCKADDR_IN.sin_addr);
    for (let i = 0; i < octets; i++) this.#addresses.bytes[to + i] = this.memory.bytes[from + i] ?? 0;
  }

  clear(): void {
    this.#count = 0;
  }

  offset(message: number): number {
    return this.#offsets[message] ?? 0;
  }

  length(message: number): number {
    return this.#lengths[message] ?? 0;
  }

  /** Octets of each datagram of a message; 0: it is one datagram. */
  segmentOctets(message: number): number {
    return this.#segments[message] ?? 0;
  }

  /** What `add` was given. */
  target(message: number): Readonly<SendTarget> {
    const target = message < this.#count ? this.#targets[message] : undefined;
    if (target === undefined) throw new RangeError(`message ${message} of ${this.#count}`);
    return target;
  }

  /** Datagrams in a message. */
  datagrams(message: number): number {
    const segment = this.segmentOctets(message);
    return segment === 0 ? 1 : Math.ceil(this.length(message) / segment);
  }

  /** Address of the `count` headers from message `first`. */
  headersAddress(first: number, count: number): number {
    return addressWithin(this.#headers, first * MMSGHDR.size, count * MMSGHDR.size);
  }

  #writeControl(offset: number, segmentOctets: number, trafficClass: number, ipv6: boolean): number {
    const { view } = this.#controls;
    let length = 0;
    if (segmentOctets > 0) {
      length += writeControlInteger(view, offset, LINUX.IPPROTO_UDP, LINUX.UDP_SEGMENT, segmentOctets);
      // The kernel wants 16 bits, and the length to say so.
      view.setUint32(offset, SEGMENT_CONTROL_LENGTH, true);
    }
    if (trafficClass > 0) {
      const level = ipv6 ? LINUX.IPPROTO_IPV6 : LINUX.IPPROTO_IP;
      const type = ipv6 ? LINUX.IPV6_TCLASS : LINUX.IP_TOS;
      length += writeControlInteger(view, offset + length, level, type, trafficClass);
    }
    return length;
  }

  #link(message: number): void {
    const header = message * MMSGHDR.size;
    const { view } = this.#headers;
    writePointer(
      view,
      header + MSGHDR.msg_name,
      addressWithin(this.#addresses, message * ADDRESS_STRIDE, ADDRESS_STRIDE),
    );
    writePointer(view, header + MSGHDR.msg_iov, addressWithin(this.#vectors, message * IOVEC.size, IOVEC.size));
    view.setUint32(header + MSGHDR.msg_iovlen, 1, true);
    writePointer(
      view,
      header + MSGHDR.msg_control,
      addressWithin(this.#controls, message * CONTROL_STRIDE, CONTROL_STRIDE),
    );
  }
}

interface SendTarget {
  destination: Uint8Array;
  trafficClass: number;
}

const NOBODY = new Uint8Array(0);
const ANY_IPV4 = encodeSocketAddress({ address: new Uint8Array(4), port: 0 });
const ANY_IPV6 = encodeSocketAddress({ address: new Uint8Array(16), port: 0 });
/** Where an IP header has the destination (RFC 791 section 3.1, RFC 8200 section 3). */
const IPV4_DESTINATION = 16;
const IPV6_DESTINATION = 24;
/** Room for a sockaddr_in6, kept 8-octet aligned. */
const ADDRESS_STRIDE = 32;
const CONTROL_STRIDE = 64;
/** CMSG_LEN of a 16-bit integer. */
const SEGMENT_CONTROL_LENGTH = CONTROL_INTEGER_OCTETS - 6;
/** Datagrams of one message (UDP_MAX_SEGMENTS of every kernel that has UDP_SEGMENT). */
export const MAXIMUM_SEGMENTS = 64;
/** Octets of one message: what an IPv4 packet holds behind its header and UDP's. */
export const MAXIMUM_MESSAGE_OCTETS = 65_507;
