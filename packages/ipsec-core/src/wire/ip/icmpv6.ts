import { copyOctets, writeUint16, writeUint32 } from '../../bytes/octets.js';
import { checksumAdd, checksumFinish } from './checksum.js';
import { IPV6 } from './ipv6.js';
import { PROTOCOL } from './protocol.js';

/*
 * RFC 4443 sections 3.1 (type 1, the parameter unused) and 3.2 (type 2, the parameter an MTU)
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |     Type      |     Code      |           Checksum            |
 * |                           Parameter                           |
 * |          As much of invoking packet as possible without       |
 * +            the ICMPv6 packet exceeding 1280 octets            +
 */
export const ICMPV6 = {
  type: 0,
  code: 1,
  checksum: 2,
  parameter: 4,
  quote: 8,
  destinationUnreachable: 1,
  /** Code of "destination unreachable": communication with destination administratively prohibited. */
  administrativelyProhibited: 1,
  packetTooBig: 2,
  redirect: 137,
} as const;

/** RFC 4443 section 2.1: "Error messages are identified as such by a zero in the high-order bit". */
export function isIcmpv6ErrorType(type: number): boolean {
  return type < 128;
}

/**
 * Writes an error message about an IPv6 packet of `length` octets, to its source: a whole IPv6 packet of at most 1280
 * octets. `source` holds the sender's address from `sourceOffset` on. Returns its octets, or -1 when `out` has no room.
 */
export function writeIcmpv6Error(
  out: Uint8Array,
  at: number,
  source: Uint8Array,
  sourceOffset: number,
  packet: Uint8Array,
  offset: number,
  length: number,
  type: number,
  code: number,
  parameter: number,
): number {
  const quoted = Math.min(length, MAXIMUM_LENGTH - IPV6.headerLength - ICMPV6.quote);
  const payload = ICMPV6.quote + quoted;
  if (at + IPV6.headerLength + payload > out.length) return -1;
  out.fill(0, at, at + IPV6.headerLength + ICMPV6.quote);
  out[at] = 0x60;
  writeUint16(out, at + IPV6.payloadLength, payload);
  out[at + IPV6.nextHeader] = PROTOCOL.icmpv6;
  out[at + IPV6.hopLimit] = HOP_LIMIT;
  copyOctets(source, sourceOffset, 16, out, at + IPV6.source);
  copyOctets(packet, offset + IPV6.source, 16, out, at + IPV6.destination);
  const message = at + IPV6.headerLength;
  out[message + ICMPV6.type] = type;
  out[message + ICMPV6.code] = code;
  writeUint32(out, message + ICMPV6.parameter, parameter);
  copyOctets(packet, offset, quoted, out, message + ICMPV6.quote);
  writeUint16(out, message + ICMPV6.checksum, icmpv6Checksum(out, at, message, payload));
  return IPV6.headerLength + payload;
}

/**
 * Checksum of a message of `length` octets with its pseudo-header (RFC 8200 section 8.1), of the packet at `at`: what
 * belongs into the checksum field when that is 0, and 0 when it is right.
 */
export function icmpv6Checksum(packet: Uint8Array, at: number, message: number, length: number): number {
  const addresses = checksumAdd(packet, at + IPV6.source, 32);
  return checksumFinish(checksumAdd(packet, message, length, addresses + length + PROTOCOL.icmpv6));
}

const MAXIMUM_LENGTH = 1280;
const HOP_LIMIT = 64;
