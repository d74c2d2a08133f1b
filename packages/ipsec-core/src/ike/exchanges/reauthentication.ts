import { notify } from '../../wire/ike/payloads/notify.js';
import type { Payload } from '../../wire/ike/payloads/registry.js';
import { type ChildConfiguration, canInitiate, type Flow } from '../connection.js';
import type { IkeSa } from '../ike-sa.js';
import type { Lineage } from '../lineage.js';
import {
  HAND_OVER_DRAIN,
  HAND_OVER_LIMIT,
  HAND_OVER_PAUSE,
  LEAST_AUTHENTICATION,
  REAUTHENTICATION_RETRY,
} from '../timers.js';
import { flowOf } from './child-context.js';
import { requestChild } from './child-request.js';
import { breakOff, closeIke } from './close.js';
import { inform } from './inform.js';
import { initiate } from './init-initiator.js';
import { pause, within } from './lifetimes.js';
import { findNotify } from './payload-access.js';

/**
 * Reauthentication, make before break. RFC 7296 section 2.8.3: it "is done by creating a new IKE SA from scratch (using
 * IKE_SA_INIT/IKE_AUTH exchanges, without any REKEY_SA Notify payloads), creating new Child SAs within the new IKE SA
 * (without REKEY_SA Notify payloads), and finally deleting the old IKE SA (which deletes the old Child SAs as well)."
 *
 * Traffic moves at each end at its own moment: whoever initiated moves as soon as there is where to, and sends the Delete
 * when what it sent before has had time to arrive; the other moves when the Delete comes, or when the first packet came on
 * the new one. A rekey of the IKE SA proves nothing anew: the time runs on.
 */
export function requestReauthentication(lineage: Lineage, now: number): void {
  const { host, connection, timers } = lineage;
  if (!lineage.standing || isBeingReplaced(lineage)) return;
  if (!canInitiate(connection)) {
    lineage.current.note({ kind: 'reauthentication', step: 'impossible' }, now);
    return;
  }
  // Should it fail, or hang, or not be begun by the peer.
  timers.set('reauthenticate', now + pause(host, REAUTHENTICATION_RETRY));
  if (isForThePeer(lineage)) {
    lineage.reauthenticationAsked = true;
    inform(lineage, 'auth-lifetime', [notify('AUTH_LIFETIME', AT_ONCE)], now);
    return;
  }
  lineage.current.note({ kind: 'reauthentication', step: 'begun' }, now);
  lineage.reauthentication = initiate(host, connection, now, lineage);
}

/**
 * With MOBIKE the original initiator alone notices that a NAT maps it elsewhere, and says so (RFC 4555 section 3.8). Were the
 * peer behind a NAT the responder of the next IKE SA, nobody would: so it is asked to begin that itself, once (RFC 4478).
 */
function isForThePeer({ mobility, nat, initiator, reauthenticationAsked }: Lineage): boolean {
  return mobility.inUse && nat.peerBehind && initiator === 'peer' && !reauthenticationAsked;
}

/** Identities are proved: from now on their time runs. Whoever initiated begins earlier, so that seldom both do. */
export function limitAuthentication(lineage: Lineage, now: number): void {
  const { host, timers, connection, initiator } = lineage;
  const { authenticationLifetime: lifetime } = connection;
  if (lifetime === undefined) return;
  const [from, to] = initiator === 'us' ? [0.75, 0.85] : [0.9, 0.95];
  timers.set('reauthenticate', now + within(host, from * lifetime, to * lifetime));
  timers.set('authentication-end', now + lifetime);
}

/** Other configuration: the time runs anew from now on, and the original initiator is told (RFC 4478 section 2). */
export function changeAuthenticationLifetime(lineage: Lineage, now: number): void {
  if (!lineage.standing) return;
  lineage.timers.clear('reauthenticate');
  lineage.timers.clear('authentication-end');
  limitAuthentication(lineage, now);
  const told = lineage.initiator === 'peer' ? authLifetime(lineage) : [];
  if (told.length > 0) inform(lineage, 'auth-lifetime', told, now);
}

/**
 * RFC 4478 section 2, in the last message of IKE_AUTH, for the original initiator: the seconds that are left "before the
 * peer should repeat the Initial exchange" (section 3). We delete the IKE SA when they are over.
 */
