import { IPV4, IPV6, PROTOCOL, TCP, TCP_FLAG, UDP } from './fields.js';
import { readBig, readBig32 } from './octets.js';
import { foldSum, networkOrder, type PacketMemory } from './packet-memory.js';

/**
 * What coalescing needs to know of one packet. Reused: `parse` overwrites it. Only plain packets of TCP and UDP are
 * understood: whole, without IPv4 options or IPv6 extension headers, and exactly as long as they say.
 */
export class PacketFields {
  readonly #memory: PacketMemory;
  offset = 0;
  ipv4 = false;
  tcp = false;
  /** Octets in front of the transport header, and of the payload. */
  transport = 0;
  headers = 0;
  payload = 0;
  /** TCP flags; 0 for UDP. */
  flags = 0;
  sequence = 0;
  /** Whether the packet may be part of a larger one at all. */
  joinable = false;

  constructor(memory: PacketMemory) {
    this.#memory = memory;
  }

  /** False when the packet is not plain TCP or UDP. */
  parse(offset: number, length: number): boolean {
    this.offset = offset;
    const { bytes } = this.#memory;
    const version = length < IPV4.headerLength ? 0 : (bytes[offset] ?? 0) >>> 4;
    if (version === 4) {
      // Header length 5: no options.
      if (bytes[offset] !== 0x45 || readBig(bytes, offset + IPV4.totalLength) !== length) return false;
      if ((readBig(bytes, offset + IPV4.fragment) & IPV4.fragmentMask) !== 0) return false;
    } else if (version !== 6 || length !== readBig(bytes, offset + IPV6.payloadLength) + IPV6.headerLength) {
      return false;
    }
    this.ipv4 = version === 4;
    this.transport = this.ipv4 ? IPV4.headerLength : IPV6.headerLength;
    const protocol = bytes[offset + (this.ipv4 ? IPV4.protocol : IPV6.nextHeader)];
    if (protocol === PROTOCOL.tcp) return this.#parseTcp(length);
    return protocol === PROTOCOL.udp && this.#parseUdp(length);
  }

  /** Whether the checksums are correct: the IPv4 header's, and TCP's or UDP's. */
  isIntact(): boolean {
    return isIntact(this.#memory, this.offset, this.ipv4, this.tcp);
  }

  #parseTcp(length: number): boolean {
    const { bytes } = this.#memory;
    const at = this.offset + this.transport;
    if (this.transport + TCP.headerLength > length) return false;
    this.tcp = true;
    this.headers = this.transport + ((bytes[at + TCP.dataOffset] ?? 0) >>> 4) * 4;
    this.payload = length - this.headers;
    this.flags = bytes[at + TCP.flags] ?? 0;
    this.sequence = readBig32(bytes, at + TCP.sequence);
    this.joinable =
      this.headers >= this.transport + TCP.headerLength &&
      this.payload > 0 &&
      (this.flags & (TCP_FLAG.ack | NEVER_JOINED)) === TCP_FLAG.ack;
    return true;
  }

  #parseUdp(length: number): boolean {
    const { bytes } = this.#memory;
    const at = this.offset + this.transport;
    if (this.transport + UDP.headerLength > length) return false;
    this.tcp = false;
    this.headers = this.transport + UDP.headerLength;
    this.payload = length - this.headers;
    this.flags = 0;
    this.joinable =
      this.payload > 0 &&
      readBig(bytes, at + UDP.length) === length - this.transport &&
      // RFC 768: zero means that the sender made no checksum, so there is nothing to verify.
      readBig(bytes, at + UDP.checksum) !== 0;
    return true;
  }
}

/** Whether the checksums of a plain packet are correct. */
export function isIntact(memory: PacketMemory, offset: number, ipv4: boolean, tcp: boolean): boolean {
  const { bytes } = memory;
  if (!ipv4) {
    const length = readBig(bytes, offset + IPV6.payloadLength);
    const sum = memory.sum(offset + IPV6.headerLength, length);
    return foldSum(sum + pseudoHeaderSum(memory, offset, ipv4, tcp, length)) === CORRECT;
  }
  if (foldSum(memory.sum(offset, IPV4.headerLength)) !== CORRECT) return false;
  const length = readBig(bytes, offset + IPV4.totalLength) - IPV4.headerLength;
  const sum = memory.sum(offset + IPV4.headerLength, length);
  return foldSum(sum + pseudoHeaderSum(memory, offset, ipv4, tcp, length)) === CORRECT;
}

/** Sum over the pseudo-header (RFC 9293 section 3.1, RFC 8200 section 8.1) of a transport length of `length` octets. */
export function pseudoHeaderSum(
  memory: PacketMemory,
  offset: number,
  ipv4: boolean,
  tcp: boolean,
  length: number,
): number {
  const addresses = ipv4 ? memory.sum(offset + IPV4.source, 8) : memory.sum(offset + IPV6.source, 32);
  return addresses + networkOrder(tcp ? PROTOCOL.tcp : PROTOCOL.udp) + networkOrder(length);
}

/** What a sum over data and its checksum folds to. It is never 0: the pseudo-header has a protocol in it. */
const CORRECT = 0xffff;
const NEVER_JOINED = TCP_FLAG.syn | TCP_FLAG.rst | TCP_FLAG.urg;
