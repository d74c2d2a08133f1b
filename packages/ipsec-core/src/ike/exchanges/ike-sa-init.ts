import { KeyExchangeError } from '../../crypto/ike/key-exchange/key-exchange.js';
import { initialKeys } from '../../crypto/ike/key-schedule.js';
import { natDetectionHash } from '../../crypto/ike/nat-detection.js';
import { createPrf } from '../../crypto/ike/prf.js';
import { type IkeSuite, ikeSuiteOf } from '../../crypto/ike/suite.js';
import { EXCHANGE, HASH_ALGORITHM, PROTOCOL, TRANSFORM_TYPE } from '../../wire/ike/iana.js';
import type { IkeMessage } from '../../wire/ike/message.js';
import { NOTIFY } from '../../wire/ike/notify-registry.js';
import { notify } from '../../wire/ike/payloads/notify.js';
import type { Payload } from '../../wire/ike/payloads/registry.js';
import type { Proposal, Transform } from '../../wire/ike/payloads/sa.js';
import { type Connection, type Endpoint, sameAddress } from '../connection.js';
import type { IkeHost } from '../host.js';
import { IkeSa } from '../ike-sa.js';
import { isSelectionOf, negotiate } from '../negotiation.js';
import type { Handshake } from '../states.js';
import { HALF_OPEN_LIFETIME } from '../timers.js';
import { sendAuth } from './ike-auth.js';
import { sendIntermediate } from './ike-intermediate.js';
import { find, findError, findNotify } from './payload-access.js';

/** RFC 7296 section 1.2: the initiator offers suites, a key share and a nonce. */
export function initiate(sa: IkeSa, now: number): void {
  const nonce = new Uint8Array(NONCE_LENGTH);
  sa.host.random(nonce);
  const method = firstMethod(sa.connection.proposals);
  sendRequest(sa, { nonce, method, cookie: undefined, restarts: 0 }, now);
}

/** The answer, which nothing authenticates yet: it may make the request be sent again, choose, or refuse. */
export function receiveInitResponse(
  sa: IkeSa,
  message: IkeMessage,
  octets: Uint8Array,
  local: Endpoint,
  remote: Endpoint,
  now: number,
): void {
  const { state } = sa;
  if (state.name !== 'awaiting-init-response') return;
  const { payloads, header } = message;
  const cookie = findNotify(payloads, 'COOKIE');
  const retry = findNotify(payloads, 'INVALID_KE_PAYLOAD');
  const restarts = state.restarts + 1;
  if (restarts <= MAXIMUM_RESTARTS && cookie !== undefined) {
    sa.initAnswered();
    sendRequest(
      sa,
      { nonce: state.nonce, method: state.share.method, share: state.share, cookie: cookie.data, restarts },
      now,
    );
    return;
  }
  if (restarts <= MAXIMUM_RESTARTS && retry !== undefined) {
    const method = ((retry.data[0] ?? 0) << 8) | (retry.data[1] ?? 0);
    // "the initiator MUST NOT" accept a group that it did not offer (sections 1.2 and 3.4).
    if (retry.data.length !== 2 || method === state.share.method || !offers(sa.connection.proposals, method)) {
      sa.fail(
        { code: 'invalid_key_exchange', detail: `the peer asks for method ${method}, which was not offered` },
        now,
      );
      return;
    }
    sa.initAnswered();
    state.share.discard();
    sendRequest(sa, { nonce: state.nonce, method, cookie: state.cookie, restarts }, now);
    return;
  }
  const error = findError(payloads) ?? (cookie === undefined ? undefined : 'COOKIE');
  if (error !== undefined) {
    sa.fail({ code: 'peer_refused', notify: error, exchange: 'IKE_SA_INIT' }, now);
    return;
  }
  sa.peerSpi = header.responderSpi;
  sa.initAnswered();
  acceptChoice(sa, payloads, octets, local, remote, now);
}

