import { readUint16, writeUint32 } from '../bytes/octets.js';
import type { Family } from './ip/address.js';
import { IPV4, ipv4HeaderLength } from './ip/ipv4.js';
import { IPV6 } from './ip/ipv6.js';
import { PROTOCOL } from './ip/protocol.js';

/*
 * RFC 4302 section 2
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * | Next Header   |  Payload Len  |          RESERVED             |
 * |                 Security Parameters Index (SPI)               |
 * |                    Sequence Number Field                      |
 * +                Integrity Check Value-ICV (variable)           |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
export const AH = { next: 0, payloadLength: 1, reserved: 2, spi: 4, sequence: 8, icv: 12 } as const;

/** Octets of an AH header; it is a multiple of 4 octets over IPv4 and of 8 over IPv6 (RFC 4302 section 2.2). */
export function ahHeaderLength(family: Family, icvFieldLength: number): number {
  const unit = family === 4 ? 4 : 8;
  return Math.ceil((AH.icv + icvFieldLength) / unit) * unit;
}

/** Length of the AH header at `offset` as it says itself, or -1 when it does not fit into `available` octets. */
export function readAhLength(packet: Uint8Array, offset: number, available: number): number {
  if (available < AH.icv) return -1;
  const length = ((packet[offset + AH.payloadLength] ?? 0) + 2) * 4;
  return length < AH.icv || length > available ? -1 : length;
}

/** Writes everything but the ICV, which becomes zero. */
export function writeAhHeader(
  out: Uint8Array,
  offset: number,
  length: number,
  next: number,
  spi: number,
  sequence: number,
): void {
  out.fill(0, offset, offset + length);
  out[offset + AH.next] = next;
  out[offset + AH.payloadLength] = length / 4 - 2;
  writeUint32(out, offset + AH.spi, spi);
  writeUint32(out, offset + AH.sequence, sequence);
}

/**
 * Makes of an IP packet what the ICV covers, in place: fields that change on the way are zero, those that change
 * predictably are as they arrive, and the ICV itself is zero (RFC 4302 section 3.3.3). Nothing behind the ICV is touched.
 * `ahOffset` is relative to the packet. The ICV field begins with `ivLength` octets that stay (the IV of GMAC); behind the
 * ICV may come padding, which stays as well: "These padding bytes are included in the ICV calculation" (section
 * 3.3.3.2.1). False when a header or option runs out of its place; some fields may be masked then.
 */
export function maskMutableFields(
  packet: Uint8Array,
  offset: number,
  ahOffset: number,
  ivLength: number,
  icvLength: number,
): boolean {
  const icv = offset + ahOffset + AH.icv + ivLength;
  packet.fill(0, icv, icv + icvLength);
  return (packet[offset] ?? 0) >>> 4 === 4 ? maskV4(packet, offset, ahOffset) : maskV6(packet, offset, ahOffset);
}

/** RFC 4302 section 3.3.3.1.1 and appendix A1. */
function maskV4(packet: Uint8Array, offset: number, ahOffset: number): boolean {
  if (ipv4HeaderLength(packet, offset) !== ahOffset) return false;
  packet[offset + IPV4.tos] = 0;
  packet.fill(0, offset + IPV4.fragment, offset + IPV4.fragment + 2);
  packet[offset + IPV4.ttl] = 0;
  packet.fill(0, offset + IPV4.checksum, offset + IPV4.checksum + 2);
  const end = offset + ahOffset;
  let at: number = offset + IPV4.headerLength;
  while (at < end) {
    const type = packet[at] ?? 0;
    if (type === OPTION_END) return true;
    if (type === OPTION_NOP) {
      at++;
      continue;
    }
    const length = packet[at + 1] ?? 0;
    if (length < 2 || at + length > end) return false;
    if (SOURCE_ROUTES.includes(type) && !finishSourceRoute(packet, offset, at, length)) return false;
    if (!IMMUTABLE_OPTIONS.includes(type)) packet.fill(0, at, at + length);
    at += length;
  }
  return true;
}

/** Puts the destination that the packet will have when it arrives: the last address, unless the route is used up. */
function finishSourceRoute(packet: Uint8Array, offset: number, at: number, length: number): boolean {
  if (length < 3 || (length - 3) % 4 !== 0) return false;
  const pointer = packet[at + 2] ?? 0;
  if (pointer < length) packet.copyWithin(offset + IPV4.destination, at + length - 4, at + length);
  return true;
}

/** RFC 4302 section 3.3.3.1.2 and appendix A2. */
function maskV6(packet: Uint8Array, offset: number, ahOffset: number): boolean {
  // Traffic class and flow label: everything in the first word but the version.
  packet[offset] = (packet[offset] ?? 0) & 0xf0;
  packet.fill(0, offset + 1, offset + 4);
  packet[offset + IPV6.hopLimit] = 0;
  const end = offset + ahOffset;
  let next = packet[offset + IPV6.nextHeader] ?? 0;
  let at: number = offset + IPV6.headerLength;
  while (at < end) {
    const length = ((packet[at + 1] ?? 0) + 1) * 8;
    if (at + length > end) return false;
    if (next === PROTOCOL.hopByHop || next === PROTOCOL.destinationOptions) {
      if (!maskOptions(packet, at + 2, at + length)) return false;
    } else if (next === PROTOCOL.routing) {
      if (!finishRouting(packet, offset, at, length)) return false;
    } else {
      return false;
    }
    next = packet[at] ?? 0;
    at += length;
  }
  return at === end;
}

