import { copyOctets, readUint16, readUint32, writeUint16, writeUint32 } from '../../bytes/octets.js';
import { type Flow, isSkippedExtension } from './flow.js';
import { writeTotalLength } from './header.js';
import { IPV4, ipv4HeaderLength } from './ipv4.js';
import { IPV6 } from './ipv6.js';
import { PROTOCOL } from './protocol.js';

/*
 * RFC 8200 section 4.5
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |  Next Header  |   Reserved    |      Fragment Offset    |Res|M|
 * |                         Identification                        |
 */
export const FRAGMENT_HEADER = { next: 0, offset: 2, identification: 4, length: 8, more: 1 } as const;

/** Where a fragment belongs in its packet. Reused: parseFragment overwrites it. */
export class FragmentFields {
  identification = 0;
  /** Octets of the fragmentable part in front of this fragment's. */
  position = 0;
  more = false;
  /** Octets of header that every fragment repeats, from the packet's start; IPv6: up to the fragment header. */
  headerLength = 0;
  /** From the packet's start to the fragment's own octets. */
  dataOffset = 0;
  dataLength = 0;
  /** IPv6: the field that names the fragment header. */
  nextHeaderField = 0;
  /** What the fragmentable part begins with, as this fragment says. */
  next = 0;
}

/**
 * Reads a fragment of `length` octets of which parseFlow says that it is one. False when its first fragment header says
 * that the packet is whole and a second one that it is not: such nesting is nothing that a sender makes.
 */
export function parseFragment(fields: FragmentFields, packet: Uint8Array, offset: number, length: number): boolean {
  if ((packet[offset] ?? 0) >>> 4 === 4) {
    const field = readUint16(packet, offset + IPV4.fragment);
    fields.identification = readUint16(packet, offset + IPV4.identification);
    fields.position = (field & IPV4.fragmentOffsetMask) * FRAGMENT_UNIT;
    fields.more = (field & IPV4.moreFragments) !== 0;
    fields.headerLength = ipv4HeaderLength(packet, offset);
    fields.dataOffset = fields.headerLength;
    fields.nextHeaderField = IPV4.protocol;
    fields.next = packet[offset + IPV4.protocol] ?? 0;
  } else {
    findFragmentHeader(fields, packet, offset, length);
    const at = offset + fields.headerLength;
    const field = readUint16(packet, at + FRAGMENT_HEADER.offset);
    fields.identification = readUint32(packet, at + FRAGMENT_HEADER.identification);
    // The offset counts units of 8 octets in the upper 13 bits: masking leaves it in octets.
    fields.position = field & ~(FRAGMENT_UNIT - 1);
    fields.more = (field & FRAGMENT_HEADER.more) !== 0;
    fields.dataOffset = fields.headerLength + FRAGMENT_HEADER.length;
    fields.next = packet[at + FRAGMENT_HEADER.next] ?? 0;
  }
  fields.dataLength = length - fields.dataOffset;
  return fields.position !== 0 || fields.more;
}

/**
 * Whether the fragment reaches beyond the largest packet: 65,535 octets in IPv4, as much payload in IPv6 (RFC 791 section
 * 3.1, RFC 8200 section 4.5). To cut such a fragment would wrap the offsets of its pieces.
 */
export function exceedsLargestPacket({ headerLength, position, dataLength }: FragmentFields, six: boolean): boolean {
  const counted = six ? headerLength - IPV6.headerLength : headerLength;
  return counted + position + dataLength > LARGEST;
}

/** parseFlow has found one: the walk ends there. */
function findFragmentHeader(fields: FragmentFields, packet: Uint8Array, offset: number, length: number): void {
  let field: number = IPV6.nextHeader;
  let at: number = IPV6.headerLength;
  while (packet[offset + field] !== PROTOCOL.fragment && at + FRAGMENT_HEADER.length <= length) {
    field = at;
    at += ((packet[offset + at + 1] ?? 0) + 1) * FRAGMENT_UNIT;
  }
  fields.nextHeaderField = field;
  fields.headerLength = at;
}

/**
 * Whether an IPv6 packet is whole and says so with a fragment header (RFC 6946). `flow` is what parseFlow says of it;
 * `fields` then has where the header stands and what follows it.
 */
