import { LINUX } from '../ffi/constants.js';
import { IPV4, IPV6, PROTOCOL, TCP, TCP_FLAG, UDP } from './fields.js';
import { readBig, readBig32, writeBig, writeBig32, writeSum } from './octets.js';
import { foldSum, networkOrder, type PacketMemory } from './packet-memory.js';
import type { VirtioHeader } from './virtio-header.js';

/** Why a packet with offloads cannot be taken apart: the kernel said something about it that is not so. */
export type SegmentationProblem = 'unknown_offload' | 'malformed_offload';

/**
 * Takes apart what the kernel hands over in one piece (TSO, USO) and completes checksums that it left to us. A segment
 * has the headers of the whole, with lengths, sequence numbers, identification and checksums of its own (RFC 9293
 * section 3.7.1 speaks of segmentation offload as of what must not be seen on the wire).
 */
export class Segmenter {
  readonly #memory: PacketMemory;
  #offset = 0;
  #transport = 0;
  #headers = 0;
  #payload = 0;
  #gsoSize = 0;
  #tcp = false;
  #ipv4 = false;
  #flags = 0;
  #sequence = 0;
  #identification = 0;
  /** Sums of what is the same in all segments: addresses and protocol; IPv4 header without length and identification. */
  #pseudoSum = 0;
  #headerSum = 0;
  #count = 0;

  constructor(memory: PacketMemory) {
    this.#memory = memory;
  }

  /** Segments of the packet that `start` took. */
  get count(): number {
    return this.#count;
  }

  /** Octets in front of the payload, in every segment. */
  get headerLength(): number {
    return this.#headers;
  }

  /** Looks at a packet of `length` octets at an even `offset`. With no problem, `write` then makes its segments. */
  start(header: VirtioHeader, offset: number, length: number): SegmentationProblem | undefined {
    const kind = header.gsoType & ~LINUX.VIRTIO_NET_HDR_GSO_ECN;
    const expected = KINDS[kind];
    if (expected === undefined) return 'unknown_offload';
    const { bytes } = this.#memory;
    const version = length < IPV4.headerLength ? 0 : (bytes[offset] ?? 0) >>> 4;
    const family = version === 4 || version === 6 ? version : undefined;
    if (family === undefined || !expected.families.includes(family)) return 'malformed_offload';
    // The kernel's own notion of where the transport header is: behind any extension headers.
    const transport = header.checksumStart;
    const least = family === 4 ? IPV4.headerLength : IPV6.headerLength;
    if (!header.needsChecksum || header.gsoSize === 0 || (transport & 1) === 1) return 'malformed_offload';
    if (transport < least || transport + expected.headerLength > length) return 'malformed_offload';
    if (header.checksumOffset !== expected.checksum) return 'malformed_offload';
    if (family === 4 && ((bytes[offset] ?? 0) & 15) * 4 !== transport) return 'malformed_offload';
    const headers =
      transport + (expected.tcp ? ((bytes[offset + transport + TCP.dataOffset] ?? 0) >>> 4) * 4 : UDP.headerLength);
    if (headers < transport + expected.headerLength || headers >= length) return 'malformed_offload';
    this.#offset = offset;
    this.#transport = transport;
    this.#headers = headers;
    this.#payload = length - headers;
    this.#gsoSize = header.gsoSize;
    this.#tcp = expected.tcp;
    this.#ipv4 = family === 4;
    this.#count = Math.ceil(this.#payload / header.gsoSize);
    this.#remember();
    return undefined;
  }

