import type { SecurityAssociationParameters } from '@weft/ipsec-core';
import type { ChildAssociation } from '@weft/ipsec-core/ike';

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
}

/** One direction of a Child SA as the SAD takes it (RFC 4301 section 4.4.2). `keyingMaterial` is moved there. */
export function associationParameters(
  direction: 'inbound' | 'outbound',
  { inboundSpi, outboundSpi, suite, mode }: ChildAssociation,
  keyingMaterial: Uint8Array,
  protection: ChildProtection,
): SecurityAssociationParameters {
  const { softBytes, hardBytes } = protection;
  const common = {
    direction,
    tunnelId: protection.tunnelId,
    spi: direction === 'inbound' ? inboundSpi : outboundSpi,
    mode,
    keyingMaterial,
    extendedSequenceNumbers: suite.extendedSequenceNumbers,
    replayWindow: protection.replayWindow,
    // IKE rekeys by its own clock; the packet path only says when it is too late.
    softLifetimeMilliseconds: protection.hardLifetime,
    hardLifetimeMilliseconds: protection.hardLifetime,
    ...(softBytes === undefined ? {} : { softBytes }),
    ...(hardBytes === undefined ? {} : { hardBytes }),
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
