import { toHex } from '../bytes/hex.js';
import type { Secret } from '../bytes/secret.js';
import type { IkeKeys } from '../crypto/ike/key-schedule.js';
import type { IkeHeader } from '../wire/ike/header.js';
import { EXCHANGE, nameOf } from '../wire/ike/iana.js';
import { encodeMessage, type IkeMessage } from '../wire/ike/message.js';
import { checkPayloads } from '../wire/ike/message-rules.js';
import type { Payload } from '../wire/ike/payloads/registry.js';
import { describe } from '../wire/ike/wire-error.js';
import { adoptProbedPath, requestUpdate } from './exchanges/address-update.js';
import { absorbToken } from './exchanges/auth-notifies.js';
import { dropPending, type PendingGrant } from './exchanges/followup.js';
import { callElsewhere } from './exchanges/init-initiator.js';
import { prepareFinish } from './exchanges/key-shares.js';
import { findNotify } from './exchanges/payload-access.js';
import { receiveUnprotected } from './exchanges/unprotected.js';
import type { HistoryFact } from './history/entry.js';
import { contentOf } from './history/message-content.js';
import type { IkeHost } from './host.js';
import type { Lineage } from './lineage.js';
import type { FailureReason } from './outputs.js';
import { type Claim, OwnRequests, type Request } from './own-request.js';
import { type Path, transmit } from './path.js';
import { PeerRequests, type Reception } from './peer-requests.js';
import { MessageProtection, type OpenedMessage, type SealedMessage } from './protection.js';
import { ProtectionKeys } from './protection-keys.js';
import type { Purpose } from './purpose.js';
import type { IkeState } from './states.js';
import { HALF_OPEN_LIFETIME, type IkeSaTimer, LINGER, Timers } from './timers.js';

/**
 * One IKE SA as a channel: its keys, its state, the request of ours that is under way and the window for the peer's. It
 * knows how messages travel; what they mean is in exchanges/, and what outlives it is in its lineage.
 */
export class IkeSa {
  readonly host: IkeHost;
  readonly lineage: Lineage;
  readonly role: 'initiator' | 'responder';
  readonly localSpi: Uint8Array;
  peerSpi: Uint8Array;
  state: IkeState;
  readonly timers: Timers<IkeSaTimer>;
  /** Granted to the peer, and not complete: its additional key exchanges are under way. */
  pending: PendingGrant | undefined;
  /** The peer has said something new on it: it has the keys. */
  heard = false;
  /** By which the peer can show that it has forgotten this IKE SA (RFC 6290). */
  peerToken: Uint8Array | undefined;
  readonly #name: string;
  #protection: ProtectionKeys | undefined;
  readonly #requests = new OwnRequests();
  #answerPath: Path | undefined;
  readonly #peerRequests = new PeerRequests(this);

  /** Registers itself: from now on datagrams with its SPI reach it. */
  constructor(lineage: Lineage, role: 'initiator' | 'responder', peerSpi: Uint8Array, state: IkeState) {
    this.host = lineage.host;
    this.lineage = lineage;
    this.role = role;
    this.localSpi = this.host.newIkeSpi();
    this.peerSpi = peerSpi;
    this.state = state;
    this.#name = toHex(this.localSpi.subarray(0, 4));
    this.timers = new Timers((next) => this.host.deadline(this, next));
    this.host.register(this);
  }

  get initiatorSpi(): Uint8Array {
    return this.role === 'initiator' ? this.localSpi : this.peerSpi;
  }

  get responderSpi(): Uint8Array {
    return this.role === 'initiator' ? this.peerSpi : this.localSpi;
  }