  /**
   * Writes segment `index` (from 0) to an even `outOffset` of the same memory, away from the packet.
   * @returns its length.
   */
  write(index: number, outOffset: number): number {
    const { bytes } = this.#memory;
    const from = index * this.#gsoSize;
    const size = Math.min(this.#gsoSize, this.#payload - from);
    const length = this.#headers + size;
    // Not copyWithin, which is a call out of compiled code and costs more than all else here.
    this.#memory.copySum(this.#offset, this.#headers, outOffset);
    const payload = this.#offset + this.#headers + from;
    const sum = this.#memory.copySum(payload, size, outOffset + this.#headers);
    if (this.#ipv4) this.#writeIpv4(outOffset, length, index);
    else writeBig(bytes, outOffset + IPV6.payloadLength, length - IPV6.headerLength);
    if (this.#tcp) this.#writeTcp(outOffset + this.#transport, from, index);
    else writeBig(bytes, outOffset + this.#transport + UDP.length, length - this.#transport);
    this.#writeChecksum(outOffset, length, sum);
    return length;
  }

  #remember(): void {
    const memory = this.#memory;
    const { bytes } = memory;
    const at = this.#offset;
    this.#pseudoSum =
      (this.#ipv4 ? memory.sum(at + IPV4.source, 8) : memory.sum(at + IPV6.source, 32)) +
      networkOrder(this.#tcp ? PROTOCOL.tcp : PROTOCOL.udp);
    if (this.#tcp) {
      this.#flags = bytes[at + this.#transport + TCP.flags] ?? 0;
      this.#sequence = readBig32(bytes, at + this.#transport + TCP.sequence);
    }
    if (!this.#ipv4) return;
    this.#identification = readBig(bytes, at + IPV4.identification);
    this.#headerSum =
      memory.sum(at, IPV4.totalLength) +
      memory.sum(at + IPV4.fragment, IPV4.checksum - IPV4.fragment) +
      memory.sum(at + IPV4.source, this.#transport - IPV4.source);
  }

  #writeIpv4(at: number, length: number, index: number): void {
    const { bytes } = this.#memory;
    const identification = (this.#identification + index) & 0xffff;
    writeBig(bytes, at + IPV4.totalLength, length);
    writeBig(bytes, at + IPV4.identification, identification);
    const sum = foldSum(this.#headerSum + networkOrder(length) + networkOrder(identification));
    writeSum(bytes, at + IPV4.checksum, ~sum);
  }

  #writeTcp(at: number, from: number, index: number): void {
    const { bytes } = this.#memory;
    writeBig32(bytes, at + TCP.sequence, (this.#sequence + from) >>> 0);
    let flags = this.#flags;
    // Only the first tells that the window was reduced (RFC 3168 section 6.1.2), only the last ends or pushes.
    if (index > 0) flags &= ~TCP_FLAG.cwr;
    if (index < this.#count - 1) flags &= ~(TCP_FLAG.fin | TCP_FLAG.psh);
    bytes[at + TCP.flags] = flags;
  }

  #writeChecksum(outOffset: number, length: number, payloadSum: number): void {
    const { bytes } = this.#memory;
    const at = outOffset + this.#transport;
    const field = at + (this.#tcp ? TCP.checksum : UDP.checksum);
    writeSum(bytes, field, 0);
    const headerSum = this.#memory.sum(at, this.#headers - this.#transport);
    const value = ~foldSum(payloadSum + headerSum + this.#pseudoSum + networkOrder(length - this.#transport)) & 0xffff;
    // RFC 768: "If the computed checksum is zero, it is transmitted as all ones".
    writeSum(bytes, field, value === 0 && !this.#tcp ? 0xffff : value);
  }
}

/**
 * Completes the checksum of a packet in one piece, when the kernel left that to us.
 * @returns a problem when it lies outside the packet; the packet is then unchanged.
 */
export function completeChecksum(
  memory: PacketMemory,
  header: VirtioHeader,
  offset: number,
  length: number,
): SegmentationProblem | undefined {
  if (!header.needsChecksum) return undefined;
  const { checksumStart, checksumOffset } = header;
  if (checksumStart + checksumOffset + 2 > length || ((checksumStart | checksumOffset) & 1) === 1) {
    return 'malformed_offload';
  }
  const value = ~foldSum(memory.sum(offset + checksumStart, length - checksumStart)) & 0xffff;
  writeSum(memory.bytes, offset + checksumStart + checksumOffset, value === 0 ? 0xffff : value);
  return undefined;
}

interface Kind {
  readonly families: readonly (4 | 6)[];
  readonly tcp: boolean;
  readonly headerLength: number;
  readonly checksum: number;
}

const KINDS: Readonly<Record<number, Kind>> = {
  [LINUX.VIRTIO_NET_HDR_GSO_TCPV4]: {
    families: [4],
    tcp: true,
    headerLength: TCP.headerLength,
    checksum: TCP.checksum,
  },
  [LINUX.VIRTIO_NET_HDR_GSO_TCPV6]: {
    families: [6],
    tcp: true,
    headerLength: TCP.headerLength,
    checksum: TCP.checksum,
  },
  [LINUX.VIRTIO_NET_HDR_GSO_UDP_L4]: {
    families: [4, 6],
    tcp: false,
    headerLength: UDP.headerLength,
    checksum: UDP.checksum,
  },
};
