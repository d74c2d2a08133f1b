import type { InitiatedKeyExchange } from '../../crypto/ike/key-exchange/key-exchange.js';
import { initialKeys } from '../../crypto/ike/key-schedule.js';
import { createPrf } from '../../crypto/ike/prf.js';
import { type IkeSuite, ikeSuiteOf } from '../../crypto/ike/suite.js';
import { PROTOCOL } from '../../wire/ike/iana.js';
import type { IkeMessage } from '../../wire/ike/message.js';
import type { KeyExchangePayload } from '../../wire/ike/payloads/key-exchange.js';
import { notify } from '../../wire/ike/payloads/notify.js';
import type { Payload } from '../../wire/ike/payloads/registry.js';
import type { Transform } from '../../wire/ike/payloads/sa.js';
import { announcesLater } from '../authentication-hints.js';
import { proofRequests } from '../authentication-requests.js';
import { type CallableConnection, type Connection, calledAt } from '../connection.js';
import { isCookie } from '../cookie.js';
import type { IkeHost } from '../host.js';
import type { IkeSa } from '../ike-sa.js';
import { Lineage } from '../lineage.js';
import { isReservedSpi, isSelectionOf } from '../negotiation.js';
import type { FailureReason } from '../outputs.js';
import { IKE_PORT, NAT_PORT, type Path, pairOf } from '../path.js';
import { mixingsOf } from '../ppk-choice.js';
import type { IkeState } from '../states.js';
import { CALLING_LIMIT, CALLS_AT_ONE_PLACE, REFUSAL_PATIENCE } from '../timers.js';
import { sendIntermediate } from './ike-intermediate.js';
import {
  type AgreedInInit,
  absorb,
  agreedHashes,
  announcements,
  handshakeOf,
  supportsIntermediate,
} from './init-notifies.js';
import {
  finishShare,
  firstMethod,
  type InvalidShare,
  makeNonce,
  makeShare,
  offersMethod,
  prepareFinish,
  wantedMethod,
} from './key-shares.js';
import { natDetection } from './nat-detection.js';
import { find, findError, findNotify } from './payload-access.js';
import { agreedMixing, ppkAnnouncements } from './ppk.js';
import { refusalOf } from './refused-offer.js';

/**
 * RFC 7296 section 1.2: the initiator offers suites, a key share and a nonce. What takes the place of a lineage begins
 * where that stands: the peer may have moved.
 */
export function initiate(host: IkeHost, connection: CallableConnection, now: number, replaces?: Lineage): Lineage {
  const [preferred] = callingPaths(host, connection);
  const lineage = new Lineage(host, {
    connection,
    path: replaces?.path ?? preferred ?? { local: connection.local, remote: connection.remote.endpoint },
    role: 'initiator',
    peerSpi: new Uint8Array(8),
    state: { name: 'new' },
    now,
    replaces,
  });
  host.list(lineage);
  const method = firstMethod(connection.proposals) ?? 0;
  shareAndSend(lineage.current, method, { nonce: makeNonce(host), cookie: undefined, restarts: 0 }, now);
  return lineage;
}

/**
 * Every pair of our addresses and those that the peer is called at, in order of preference. Without any of ours in the family of
 * the peer there is none.
 */
function callingPaths(host: IkeHost, { name, local, remote }: Connection): readonly Path[] {
  const told = host.localAddresses.get(name) ?? [];
  const own = told.length === 0 ? [local.address] : told;
  return own
    .flatMap((address) => calledAt(remote).map((peer) => ({ local: { ...local, address }, remote: peer })))
    .filter((path) => path.local.address.length === path.remote.address.length)
    .slice(0, MAXIMUM_PLACES);
}

/**
 * Nobody answers where we called: the next pair of addresses is tried, with another SPI, as the request has the addresses in it
 * (NAT_DETECTION_SOURCE_IP) and a responder that had the first one would take this for the same, changed. Only before the first
 * answer: what comes after it is repeated where that came from. @returns false when there is no other, or it is no such request.
 */
export function callElsewhere(sa: IkeSa, attempt: number, now: number): boolean {
  const { lineage, host, state } = sa;
  if (state.name !== 'awaiting-init-response' || attempt < CALLS_AT_ONE_PLACE || sa !== lineage.current) return false;
  const paths = callingPaths(host, lineage.connection);
  const place = paths.findIndex((path) => pairOf(path) === pairOf(lineage.path));
  const next = paths[(place + 1) % paths.length];
  if (next === undefined || pairOf(next) === pairOf(lineage.path)) return false;
  if (now - lineage.startedAt >= CALLING_LIMIT) {
    sa.abort(state.refusal ?? { code: 'peer_silent' }, now);
    return true;
  }
  sa.note({ kind: 'path-changed', ...next }, now);
  lineage.path = next;
  lineage.current = lineage.beget('initiator', new Uint8Array(8), { name: 'new' });
  sa.shut(now);
  const method = firstMethod(lineage.connection.proposals) ?? 0;
  shareAndSend(lineage.current, method, { nonce: makeNonce(host), cookie: undefined, restarts: 0 }, now);
  return true;
}

