import type { Family } from './address/family.js';

/**
 * The largest inner packet, in octets, that fits an underlay packet after ESP tunnel mode with AES-GCM-16 in UDP:
 * what remains of the underlay MTU after outer IP, UDP (RFC 3948), SPI and sequence number, IV (RFC 4106) and ICV is
 * cut to whole 4-octet words, of which pad length and next header take two octets (RFC 4303 section 2.4).
 */
export function overlayMtu(underlayMtu: number, underlayFamily: Family): number {
  const outerIp = underlayFamily === 4 ? 20 : 40;
  const room = underlayMtu - outerIp - UDP_HEADER - ESP_HEADER - GCM_IV - GCM_ICV;
  return room - (room % ESP_ALIGNMENT) - ESP_TRAILER;
}

/** Every path of the fabric is assumed to carry this; smaller ones are found by path MTU discovery. */
export const UNDERLAY_MTU = 1500;

const UDP_HEADER = 8;
const ESP_HEADER = 8;
const GCM_IV = 8;
const GCM_ICV = 16;
const ESP_ALIGNMENT = 4;
const ESP_TRAILER = 2;