/** Returns the refusal to send, or the new half-open SA, which has answered. */
export function respondInit(
  host: IkeHost,
  message: IkeMessage,
  octets: Uint8Array,
  local: Endpoint,
  remote: Endpoint,
  now: number,
): { readonly refusal: readonly Payload[]; readonly reason: string } | IkeSa {
  const [offer, ke, nonce] = [
    find(message.payloads, 'SA'),
    find(message.payloads, 'KE'),
    find(message.payloads, 'Nonce'),
  ];
  if (offer === undefined || ke === undefined || nonce === undefined)
    return { refusal: [notify('INVALID_SYNTAX')], reason: 'incomplete' };
  const found = chooseConnection(host.connections, offer.proposals, remote);
  if (found === undefined) return { refusal: [notify('NO_PROPOSAL_CHOSEN')], reason: 'no_proposal_chosen' };
  const { connection, suite, proposal, transforms } = found;
  if (ke.method !== suite.keyExchange) {
    const wanted = Uint8Array.of(suite.keyExchange >>> 8, suite.keyExchange);
    return { refusal: [notify('INVALID_KE_PAYLOAD', wanted)], reason: 'invalid_ke' };
  }
  // Without the peer's promise there is no exchange to carry additional key shares (RFC 9370 section 2.2.1).
  if (
    suite.additionalKeyExchanges.length > 0 &&
    findNotify(message.payloads, 'INTERMEDIATE_EXCHANGE_SUPPORTED') === undefined
  ) {
    return { refusal: [notify('NO_PROPOSAL_CHOSEN')], reason: 'no_intermediate' };
  }
  const sa = new IkeSa(host, 'responder', connection, local, remote, host.newIkeSpi());
  sa.peerSpi = message.header.initiatorSpi;
  try {
    const answer = host.keyExchange.respond(ke.method, ke.data, host.random);
    const ownNonce = new Uint8Array(NONCE_LENGTH);
    host.random(ownNonce);
    absorbNotifies(sa, message.payloads, local, remote);
    const chosen: Proposal = { ...proposal, transforms };
    const response = sa.encodeClear(EXCHANGE.IKE_SA_INIT, true, [
      { kind: 'SA', proposals: [chosen] },
      { kind: 'KE', method: ke.method, data: answer.publicValue },
      { kind: 'Nonce', data: ownNonce },
      ...announcements(sa, suite.additionalKeyExchanges.length > 0),
    ]);
    const inputs = {
      initiatorNonce: nonce.data,
      responderNonce: ownNonce,
      initiatorSpi: sa.initiatorSpi,
      responderSpi: sa.responderSpi,
    };
    sa.secure(initialKeys(createPrf(host.provider, suite.prf), suite, answer.shared, inputs));
    answer.shared.wipe();
    sa.skipInitIds();
    sa.state = {
      name: 'awaiting-auth-request',
      handshake: handshakeOf(inputs, octets, response, message.payloads, suite.additionalKeyExchanges),
    };
    sa.timers.set('half-open', now + HALF_OPEN_LIFETIME);
    sa.history.add(now, 'received', 'IKE_SA_INIT request');
    sa.history.add(now, 'sent', 'IKE_SA_INIT response', { chosen: transforms });
    sa.rememberInitResponse(response);
    sa.transmit([response]);
    return sa;
  } catch (error) {
    if (error instanceof KeyExchangeError) return { refusal: [notify('INVALID_SYNTAX')], reason: error.code };
    throw error;
  }
}

interface Attempt {
  readonly nonce: Uint8Array;
  readonly method: number;
  readonly share?: Extract<IkeSa['state'], { name: 'awaiting-init-response' }>['share'];
  readonly cookie: Uint8Array | undefined;
  readonly restarts: number;
}

function sendRequest(sa: IkeSa, attempt: Attempt, now: number): void {
  const share = attempt.share ?? sa.host.keyExchange.initiate(attempt.method, sa.host.random);
  const { proposals } = sa.connection;
  const additional = proposals.some((transforms) => transforms.some((entry) => entry.type >= TRANSFORM_TYPE.ADDKE1));
  const message = sa.encodeClear(EXCHANGE.IKE_SA_INIT, false, [
    ...(attempt.cookie === undefined ? [] : [notify('COOKIE', attempt.cookie)]),
    {
      kind: 'SA',
      proposals: proposals.map((transforms, index) => ({
        number: index + 1,
        protocol: PROTOCOL.IKE,
        spi: EMPTY,
        transforms,
      })),
    },
    { kind: 'KE', method: share.method, data: share.publicValue },
    { kind: 'Nonce', data: attempt.nonce },
    ...announcements(sa, additional),
  ]);
  sa.state = {
    name: 'awaiting-init-response',
    share,
    nonce: attempt.nonce,
    message,
    cookie: attempt.cookie,
    restarts: attempt.restarts,
  };
  sa.sendInit(message, now);
}

function acceptChoice(
  sa: IkeSa,
  payloads: readonly Payload[],
  octets: Uint8Array,
  local: Endpoint,
  remote: Endpoint,
  now: number,
): void {
  const { state } = sa;
  const [answer, ke, nonce] = [find(payloads, 'SA'), find(payloads, 'KE'), find(payloads, 'Nonce')];
  const proposal = answer?.proposals[0];
  if (state.name !== 'awaiting-init-response' || proposal === undefined || ke === undefined || nonce === undefined)
    return;
  const offered = sa.connection.proposals[proposal.number - 1];
  const suite = ikeSuiteOf(proposal.transforms);
  const valid = answer?.proposals.length === 1 && offered !== undefined && isSelectionOf(proposal.transforms, offered);
  if (!valid || suite === undefined || ke.method !== suite.keyExchange || ke.method !== state.share.method) {
    sa.fail({ code: 'invalid_message', detail: 'the peer chose what was not offered' }, now);
    return;
  }
  const inputs = {
    initiatorNonce: state.nonce,
    responderNonce: nonce.data,
    initiatorSpi: sa.initiatorSpi,
    responderSpi: sa.responderSpi,
  };
  try {
    const shared = state.share.finish(ke.data);
    sa.secure(initialKeys(createPrf(sa.host.provider, suite.prf), suite, shared, inputs));
    shared.wipe();
  } catch (error) {
    if (!(error instanceof KeyExchangeError)) throw error;
    sa.fail({ code: 'invalid_key_exchange', detail: error.message }, now);
    return;
  }
  absorbNotifies(sa, payloads, local, remote);
  sa.skipInitIds();
  sa.history.add(now, 'received', 'IKE_SA_INIT response', { chosen: proposal.transforms });
  const handshake = handshakeOf(inputs, state.message, octets, payloads, suite.additionalKeyExchanges);
  floatPort(sa);
  if (handshake.pending.length > 0) sendIntermediate(sa, handshake, now);
  else sendAuth(sa, handshake, now);
}

