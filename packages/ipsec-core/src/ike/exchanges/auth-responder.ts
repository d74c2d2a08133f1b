import { EXCHANGE } from '../../wire/ike/iana.js';
import { cameUntranslated } from '../../wire/ike/mobike-notifies.js';
import { describeIdentity, identification, sameIdentity } from '../../wire/ike/payloads/identification.js';
import { notify } from '../../wire/ike/payloads/notify.js';
import type { Payload } from '../../wire/ike/payloads/registry.js';
import { readHints } from '../authentication-hints.js';
import { admitsFrom, type ChildConfiguration, type Connection } from '../connection.js';
import type { IkeSa } from '../ike-sa.js';
import { isSelectionOf } from '../negotiation.js';
import type { OpenedMessage } from '../protection.js';
import type { Handshake } from '../states.js';
import { absorbAuth, authAnnouncements } from './auth-notifies.js';
import { checkIdentity, octetsOf, proveIdentity } from './authentication.js';
import { contextOf } from './child-context.js';
import { childFailed, installChild, isFirst } from './child-install.js';
import { chooseChild, isGranted } from './child-negotiation.js';
import { answerConfiguration } from './configuration.js';
import { establish } from './establishment.js';
import { checkLiveness } from './liveness.js';
import { find, findNotify } from './payload-access.js';
import { judgePpk } from './ppk.js';
import { authLifetime } from './reauthentication.js';

/** The initiator proves who it is; we do, and grant the first Child SA (RFC 7296 section 1.2). */
export function respondAuth(sa: IkeSa, { payloads }: OpenedMessage, now: number): void {
  if (sa.state.name !== 'awaiting-auth-request') return;
  const { handshake } = sa.state;
  const { local, remote } = sa.requestPath;
  if (!cameUntranslated(payloads, remote, local)) {
    sa.respond(EXCHANGE.IKE_AUTH, [notify('UNEXPECTED_NAT_DETECTED')], now);
    sa.refuse({ code: 'nat_detected' }, now);
    return;
  }
  const [id, auth, wanted] = [find(payloads, 'IDi'), find(payloads, 'AUTH'), find(payloads, 'IDr')];
  if (id === undefined || auth === undefined || handshake.pending.length > 0) {
    refuse(sa, handshake.pending.length > 0 ? 'additional key exchanges are missing' : 'no IDi or AUTH', now);
    return;
  }
  const known = sa.host.connections
    .of(id.identity)
    .filter(
      (candidate) =>
        (wanted === undefined || sameIdentity(candidate.localIdentity, wanted.identity)) &&
        admitsFrom(candidate, sa.lineage.path.remote.address),
    );
  const connection = known.find((candidate) => allowsSuite(candidate, handshake));
  if (connection === undefined) {
    const [first] = known;
    if (first !== undefined) sa.lineage.claim(first);
    const why = known.length === 0 ? 'no connection for the peer' : 'the IKE suite is not allowed for the peer';
    refuse(sa, `${why} ${describeIdentity(id.identity)}`, now);
    return;
  }
  sa.lineage.claim(connection);
  if (connection.natTraversal === 'prohibited' && sa.lineage.nat.present) {
    sa.respond(EXCHANGE.IKE_AUTH, [notify('AUTHENTICATION_FAILED')], now);
    sa.refuse({ code: 'nat_detected' }, now);
    return;
  }
  const misfit = childlessMisfit(connection, handshake, payloads);
  if (misfit !== undefined) {
    refuse(sa, misfit, now, 'INVALID_SYNTAX');
    return;
  }
  const verdict = judgePpk(sa, connection, handshake, auth, payloads);
  if ('refusal' in verdict) {
    refuse(sa, verdict.refusal, now);
    return;
  }
  sa.lineage.ppk = verdict.used;
  sa.state = { name: 'awaiting-peer-verification', handshake };
  const authId = sa.nextIds.peer;
  const octets = octetsOf(sa, handshake, 'initiator', id, authId);
  const prove = (failure: string | undefined, later: number) => {
    if (sa.state.name !== 'awaiting-peer-verification') return;
    if (failure !== undefined) {
      refuse(sa, verdict.used ? `${failure}; or the PPKs of this PPK_ID do` : failure, later);
      return;
    }
    const kept = connection.uniqueness === 'keep' && findNotify(payloads, 'INITIAL_CONTACT') === undefined;
    const [first] = kept ? sa.host.established(connection) : [];
    if (first !== undefined) {
      checkLiveness(first, later, true);
      refuse(sa, 'the peer has an IKE SA that stands, and the connection keeps that', later);
      return;
    }
    const own = identification('IDr', connection.localIdentity);
    const ownOctets = octetsOf(sa, handshake, 'responder', own, authId);
    const done = (proof: readonly Payload[] | { readonly failed: string }, at: number) => {
      if (sa.state.name !== 'awaiting-peer-verification') return;
      if ('failed' in proof) refuse(sa, proof.failed, at);
      else
        grant(
          sa,
          handshake,
          payloads,
          [own, ...proof, ...(verdict.used && handshake.mixedPpk === undefined ? [notify('PPK_IDENTITY')] : [])],
          at,
        );
    };
    proveIdentity(sa, handshake, readHints(payloads), ownOctets, done, later);
  };
  checkIdentity(sa, id, verdict.auth, payloads, octets, prove, now);
}

