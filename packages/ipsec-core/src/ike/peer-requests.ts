import type { IkeHeader } from '../wire/ike/header.js';
import type { IkeMessage } from '../wire/ike/message.js';
import { notify } from '../wire/ike/payloads/notify.js';
import { inform } from './exchanges/inform.js';
import type { IkeSa } from './ike-sa.js';
import { type Path, transmit } from './path.js';
import type { Opening } from './protection.js';
import type { ProtectionKeys } from './protection-keys.js';
import { type Arrived, RequestWindow } from './request-window.js';
import type { IkeState } from './states.js';

/** What became of a datagram: 'accepted', or why it was dropped. */
export type Reception = 'accepted' | 'not_authentic' | 'outside_window' | 'premature';

/**
 * What the peer asks on one IKE SA: a request that is next in order is handed on, one that was answered gets its answer
 * again, and every answer goes "to the address and port" its request came from (RFC 7296 sections 2.1 to 2.3, 2.11).
 */
export class PeerRequests {
  readonly #sa: IkeSa;
  #window = new RequestWindow(0);
  /** Which way the request came that is being answered. */
  #replyPath: Path | undefined;
  #initResponse: Uint8Array | undefined;
  /** The request whose answer was repeated last, and how often it was given. */
  #repeated: number | undefined;
  #times = 0;

  constructor(sa: IkeSa) {
    this.#sa = sa;
  }

  /** ID of the request that is being answered, or will be next. */
  get expected(): number {
    return this.#window.expected;
  }

  /** Which way the request came that is being processed. */
  get path(): Path {
    return this.#replyPath ?? this.#sa.lineage.path;
  }

  /** IKE_SA_INIT used ID 0. */
  skipInitId(): void {
    this.#window = new RequestWindow(1);
  }

  widen(size: number): void {
    this.#window.widen(size);
  }

  /** The request that is being processed has its answer. */
  answer(datagrams: readonly Uint8Array[]): void {
    this.#window.answered(datagrams);
    transmit(this.#sa.host, this.path, datagrams);
  }

  rememberInitResponse(octets: Uint8Array): void {
    this.#initResponse = octets;
  }

  forgetInitResponse(): void {
    this.#initResponse = undefined;
  }

  /** The initiator repeated IKE_SA_INIT: it gets the same octets again (section 2.1). */
  repeatInitResponse(path: Path): void {
    if (this.#initResponse !== undefined) transmit(this.#sa.host, path, [this.#initResponse]);
  }

  /** A protected request. */
  receive(keys: ProtectionKeys, octets: Uint8Array, message: IkeMessage, path: Path, now: number): Reception {
    const sa = this.#sa;
    const { messageId } = message.header;
    const place = this.#window.place(messageId);
    const opening = keys.current.open(octets, message, place === 'next' || place === 'early', now);
    if (opening.kind === 'not_authentic') return this.#repeatForPrevious(keys, octets, message, path, now);
    if (place === 'answered') this.#repeatAnswer(message, path, now);
    if (place === 'outside') this.#reportOutside(messageId, now);
    if (place === 'outside' || sa.state.name === 'refused') return 'outside_window';
    if (place === 'answered' || place === 'in-work') return 'accepted';
    // The answer that proves who the peer is was overtaken: it will ask again.
    if (sa.role === 'initiator' && UNPROVED.has(sa.state.name)) return 'premature';
    // Only what is new proves that the peer lives: an answered request may be somebody's recording (section 2.4), and so may
    // be a part of one that never becomes whole, or one that waits already.
    const isNew =
      place === 'next'
        ? opening.kind !== 'fragment'
        : opening.kind === 'opened' && this.#window.hold({ message: opening.message, path });
    if (isNew) {
      sa.lineage.lastHeard = now;
      sa.heard = true;
    }
    if (place === 'next') this.#takeNext(message.header, opening, path, now);
    return 'accepted';
  }

  /** Goes on with requests that overtook one whose answer took a while. */
  takeHeld(now: number): void {
    const held = this.#window.takeHeld();
    if (held !== undefined) this.#takeRequests(held, now);
  }

  #takeNext(header: IkeHeader, opening: Exclude<Opening, { kind: 'not_authentic' }>, path: Path, now: number): void {
    if (opening.kind === 'fragment') return;
    if (opening.kind === 'opened') {
      this.#takeRequests({ message: opening.message, path }, now);
      return;
    }
    this.#replyPath = path;
    this.#sa.host.malformed(this.#sa, header, opening.problem, now);
    this.takeHeld(now);
  }

  #repeatAnswer(message: IkeMessage, path: Path, now: number): void {
    if (!isFirstPart(message)) return;
    const { exchange, messageId: id } = message.header;
    this.#times = this.#repeated === id ? this.#times + 1 : 2;
    this.#repeated = id;
    this.#sa.note({ kind: 'answered-again', exchange, id, times: this.#times }, now);
    transmit(this.#sa.host, path, this.#window.answerOf(id));
  }

  /** A repeated IKE_INTERMEDIATE request is sealed with the keys before those that its answer made. */
  #repeatForPrevious(
    { previous }: ProtectionKeys,
    octets: Uint8Array,
    message: IkeMessage,
    path: Path,
    now: number,
  ): Reception {
    const { header } = message;
    const answered = !header.response && this.#window.place(header.messageId) === 'answered';
    if (!answered || previous === undefined) return 'not_authentic';
    if (previous.open(octets, message, false, now).kind === 'not_authentic') return 'not_authentic';
    this.#repeatAnswer(message, path, now);
    return 'accepted';
  }

  /**
   * Section 2.3: INVALID_MESSAGE_ID "MUST NOT be sent in a response; the invalid request MUST NOT be acknowledged", but
   * told in an exchange of our own. Only of IDs beyond the window: lower ones are old messages.
   */
  #reportOutside(messageId: number, now: number): void {
    const { lineage } = this.#sa;
    if (messageId < this.#window.expected || this.#sa !== lineage.current || !lineage.hints.take(now)) return;
    const id = new Uint8Array(4);
    new DataView(id.buffer).setUint32(0, messageId);
    inform(lineage, 'invalid-message-id', [notify('INVALID_MESSAGE_ID', id)], now);
  }

  #takeRequests(first: Arrived, now: number): void {
    for (let next: Arrived | undefined = first; next !== undefined; next = this.#window.takeHeld()) {
      // The one before it has ended the IKE SA: there are no keys to answer with.
      if (this.#sa.state.name === 'closed') return;
      const { message, path } = next;
      this.#sa.noteMessage('received', message.header, message.payloads, now);
      this.#replyPath = path;
      this.#sa.lineage.follow(path, now);
      this.#window.begin();
      this.#sa.host.request(this.#sa, message, now);
    }
  }
}

/** Only the first fragment of a repeated request is answered (RFC 7383 section 2.6.1). */
function isFirstPart({ payloads }: IkeMessage): boolean {
  const last = payloads.at(-1);
  return last?.kind !== 'SKF' || last.number === 1;
}

/** The states of an initiator in which nobody has proved to be the peer. */
const UNPROVED: ReadonlySet<IkeState['name']> = new Set([
  'new',
  'awaiting-init-response',
  'awaiting-key-exchange',
  'awaiting-intermediate-response',
  'awaiting-own-signature',
  'awaiting-auth-response',
  'awaiting-peer-verification',
]);
