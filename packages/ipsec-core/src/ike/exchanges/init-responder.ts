import type { AnsweredKeyExchange } from '../../crypto/ike/key-exchange/key-exchange.js';
import { initialKeys } from '../../crypto/ike/key-schedule.js';
import { createPrf } from '../../crypto/ike/prf.js';
import { type IkeSuite, ikeSuiteOf } from '../../crypto/ike/suite.js';
import { EXCHANGE, PROTOCOL } from '../../wire/ike/iana.js';
import type { IkeMessage } from '../../wire/ike/message.js';
import type { KeyExchangePayload } from '../../wire/ike/payloads/key-exchange.js';
import { notify } from '../../wire/ike/payloads/notify.js';
import type { Payload } from '../../wire/ike/payloads/registry.js';
import type { Proposal, Transform } from '../../wire/ike/payloads/sa.js';
import { methodsFor } from '../authentication-requests.js';
import type { Connection } from '../connection.js';
import type { Tiers } from '../connections.js';
import type { IkeHost } from '../host.js';
import type { IkeSa } from '../ike-sa.js';
import { Lineage } from '../lineage.js';
import { isAdditional, negotiate, type ProposalRefusal, proposalOf } from '../negotiation.js';
import type { FailureReason } from '../outputs.js';
import { type Path, transmit } from '../path.js';
import { HALF_OPEN_LIFETIME } from '../timers.js';
import { absorb, agreedHashes, announcements, handshakeOf, supportsIntermediate } from './init-notifies.js';
import { answerShare, invalidKe, makeNonce, prepareAnswer } from './key-shares.js';
import { natDetection } from './nat-detection.js';
import { find } from './payload-access.js';
import { agreedMixing, USE_PPK } from './ppk.js';

/** Why no half-open SA was made. */
export interface InitRefusal {
  readonly refusal: readonly Payload[];
  /** For the operator; with the connection whose peer has the sender's address. Nothing about it is authenticated. */
  readonly explanation?: { readonly connection: string | undefined; readonly reason: FailureReason };
}

/** A new half-open SA, which is to answer. */
export interface AdmittedInit {
  readonly choice: Choice;
  readonly sa: IkeSa;
  readonly ke: KeyExchangePayload;
  readonly nonce: Uint8Array;
  readonly payloads: readonly Payload[];
}

/** Returns the refusal to send, or a new half-open SA for `answerInit` (RFC 7296 section 1.2). */
export function admitInit(
  host: IkeHost,
  message: IkeMessage,
  octets: Uint8Array,
  path: Path,
  now: number,
): InitRefusal | AdmittedInit {
  const { payloads, header } = message;
  const [offer, ke, nonce] = [find(payloads, 'SA'), find(payloads, 'KE'), find(payloads, 'Nonce')];
  if (offer === undefined || ke === undefined || nonce === undefined) return { refusal: [notify('INVALID_SYNTAX')] };
  const choice = choose(host.connections.suitesFor(path.remote), offer.proposals, supportsIntermediate(payloads));
  if ('refusal' in choice) return choice;
  const { connection, stranger, suite } = choice;
  if (ke.method !== suite.keyExchange) return { refusal: [invalidKe(suite.keyExchange)] };
  const state = { name: 'awaiting-key-exchange', initiatorMessage: octets.slice() } as const;
  const origin = { connection, path, role: 'responder', peerSpi: header.initiatorSpi, state, now, stranger } as const;
  const { current: sa } = new Lineage(host, origin);
  sa.noteMessage('received', header, payloads, now);
  return { choice, sa, ke, nonce: nonce.data, payloads };
}

/** Answers when the key exchange is computed. `refuse`: the share was none; or, without a payload, could not be computed. */
export function answerInit(admitted: AdmittedInit, refuse: (refusal: readonly Payload[]) => void, now: number): void {
  const { sa, ke } = admitted;
  const { host, lineage } = sa;
  const go = (later: number) => {
    if (sa.state.name !== 'awaiting-key-exchange') return;
    const share = answerShare(host, ke.method, ke.data);
    if ('invalid' in share) {
      lineage.close(later);
      // Nothing can be said of a failure of ours that an initiator would not give up for; it asks again.
      refuse(share.refusal === 'INVALID_SYNTAX' ? [notify(share.refusal)] : []);
    } else respond(admitted, sa.state.initiatorMessage, share, later);
  };
  if (host.keyExchange.costly.has(ke.method)) prepareAnswer(host, ke, go);
  else go(now);
}

