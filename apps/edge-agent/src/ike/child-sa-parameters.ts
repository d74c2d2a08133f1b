import {
  fromWireSelectors,
  type PathMtuParameters,
  type SecurityAssociationParameters,
  type TrafficSelector,
  type TravelParameters,
} from '@weft/ipsec-core';
import type { ChildAssociation, WireSelector } from '@weft/ipsec-core/ike';

/**
 * What ESP of a Child SA travels in where IKE has found no NAT. An end may use UDP all the same: "Implementations MUST
 * process received UDP-encapsulated ESP packets even when no NAT was detected" (RFC 7296 section 2.23). Whatever
 * this says, the packet path takes UDP from a peer.
 */
export type FormWithoutNat = 'udp' | 'native';

/** What the profile says about the Child SAs of a connection beside what IKE negotiates. */
export interface ChildProtection {
  readonly tunnelId: string;
  /** Packets, 64 to 4096. */
  readonly replayWindow: number;
  /** Milliseconds after which the association stops, rekeyed or not. IKE rekeys it well before. */
  readonly hardLifetime: number;
  /** Inner octets after which it is rekeyed, and stopped. */
  readonly softBytes?: number;
  readonly hardBytes?: number;
  /** `udp` by default. AH and transport mode never travel in UDP. */
  readonly withoutNat?: FormWithoutNat;
  /** What IKE must have agreed on. */
  readonly mode: 'tunnel' | 'transport';
  /** What is known of the path beforehand; without it no packet is found too large. */
  readonly pathMtu?: Omit<PathMtuParameters, 'underlay'>;
}

/** Whether the packets of a Child SA go directly on IP. */
export function isNative(
  { suite, mode, encapsulate }: Pick<ChildAssociation, 'suite' | 'mode' | 'encapsulate'>,
  { withoutNat = 'udp' }: Pick<ChildProtection, 'withoutNat'>,
): boolean {
  if (encapsulate) return false;
  return withoutNat === 'native' || suite.protocol === 'ah' || mode === 'transport';
}

/** How packets of one direction travel: what follows the addresses of the Child SA, and whether there is a NAT. */
export function travelOf(
  direction: 'inbound' | 'outbound',
  association: ChildAssociation,
  protection: ChildProtection,
): TravelParameters {
  const { localEndpoint, remoteEndpoint, mode } = association;
  const { pathMtu } = protection;
  const native = isNative(association, protection);
  const outer = { local: localEndpoint.address, remote: remoteEndpoint.address };
  const underlay = { family: remoteEndpoint.address.length === 4 ? 4 : 6, udp: true } as const;
  return {
    ...(native && mode === 'tunnel' ? { outer } : {}),
    ...(pathMtu === undefined || direction === 'inbound'
      ? {}
      : { pathMtu: native ? pathMtu : { ...pathMtu, underlay } }),
  };
}

/**
 * One direction of a Child SA as the SAD takes it (RFC 4301 section 4.4.2). `keyingMaterial` is moved there. Throws
 * PolicyError when the negotiated selectors are too many; the SAD refuses those that stand for nothing.
 */
export function associationParameters(
  direction: 'inbound' | 'outbound',
  association: ChildAssociation,
  keyingMaterial: Uint8Array,
  protection: ChildProtection,
): SecurityAssociationParameters {
  const { inboundSpi, outboundSpi, suite, mode, nonFirstFragmentsAlso, localEndpoint, remoteEndpoint } = association;
  const { softBytes, hardBytes } = protection;
  const selectors = narrowedTo(association);
  const common = {
    direction,
    tunnelId: protection.tunnelId,
    spi: direction === 'inbound' ? inboundSpi : outboundSpi,
    mode,
    keyingMaterial,
    extendedSequenceNumbers: suite.extendedSequenceNumbers,
    replayWindow: protection.replayWindow,
    nonFirstFragmentsAlso,
    ...(selectors === undefined ? {} : { selectors }),
    // IKE rekeys by its own clock; the packet path only says when it is too late.
    softLifetimeMilliseconds: protection.hardLifetime,
    hardLifetimeMilliseconds: protection.hardLifetime,
    ...(softBytes === undefined ? {} : { softBytes }),
    ...(hardBytes === undefined ? {} : { hardBytes }),
    // The hosts of transport mode are where IKE is (RFC 7296 section 1.3.1).
    ...(mode === 'transport' && direction === 'outbound'
      ? { between: { local: localEndpoint.address, remote: remoteEndpoint.address } }
      : {}),
    ...travelOf(direction, association, protection),
  };
  if (suite.protocol === 'ah') {
    const { integrity, keyBits } = suite;
    return { protocol: 'ah', integrity, ...(keyBits === undefined ? {} : { keyBits }), ...common };
  }
  return {
    protocol: 'esp',
    suite: suite.encryption,
    keyBits: suite.keyBits,
    ...(suite.integrity === undefined ? {} : { integrity: suite.integrity }),
    ...common,
  };
}

/** What it may carry; undefined when that is everything, which needs no check per packet. */
function narrowedTo({ local, remote }: ChildAssociation): readonly TrafficSelector[] | undefined {
  if (isEverything(local) && isEverything(remote)) return undefined;
  return fromWireSelectors({ local, remote });
}

/** Every address of both families, every protocol and port. */
function isEverything(selectors: readonly WireSelector[]): boolean {
  return [4, 16].every((octets) =>
    selectors.some(
      (part) =>
        part.type === 'range' &&
        part.first.length === octets &&
        part.protocol === 0 &&
        part.startPort === 0 &&
        part.endPort === 0xffff &&
        part.first.every((octet) => octet === 0) &&
        part.last.every((octet) => octet === 0xff),
    ),
  );
}