export function authLifetime({ connection }: Lineage): Payload[] {
  const { authenticationLifetime: lifetime } = connection;
  if (lifetime === undefined) return [];
  const seconds = Math.min(Math.floor(lifetime / 1000), 0xffffffff);
  return [notify('AUTH_LIFETIME', Uint8Array.of(seconds >>> 24, seconds >>> 16, seconds >>> 8, seconds))];
}

/**
 * The original responder said how long our proof is good for, in IKE_AUTH or at any time later. "An Initiator that received
 * an AUTH_LIFETIME notification SHOULD repeat the Initial exchange within the time indicated"; 0 means at once. Nobody but
 * the original responder may say so, and nobody can make us do it without end.
 */
export function absorbAuthLifetime({ lineage }: IkeSa, payloads: readonly Payload[], now: number): void {
  const data = findNotify(payloads, 'AUTH_LIFETIME')?.data;
  if (data?.length !== 4 || lineage.initiator !== 'us' || lineage.establishedAt === undefined) return;
  const lifetime = 1000 * new DataView(data.buffer, data.byteOffset).getUint32(0);
  lineage.current.note({ kind: 'reauthentication-demanded', withinSeconds: lifetime / 1000 }, now);
  const wanted = now + within(lineage.host, 0.75 * lifetime, 0.85 * lifetime);
  const at = Math.max(wanted, lineage.establishedAt + LEAST_AUTHENTICATION);
  const planned = lineage.timers.at('reauthenticate');
  if (planned === undefined || at < planned) lineage.timers.set('reauthenticate', at);
}

/** The time is over. What takes the place of this one, if it stands, gets it at once; else the peer is not believed. */
export function endAuthentication(lineage: Lineage, now: number): void {
  if (!lineage.standing) return;
  if (lineage.otherStands) closeIke(lineage, now);
  else breakOff(lineage, { code: 'authentication_expired' }, now);
}

/** What was made to replace another stands: it gets the same Child SAs, and then the other is deleted. */
export function takePlace(lineage: Lineage, old: Lineage, now: number): void {
  for (const child of old.children.all) {
    if (child.phase === 'live' || child.phase === 'replaced') {
      requestChild(lineage, child.configuration, now, flowOf(child));
    }
  }
  lineage.enqueue({ key: 'hand-over', run: (_sa, at) => handOver(lineage, at) }, now);
}

/**
 * "finally deleting the old IKE SA": when everything that it carries has its like here, or that does not come. A peer that
 * gets the Delete may forget the old Child SAs at once, and nothing keeps a Delete from overtaking packets: they come
 * first.
 */
export function handOver(lineage: Lineage, now: number): void {
  const { replaces: old, establishedAt = now } = lineage;
  if (old?.standing !== true || !lineage.standing) return;
  const carried = old.children.all.filter(({ phase }) => phase === 'live' || phase === 'replaced');
  const missing = carried.some(({ policy }) => lineage.children.standing(policy).length === 0);
  if (missing && now < establishedAt + HAND_OVER_LIMIT) {
    lineage.timers.set('hand-over', now + HAND_OVER_PAUSE);
    return;
  }
  for (const { policy, outboundInUse } of carried) {
    const [next] = lineage.children.standing(policy);
    if (outboundInUse && next !== undefined) lineage.children.useOutbound(next);
  }
  lineage.timers.set('drained', now + HAND_OVER_DRAIN);
}

/** What went out through the Child SAs of the old IKE SA has arrived. */
export function closeReplaced({ replaces: old, standing }: Lineage, now: number): void {
  if (old?.standing === true && standing) closeIke(old, now);
}

/** The flow that the first Child SA of a successor is for, where each flow has an SA pair of its own. */
export function flowToReplace({ replaces }: Lineage, configuration: ChildConfiguration): Flow | undefined {
  const child = replaces?.children.all.find(
    (other) => other.phase === 'live' && other.configuration.name === configuration.name,
  );
  return child === undefined ? undefined : flowOf(child);
}

/** By one of ours that is under way or stands, or by one that the peer made since. */
function isBeingReplaced(lineage: Lineage): boolean {
  const { reauthentication, host, connection, startedAt } = lineage;
  const ours = reauthentication?.current.state.name;
  if (ours !== undefined && ours !== 'closed' && ours !== 'deleting') return true;
  if (connection.uniqueness === 'never') return false;
  return host.established(connection).some((other) => other.startedAt > startedAt);
}

/** AUTH_LIFETIME of no seconds (RFC 4478 section 3). */
const AT_ONCE = new Uint8Array(4);
