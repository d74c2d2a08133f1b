import { LINUX } from '../ffi/constants.js';
import { IPV4, IPV6, TCP, TCP_FLAG, UDP } from './fields.js';
import { readBig, writeBig, writeSum } from './octets.js';
import { isIntact, type PacketFields, pseudoHeaderSum } from './packet-fields.js';
import { foldSum, type PacketMemory } from './packet-memory.js';
import { VirtioHeader } from './virtio-header.js';

/** One write to the device: pieces of memory, in order, behind a virtio header. Reused: valid during `deliver` only. */
export interface Delivery {
  readonly header: VirtioHeader;
  /** Where the pieces are; the first is a whole packet with headers, the others are payload. */
  readonly offsets: Int32Array;
  readonly lengths: Int32Array;
  readonly pieces: number;
  /** Octets of all pieces. */
  readonly length: number;
}

/** Successive packets of one flow that become one. */
export class Chain implements Delivery {
  readonly #memory: PacketMemory;
  readonly header = new VirtioHeader();
  readonly offsets = new Int32Array(MAXIMUM_PIECES);
  readonly lengths = new Int32Array(MAXIMUM_PIECES);
  /** 0: the chain holds nothing. */
  pieces = 0;
  length = 0;
  #head = 0;
  #ipv4 = false;
  #tcp = false;
  #transport = 0;
  #headers = 0;
  #gsoSize = 0;
  #flags = 0;
  #nextSequence = 0;

  constructor(memory: PacketMemory) {
    this.#memory = memory;
  }

  /** Starts over with one packet. */
  begin(packet: PacketFields): void {
    this.#head = packet.offset;
    this.#ipv4 = packet.ipv4;
    this.#tcp = packet.tcp;
    this.#transport = packet.transport;
    this.#headers = packet.headers;
    this.#gsoSize = packet.payload;
    this.#flags = packet.flags;
    this.#nextSequence = (packet.sequence + packet.payload) >>> 0;
    this.offsets[0] = packet.offset;
    this.lengths[0] = packet.headers + packet.payload;
    this.pieces = 1;
    this.length = packet.headers + packet.payload;
  }

