import { type EspSuite, espLengths, maximumInnerLength } from '@weft/ipsec-core';
import type { Family } from './address/family.js';

/** The largest inner packet, in octets, that fits an underlay packet after ESP tunnel mode in UDP (RFC 4303, RFC 3948). */
export function overlayMtu(underlayMtu: number, underlayFamily: Family, suite: EspSuite): number {
  return maximumInnerLength(underlayMtu, { family: underlayFamily, udp: true }, espLengths(suite));
}

/** Every path of the fabric is assumed to carry this; smaller ones are found by path MTU discovery. */
export const UNDERLAY_MTU = 1500;