/** IKE_SA_INIT was answered before the peer said who it is: its suite must be one of its own connection. */
function allowsSuite({ proposals }: Connection, { chosen }: Handshake): boolean {
  return proposals.some((transforms) => isSelectionOf(chosen, transforms));
}

/** Both identities are proved; a refused Child SA does not undo the IKE SA (section 1.2). */
function grant(
  sa: IkeSa,
  handshake: Handshake,
  payloads: readonly Payload[],
  proof: readonly Payload[],
  now: number,
): void {
  if (findNotify(payloads, 'INITIAL_CONTACT') !== undefined) forgetEarlier(sa, now);
  const childless = find(payloads, 'SA') === undefined;
  const answer = childless ? grantNoChild(sa, payloads, now) : grantFirstChild(sa, handshake, payloads, now);
  absorbAuth(sa, payloads);
  sa.respond(EXCHANGE.IKE_AUTH, [...proof, ...answer, ...authAnnouncements(sa), ...authLifetime(sa.lineage)], now);
  establish(sa, now);
}

/**
 * Section 2.4, INITIAL_CONTACT: the peer knows of no other IKE SA. One that it began while this one was under way does not
 * count: it may not have known of it yet.
 */
function forgetEarlier({ lineage, host }: IkeSa, now: number): void {
  if (lineage.connection.uniqueness === 'never') return;
  for (const other of host.established(lineage.connection)) {
    if ((other.establishedAt ?? 0) < lineage.startedAt) other.close(now);
  }
}

/**
 * RFC 6023 section 3: who did not advertise it "SHOULD reply with an INVALID_SYNTAX Notify payload if the client sends an
 * IKE_AUTH request that is modified". The same for who accepts no other.
 */
function childlessMisfit(
  { childless }: Connection,
  { mayBeChildless }: Handshake,
  payloads: readonly Payload[],
): string | undefined {
  const asked = find(payloads, 'SA') === undefined;
  if (asked && (!mayBeChildless || childless === 'never')) return 'the peer asks for no Child SA, which is not allowed';
  return !asked && childless === 'force' ? 'the peer asks for a Child SA in IKE_AUTH, which is not allowed' : undefined;
}

/** The configuration payload comes in IKE_AUTH all the same. */
function grantNoChild(sa: IkeSa, payloads: readonly Payload[], now: number): readonly Payload[] {
  sa.lineage.childless = true;
  const configured = answerConfiguration(sa, payloads);
  if (configured.ok) return configured.answer;
  childFailed(sa, undefined, configured.reason, now);
  return [];
}

function grantFirstChild(
  sa: IkeSa,
  handshake: Handshake,
  payloads: readonly Payload[],
  now: number,
): readonly Payload[] {
  const { host, lineage } = sa;
  const configured = answerConfiguration(sa, payloads);
  if (!configured.ok) {
    childFailed(sa, undefined, configured.reason, now);
    return [configured.refusal];
  }
  const spi = host.childSpis.allocate(lineage);
  const context = (configuration: ChildConfiguration) => contextOf(lineage, configuration, false);
  const choice = chooseChild(lineage.connection.children, payloads, spi, context);
  if (choice !== undefined && isGranted(choice)) {
    const { configuration, outcome } = choice;
    const { initiatorNonce, responderNonce } = handshake.inputs;
    const useOutbound = isFirst(sa, configuration, outcome.agreement);
    const inputs = {
      shared: undefined,
      additional: [],
      initiatorNonce,
      responderNonce,
      creator: 'peer',
      useOutbound,
    } as const;
    installChild(sa, configuration, outcome.agreement, spi, inputs, now);
    return [...configured.answer, ...outcome.answer];
  }
  host.childSpis.release(spi);
  if (choice === undefined) return [...configured.answer, notify('NO_ADDITIONAL_SAS')];
  childFailed(sa, undefined, choice.outcome.reason, now);
  return [...configured.answer, ...choice.outcome.refusal];
}

function refuse(
  sa: IkeSa,
  detail: string,
  now: number,
  error: 'AUTHENTICATION_FAILED' | 'INVALID_SYNTAX' = 'AUTHENTICATION_FAILED',
): void {
  sa.respond(EXCHANGE.IKE_AUTH, [notify(error)], now);
  sa.refuse({ code: 'authentication_failed', detail }, now);
}