function respond(admitted: AdmittedInit, request: Uint8Array, share: AnsweredKeyExchange, now: number): void {
  const { sa, choice, ke, nonce, payloads } = admitted;
  const { suite, proposal, transforms } = choice;
  const { host, lineage } = sa;
  absorb(sa, payloads, lineage.path, now);
  const ownNonce = makeNonce(host);
  const chosen = proposalOf(proposal, proposal.spi, transforms);
  // Whether there is one for this peer is known when it has said who it is.
  const ppkMixing = agreedMixing(payloads, host.connections.ppkMixings(lineage.path.remote));
  const mayBeChildless = lineage.connection.childless !== 'never';
  const {
    payloads: answer,
    response,
    methodsPending,
  } = encodeResponse(sa, payloads, [
    { kind: 'SA', proposals: [chosen] },
    { kind: 'KE', method: ke.method, data: share.publicValue },
    { kind: 'Nonce', data: ownNonce },
    // "just after the Ni and Nr payloads (before the optional CERTREQ payload)" (section 2.23).
    ...natDetection(sa, lineage.path),
    ...(ppkMixing === undefined ? [] : [notify(USE_PPK[ppkMixing])]),
    // "Protocol ID (1 octet) MUST be 1, as this message is related to an IKEv2 SA" (RFC 6023 section 4).
    ...(mayBeChildless ? [{ ...notify('CHILDLESS_IKEV2_SUPPORTED'), protocol: PROTOCOL.IKE }] : []),
  ]);
  const inputs = {
    initiatorNonce: nonce,
    responderNonce: ownNonce,
    initiatorSpi: sa.initiatorSpi,
    responderSpi: sa.responderSpi,
  };
  sa.secure(initialKeys(createPrf(host.provider, suite.prf), suite, share.shared, inputs));
  share.shared.wipe();
  sa.skipInitId();
  const agreed = {
    peerHashes: agreedHashes(host.connections.proofRequests(lineage.path.remote), payloads),
    methodsPending,
    ppkMixing,
    mayBeChildless,
    pending: suite.additionalKeyExchanges,
  };
  const handshake = handshakeOf(inputs, transforms, request, response, payloads, agreed);
  sa.state = { name: 'awaiting-auth-request', handshake };
  sa.timers.set('half-open', now + HALF_OPEN_LIFETIME);
  sa.noteMessage('sent', { exchange: EXCHANGE.IKE_SA_INIT, response: true, messageId: 0 }, answer, now);
  sa.rememberInitResponse(response);
  transmit(host, lineage.path, [response]);
}

/**
 * Nothing can be fragmented yet: when what we ask of the peer does not fit, the methods come with IKE_INTERMEDIATE, which
 * "a SUPPORTED_AUTH_METHODS notification containing no data" says (RFC 9593 section 3.1), or they are left out, and then
 * the authorities.
 */
function encodeResponse(
  sa: IkeSa,
  request: readonly Payload[],
  answer: readonly Payload[],
): { readonly payloads: readonly Payload[]; readonly response: Uint8Array; readonly methodsPending: boolean } {
  const { connection, path } = sa.lineage;
  const asked = sa.host.connections.proofRequests(path.remote);
  const methods = methodsFor(asked, agreedHashes(asked, request) !== undefined);
  const intermediate = supportsIntermediate(request);
  const instead = intermediate ? [notify('SUPPORTED_AUTH_METHODS')] : [];
  const encode = (some: readonly Payload[], methodsPending: boolean) => {
    const payloads = [...answer, ...some, ...announcements(asked, intermediate)];
    return { payloads, response: sa.encodeClear(true, payloads), methodsPending };
  };
  const whole = encode([...asked.certificates, methods], false);
  if (whole.response.length <= connection.fragmentSize) return whole;
  const short = encode([...asked.certificates, ...instead], intermediate);
  return short.response.length <= connection.fragmentSize ? short : encode(instead, intermediate);
}

interface Choice {
  /** Until the peer has said who it is. */
  readonly connection: Connection;
  /** Nobody is called at its address: it may be the peer of any connection that admits it from anywhere. */
  readonly stranger: boolean;
  readonly suite: IkeSuite;
  readonly proposal: Proposal;
  readonly transforms: readonly Transform[];
}

/**
 * Who the peer is, is not known yet: what meets its offer among the connections of its address, or else among those of
 * peers that may come from anywhere. Whether its own connection allows that is looked at in IKE_AUTH. "If the
 * IKE_INTERMEDIATE exchange is not negotiated, then the peers MUST treat any Additional Key Exchange transforms in the
 * IKE_SA_INIT exchange messages as unknown transform types and skip the proposals they appear in" (RFC 9370 section 2.2.1).
 */
function choose(
  { there, anywhere }: Tiers<Connection>,
  proposals: readonly Proposal[],
  intermediate: boolean,
): Choice | InitRefusal {
  const offered = proposals.filter(
    ({ transforms }) => intermediate || !transforms.some(({ type }) => isAdditional(type)),
  );
  const choice = firstInOffer(there, offered, false) ?? firstInOffer(anywhere, offered, true);
  if (choice !== undefined) return choice;
  const refusal = [notify('NO_PROPOSAL_CHOSEN')];
  const [first = anywhere[0]] = there;
  if (first === undefined) return { refusal };
  const outcome = negotiate(offered, first.proposals, PROTOCOL.IKE, 0);
  const reason = whyNone(offered, outcome.ok ? [] : outcome.refusals);
  return { refusal, explanation: { connection: there[0]?.name, reason } };
}

/**
 * Of what the connections would choose, what the peer likes best: its own connection is then most likely to have chosen the
 * same, and a weaker one of another peer does not get in the way.
 */
function firstInOffer(
  connections: readonly Connection[],
  offered: readonly Proposal[],
  stranger: boolean,
): Choice | undefined {
  let best: Choice | undefined;
  let rest = offered;
  for (const connection of connections) {
    const outcome = negotiate(rest, connection.proposals, PROTOCOL.IKE, 0);
    const suite = outcome.ok ? ikeSuiteOf(outcome.transforms) : undefined;
    if (!outcome.ok || suite === undefined) continue;
    const { proposal, transforms } = outcome;
    best = { connection, stranger, suite, proposal, transforms };
    rest = rest.slice(0, rest.indexOf(proposal));
  }
  return best;
}

function whyNone(offered: readonly Proposal[], refusals: readonly ProposalRefusal[]): FailureReason {
  if (offered.length > 0) return { code: 'no_proposal_chosen', refusals };
  const detail = 'it wants additional key exchanges and does not support IKE_INTERMEDIATE, which would carry them';
  return { code: 'invalid_message', detail };
}