/** RFC 8200 section 4.2: the third-highest bit of an option's type says that its data may change en route. */
function maskOptions(packet: Uint8Array, from: number, end: number): boolean {
  let at = from;
  while (at < end) {
    const type = packet[at] ?? 0;
    if (type === OPTION_PAD1) {
      at++;
      continue;
    }
    const length = packet[at + 1] ?? 0;
    if (at + 2 + length > end) return false;
    if ((type & OPTION_MAY_CHANGE) !== 0) packet.fill(0, at + 2, at + 2 + length);
    at += 2 + length;
  }
  return true;
}

/** Puts a routing header of addresses, and the destination, into the order they have when the packet arrives. */
function finishRouting(packet: Uint8Array, offset: number, at: number, length: number): boolean {
  const left = packet[at + 3] ?? 0;
  if (left === 0) return true;
  const type = packet[at + 2] ?? 0;
  const addresses = (length - 8) / 16;
  if ((type !== 0 && type !== 2) || !Number.isInteger(addresses) || left > addresses) return false;
  const destination = offset + IPV6.destination;
  for (let i = addresses - left; i < addresses; i++) {
    for (let octet = 0; octet < 16; octet++) {
      const here = at + 8 + 16 * i + octet;
      const kept = packet[here] ?? 0;
      packet[here] = packet[destination + octet] ?? 0;
      packet[destination + octet] = kept;
    }
  }
  packet[at + 3] = 0;
  return true;
}

/** Where a transport-mode header stands, or is to be put (RFC 4302 and 4303 sections 3.1.1). */
export class InsertionPoint {
  /** From the start of the packet. */
  offset = 0;
  /** The field that names what stands there. */
  nextHeaderField = 0;
  next = 0;
}

/**
 * Finds the end of the headers that routers on the way read: IPv4 with options; IPv6 with hop-by-hop, routing and the
 * destination options in front of a routing header. False when the headers are malformed or show a fragment.
 */
export function findInsertionPoint(point: InsertionPoint, packet: Uint8Array, offset: number, length: number): boolean {
  if ((packet[offset] ?? 0) >>> 4 === 4) {
    point.offset = ipv4HeaderLength(packet, offset);
    point.nextHeaderField = IPV4.protocol;
    point.next = packet[offset + IPV4.protocol] ?? 0;
    return (readUint16(packet, offset + IPV4.fragment) & (IPV4.fragmentOffsetMask | IPV4.moreFragments)) === 0;
  }
  point.offset = IPV6.headerLength;
  point.nextHeaderField = IPV6.nextHeader;
  point.next = packet[offset + IPV6.nextHeader] ?? 0;
  while (
    point.next === PROTOCOL.hopByHop ||
    point.next === PROTOCOL.routing ||
    (point.next === PROTOCOL.destinationOptions && precedesRouting(packet, offset, point.offset, length))
  ) {
    const size = ((packet[offset + point.offset + 1] ?? 0) + 1) * 8;
    if (point.offset + size > length) return false;
    point.nextHeaderField = point.offset;
    point.next = packet[offset + point.offset] ?? 0;
    point.offset += size;
  }
  return point.next !== PROTOCOL.fragment;
}

/**
 * Finds an AH or ESP header wherever it stands behind IPv6 extension headers. Returns false when there is none before
 * the next layer protocol, or when a fragment header shows that the packet must be reassembled first.
 */
export function findProtection(point: InsertionPoint, packet: Uint8Array, offset: number, length: number): boolean {
  if (!findInsertionPoint(point, packet, offset, length)) return false;
  while (point.next === PROTOCOL.destinationOptions) {
    const size = ((packet[offset + point.offset + 1] ?? 0) + 1) * 8;
    if (point.offset + size > length) return false;
    point.nextHeaderField = point.offset;
    point.next = packet[offset + point.offset] ?? 0;
    point.offset += size;
  }
  return point.next === PROTOCOL.esp || point.next === PROTOCOL.ah;
}

function precedesRouting(packet: Uint8Array, offset: number, at: number, length: number): boolean {
  return at + 8 <= length && packet[offset + at] === PROTOCOL.routing;
}

const OPTION_END = 0;
const OPTION_NOP = 1;
/** Security, extended security, commercial security, router alert, sender directed multi-destination. */
const IMMUTABLE_OPTIONS: readonly number[] = [130, 133, 134, 148, 149];
/** Loose and strict source and record route (RFC 791 section 3.1). */
const SOURCE_ROUTES: readonly number[] = [131, 137];
const OPTION_PAD1 = 0;
const OPTION_MAY_CHANGE = 0x20;