function handshakeOf(
  inputs: Handshake['inputs'],
  initiatorMessage: Uint8Array,
  responderMessage: Uint8Array,
  peerPayloads: readonly Payload[],
  pending: readonly number[],
): Handshake {
  const hashes = findNotify(peerPayloads, 'SIGNATURE_HASH_ALGORITHMS')?.data ?? EMPTY;
  const peerHashes = Array.from(
    { length: hashes.length >>> 1 },
    (_unused, i) => ((hashes[2 * i] ?? 0) << 8) | (hashes[2 * i + 1] ?? 0),
  );
  return {
    inputs,
    initiatorMessage: initiatorMessage.slice(),
    responderMessage: responderMessage.slice(),
    peerHashes,
    pending,
    intermediateInitiator: undefined,
    intermediateResponder: undefined,
  };
}

function announcements(sa: IkeSa, intermediate: boolean): Payload[] {
  const hashes = [HASH_ALGORITHM.SHA2_256, HASH_ALGORITHM.SHA2_384, HASH_ALGORITHM.SHA2_512, HASH_ALGORITHM.IDENTITY];
  return [
    notify('NAT_DETECTION_SOURCE_IP', natDetectionHash(sa.initiatorSpi, sa.responderSpi, sa.local)),
    notify('NAT_DETECTION_DESTINATION_IP', natDetectionHash(sa.initiatorSpi, sa.responderSpi, sa.remote)),
    notify('IKEV2_FRAGMENTATION_SUPPORTED'),
    notify('SIGNATURE_HASH_ALGORITHMS', Uint8Array.from(hashes.flatMap((hash) => [0, hash]))),
    ...(intermediate ? [notify('INTERMEDIATE_EXCHANGE_SUPPORTED')] : []),
  ];
}

/** Section 2.23: the peer's source hash tells whether it is behind a NAT, its destination hash whether we are. */
function absorbNotifies(sa: IkeSa, payloads: readonly Payload[], local: Endpoint, remote: Endpoint): void {
  sa.peerSupportsFragmentation = findNotify(payloads, 'IKEV2_FRAGMENTATION_SUPPORTED') !== undefined;
  // In a request the responder's SPI is still zero in the hash.
  const spiR = sa.role === 'responder' ? new Uint8Array(8) : sa.responderSpi;
  const matches = (type: number, endpoint: Endpoint): boolean => {
    const hashes = payloads.filter((payload) => payload.kind === 'N' && payload.type === type);
    const expected = natDetectionHash(sa.initiatorSpi, spiR, endpoint);
    return hashes.length === 0 || hashes.some((payload) => payload.kind === 'N' && sameAddress(payload.data, expected));
  };
  sa.peerBehindNat = !matches(NOTIFY.NAT_DETECTION_SOURCE_IP, remote);
  sa.natDetected = sa.peerBehindNat || !matches(NOTIFY.NAT_DETECTION_DESTINATION_IP, local);
}

/** Section 2.23: with a NAT in between, the initiator goes on from port 4500 to port 4500. */
function floatPort(sa: IkeSa): void {
  if (!sa.natDetected || sa.local.port !== IKE_PORT) return;
  sa.local = { ...sa.local, port: NAT_PORT };
  sa.remote = { ...sa.remote, port: NAT_PORT };
}

function chooseConnection(
  connections: readonly Connection[],
  offered: readonly Proposal[],
  remote: Endpoint,
): { connection: Connection; suite: IkeSuite; proposal: Proposal; transforms: readonly Transform[] } | undefined {
  for (const connection of connections) {
    if (connection.remote !== undefined && !sameAddress(connection.remote.address, remote.address)) continue;
    const outcome = negotiate(offered, connection.proposals, PROTOCOL.IKE, 0);
    const suite = outcome.ok ? ikeSuiteOf(outcome.transforms) : undefined;
    if (outcome.ok && suite !== undefined)
      return { connection, suite, proposal: outcome.proposal, transforms: outcome.transforms };
  }
  return undefined;
}

function firstMethod(proposals: readonly (readonly Transform[])[]): number {
  return proposals[0]?.find((entry) => entry.type === TRANSFORM_TYPE.KE)?.id ?? 0;
}

function offers(proposals: readonly (readonly Transform[])[], method: number): boolean {
  return proposals.some((transforms) =>
    transforms.some((entry) => entry.type === TRANSFORM_TYPE.KE && entry.id === method),
  );
}

export const NONCE_LENGTH = 32;
const MAXIMUM_RESTARTS = 3;
const IKE_PORT = 500;
const NAT_PORT = 4500;
const EMPTY = new Uint8Array(0);