  isSameFlow(packet: PacketFields): boolean {
    if (this.#ipv4 !== packet.ipv4 || this.#tcp !== packet.tcp) return false;
    const { words } = this.#memory;
    const [head, at] = [this.#head >>> 2, packet.offset >>> 2];
    // Addresses and, right behind them in a packet without options, the ports.
    const ports = packet.transport >>> 2;
    for (let word = (packet.ipv4 ? IPV4.source : IPV6.source) >>> 2; word <= ports; word++) {
      if (words[head + word] !== words[at + word]) return false;
    }
    return true;
  }

  /** Whether the packet, of the same flow and joinable, is what would follow if the whole were taken apart. */
  isContinuedBy(packet: PacketFields): boolean {
    const limit = packet.ipv4 ? MAXIMUM_LENGTH : MAXIMUM_LENGTH + IPV6.headerLength;
    if (packet.headers !== this.#headers || packet.payload > this.#gsoSize) return false;
    if (this.pieces === MAXIMUM_PIECES || this.length + packet.payload > limit) return false;
    if (!(packet.ipv4 ? this.#continuesIpv4(packet.offset) : this.#continuesIpv6(packet.offset))) return false;
    return !packet.tcp || this.#continuesTcp(packet);
  }

  /** Whether the checksums of the first packet are correct; it was taken on trust while it was alone. */
  isHeadIntact(): boolean {
    return isIntact(this.#memory, this.#head, this.#ipv4, this.#tcp);
  }

  /** Appends the packet. @returns false when nothing may follow it. */
  join(packet: PacketFields): boolean {
    this.offsets[this.pieces] = packet.offset + packet.headers;
    this.lengths[this.pieces] = packet.payload;
    this.pieces++;
    this.length += packet.payload;
    this.#nextSequence = (this.#nextSequence + packet.payload) >>> 0;
    this.#flags |= packet.flags & ENDING;
    return packet.payload === this.#gsoSize && (packet.flags & ENDING) === 0;
  }

  /** Makes the head say what the whole is: the form in which the kernel hands such packets over itself. */
  finish(): void {
    const { header } = this;
    header.clear();
    if (this.pieces === 1) return;
    const memory = this.#memory;
    const { bytes } = memory;
    const [head, transport] = [this.#head, this.#head + this.#transport];
    if (this.#ipv4) {
      writeBig(bytes, head + IPV4.totalLength, this.length);
      writeSum(bytes, head + IPV4.checksum, 0);
      writeSum(bytes, head + IPV4.checksum, ~foldSum(memory.sum(head, IPV4.headerLength)));
    } else writeBig(bytes, head + IPV6.payloadLength, this.length - IPV6.headerLength);
    const transportLength = this.length - this.#transport;
    if (this.#tcp) bytes[transport + TCP.flags] = this.#flags;
    else writeBig(bytes, transport + UDP.length, transportLength);
    header.flags = LINUX.VIRTIO_NET_HDR_F_NEEDS_CSUM;
    header.gsoType = gsoTypeOf(this.#ipv4, this.#tcp, this.#flags);
    header.headerLength = this.#headers;
    header.gsoSize = this.#gsoSize;
    header.checksumStart = this.#transport;
    header.checksumOffset = this.#tcp ? TCP.checksum : UDP.checksum;
    const sum = foldSum(pseudoHeaderSum(memory, head, this.#ipv4, this.#tcp, transportLength));
    writeSum(bytes, transport + header.checksumOffset, sum);
  }

  #continuesIpv4(at: number): boolean {
    const { bytes } = this.#memory;
    const head = this.#head;
    if (bytes[head + IPV4.tos] !== bytes[at + IPV4.tos] || bytes[head + IPV4.ttl] !== bytes[at + IPV4.ttl])
      return false;
    const fragment = readBig(bytes, at + IPV4.fragment);
    if (fragment !== readBig(bytes, head + IPV4.fragment)) return false;
    // RFC 6864 section 4.1: with DF set the identification has no meaning.
    if ((fragment & IPV4.dontFragment) !== 0) return true;
    const expected = (readBig(bytes, head + IPV4.identification) + this.pieces) & 0xffff;
    return readBig(bytes, at + IPV4.identification) === expected;
  }

  /** Version, traffic class and flow label; hop limit. */
  #continuesIpv6(at: number): boolean {
    const { bytes, words } = this.#memory;
    const head = this.#head;
    return words[head >>> 2] === words[at >>> 2] && bytes[head + IPV6.hopLimit] === bytes[at + IPV6.hopLimit];
  }

  #continuesTcp(packet: PacketFields): boolean {
    if (packet.sequence !== this.#nextSequence) return false;
    // A sender that reduced its window says so once: such a packet starts anew (RFC 3168 section 6.1.2).
    if ((packet.flags & TCP_FLAG.cwr) !== 0) return false;
    if (((packet.flags ^ this.#flags) & ~(TCP_FLAG.cwr | ENDING)) !== 0) return false;
    const { words } = this.#memory;
    const head = (this.#head + this.#transport) >>> 2;
    const at = (packet.offset + packet.transport) >>> 2;
    if (words[head + TCP_WORD.acknowledgment] !== words[at + TCP_WORD.acknowledgment]) return false;
    const offsetAndWindow = (words[head + TCP_WORD.offset] ?? 0) ^ (words[at + TCP_WORD.offset] ?? 0);
    if ((offsetAndWindow & ~FLAGS_OF_WORD) !== 0) return false;
    const end = (packet.headers - packet.transport) >>> 2;
    for (let word = TCP_WORD.options; word < end; word++) if (words[head + word] !== words[at + word]) return false;
    return true;
  }
}

function gsoTypeOf(ipv4: boolean, tcp: boolean, flags: number): number {
  if (!tcp) return LINUX.VIRTIO_NET_HDR_GSO_UDP_L4;
  const family = ipv4 ? LINUX.VIRTIO_NET_HDR_GSO_TCPV4 : LINUX.VIRTIO_NET_HDR_GSO_TCPV6;
  return (flags & TCP_FLAG.cwr) === 0 ? family : family | LINUX.VIRTIO_NET_HDR_GSO_ECN;
}

/** Packets in one delivery. */
export const MAXIMUM_PIECES = 128;
/** What the length field of an IP header can say; IPv6 does not count the header itself. */
const MAXIMUM_LENGTH = 65_535;
const ENDING = TCP_FLAG.psh | TCP_FLAG.fin;
/** Words of a TCP header, and what is of the flags in the one that begins with the data offset; our machines are little-endian. */
const TCP_WORD = { acknowledgment: 2, offset: 3, options: 5 } as const;
const FLAGS_OF_WORD = 0xff00;
