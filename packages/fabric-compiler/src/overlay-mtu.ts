import {
  ahHeaderLength,
  type EspSuite,
  espLengths,
  INTEGRITY,
  maximumInnerLength,
  type Underlay,
  underlayHeaderLength,
} from '@weft/ipsec-core';
import type { Family } from './address/family.js';
import type { BundleAhProfile, BundleProfile } from './bundle.js';
import type { FabricIntent } from './intent.js';
import { defaultProfile, espProfile } from './profile.js';

/** The largest inner packet, in octets, that fits an underlay packet after ESP tunnel mode (RFC 4303), in UDP or not (RFC 3948). */
export function overlayMtu(underlayMtu: number, underlay: Underlay, suite: EspSuite): number {
  return maximumInnerLength(underlayMtu, underlay, espLengths(suite));
}

/** The same after AH tunnel mode (RFC 4302 section 3.1.2), which travels directly on IP. */
export function ahOverlayMtu(underlayMtu: number, family: Family, { integrity }: BundleAhProfile): number {
  const around = underlayHeaderLength({ family, udp: false }) + ahHeaderLength(family, INTEGRITY[integrity].icvLength);
  return underlayMtu - around;
}

/**
 * The largest packet from host to host that fits an underlay packet in transport mode: its own IP header stays in front, and AH or ESP
 * goes between that and what follows (RFC 4302 and 4303 section 3.1.1).
 */
export function transportMtu(underlayMtu: number, family: Family, profile: BundleProfile): number {
  if (profile.protocol === 'ah') return underlayMtu - ahHeaderLength(family, INTEGRITY[profile.integrity].icvLength);
  const underlay = { family, udp: false };
  return underlayHeaderLength(underlay) + overlayMtu(underlayMtu, underlay, { ...profile, integrity: undefined });
}

/** What the overlay device of an edge may let through, so that whatever it becomes fits the underlay. */
export function deviceMtu(
  family: Family,
  intent: Pick<FabricIntent, 'encapsulation' | 'keyingMode' | 'securityProtocol' | 'mode' | 'externalPeers'>,
): number {
  const profile = defaultProfile(intent);
  if (profile.mode === 'transport') return transportMtu(UNDERLAY_MTU, family, profile);
  const external = (intent.externalPeers ?? []).length > 0;
  // External peers negotiate, whatever edges do among themselves, and remote hosts are behind a NAT more often than not.
  const around = underlayOf(family, external ? { ...intent, keyingMode: 'ikev2' } : intent);
  const esp = overlayMtu(UNDERLAY_MTU, around, { ...espProfile(intent), integrity: undefined });
  if (profile.protocol !== 'ah') return esp;
  const ah = ahOverlayMtu(UNDERLAY_MTU, family, profile);
  // Gateways that are not ours have ESP, and one device is for all.
  return external ? Math.min(ah, esp) : ah;
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
