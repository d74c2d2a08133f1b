import { natDetectionHash } from '../../crypto/ike/nat-detection.js';
import { NOTIFY } from '../../wire/ike/notify-registry.js';
import { notify } from '../../wire/ike/payloads/notify.js';
import type { Payload } from '../../wire/ike/payloads/registry.js';
import { sameAddress } from '../connection.js';
import type { IkeSa } from '../ike-sa.js';
import type { NatSituation } from '../lineage.js';
import type { Path } from '../path.js';

/**
 * Where a message comes from and goes to as we see it, hashed (RFC 7296 section 2.23); nothing where NAT traversal is
 * prohibited. Forced encapsulation gives a source that no message comes from, so that the peer finds a NAT before us.
 */
export function natDetection(sa: IkeSa, { local, remote }: Path): Payload[] {
  const { natPolicy } = sa.lineage;
  if (natPolicy === 'prohibited') return [];
  const source = natPolicy === 'forced' ? { address: new Uint8Array(local.address.length), port: 0 } : local;
  return [
    notify('NAT_DETECTION_SOURCE_IP', natDetectionHash(sa.initiatorSpi, sa.responderSpi, source)),
    notify('NAT_DETECTION_DESTINATION_IP', natDetectionHash(sa.initiatorSpi, sa.responderSpi, remote)),
  ];
}

/**
 * What a message that came by `path` shows: the source hash of the peer tells whether it is behind a NAT, its destination
 * hash whether we are. Undefined when it has no such hashes. In an IKE_SA_INIT request the SPI of the responder is zero.
 */
export function detectedNat(
  sa: IkeSa,
  payloads: readonly Payload[],
  { local, remote }: Path,
  responderSpi = sa.responderSpi,
): NatSituation | undefined {
  const { natPolicy } = sa.lineage;
  if (natPolicy === 'prohibited') return undefined;
  const sources = hashesOf(payloads, NOTIFY.NAT_DETECTION_SOURCE_IP);
  const destinations = hashesOf(payloads, NOTIFY.NAT_DETECTION_DESTINATION_IP);
  if (sources.length === 0 && destinations.length === 0) return undefined;
  // "There MAY be multiple … payloads … if the sender does not know which of several network attachments will be used."
  const differs = (hashes: readonly Uint8Array[], endpoint: Path['local']): boolean => {
    const expected = natDetectionHash(sa.initiatorSpi, responderSpi, endpoint);
    return hashes.length > 0 && !hashes.some((hash) => sameAddress(hash, expected));
  };
  const peerBehind = differs(sources, remote);
  const weBehind = differs(destinations, local);
  return { present: peerBehind || weBehind || natPolicy === 'forced', peerBehind, weBehind };
}

/** How the peer sees us, as an answer of it says. */
export function seenAs(payloads: readonly Payload[]): Uint8Array | undefined {
  return hashesOf(payloads, NOTIFY.NAT_DETECTION_DESTINATION_IP)[0];
}

function hashesOf(payloads: readonly Payload[], type: number): readonly Uint8Array[] {
  return payloads.flatMap((payload) => (payload.kind === 'N' && payload.type === type ? [payload.data] : []));
}
