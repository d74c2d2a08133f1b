import { natDetectionHash } from '../../crypto/ike/nat-detection.js';
import { EXCHANGE } from '../../wire/ike/iana.js';
import { additionalAddresses, noNatsAllowed } from '../../wire/ike/mobike-notifies.js';
import { type NotifyPayload, notify } from '../../wire/ike/payloads/notify.js';
import type { Payload } from '../../wire/ike/payloads/registry.js';
import { sameAddress } from '../connection.js';
import type { IkeSa } from '../ike-sa.js';
import type { Lineage } from '../lineage.js';
import type { FailureReason, PathChangeCause } from '../outputs.js';
import { type Path, samePath } from '../path.js';
import { NAT_RETRIES } from '../timers.js';
import { breakOff } from './close.js';
import { detectedNat, natDetection, seenAs } from './nat-detection.js';
import { findNotify } from './payload-access.js';
import { cookieCameBack, makeCookie2 } from './routability.js';

/**
 * RFC 4555 section 3.5, the initiator, who "decides what addresses are used": the IKE SA and what is under way on it go by
 * the new path at once, Child SAs too unless the responder's address is one where it has not been heard yet, and the
 * responder is told when the window allows.
 */
export function changePath(lineage: Lineage, path: Path, cause: PathChangeCause, now: number): void {
  moveTo(lineage, path, cause, now);
  requestUpdate(lineage, now);
}

/**
 * A request that was sent every way there is was answered, from where a way is open (section 3.10): that is the path from
 * now on. True when it is another than before; UPDATE_SA_ADDRESSES has then to follow.
 */
export function adoptProbedPath(lineage: Lineage, path: Path, now: number): boolean {
  const { mobility, initiator } = lineage;
  if (!mobility.inUse || initiator !== 'us' || samePath(path, lineage.path)) return false;
  if (!mobility.alternatives(lineage.path).some((other) => samePath(other, path))) return false;
  moveTo(lineage, path, 'path_silent', now);
  return true;
}

/** UPDATE_SA_ADDRESSES, before everything else that waits; once, however often the path changes meanwhile. */
export function requestUpdate(lineage: Lineage, now: number): void {
  lineage.enqueueFirst({ key: 'update-addresses', urgent: true, run: sendUpdate }, now);
  sayOnPredecessor(lineage, sendUpdate, now);
}

/**
 * A peer that waits for our answer to its rekey of the IKE SA, at an address that we have no more, knows nothing of the
 * successor, and could never be told there where we are.
 */
export function sayOnPredecessor(lineage: Lineage, send: (sa: IkeSa, now: number) => void, now: number): void {
  const before = lineage.doubtfulPredecessor;
  if (before !== undefined && before.underway === undefined) send(before, now);
}

/** The addresses of a message that may change those of SAs: hashed for NATs to be found, or in plain where none may be. */
export function pathNotifies(sa: IkeSa): Payload[] {
  const { natTraversal, path } = sa.lineage;
  return natTraversal ? natDetection(sa, path) : [noNatsAllowed(path.local, path.remote)];
}

/** Our addresses beside the one in use, as the peer may be told them. */
export function ownList({ mobility, path }: Lineage): readonly NotifyPayload[] {
  return additionalAddresses(mobility.own.filter((address) => !sameAddress(address, path.local.address)).slice(0, 8));
}

/**
 * "The initiator … SHOULD include [NAT_DETECTION payloads] in DPD messages and compare … If the values do not match, the IP
 * address and/or port seen by the responder has changed, and the initiator SHOULD send UPDATE_SA_ADDRESSES" (section 3.8).
 * The hash has the SPIs in it, so that a rekey makes it another, too: "this unnecessary update is harmless".
 */
export function noticeMapping(sa: IkeSa, response: readonly Payload[], generation: number, now: number): void {
  const { lineage } = sa;
  const { mobility, nat, path } = lineage;
  const seen = seenAs(response);
  if (!mobility.inUse || seen === undefined || generation !== mobility.generation) return;
  const expected = nat.weBehind ? mobility.seenAs : natDetectionHash(sa.initiatorSpi, sa.responderSpi, path.local);
  if (expected !== undefined && sameAddress(seen, expected)) return;
  lineage.current.note({ kind: 'seen-elsewhere' }, now);
  changePath(lineage, path, 'peer_moved', now);
}

function moveTo(lineage: Lineage, path: Path, cause: PathChangeCause, now: number): void {
  const { mobility, connection } = lineage;
  lineage.take(path, cause, now);
  if (connection.mobike?.returnRoutability === 'before' && !mobility.isVerified(path)) return;
  // A path that is new may have a NAT; ESP in UDP passes without one, too, and the answer tells.
  lineage.children.move(path, lineage.nat.present || lineage.natTraversal);
}

function sendUpdate(sa: IkeSa, now: number): void {
  const { lineage, host } = sa;
  const { mobility, connection, path } = lineage;
  const sent: SentUpdate = {
    path,
    generation: mobility.generation,
    cookie: connection.mobike?.returnRoutability === 'omitted' ? undefined : makeCookie2(host),
  };
  const payloads: Payload[] = [
    notify('UPDATE_SA_ADDRESSES'),
    ...ownList(lineage),
    ...pathNotifies(sa),
    ...(sent.cookie === undefined ? [] : [sent.cookie]),
  ];
  const onResponse = (response: readonly Payload[], later: number) => receiveUpdated(sa, sent, response, later);
  const abandon = (later: number) => requestUpdate(lineage, later);
  sa.request({ purpose: { kind: 'inform' }, exchange: EXCHANGE.INFORMATIONAL, payloads, onResponse, abandon }, now);
}

interface SentUpdate {
  readonly path: Path;
  readonly generation: number;
  readonly cookie: NotifyPayload | undefined;
}

function receiveUpdated(
  sa: IkeSa,
  { path, generation, cookie }: SentUpdate,
  response: readonly Payload[],
  now: number,
) {
  const { lineage } = sa;
  const { mobility } = lineage;
  if (cookie !== undefined && !cookieCameBack(lineage, cookie, response, now)) return;
  if (generation !== mobility.generation) {
    // "If an address change has occurred after the request was first sent, no MOBIKE processing is done for the reply."
    requestUpdate(lineage, now);
    return;
  }
  if (findNotify(response, 'UNEXPECTED_NAT_DETECTED') !== undefined) {
    if (++mobility.natEncounters < NAT_RETRIES) requestUpdate(lineage, now);
    else tryAnother(lineage, { code: 'nat_detected' }, now);
    return;
  }
  if (findNotify(response, 'UNACCEPTABLE_ADDRESSES') !== undefined) {
    tryAnother(lineage, { code: 'addresses_refused' }, now);
    return;
  }
  mobility.natEncounters = 0;
  mobility.verify(path);
  mobility.seenAs = seenAs(response);
  lineage.situate(detectedNat(sa, response, path) ?? lineage.nat, now);
  lineage.children.move(path, lineage.nat.present);
}

/** "The initiator MAY select another addresses and retry the exchange … or disconnect": the latter when none is left. */
function tryAnother(lineage: Lineage, reason: FailureReason, now: number): void {
  const { mobility, path } = lineage;
  mobility.refuse(path);
  mobility.natEncounters = 0;
  lineage.current.note({ kind: 'path-refused', reason }, now);
  const [next] = mobility.alternatives(path);
  if (next === undefined) breakOff(lineage, reason, now);
  else changePath(lineage, next, 'path_refused', now);
}
