import {
  ahHeaderLength,
  type EspLengths,
  espLengths,
  espPacketLength,
  INTEGRITY,
  maximumInnerLength,
  underlayHeaderLength,
} from '@weft/ipsec-core';
import type { Family } from '../address/family.js';
import type { BundleAhProfile, BundleEndpoint, BundleEspProfile, BundleProfile } from '../bundle.js';
import type { SharedBundle } from '../fabric/shared-bundle.js';
import type { IntentProfile } from '../intent.js';
import { ahOverlayMtu, transportMtu, UNDERLAY_MTU, underlayOf } from '../overlay-mtu.js';

/** Octet by octet, for the largest packet that fits (RFC 4302, RFC 4303, RFC 3948). */
export interface EncapsulationArithmetic {
  readonly underlayMtu: number;
  /** Whether ESP travels in UDP, or must fit in it because a NAT may be found. */
  readonly udp: boolean;
  /** Outer IP header, and the UDP header; none in transport mode, where a packet keeps its own. */
  readonly outerHeaders: number;
  /** SPI and sequence number; of AH its whole header but for the ICV. */
  readonly espHeader: number;
  readonly iv: number;
  /** Padding, pad length and next header. */
  readonly trailer: number;
  readonly icv: number;
  /** The largest inner packet. */
  readonly innerMtu: number;
  /** What it becomes on the underlay. */
  readonly outerLength: number;
}

/** Of a tunnel of an edge, and a packet that fills it. */
export function encapsulationOf(bundle: SharedBundle, { esp }: IntentProfile): EncapsulationArithmetic {
  if (esp.mode === 'transport') return transportArithmetic(bundle, esp);
  return esp.protocol === 'ah' ? ahArithmetic(bundle, esp) : espArithmetic(bundle, esp);
}

/** AH travels directly on IP; its padding, which IPv6 asks for, is in its header here (RFC 4302 section 2.2). */
function ahArithmetic({ underlay }: SharedBundle, profile: BundleAhProfile): EncapsulationArithmetic {
  const family = familyOf(underlay);
  const outerHeaders = underlayHeaderLength({ family, udp: false });
  const icv = INTEGRITY[profile.integrity].icvLength;
  const espHeader = ahHeaderLength(family, icv) - icv;
  const innerMtu = ahOverlayMtu(UNDERLAY_MTU, family, profile);
  const outerLength = outerHeaders + espHeader + icv + innerMtu;
  return {
    underlayMtu: UNDERLAY_MTU,
    udp: false,
    outerHeaders,
    espHeader,
    iv: 0,
    trailer: 0,
    icv,
    innerMtu,
    outerLength,
  };
}

function espArithmetic(
  { underlay, otherUnderlays, keyingMode }: SharedBundle,
  esp: BundleEspProfile,
): EncapsulationArithmetic {
  const lengths: EspLengths = espLengths({ encryption: esp.encryption, integrity: undefined, keyBits: esp.keyBits });
  // Packets may come to leave by any uplink, and have to fit each.
  const family = otherUnderlays.some((other) => familyOf(other) === 6) ? 6 : familyOf(underlay);
  const outer = underlayOf(family, { ...esp, keyingMode });
  const innerMtu = maximumInnerLength(UNDERLAY_MTU, outer, lengths);
  const outerHeaders = underlayHeaderLength(outer);
  const espLength = espPacketLength(innerMtu, lengths);
  return {
    underlayMtu: UNDERLAY_MTU,
    udp: outer.udp,
    outerHeaders,
    espHeader: ESP_HEADER,
    iv: lengths.ivLength,
    trailer: espLength - ESP_HEADER - lengths.ivLength - innerMtu - lengths.icvLength,
    icv: lengths.icvLength,
    innerMtu,
    outerLength: outerHeaders + espLength,
  };
}

/** The packet keeps its own IP header, which counts as a part of it: there are no outer ones. */
function transportArithmetic({ underlay }: SharedBundle, profile: BundleProfile): EncapsulationArithmetic {
  const family = familyOf(underlay);
  const innerMtu = transportMtu(UNDERLAY_MTU, family, profile);
  const common = { underlayMtu: UNDERLAY_MTU, udp: false, outerHeaders: 0, innerMtu };
  if (profile.protocol === 'ah') {
    const icv = INTEGRITY[profile.integrity].icvLength;
    const espHeader = ahHeaderLength(family, icv) - icv;
    return { ...common, espHeader, iv: 0, trailer: 0, icv, outerLength: innerMtu + espHeader + icv };
  }
  const { encryption, keyBits } = profile;
  const lengths = espLengths({ encryption, keyBits, integrity: undefined });
  const kept = underlayHeaderLength({ family, udp: false });
  const espLength = espPacketLength(innerMtu - kept, lengths);
  const espHeader = ESP_HEADER;
  const trailer = espLength - (innerMtu - kept) - espHeader - lengths.ivLength - lengths.icvLength;
  return {
    ...common,
    espHeader,
    iv: lengths.ivLength,
    trailer,
    icv: lengths.icvLength,
    outerLength: kept + espLength,
  };
}

function familyOf({ address }: BundleEndpoint): Family {
  return address.includes(':') ? 6 : 4;
}

/** SPI and sequence number (RFC 4303 section 2). */
const ESP_HEADER = 8;
