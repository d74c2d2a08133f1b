import { readUint32 } from '../bytes/octets.js';
import { ESP } from './esp.js';

export type EncapsulatedKind = 'esp' | 'ike' | 'keepalive' | 'malformed';

/**
 * What a UDP payload on port 4500 is (RFC 3948 section 2): a single octet 0xFF is a NAT keepalive, four zero octets
 * where an SPI would stand are the non-ESP marker in front of IKE, anything else long enough is ESP.
 */
export function classifyEncapsulated(payload: Uint8Array, offset: number, length: number): EncapsulatedKind {
  if (offset + length > payload.length) return 'malformed';
  if (length === 1 && payload[offset] === NAT_KEEPALIVE) return 'keepalive';
  if (length < NON_ESP_MARKER_LENGTH) return 'malformed';
  if (readUint32(payload, offset) === 0) return length > NON_ESP_MARKER_LENGTH ? 'ike' : 'malformed';
  return length < ESP.headerLength ? 'malformed' : 'esp';
}

/** Octets in front of an IKE message on port 4500. */
export const NON_ESP_MARKER_LENGTH = 4;
export const NAT_KEEPALIVE = 0xff;
