import { readUint16 } from '../../bytes/octets.js';
import { notify } from '../../wire/ike/payloads/notify.js';
import type { Payload } from '../../wire/ike/payloads/registry.js';
import type { Transform } from '../../wire/ike/payloads/sa.js';
import { readHints } from '../authentication-hints.js';
import type { ProofRequests } from '../authentication-requests.js';
import type { IkeSa } from '../ike-sa.js';
import { NO_NAT } from '../lineage.js';
import type { Path } from '../path.js';
import type { Handshake } from '../states.js';
import { detectedNat } from './nat-detection.js';
import { findNotify } from './payload-access.js';

/** What either side says of itself in IKE_SA_INIT, beside the addresses that it sees. */
export function announcements({ hashes }: ProofRequests, intermediate: boolean): Payload[] {
  return [
    notify('IKEV2_FRAGMENTATION_SUPPORTED'),
    ...(hashes === undefined ? [] : [hashes]),
    ...(intermediate ? [notify('INTERMEDIATE_EXCHANGE_SUPPORTED')] : []),
  ];
}

/** What the peer says of itself, and of the addresses that it sees. */
export function absorb(sa: IkeSa, payloads: readonly Payload[], path: Path, now: number): void {
  const { lineage } = sa;
  lineage.peerSupportsFragmentation = findNotify(payloads, 'IKEV2_FRAGMENTATION_SUPPORTED') !== undefined;
  // In a request the responder's SPI is still zero in the hash.
  const spiR = sa.role === 'responder' ? new Uint8Array(8) : sa.responderSpi;
  const nat = detectedNat(sa, payloads, path, spiR);
  lineage.natTraversal = nat !== undefined;
  lineage.nat = nat ?? NO_NAT;
  if (nat !== undefined) sa.note({ kind: 'nat-found', weBehind: nat.weBehind, peerBehind: nat.peerBehind }, now);
}

/**
 * The peer's hashes, when both sides said theirs: "the peer is only allowed to use this authentication method if the Notify
 * payload of type SIGNATURE_HASH_ALGORITHMS has been sent and received by each peer" (RFC 7427 section 3).
 */
export function agreedHashes(
  { hashes }: ProofRequests,
  peerPayloads: readonly Payload[],
): readonly number[] | undefined {
  const said = findNotify(peerPayloads, 'SIGNATURE_HASH_ALGORITHMS')?.data;
  return hashes === undefined || said === undefined ? undefined : uint16List(said);
}

/** What follows from what both sides say of themselves. */
export type AgreedInInit = Pick<
  Handshake,
  'peerHashes' | 'methodsPending' | 'ppkMixing' | 'mayBeChildless' | 'pending'
>;

/** Keeps both messages: they must not change any more. */
export function handshakeOf(
  inputs: Handshake['inputs'],
  chosen: readonly Transform[],
  initiatorMessage: Uint8Array,
  responderMessage: Uint8Array,
  peerPayloads: readonly Payload[],
  agreed: AgreedInInit,
): Handshake {
  return {
    inputs,
    chosen,
    initiatorMessage,
    responderMessage,
    peerHints: readHints(peerPayloads),
    ...agreed,
    mixedPpk: undefined,
    intermediateInitiator: undefined,
    intermediateResponder: undefined,
  };
}

export function supportsIntermediate(peerPayloads: readonly Payload[]): boolean {
  return findNotify(peerPayloads, 'INTERMEDIATE_EXCHANGE_SUPPORTED') !== undefined;
}

function uint16List(octets: Uint8Array): readonly number[] {
  return Array.from({ length: octets.length >>> 1 }, (_unused, i) => readUint16(octets, 2 * i));
}
