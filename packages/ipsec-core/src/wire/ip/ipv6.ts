import { readUint16 } from '../../bytes/octets.js';

/*
 * RFC 8200 section 3
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |Version| Traffic Class |           Flow Label                  |
 * |         Payload Length        |  Next Header  |   Hop Limit   |
 * |                     Source Address (16)                       |
 * |                  Destination Address (16)                     |
 */
export const IPV6 = {
  payloadLength: 4,
  nextHeader: 6,
  hopLimit: 7,
  source: 8,
  destination: 24,
  headerLength: 40,
} as const;

/** The flow label is the lower 20 bits of the first word. */
export const FLOW_LABEL_MASK = 0xfffff;

/** Header and payload, in octets. Jumbograms (RFC 2675) do not occur: a payload length of 0 means no payload. */
export function ipv6TotalLength(packet: Uint8Array, offset: number): number {
  return IPV6.headerLength + readUint16(packet, offset + IPV6.payloadLength);
}

/** Whether a header and the payload it claims fit into `length` octets. */
export function isIpv6Complete(packet: Uint8Array, offset: number, length: number): boolean {
  if (length < IPV6.headerLength || (packet[offset] ?? 0) >>> 4 !== 6) return false;
  return ipv6TotalLength(packet, offset) <= length;
}
