import type { IkeKeys } from '../../crypto/ike/key-schedule.js';
import { EXCHANGE } from '../../wire/ike/iana.js';
import { describeIdentity, identification, sameIdentity } from '../../wire/ike/payloads/identification.js';
import { notify } from '../../wire/ike/payloads/notify.js';
import type { Payload } from '../../wire/ike/payloads/registry.js';
import { methodsFor, proofRequests } from '../authentication-requests.js';
import type { ChildConfiguration, Flow } from '../connection.js';
import type { IkeSa } from '../ike-sa.js';
import type { Lineage } from '../lineage.js';
import type { Handshake } from '../states.js';
import { absorbAuth, authAnnouncements } from './auth-notifies.js';
import { checkIdentity, octetsOf, proveIdentity } from './authentication.js';
import { contextOf, isConfigured, offerContextOf } from './child-context.js';
import { childFailed, installChild, isFirst, offeredSpi } from './child-install.js';
import { acceptChild, childOffer, unfitMode } from './child-negotiation.js';
import { absorbConfiguration, configurationRequest } from './configuration.js';
import { deleteChild, deleteUntaken } from './delete-child.js';
import { establish } from './establishment.js';
import { find, findError } from './payload-access.js';
import { isPpkUsed, noPpkAuth, offerPpk } from './ppk.js';
import { absorbAuthLifetime, flowToReplace } from './reauthentication.js';
import { childRefusalOf, refusalOf } from './refused-offer.js';

/** RFC 7296 section 1.2: the initiator proves who it is and asks for the first Child SA. */
export function sendAuth(sa: IkeSa, handshake: Handshake, now: number): void {
  const { connection } = sa.lineage;
  const id = identification('IDi', connection.localIdentity);
  const offered = offerPpk(sa, handshake);
  sa.state = { name: 'awaiting-own-signature', handshake };
  const prove = (keys: IkeKeys, then: (proof: readonly Payload[], later: number) => void, at: number) => {
    const octets = octetsOf(sa, handshake, 'initiator', id, sa.nextIds.own, keys);
    const done = (proof: readonly Payload[] | { readonly failed: string }, later: number) => {
      if (sa.state.name !== 'awaiting-own-signature') return;
      if ('failed' in proof) sa.abort({ code: 'signing_failed', detail: proof.failed }, later);
      else then(proof, later);
    };
    proveIdentity(sa, handshake, handshake.peerHints, octets, done, at);
  };
  const withPpk = (proof: readonly Payload[], later: number) => {
    if (offered === undefined) sendProof(sa, handshake, [id, ...proof], later);
    else if (!offered.optional) sendProof(sa, handshake, [id, ...proof, offered.identity], later);
    else {
      const send = (plain: readonly Payload[], at: number) =>
        sendProof(sa, handshake, [id, ...proof, offered.identity, ...noPpkAuth(plain)], at);
      prove(sa.keys, send, later);
    }
  };
  prove(offered?.keys ?? sa.keys, withPpk, now);
}

/** The Child SA that IKE_AUTH asks for. */
interface FirstChild {
  readonly configuration: ChildConfiguration;
  /** The one that it is for, where each flow has an SA pair of its own. */
  readonly flow: Flow | undefined;
  readonly spi: number;
}

/** None where it comes by CREATE_CHILD_SA, which the responder has allowed (RFC 6023). */
function firstChild(sa: IkeSa, { mayBeChildless }: Handshake): FirstChild | undefined {
  const { lineage } = sa;
  const { children, childless } = lineage.connection;
  const [configuration] = children;
  lineage.childless = mayBeChildless && (childless === 'prefer' || childless === 'force');
  if (configuration === undefined || lineage.childless) return undefined;
  return { configuration, flow: flowToReplace(lineage, configuration), spi: offeredSpi(sa) };
}

function sendProof(sa: IkeSa, handshake: Handshake, proof: readonly Payload[], now: number): void {
  const { host, lineage } = sa;
  const { connection } = lineage;
  const asked = proofRequests([connection]);
  const { certificates } = asked;
  const first = firstChild(sa, handshake);
  // "implementations SHOULD send the payloads … in the order shown in the figures" (section 2.5): AUTH after IDr.
  const auth = proof.findIndex(({ kind }) => kind === 'AUTH');
  const payloads = [
    ...proof.slice(0, auth),
    ...certificates,
    identification('IDr', connection.remoteIdentity),
    ...proof.slice(auth),
    ...initialContact(lineage),
    ...configurationRequest(lineage),
    ...(first === undefined
      ? []
      : childOffer(first.configuration, first.spi, offerContextOf(lineage, first.configuration, false, first.flow))),
    methodsFor(asked, handshake.peerHashes !== undefined),
    ...authAnnouncements(sa),
  ];
  const authId = sa.nextIds.own;
  sa.state = { name: 'awaiting-auth-response', handshake };
  const onResponse = (response: readonly Payload[], later: number) =>
    receiveAuth(sa, handshake, first, authId, response, later);
  const abandon = () => {
    if (first !== undefined) host.childSpis.release(first.spi);
  };
  sa.request({ purpose: { kind: 'handshake' }, exchange: EXCHANGE.IKE_AUTH, payloads, onResponse, abandon }, now);
}