export function parseAtomicFragment(fields: FragmentFields, flow: Flow, packet: Uint8Array, offset: number): boolean {
  if (flow.family !== 6 || flow.fragment !== 'whole') return false;
  let field: number = IPV6.nextHeader;
  let at: number = IPV6.headerLength;
  while (packet[offset + field] !== PROTOCOL.fragment) {
    if (!isSkippedExtension(packet[offset + field] ?? 0)) return false;
    field = at;
    at += ((packet[offset + at + 1] ?? 0) + 1) * FRAGMENT_UNIT;
  }
  fields.nextHeaderField = field;
  fields.headerLength = at;
  fields.dataOffset = at + FRAGMENT_HEADER.length;
  fields.dataLength = flow.totalLength - fields.dataOffset;
  fields.next = packet[offset + at + FRAGMENT_HEADER.next] ?? 0;
  return true;
}

/**
 * Writes such a packet without that header: RFC 4302 appendix A2: "AH MUST first 'remove' (or skip over) this header and
 * change the previous header's 'Next Header' field to be the 'Next Header' field in the Fragmentation Extension Header."
 * `out` may be the packet's own memory when outOffset is not above offset. Returns the octets written.
 */
export function writeWithoutFragmentHeader(
  { headerLength, dataOffset, dataLength, nextHeaderField, next }: FragmentFields,
  packet: Uint8Array,
  offset: number,
  out: Uint8Array,
  outOffset: number,
): number {
  copyOctets(packet, offset, headerLength, out, outOffset);
  copyOctets(packet, offset + dataOffset, dataLength, out, outOffset + headerLength);
  out[outOffset + nextHeaderField] = next;
  writeTotalLength(out, outOffset, headerLength + dataLength);
  return headerLength + dataLength;
}

/**
 * Writes the header of an IPv4 fragment other than the first: options only where their copied flag is set (RFC 791
 * section 3.1). Length, offset and checksum are left to the caller. Returns its octets.
 */
export function writeLaterHeader(out: Uint8Array, at: number, packet: Uint8Array, offset: number): number {
  copyOctets(packet, offset, IPV4.headerLength, out, at);
  const end = offset + ipv4HeaderLength(packet, offset);
  let length: number = IPV4.headerLength;
  for (let from = offset + IPV4.headerLength; from < end; ) {
    const type = packet[from] ?? OPTION_END;
    if (type === OPTION_END) break;
    const size = type === OPTION_NOP ? 1 : (packet[from + 1] ?? 0);
    if (size === 0 || from + size > end) break;
    if ((type & OPTION_COPIED) !== 0) {
      copyOctets(packet, from, size, out, at + length);
      length += size;
    }
    from += size;
  }
  while (length % 4 !== 0) out[at + length++] = OPTION_END;
  out[at] = 0x40 | (length / 4);
  return length;
}

/** Sets what makes an IPv4 packet of `length` octets the fragment at `position` octets; keeps DF. */
export function markFragmentV4(packet: Uint8Array, at: number, length: number, position: number, more: boolean): void {
  const field = readUint16(packet, at + IPV4.fragment) & ~(IPV4.moreFragments | IPV4.fragmentOffsetMask);
  writeUint16(packet, at + IPV4.fragment, field | (more ? IPV4.moreFragments : 0) | (position / FRAGMENT_UNIT));
  writeTotalLength(packet, at, length);
}

/** Writes a fragment header. */
export function writeFragmentHeader(
  out: Uint8Array,
  at: number,
  next: number,
  position: number,
  more: boolean,
  identification: number,
): void {
  out[at] = next;
  out[at + 1] = 0;
  writeUint16(out, at + FRAGMENT_HEADER.offset, position | (more ? FRAGMENT_HEADER.more : 0));
  writeUint32(out, at + FRAGMENT_HEADER.identification, identification);
}

/** Octets that fragment offsets count in. */
export const FRAGMENT_UNIT = 8;
const OPTION_END = 0;
const OPTION_NOP = 1;
const OPTION_COPIED = 0x80;

const LARGEST = 65_535;
