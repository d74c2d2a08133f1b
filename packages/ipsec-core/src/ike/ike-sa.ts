import { toHex } from '../bytes/hex.js';
import { type IkeKeys, wipeKeys } from '../crypto/ike/key-schedule.js';
import type { IkeHeader } from '../wire/ike/header.js';
import { EXCHANGE, nameOf } from '../wire/ike/iana.js';
import { encodeMessage, type IkeMessage } from '../wire/ike/message.js';
import { checkPayloads } from '../wire/ike/message-rules.js';
import { notify } from '../wire/ike/payloads/notify.js';
import type { Payload } from '../wire/ike/payloads/registry.js';
import { describe } from '../wire/ike/wire-error.js';
import { dropPending, type PendingGrant } from './exchanges/followup.js';
import { inform } from './exchanges/inform.js';
import { receiveUnprotected } from './exchanges/unprotected.js';
import type { IkeHost } from './host.js';
import type { Lineage } from './lineage.js';
import type { FailureReason } from './outputs.js';
import { label, OwnRequests, type Request } from './own-request.js';
import { type Path, transmit } from './path.js';
import { MessageProtection, type OpenedMessage, type Opening, type SealedMessage } from './protection.js';
import type { Purpose } from './purpose.js';
import { RequestWindow } from './request-window.js';
import type { IkeState } from './states.js';
import { HALF_OPEN_LIFETIME, type IkeSaTimer, LINGER, RETRANSMIT_FIRST, Timers } from './timers.js';