/**
 * Section 2.4: "This notification MUST NOT be sent by an entity that may be replicated", which is what an identity with IKE
 * SAs of several hosts is.
 */
function initialContact({ host, connection }: Lineage): Payload[] {
  const only = connection.uniqueness !== 'never' && host.established(connection).length === 0;
  return only ? [notify('INITIAL_CONTACT')] : [];
}

function receiveAuth(
  sa: IkeSa,
  handshake: Handshake,
  first: FirstChild | undefined,
  authId: number,
  payloads: readonly Payload[],
  now: number,
): void {
  const [id, auth] = [find(payloads, 'IDr'), find(payloads, 'AUTH')];
  const giveUp = () => {
    if (first !== undefined) sa.host.childSpis.release(first.spi);
  };
  if (id === undefined || auth === undefined) {
    giveUp();
    const error = findError(payloads) ?? 'no IDr or AUTH';
    sa.abort(refusalOf(error, 'IKE_AUTH', sa.lineage.connection), now);
    return;
  }
  if (!sameIdentity(id.identity, sa.lineage.connection.remoteIdentity)) {
    giveUp();
    const expected = describeIdentity(sa.lineage.connection.remoteIdentity);
    rejectPeer(sa, `the peer is ${describeIdentity(id.identity)}, expected is ${expected}`, now);
    return;
  }
  const mixed = handshake.mixedPpk !== undefined;
  sa.lineage.ppk = mixed || isPpkUsed(payloads);
  const { ppk } = sa.lineage.connection;
  if (sa.lineage.ppk ? !mixed && handshake.ppkMixing !== 'ike-auth' : ppk?.required === true) {
    giveUp();
    rejectPeer(
      sa,
      sa.lineage.ppk ? 'the peer uses a PPK that was not offered' : 'the peer uses no PPK, which is required',
      now,
    );
    return;
  }
  sa.settlePpk(sa.lineage.ppk);
  sa.state = { name: 'awaiting-peer-verification', handshake };
  const octets = octetsOf(sa, handshake, 'responder', id, authId);
  const conclude = (failure: string | undefined, later: number) => {
    if (sa.state.name !== 'awaiting-peer-verification') giveUp();
    else if (failure !== undefined) {
      giveUp();
      rejectPeer(sa, failure, later);
    } else {
      absorbAuth(sa, payloads);
      absorbConfiguration(sa, payloads);
      if (sa.lineage.unwanted) giveUp();
      else if (first !== undefined) acceptFirstChild(sa, handshake, first, payloads, later);
      establish(sa, later, first?.configuration);
      absorbAuthLifetime(sa, payloads, later);
    }
  };
  checkIdentity(sa, id, auth, payloads, octets, conclude, now);
}

/** Section 2.21.2: the responder believes that the SA stands; it is told, on the SA itself. */
function rejectPeer(sa: IkeSa, detail: string, now: number): void {
  const payloads = [notify('AUTHENTICATION_FAILED')];
  const onResponse = () => undefined;
  sa.request({ purpose: { kind: 'handshake' }, exchange: EXCHANGE.INFORMATIONAL, payloads, onResponse }, now);
  sa.abort({ code: 'authentication_failed', detail }, now);
}

function acceptFirstChild(
  sa: IkeSa,
  handshake: Handshake,
  { configuration, flow, spi }: FirstChild,
  payloads: readonly Payload[],
  now: number,
): void {
  const error = findError(payloads);
  const offered = flow === undefined ? contextOf(sa.lineage, configuration, false) : undefined;
  const context = offered ?? offerContextOf(sa.lineage, configuration, false, flow);
  const agreement = acceptChild(configuration, payloads, context);
  const unfit = unfitMode(configuration, agreement?.mode ?? (context.nat ? 'tunnel' : 'transport'), context);
  if (error !== undefined || agreement === undefined || unfit !== undefined) {
    sa.host.childSpis.release(spi);
    const name = error ?? 'an answer that was not offered';
    const reason = unfit ?? childRefusalOf(name, 'IKE_AUTH', configuration, context);
    childFailed(sa, configuration.name, reason, now);
    if (error === undefined) deleteUntaken(sa.lineage, configuration, spi, now);
    return;
  }
  const { initiatorNonce, responderNonce } = handshake.inputs;
  const useOutbound = isFirst(sa, configuration, agreement);
  const inputs = {
    shared: undefined,
    additional: [],
    initiatorNonce,
    responderNonce,
    creator: 'us',
    useOutbound,
  } as const;
  const child = installChild(sa, configuration, agreement, spi, inputs, now);
  if (!isConfigured(sa.lineage, configuration)) deleteChild(sa.lineage, child, now);
}
