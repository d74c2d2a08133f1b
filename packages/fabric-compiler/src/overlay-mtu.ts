import { type EspSuite, espLengths, maximumInnerLength, type Underlay } from '@weft/ipsec-core';
import type { Family } from './address/family.js';
import type { FabricIntent } from './intent.js';

/** The largest inner packet, in octets, that fits an underlay packet after ESP tunnel mode (RFC 4303), in UDP or not (RFC 3948). */
export function overlayMtu(underlayMtu: number, underlay: Underlay, suite: EspSuite): number {
  return maximumInnerLength(underlayMtu, underlay, espLengths(suite));
}

/** What surrounds ESP. Edges that negotiate may find a NAT at any time: then ESP must fit in UDP. */
export function underlayOf(
  family: Family,
  { encapsulation, keyingMode }: Pick<FabricIntent, 'encapsulation' | 'keyingMode'>,
): Underlay {
  return { family, udp: encapsulation !== 'none' || keyingMode === 'ikev2' };
}

/** Every path of the fabric is assumed to carry this; smaller ones are found by path MTU discovery. */
export const UNDERLAY_MTU = 1500;