/** Makes a share, which may take the host a while, and sends the request with it. */
function shareAndSend(
  sa: IkeSa,
  method: number,
  { nonce, cookie, restarts }: Omit<InitAttempt, 'share'>,
  now: number,
): void {
  sa.state = { name: 'new' };
  const done = (share: InitiatedKeyExchange | InvalidShare, later: number) => {
    if ('invalid' in share) sa.abort({ code: 'invalid_key_exchange', detail: share.invalid }, later);
    else if (sa.state.name === 'new') sendRequest(sa, { share, nonce, cookie, restarts }, later);
    else share.discard();
  };
  makeShare(sa.host, method, done, now);
}

/** The answer, which nothing authenticates yet: it may make the request be sent again, choose, or refuse. */
export function receiveInitResponse(sa: IkeSa, message: IkeMessage, octets: Uint8Array, path: Path, now: number): void {
  const { state } = sa;
  if (state.name !== 'awaiting-init-response') return;
  const { header, payloads } = message;
  sa.noteMessage('received', header, payloads, now);
  const cookie = findNotify(payloads, 'COOKIE');
  // "The data associated with this notification MUST be between 1 and 64 octets in length" (section 2.6): nobody makes us
  // send more than that.
  if (cookie !== undefined && !isCookie(cookie.data)) return;
  const wanted = wantedMethod(payloads);
  const restarts = state.restarts + 1;
  if (restarts <= MAXIMUM_RESTARTS && cookie !== undefined) {
    sa.initAnswered();
    sendRequest(sa, { ...state, cookie: cookie.data, restarts }, now);
    return;
  }
  if (restarts <= MAXIMUM_RESTARTS && wanted !== undefined) {
    // "the initiator MUST NOT" accept a group that it did not offer (sections 1.2 and 3.4).
    if (wanted === state.share.method || !offersMethod(sa.lineage.connection.proposals, wanted)) {
      const detail = `the peer asks for method ${wanted}, which was not offered`;
      refused(sa, state, { code: 'invalid_key_exchange', detail }, now);
      return;
    }
    sa.initAnswered();
    state.share.discard();
    shareAndSend(sa, wanted, { nonce: state.nonce, cookie: state.cookie, restarts }, now);
    return;
  }
  const error = findError(payloads) ?? (cookie === undefined ? undefined : 'COOKIE');
  if (error !== undefined) {
    refused(sa, state, refusalOf(error, 'IKE_SA_INIT', sa.lineage.connection), now);
    return;
  }
  acceptChoice(sa, state, message, octets, path, now);
}

/**
 * Section 2.21.1: "Because all error notifications are completely unauthenticated, the recipient should continue trying
 * for some time before giving up." The first one is what will be told.
 */
function refused(sa: IkeSa, state: AwaitingInitResponse, refusal: FailureReason, now: number): void {
  if (state.refusal !== undefined) return;
  sa.state = { ...state, refusal };
  sa.timers.set('half-open', now + REFUSAL_PATIENCE);
}

type AwaitingInitResponse = Extract<IkeState, { name: 'awaiting-init-response' }>;
type InitAttempt = Pick<AwaitingInitResponse, 'share' | 'nonce' | 'cookie' | 'restarts'>;

function sendRequest(sa: IkeSa, attempt: InitAttempt, now: number): void {
  const { share, nonce, cookie, restarts } = attempt;
  const { proposals } = sa.lineage.connection;
  const payloads: readonly Payload[] = [
    ...(cookie === undefined ? [] : [notify('COOKIE', cookie)]),
    {
      kind: 'SA',
      proposals: proposals.map((transforms, index) => ({
        number: index + 1,
        protocol: PROTOCOL.IKE,
        spi: new Uint8Array(0),
        transforms,
      })),
    },
    { kind: 'KE', method: share.method, data: share.publicValue },
    { kind: 'Nonce', data: nonce },
    ...natDetection(sa, sa.lineage.path),
    // Also without additional key exchanges: a responder may have much to say about authentication (RFC 9593 section 3.1).
    ...announcements(proofRequests([sa.lineage.connection]), true),
    ...ppkAnnouncements(sa.lineage.connection),
  ];
  const message = sa.encodeClear(false, payloads);
  sa.state = { name: 'awaiting-init-response', share, nonce, message, cookie, restarts, refusal: undefined };
  sa.sendInit(message, payloads, now);
}