  get keys(): IkeKeys {
    if (this.#protection === undefined) throw new TypeError(`An IKE SA that is ${this.state.name} has no keys yet.`);
    return this.#protection.keys;
  }

  /** What our request under way is about; undefined when the window is free. */
  get underway(): Purpose | undefined {
    return this.#requests.current?.purpose;
  }

  /** ID of the request that we would send next, and of the one of the peer that we are to answer. */
  get nextIds(): { readonly own: number; readonly peer: number } {
    return { own: this.#requests.nextId, peer: this.#peerRequests.expected };
  }

  /** Which way the request came that is being processed: what its IP header said. */
  get requestPath(): Path {
    return this.#peerRequests.path;
  }

  /** Which way the answer came that is being looked at. */
  get answerPath(): Path {
    return this.#answerPath ?? this.lineage.path;
  }

  /** For the history. */
  note(fact: HistoryFact, now: number): void {
    this.lineage.history.add({ at: now, sa: this.#name, ...fact });
  }

  /** A message that was sent, or that arrived and is looked at. */
  noteMessage(
    direction: 'sent' | 'received',
    { exchange, response, messageId: id }: Pick<IkeHeader, 'exchange' | 'response' | 'messageId'>,
    payloads: readonly Payload[],
    now: number,
  ): void {
    this.note({ kind: 'message', direction, exchange, response, id, content: contentOf(payloads) }, now);
  }

  /** From now on messages are sealed with these keys; the message IDs go on. */
  secure(keys: IkeKeys): void {
    const protection = new MessageProtection(keys, this.role, this.host.provider, this.host.random);
    this.#protection = this.#protection?.succeededBy(keys, protection) ?? new ProtectionKeys(keys, protection);
  }

  /** SK_d, SK_pi and SK_pr with a PPK mixed in (RFC 8784): used from when `settlePpk` says so. */
  mix(ppk: Secret): IkeKeys {
    if (this.#protection === undefined) throw new TypeError(`An IKE SA that is ${this.state.name} has no keys yet.`);
    return this.#protection.mix(ppk);
  }

  settlePpk(used: boolean): void {
    this.#protection?.settlePpk(used);
  }

  /**
   * IKE_SA_INIT used ID 0 of the initiator's requests and none of the responder's: "each endpoint in the IKE Security
   * Association maintains two 'current' Message IDs" (section 2.2). A rekeyed SA starts at 0 on both sides.
   */
  skipInitId(): void {
    if (this.role === 'responder') this.#peerRequests.skipInitId();
  }

  /** From now on the peer may have so many requests under way, as we told it in SET_WINDOW_SIZE. */
  widenWindow(size: number): void {
    this.#peerRequests.widen(size);
  }

  /** Sends the clear first request; the answer comes through the engine, which calls `initAnswered`. */
  sendInit(octets: Uint8Array, payloads: readonly Payload[], now: number): void {
    this.#requests.beginAgain(INIT_REQUEST, [octets]);
    this.timers.set('retransmit', now + this.lineage.patience.first);
    this.noteMessage('sent', { exchange: EXCHANGE.IKE_SA_INIT, response: false, messageId: 0 }, payloads, now);
    transmit(this.host, this.lineage.path, [octets]);
  }

  initAnswered(): void {
    this.#settle();
  }

  /** To be called when the window is free: from a task of the lineage, or from an answer. */
  request(request: Request, now: number): SealedMessage {
    const { exchange, payloads } = request;
    const sealed = this.#seal(exchange, false, this.#requests.nextId, payloads);
    const id = this.#requests.begin(request, () => sealed.datagrams);
    this.timers.set('retransmit', now + this.lineage.patience.first);
    this.noteMessage('sent', { exchange, response: false, messageId: id }, payloads, now);
    transmit(this.host, request.via ?? this.lineage.path, sealed.datagrams);
    return sealed;
  }

  /** What is under way goes by the path of now, and gets every chance that it had (RFC 4555 section 3.5). */
  resend(now: number): void {
    const repetition = this.#requests.startOver(this.lineage.patience);
    if (repetition === undefined || this.state.name === 'closed') return;
    const { exchange, id } = repetition;
    this.note({ kind: 'sent-by-another-path', exchange, id }, now);
    this.timers.set('retransmit', now + repetition.pause);
    transmit(this.host, this.lineage.path, repetition.datagrams);
  }

  /** Takes the window for a request that is to come. To be called when it is free. */
  claim(claim: Claim): void {
    this.#requests.claim(claim);
  }

  /** Frees the window. False when it was lost meanwhile: the request is not wanted any more. */
  release(claim: Claim): boolean {
    if (this.#requests.current !== claim) return false;
    this.#requests.settle();
    return true;
  }

  /** The request under way does not matter any more: an answer that still comes is not looked at. */
  forgetRequest(now: number): void {
    this.#settle()?.abandon?.(now);
  }

  /** Answers the request that is being processed. */
  respond(exchange: number, payloads: readonly Payload[], now: number): SealedMessage {
    const id = this.#peerRequests.expected;
    const sealed = this.#seal(exchange, true, id, payloads);
    this.noteMessage('sent', { exchange, response: true, messageId: id }, payloads, now);
    this.#peerRequests.answer(sealed.datagrams);
    return sealed;
  }

  rememberInitResponse(octets: Uint8Array): void {
    this.#peerRequests.rememberInitResponse(octets);
  }

  /** The initiator repeated IKE_SA_INIT: it gets the same octets again (section 2.1). */
  repeatInitResponse(path: Path): void {
    this.#peerRequests.repeatInitResponse(path);
  }

  /** The peer has gone on to IKE_AUTH, so that it repeats nothing of before: what that would need is given back. */
  forgetHandshake(): void {
    this.#peerRequests.forgetInitResponse();
    this.#protection = this.#protection?.alone();
  }

  /** A message for this SA, or a hint about it that nothing protects. */
  receive(octets: Uint8Array, message: IkeMessage, path: Path, now: number): Reception {
    const protection = this.#protection;
    if (protection === undefined) return 'not_authentic';
    if (!isProtected(message)) return receiveUnprotected(this, message, now) ? 'accepted' : 'not_authentic';
    if (message.header.response) return this.#receiveResponse(protection.current, octets, message, path, now);
    return this.#peerRequests.receive(protection, octets, message, path, now);
  }

  expire(now: number): void {
    for (let name = this.timers.take(now); name !== undefined; name = this.timers.take(now)) {
      const refusal = this.state.name === 'awaiting-init-response' ? this.state.refusal : undefined;
      if (name === 'retransmit') this.#retransmit(now);
      else if (name === 'followup') dropPending(this, now);
      // The Delete of the peer: what went out before has arrived.
      else if (name === 'drained') this.respond(EXCHANGE.INFORMATIONAL, [], now);
      else if (refusal !== undefined) this.abort(refusal, now);
      else this.shut(now);
    }
  }

  /** Not used for requests of ours any more; answers what still comes for a while before it is forgotten. */
  retire(state: 'replaced' | 'deleting', now: number): void {
    if (this.state.name === 'closed') return;
    this.state = { name: state };
    this.timers.set('linger', now + LINGER);
  }

  /** The peer did not prove who it is. It has been told so, and will be again when the answer was lost. */
  refuse(reason: FailureReason, now: number): void {
    this.state = { name: 'refused' };
    this.timers.clear('half-open');
    this.timers.set('linger', now + HALF_OPEN_LIFETIME);
    this.note({ kind: 'refused', reason }, now);
    this.lineage.tellFailure(reason, now);
  }

  /** The SA cannot go on; when the lineage depends on it, that cannot either. */
  abort(reason: FailureReason, now: number): void {
    this.lineage.broken(this, reason, now);
  }

  /** Forgets its keys, and is forgotten. */
  shut(now: number): void {
    if (this.state.name === 'closed') return;
    if ('share' in this.state) this.state.share?.discard();
    this.state = { name: 'closed' };
    this.forgetRequest(now);
    dropPending(this, now);
    this.#protection?.destroy();
    this.#protection = undefined;
    this.timers.clearAll();
    this.host.unregister(this);
    this.note({ kind: 'closed' }, now);
    this.lineage.lost(this, now);
  }

  /** A clear message, before there are keys. */
  encodeClear(response: boolean, payloads: readonly Payload[]): Uint8Array {
    return encodeMessage(this.#header(EXCHANGE.IKE_SA_INIT, response, 0), payloads);
  }

  #receiveResponse(
    protection: MessageProtection,
    octets: Uint8Array,
    message: IkeMessage,
    path: Path,
    now: number,
  ): Reception {
    const awaited = this.#requests.isAnsweredBy(message.header);
    const opening = protection.open(octets, message, awaited, now);
    if (opening.kind === 'not_authentic') return 'not_authentic';
    if (!awaited) return 'outside_window';
    this.lineage.lastHeard = now;
    this.heard = true;
    if (opening.kind === 'malformed') {
      this.abort({ code: 'invalid_message', detail: describe(opening.problem) }, now);
    } else if (opening.kind === 'opened') this.#takeResponse(opening.message, path, now);
    return 'accepted';
  }

  #settle(): Claim | undefined {
    this.timers.clear('retransmit');
    return this.#requests.settle();
  }

  #takeResponse(opened: OpenedMessage, path: Path, now: number): void {
    const { header, payloads } = opened;
    this.noteMessage('received', header, payloads, now);
    const violation = checkPayloads(header.exchange, 'response', payloads);
    this.#answerPath = path;
    const probing = this.#requests.attempts >= this.lineage.probeAfter;
    this.timers.clear('retransmit');
    const request = this.#requests.answered();
    // Before its answer is looked at: what that says about a path, it says about the one that it came by.
    const moved = probing && adoptProbedPath(this.lineage, path, now);
    if (this.lineage.establishedAt !== undefined) this.lineage.follow(path, now);
    if (violation !== undefined) {
      this.forgetRequest(now);
      this.abort({ code: 'invalid_message', detail: JSON.stringify(violation) }, now);
      return;
    }
    // Section 2.21.3: "fatal in both peers, meaning that the IKE SA is deleted without needing an explicit Delete payload".
    if (this.lineage.establishedAt !== undefined && findNotify(payloads, 'INVALID_SYNTAX') !== undefined) {
      this.forgetRequest(now);
      this.abort({ code: 'peer_refused', notify: 'INVALID_SYNTAX', exchange: nameOf(EXCHANGE, header.exchange) }, now);
      return;
    }
    // "A token taker MUST accept such gratuitous QCD_TOKEN notifications as long as they are carried in protected exchanges"
    // (RFC 6290 section 4.4). In other exchanges it may be that of another IKE SA.
    if (header.exchange === EXCHANGE.INFORMATIONAL) absorbToken(this, payloads);
    if (request === undefined) return;
    const go = (later: number) => {
      if (!this.release(request)) return;
      request.onResponse(payloads, later, opened);
      if (moved) requestUpdate(this.lineage, later);
      this.lineage.pump(later);
    };
    prepareFinish(this.host, request.share, payloads, go, now);
  }

  /** Goes on with requests that overtook one whose answer took a while. */
  takeHeldRequests(now: number): void {
    this.#peerRequests.takeHeld(now);
  }

  #retransmit(now: number): void {
    if (callElsewhere(this, this.#requests.attempts + 1, now)) return;
    const repetition = this.#requests.repeat(this.lineage.patience);
    if (repetition === undefined) return;
    if (repetition === 'given-up') {
      this.abort({ code: 'peer_silent' }, now);
      return;
    }
    const { exchange, id, attempt, pause, datagrams } = repetition;
    this.note({ kind: 'retransmitted', exchange, id, attempt }, now);
    this.timers.set('retransmit', now + pause);
    for (const path of this.lineage.paths(attempt)) transmit(this.host, path, datagrams);
  }

  #seal(exchange: number, response: boolean, messageId: number, payloads: readonly Payload[]): SealedMessage {
    if (this.#protection === undefined)
      throw new TypeError(`An IKE SA that is ${this.state.name} cannot seal messages yet.`);
    const { peerSupportsFragmentation, connection } = this.lineage;
    const limit = peerSupportsFragmentation ? connection.fragmentSize : undefined;
    return this.#protection.current.seal(this.#header(exchange, response, messageId), payloads, limit);
  }

  #header(exchange: number, response: boolean, messageId: number): Omit<IkeHeader, 'nextPayload'> {
    const fromInitiator = this.role === 'initiator';
    const { initiatorSpi, responderSpi } = this;
    return { initiatorSpi, responderSpi, exchange, fromInitiator, response, messageId };
  }
}

function isProtected({ payloads }: IkeMessage): boolean {
  const last = payloads.at(-1)?.kind;
  return last === 'SK' || last === 'SKF';
}

const INIT_REQUEST: Request = {
  purpose: { kind: 'handshake' },
  exchange: EXCHANGE.IKE_SA_INIT,
  payloads: [],
  onResponse: () => undefined,
};
