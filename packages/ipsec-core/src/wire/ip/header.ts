import { readUint16, writeUint16, writeUint32 } from '../../bytes/octets.js';
import type { Family } from './address.js';
import { checksumAdd, checksumFinish } from './checksum.js';
import { IPV4, ipv4HeaderLength } from './ipv4.js';
import { IPV6 } from './ipv6.js';

/** Reads the traffic class (IPv6) or type of service (IPv4): DSCP in the upper six bits, ECN in the lower two. */
export function readTrafficClass(packet: Uint8Array, offset: number): number {
  if ((packet[offset] ?? 0) >>> 4 === 4) return packet[offset + IPV4.tos] ?? 0;
  return (((packet[offset] ?? 0) & 0x0f) << 4) | ((packet[offset + 1] ?? 0) >>> 4);
}

/** Writes it, and the IPv4 header checksum. */
export function writeTrafficClass(packet: Uint8Array, offset: number, value: number): void {
  if ((packet[offset] ?? 0) >>> 4 === 4) {
    packet[offset + IPV4.tos] = value;
    writeHeaderChecksum(packet, offset);
    return;
  }
  packet[offset] = ((packet[offset] ?? 0) & 0xf0) | (value >>> 4);
  packet[offset + 1] = ((packet[offset + 1] ?? 0) & 0x0f) | ((value & 0x0f) << 4);
}

export function writeHeaderChecksum(packet: Uint8Array, offset: number): void {
  writeUint16(packet, offset + IPV4.checksum, 0);
  writeUint16(
    packet,
    offset + IPV4.checksum,
    checksumFinish(checksumAdd(packet, offset, ipv4HeaderLength(packet, offset))),
  );
}

/** Sets the length of a packet that starts with an IP header, and the IPv4 header checksum. */
export function writeTotalLength(packet: Uint8Array, offset: number, length: number): void {
  if ((packet[offset] ?? 0) >>> 4 === 4) {
    writeUint16(packet, offset + IPV4.totalLength, length);
    writeHeaderChecksum(packet, offset);
  } else {
    writeUint16(packet, offset + IPV6.payloadLength, length - IPV6.headerLength);
  }
}

export function doesNotFragment(packet: Uint8Array, offset: number): boolean {
  if ((packet[offset] ?? 0) >>> 4 === 6) return true;
  return (readUint16(packet, offset + IPV4.fragment) & IPV4.dontFragment) !== 0;
}

export interface OuterHeader {
  readonly family: Family;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly hopLimit: number;
}

/** Octets of header that writeOuterHeader writes. */
export function outerHeaderLength(family: Family): number {
  return family === 4 ? IPV4.headerLength : IPV6.headerLength;
}

/**
 * Writes a tunnel header (RFC 4301 section 5.1.2) for a packet of `length` octets in all. IPv4 has no flow label, IPv6
 * neither DF nor identification; the latter only matters where DF is clear (RFC 6864 section 4).
 */
export function writeOuterHeader(
  out: Uint8Array,
  offset: number,
  header: OuterHeader,
  length: number,
  protocol: number,
  trafficClass: number,
  dontFragment: boolean,
  identification: number,
  flowLabel: number,
): void {
  out.fill(0, offset, offset + outerHeaderLength(header.family));
  if (header.family === 6) {
    writeUint32(out, offset, 0x60000000 | (trafficClass << 20) | flowLabel);
    out[offset + IPV6.nextHeader] = protocol;
    out[offset + IPV6.hopLimit] = header.hopLimit;
    out.set(header.source, offset + IPV6.source);
    out.set(header.destination, offset + IPV6.destination);
    writeTotalLength(out, offset, length);
    return;
  }
  out[offset] = 0x45;
  out[offset + IPV4.tos] = trafficClass;
  if (!dontFragment) writeUint16(out, offset + IPV4.identification, identification);
  writeUint16(out, offset + IPV4.fragment, dontFragment ? IPV4.dontFragment : 0);
  out[offset + IPV4.ttl] = header.hopLimit;
  out[offset + IPV4.protocol] = protocol;
  out.set(header.source, offset + IPV4.source);
  out.set(header.destination, offset + IPV4.destination);
  writeTotalLength(out, offset, length);
}