function acceptChoice(
  sa: IkeSa,
  state: AwaitingInitResponse,
  message: IkeMessage,
  octets: Uint8Array,
  path: Path,
  now: number,
): void {
  const { payloads } = message;
  const [answer, ke, nonce] = [find(payloads, 'SA'), find(payloads, 'KE'), find(payloads, 'Nonce')];
  const proposal = answer?.proposals.length === 1 ? answer.proposals[0] : undefined;
  const offered = sa.lineage.connection.proposals[(proposal?.number ?? 0) - 1];
  const suite = proposal === undefined ? undefined : ikeSuiteOf(proposal.transforms);
  // Additional key exchanges that it has no exchange for are "unknown transform types" (RFC 9370 section 2.2.1).
  const carried = suite?.additionalKeyExchanges.length === 0 || supportsIntermediate(payloads);
  const selected = proposal !== undefined && offered !== undefined && isSelectionOf(proposal.transforms, offered);
  const allowed = selected && carried && !isReservedSpi(message.header.responderSpi);
  const agreed = suite !== undefined && ke?.method === suite.keyExchange && ke.method === state.share.method;
  if (!allowed || !agreed || nonce === undefined || proposal === undefined) {
    refused(sa, state, { code: 'invalid_message', detail: 'the peer chose what was not offered' }, now);
    return;
  }
  const agreement = {
    peerHashes: agreedHashes(proofRequests([sa.lineage.connection]), payloads),
    methodsPending: supportsIntermediate(payloads) && announcesLater(payloads),
    ppkMixing: agreedMixing(payloads, mixingsOf([sa.lineage.connection])),
    mayBeChildless: findNotify(payloads, 'CHILDLESS_IKEV2_SUPPORTED') !== undefined,
    pending: suite.additionalKeyExchanges,
  };
  const missing = missingFeature(sa.lineage.connection, agreement);
  if (missing !== undefined) {
    refused(sa, state, missing, now);
    return;
  }
  sa.peerSpi = message.header.responderSpi;
  sa.initAnswered();
  sa.timers.clear('half-open');
  const { share, message: request, nonce: ownNonce } = state;
  sa.state = { name: 'awaiting-key-exchange', initiatorMessage: request, share };
  const chosen = {
    suite,
    transforms: proposal.transforms,
    nonces: { own: ownNonce, peer: nonce.data },
    ke,
    agreement,
  };
  const response = { message, octets: octets.slice(), path };
  prepareFinish(sa.host, share, payloads, (later) => finishInit(sa, chosen, response, later), now);
}

interface ChosenByPeer {
  readonly suite: IkeSuite;
  readonly transforms: readonly Transform[];
  readonly nonces: { readonly own: Uint8Array; readonly peer: Uint8Array };
  readonly ke: KeyExchangePayload;
  readonly agreement: AgreedInInit;
}

interface InitResponse {
  readonly message: IkeMessage;
  readonly octets: Uint8Array;
  readonly path: Path;
}

function finishInit(
  sa: IkeSa,
  { suite, transforms, nonces, ke, agreement }: ChosenByPeer,
  { message: { payloads }, octets, path }: InitResponse,
  now: number,
): void {
  if (sa.state.name !== 'awaiting-key-exchange' || sa.state.share === undefined) return;
  const { share, initiatorMessage } = sa.state;
  const shared = finishShare(share, ke.data);
  if ('invalid' in shared) {
    sa.abort({ code: 'invalid_key_exchange', detail: shared.invalid }, now);
    return;
  }
  const inputs = {
    initiatorNonce: nonces.own,
    responderNonce: nonces.peer,
    initiatorSpi: sa.initiatorSpi,
    responderSpi: sa.responderSpi,
  };
  sa.secure(initialKeys(createPrf(sa.host.provider, suite.prf), suite, shared, inputs));
  shared.wipe();
  absorb(sa, payloads, path, now);
  sa.skipInitId();
  floatPort(sa);
  sendIntermediate(sa, handshakeOf(inputs, transforms, initiatorMessage, octets, payloads, agreement), now);
}

/**
 * What we cannot do without, and the peer does not have. RFC 8784 section 3: without USE_PPK in the response an initiator
 * for which a PPK is mandatory aborts; not at once, as nothing authenticates the response: "it waits for more response
 * messages, retransmitting the request as if no responses were received at all" (section 6). RFC 6023 section 3: it "MUST
 * NOT send the modified IKE_AUTH request" unless it is told that it may.
 */
function missingFeature(
  { ppk, childless, children }: Connection,
  { ppkMixing, mayBeChildless }: Pick<AgreedInInit, 'ppkMixing' | 'mayBeChildless'>,
): FailureReason | undefined {
  if (ppk?.required === true && ppkMixing === undefined) return { code: 'ppk_required' };
  const mustBeChildless = childless === 'force' || children.length === 0;
  return mustBeChildless && !mayBeChildless ? { code: 'childless_required' } : undefined;
}

/**
 * Section 2.23: with a NAT in between, the initiator goes on from port 4500 to port 4500. RFC 4555 section 3.3: who has
 * MOBIKE and NAT traversal does so in any case, as a later path may have a NAT.
 */
function floatPort({ lineage }: IkeSa): void {
  const { local, remote } = lineage.path;
  const floats = lineage.nat.present || (lineage.natTraversal && lineage.connection.mobike !== undefined);
  if (!floats || local.port !== IKE_PORT) return;
  lineage.path = { local: { ...local, port: NAT_PORT }, remote: { ...remote, port: NAT_PORT } };
}

const MAXIMUM_RESTARTS = 3;
/** A list of addresses does not make us a source of traffic. */
const MAXIMUM_PLACES = 16;
