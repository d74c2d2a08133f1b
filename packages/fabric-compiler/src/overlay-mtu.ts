import { type EspSuite, espLengths, maximumInnerLength, type Underlay } from '@weft/ipsec-core';

/** The largest inner packet, in octets, that fits an underlay packet after ESP tunnel mode (RFC 4303), in UDP or not (RFC 3948). */
export function overlayMtu(underlayMtu: number, underlay: Underlay, suite: EspSuite): number {
  return maximumInnerLength(underlayMtu, underlay, espLengths(suite));
}

/** Every path of the fabric is assumed to carry this; smaller ones are found by path MTU discovery. */
export const UNDERLAY_MTU = 1500;