/** What became of a datagram: 'accepted', or why it was dropped. */
export type Reception = 'accepted' | 'not_authentic' | 'outside_window' | 'premature';

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
  /** By which the peer can show that it has forgotten this IKE SA (RFC 6290). */
  peerToken: Uint8Array | undefined;
  readonly #name: string;
  #keys: IkeKeys | undefined;
  #protection: MessageProtection | undefined;
  /** Of the keys before the latest IKE_INTERMEDIATE, whose request the peer may repeat. */
  #previous: MessageProtection | undefined;
  readonly #requests = new OwnRequests();
  #window = new RequestWindow(0);
  /** Where the request came from that is being answered: "the response … to the address and port" it had (section 2.11). */
  #replyPath: Path | undefined;
  #initResponse: Uint8Array | undefined;

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
    if (this.#keys === undefined) throw new TypeError(`An IKE SA that is ${this.state.name} has no keys yet.`);
    return this.#keys;
  }

  /** What our request under way is about; undefined when the window is free. */
  get underway(): Purpose | undefined {
    return this.#requests.current?.purpose;
  }

  /** ID of the request that we would send next, and of the one of the peer that we are to answer. */
  get nextIds(): { readonly own: number; readonly peer: number } {
    return { own: this.#requests.nextId, peer: this.#window.expected };
  }

  note(direction: 'sent' | 'received' | 'local', what: string, detail: Readonly<Record<string, unknown>>, now: number) {
    this.lineage.history.add({ at: now, direction, sa: this.#name, what, detail });
  }

  /** From now on messages are sealed with these keys; the message IDs go on. */
  secure(keys: IkeKeys): void {
    this.#previous?.destroy();
    this.#previous = this.#protection;
    this.#keys = keys;
    this.#protection = new MessageProtection(keys, this.role, this.host.provider, this.host.random);
  }

  /**
   * IKE_SA_INIT used ID 0 of the initiator's requests and none of the responder's: "each endpoint in the IKE Security
   * Association maintains two 'current' Message IDs" (section 2.2). A rekeyed SA starts at 0 on both sides.
   */
  skipInitId(): void {
    if (this.role === 'responder') this.#window = new RequestWindow(1);
  }

  /** From now on the peer may have so many requests under way, as we told it in SET_WINDOW_SIZE. */
  widenWindow(size: number): void {
    this.#window.widen(size);
  }

  /** Sends the clear first request; the answer comes through the engine, which calls `initAnswered`. */
  sendInit(octets: Uint8Array, now: number): void {
    this.#requests.beginAgain(INIT_REQUEST, [octets]);
    this.timers.set('retransmit', now + RETRANSMIT_FIRST);
    this.note('sent', 'IKE_SA_INIT request', { id: 0 }, now);
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
    this.timers.set('retransmit', now + RETRANSMIT_FIRST);
    this.note('sent', `${nameOf(EXCHANGE, exchange)} request`, { id, payloads: payloads.map(label) }, now);
    transmit(this.host, this.lineage.path, sealed.datagrams);
    return sealed;
  }

  /** The request under way does not matter any more: an answer that still comes is not looked at. */
  forgetRequest(now: number): void {
    this.#settle()?.abandon?.(now);
  }

  /** Answers the request that is being processed. */
  respond(exchange: number, payloads: readonly Payload[], now: number): SealedMessage {
    const id = this.#window.expected;
    const sealed = this.#seal(exchange, true, id, payloads);
    this.#window.answered(sealed.datagrams);
    this.note('sent', `${nameOf(EXCHANGE, exchange)} response`, { id, payloads: payloads.map(label) }, now);
    transmit(this.host, this.#replyPath ?? this.lineage.path, sealed.datagrams);
    return sealed;
  }

  rememberInitResponse(octets: Uint8Array): void {
    this.#initResponse = octets;
  }

  /** The initiator repeated IKE_SA_INIT: it gets the same octets again (section 2.1). */
  repeatInitResponse(path: Path): void {
    if (this.#initResponse !== undefined) transmit(this.host, path, [this.#initResponse]);
  }

  /** A message for this SA, or a hint about it that nothing protects. */
  receive(octets: Uint8Array, message: IkeMessage, path: Path, now: number): Reception {
    const protection = this.#protection;
    if (protection === undefined) return 'not_authentic';
    if (!isProtected(message)) return receiveUnprotected(this, message, now) ? 'accepted' : 'not_authentic';
    if (message.header.response) return this.#receiveResponse(protection, octets, message, now);
    return this.#receiveRequest(protection, octets, message, path, now);
  }

  expire(now: number): void {
    for (let name = this.timers.take(now); name !== undefined; name = this.timers.take(now)) {
      const refusal = this.state.name === 'awaiting-init-response' ? this.state.refusal : undefined;
      if (name === 'retransmit') this.#retransmit(now);
      else if (name === 'followup') dropPending(this, now);
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
    this.note('local', 'refused', { reason }, now);
    this.lineage.tellFailure(reason);
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
    this.#previous?.destroy();
    this.#previous = undefined;
    if (this.#keys !== undefined) wipeKeys(this.#keys);
    this.timers.clearAll();
    this.host.unregister(this);
    this.note('local', 'closed', {}, now);
    this.lineage.lost(this, now);
  }

  /** A clear message, before there are keys. */
  encodeClear(response: boolean, payloads: readonly Payload[]): Uint8Array {
    return encodeMessage(this.#header(EXCHANGE.IKE_SA_INIT, response, 0), payloads);
  }

  #receiveResponse(protection: MessageProtection, octets: Uint8Array, message: IkeMessage, now: number): Reception {
    const awaited = this.#requests.isAnsweredBy(message.header);
    const opening = protection.open(octets, message, awaited);
    if (opening.kind === 'not_authentic') return 'not_authentic';
    if (!awaited) return 'outside_window';
    this.lineage.lastHeard = now;
    if (opening.kind === 'malformed') {
      this.abort({ code: 'invalid_message', detail: describe(opening.problem) }, now);
    } else if (opening.kind === 'opened') this.#takeResponse(opening.message, now);
    return 'accepted';
  }

  #receiveRequest(
    protection: MessageProtection,
    octets: Uint8Array,
    message: IkeMessage,
    path: Path,
    now: number,
  ): Reception {
    const { messageId } = message.header;
    const place = this.#window.place(messageId);
    const opening = protection.open(octets, message, place === 'next' || place === 'early');
    if (opening.kind === 'not_authentic') return this.#repeatForPrevious(octets, message, path);
    if (place === 'answered') this.#repeatAnswer(message, path);
    if (place === 'outside') this.#reportOutside(messageId, now);
    if (place === 'outside' || this.state.name === 'refused') return 'outside_window';
    if (place === 'answered' || place === 'in-work') return 'accepted';
    // The answer that proves who the peer is was overtaken: it will ask again.
    if (this.role === 'initiator' && UNPROVED.has(this.state.name)) return 'premature';
    // Only what is new proves that the peer lives: an answered request may be somebody's recording (section 2.4).
    this.lineage.lastHeard = now;
    if (place === 'next') this.#takeNext(message.header, opening, path, now);
    else if (opening.kind === 'opened') this.#window.hold(opening.message);
    return 'accepted';
  }

  #takeNext(header: IkeHeader, opening: Exclude<Opening, { kind: 'not_authentic' }>, path: Path, now: number): void {
    if (opening.kind === 'fragment') return;
    this.#replyPath = path;
    this.lineage.follow(path, now);
    if (opening.kind === 'opened') this.#takeRequests(opening.message, now);
    else this.host.malformed(this, header, opening.problem, now);
  }

  #repeatAnswer(message: IkeMessage, path: Path): void {
    if (isFirstPart(message)) transmit(this.host, path, this.#window.answerOf(message.header.messageId));
  }

  /** A repeated IKE_INTERMEDIATE request is sealed with the keys before those that its answer made. */
  #repeatForPrevious(octets: Uint8Array, message: IkeMessage, path: Path): Reception {
    const { header } = message;
    const answered = !header.response && this.#window.place(header.messageId) === 'answered';
    if (!answered || this.#previous === undefined) return 'not_authentic';
    if (this.#previous.open(octets, message, false).kind === 'not_authentic') return 'not_authentic';
    this.#repeatAnswer(message, path);
    return 'accepted';
  }

  /**
   * Section 2.3: INVALID_MESSAGE_ID "MUST NOT be sent in a response; the invalid request MUST NOT be acknowledged", but
   * told in an exchange of our own. Only of IDs beyond the window: lower ones are old messages.
   */
  #reportOutside(messageId: number, now: number): void {
    const { lineage } = this;
    if (messageId < this.#window.expected || this !== lineage.current || !lineage.hints.take(now)) return;
    const id = new Uint8Array(4);
    new DataView(id.buffer).setUint32(0, messageId);
    inform(lineage, 'invalid-message-id', [notify('INVALID_MESSAGE_ID', id)], now);
  }

  #settle(): Request | undefined {
    this.timers.clear('retransmit');
    return this.#requests.settle();
  }

  #takeResponse(opened: OpenedMessage, now: number): void {
    const { header, payloads } = opened;
    const { messageId: id, exchange } = header;
    this.note('received', `${nameOf(EXCHANGE, exchange)} response`, { id, payloads: payloads.map(label) }, now);
    const violation = checkPayloads(exchange, 'response', payloads);
    const request = this.#settle();
    if (violation !== undefined) {
      request?.abandon?.(now);
      this.abort({ code: 'invalid_message', detail: JSON.stringify(violation) }, now);
      return;
    }
    request?.onResponse(payloads, now, opened);
    this.lineage.pump(now);
  }

  #takeRequests(first: OpenedMessage, now: number): void {
    for (let next: OpenedMessage | undefined = first; next !== undefined; next = this.#window.takeHeld()) {
      const { messageId: id, exchange } = next.header;
      this.note('received', `${nameOf(EXCHANGE, exchange)} request`, { id, payloads: next.payloads.map(label) }, now);
      this.#window.begin();
      this.host.request(this, next, now);
    }
  }

  #retransmit(now: number): void {
    const { label: what } = this.#requests;
    const repetition = this.#requests.repeat();
    if (repetition === undefined) return;
    if (repetition === 'given-up') {
      this.abort({ code: 'peer_silent' }, now);
      return;
    }
    const { id, attempt, pause, datagrams } = repetition;
    this.note('sent', `${what} again`, { id, attempt }, now);
    this.timers.set('retransmit', now + pause);
    transmit(this.host, this.lineage.path, datagrams);
  }

  #seal(exchange: number, response: boolean, messageId: number, payloads: readonly Payload[]): SealedMessage {
    if (this.#protection === undefined)
      throw new TypeError(`An IKE SA that is ${this.state.name} cannot seal messages yet.`);
    const { peerSupportsFragmentation, connection } = this.lineage;
    const limit = peerSupportsFragmentation ? connection.fragmentSize : undefined;
    return this.#protection.seal(this.#header(exchange, response, messageId), payloads, limit);
  }

  #header(exchange: number, response: boolean, messageId: number): Omit<IkeHeader, 'nextPayload'> {
    const fromInitiator = this.role === 'initiator';
    const { initiatorSpi, responderSpi } = this;
    return { initiatorSpi, responderSpi, exchange, fromInitiator, response, messageId };
  }
}

/** Only the first fragment of a repeated request is answered (RFC 7383 section 2.6.1). */
function isFirstPart({ payloads }: IkeMessage): boolean {
  const last = payloads.at(-1);
  return last?.kind !== 'SKF' || last.number === 1;
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

/** The states of an initiator in which nobody has proved to be the peer. */
const UNPROVED: ReadonlySet<IkeState['name']> = new Set([
  'new',
  'awaiting-init-response',
  'awaiting-intermediate-response',
  'awaiting-own-signature',
  'awaiting-auth-response',
  'awaiting-peer-verification',
]);
