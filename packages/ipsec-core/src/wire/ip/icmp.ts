import { copyOctets, writeUint16 } from '../../bytes/octets.js';
import { checksumAdd, checksumFinish } from './checksum.js';
import { writeHeaderChecksum } from './header.js';
import { IPV4 } from './ipv4.js';
import { PROTOCOL } from './protocol.js';

/*
 * RFC 792 "Destination Unreachable Message", with the next-hop MTU of RFC 1191 section 4
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |   Type = 3    |   Code = 4    |           Checksum            |
 * |           unused = 0          |         Next-Hop MTU          |
 * |      Internet Header + at least 64 bits of Original Data      |
 */
export const ICMP = {
  type: 0,
  code: 1,
  checksum: 2,
  nextHopMtu: 6,
  quote: 8,
  destinationUnreachable: 3,
  fragmentationNeeded: 4,
  /** RFC 1812 section 5.2.7.1: communication administratively prohibited. */
  administrativelyProhibited: 13,
} as const;

/** Whether a type is an error message: unreachable, source quench, redirect, time exceeded, parameter problem. */
export function isIcmpErrorType(type: number): boolean {
  return type === ICMP.destinationUnreachable || type === 4 || type === 5 || type === 11 || type === 12;
}

/**
 * Writes "destination unreachable" about an IPv4 packet of `length` octets, to its source: a whole IPv4 packet of at most
 * 576 octets (RFC 1812 section 4.3.2.3), quoting as much as that allows. `source` holds the sender's address from
 * `sourceOffset` on; `nextHopMtu` is 0 but for "fragmentation needed". Returns its octets, or -1 when `out` has no room.
 */
export function writeDestinationUnreachable(
  out: Uint8Array,
  at: number,
  source: Uint8Array,
  sourceOffset: number,
  packet: Uint8Array,
  offset: number,
  length: number,
  code: number,
  nextHopMtu: number,
): number {
  const quoted = Math.min(length, MAXIMUM_LENGTH - IPV4.headerLength - ICMP.quote);
  const total = IPV4.headerLength + ICMP.quote + quoted;
  if (at + total > out.length) return -1;
  out.fill(0, at, at + IPV4.headerLength + ICMP.quote);
  out[at] = 0x45;
  out[at + IPV4.tos] = INTERNETWORK_CONTROL;
  writeUint16(out, at + IPV4.totalLength, total);
  // It is never cut, so it needs no identification (RFC 6864 section 4.1).
  writeUint16(out, at + IPV4.fragment, IPV4.dontFragment);
  out[at + IPV4.ttl] = HOP_LIMIT;
  out[at + IPV4.protocol] = PROTOCOL.icmp;
  copyOctets(source, sourceOffset, 4, out, at + IPV4.source);
  copyOctets(packet, offset + IPV4.source, 4, out, at + IPV4.destination);
  writeHeaderChecksum(out, at);
  const message = at + IPV4.headerLength;
  out[message + ICMP.type] = ICMP.destinationUnreachable;
  out[message + ICMP.code] = code;
  writeUint16(out, message + ICMP.nextHopMtu, nextHopMtu);
  copyOctets(packet, offset, quoted, out, message + ICMP.quote);
  writeUint16(out, message + ICMP.checksum, checksumFinish(checksumAdd(out, message, ICMP.quote + quoted)));
  return total;
}

const MAXIMUM_LENGTH = 576;
/** RFC 1812 section 4.3.2.5: precedence 6 for error messages. */
const INTERNETWORK_CONTROL = 0xc0;
const HOP_LIMIT = 64;
