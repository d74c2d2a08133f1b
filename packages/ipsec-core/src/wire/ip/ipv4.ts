import { readUint16 } from '../../bytes/octets.js';

/*
 * RFC 791 section 3.1
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |Version|  IHL  |Type of Service|          Total Length         |
 * |         Identification        |Flags|      Fragment Offset    |
 * |  Time to Live |    Protocol   |         Header Checksum       |
 * |                       Source Address                          |
 * |                    Destination Address                        |
 * |                    Options                    |    Padding    |
 */
export const IPV4 = {
  tos: 1,
  totalLength: 2,
  identification: 4,
  fragment: 6,
  ttl: 8,
  protocol: 9,
  checksum: 10,
  source: 12,
  destination: 16,
  headerLength: 20,
  dontFragment: 0x4000,
  moreFragments: 0x2000,
  fragmentOffsetMask: 0x1fff,
} as const;

/** Header length with options, in octets. */
export function ipv4HeaderLength(packet: Uint8Array, offset: number): number {
  return ((packet[offset] ?? 0) & 0x0f) * 4;
}

/** Whether a header and the total length it claims fit into `length` octets. */
export function isIpv4Complete(packet: Uint8Array, offset: number, length: number): boolean {
  if (length < IPV4.headerLength || (packet[offset] ?? 0) >>> 4 !== 4) return false;
  const header = ipv4HeaderLength(packet, offset);
  const total = readUint16(packet, offset + IPV4.totalLength);
  return header >= IPV4.headerLength && header <= total && total <= length;
}
