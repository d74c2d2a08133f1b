import { type IkeKeys, wipeKeys } from '../crypto/ike/key-schedule.js';
import type { IkeHeader } from '../wire/ike/header.js';
import { EXCHANGE, nameOf } from '../wire/ike/iana.js';
import { encodeMessage, type IkeMessage } from '../wire/ike/message.js';
import { checkPayloads } from '../wire/ike/message-rules.js';
import { notifyName } from '../wire/ike/notify-registry.js';
import { notify } from '../wire/ike/payloads/notify.js';
import type { Payload } from '../wire/ike/payloads/registry.js';
import { describe } from '../wire/ike/wire-error.js';
import type { ChildSa } from './child-sa.js';
import type { Connection, Endpoint } from './connection.js';
import { handleRequest } from './exchanges/dispatch.js';
import { History } from './history.js';
import type { IkeHost } from './host.js';
import type { FailureReason } from './outputs.js';
import { MessageProtection, type OpenedMessage } from './protection.js';
import type { IkeState } from './states.js';
import { LINGER, RETRANSMIT_FIRST, RETRANSMIT_LIMIT, type TimerName, Timers } from './timers.js';

/**
 * One IKE SA: its state value, its two message windows of size one, its timers and its Child SAs. It knows how messages
 * travel; what they mean is in exchanges/.
 */
export class IkeSa {
  readonly host: IkeHost;
  readonly role: 'initiator' | 'responder';
  readonly localSpi: Uint8Array;
  peerSpi: Uint8Array = new Uint8Array(8);
  connection: Connection;
  local: Endpoint;
  remote: Endpoint;
  state: IkeState = { name: 'closed' };
  readonly timers = new Timers();
  readonly history = new History();
  children: ChildSa[] = [];
  peerSupportsFragmentation = false;
  natDetected = false;
  peerBehindNat = false;
  /** Method numbers of the additional key exchanges that were done: what the profile asked to be told. */
  additionalKeyExchanges: readonly number[] = [];
  lastHeard = 0;
  /** Set while an exchange of ours that concerns the IKE SA itself is under way (section 2.25.2). */
  creatingChild = false;
  /** While a collision is undecided the Child SAs are still there, and the peer may already name them here. */
  undecidedPredecessor: IkeSa | undefined;
  ikeRekey: { peer: { readonly lowestNonce: Uint8Array; readonly successor: IkeSa } | undefined } | undefined;
  #keys: IkeKeys | undefined;
  #protection: MessageProtection | undefined;
  /** Of the keys before the latest IKE_INTERMEDIATE, whose request the peer may repeat. */
  #previous: MessageProtection | undefined;
  #nextRequestId = 0;
  #expectedRequestId = 0;
  #outstanding: OutstandingRequest | undefined;
  #answering: number | undefined;
  #initResponse: Uint8Array | undefined;
  #lastResponse: readonly Uint8Array[] = [];
  #tasks: ((now: number) => void)[] = [];

  constructor(
    host: IkeHost,
    role: 'initiator' | 'responder',
    connection: Connection,
    local: Endpoint,
    remote: Endpoint,
    spi: Uint8Array,
  ) {
    this.host = host;
    this.role = role;
    this.connection = connection;
    this.local = local;
    this.remote = remote;
    this.localSpi = spi;
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

  get busy(): boolean {
    return this.#outstanding !== undefined || this.#tasks.length > 0;
  }

  /** ID of the request that we would send next, and of the one of the peer that we are to answer. */
  get nextIds(): { readonly own: number; readonly peer: number } {
    return { own: this.#nextRequestId, peer: this.#expectedRequestId };
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
  skipInitIds(): void {
    if (this.role === 'initiator') this.#nextRequestId = 1;
    else this.#expectedRequestId = 1;
  }

  /** Sends the clear first request; the answer comes to `exchanges/ike-sa-init.ts` through the engine. */
  sendInit(octets: Uint8Array, now: number): void {
    this.#outstanding = {
      id: 0,
      exchange: EXCHANGE.IKE_SA_INIT,
      datagrams: [octets],
      attempt: 0,
      onResponse: () => undefined,
    };
    this.timers.set('retransmit', now + RETRANSMIT_FIRST);
    this.history.add(now, 'sent', 'IKE_SA_INIT request');
    this.transmit([octets]);
  }

  initAnswered(): void {
    this.#outstanding = undefined;
    this.timers.clear('retransmit');
  }

  /** Runs when no request of ours is outstanding: at once, or after the ones before it. */
  enqueue(task: (now: number) => void, now: number): void {
    this.#tasks.push(task);
    this.#pump(now);
  }

  /** To be called from a task or an answer, when the window is free. */
  sendRequest(
    exchange: number,
    payloads: readonly Payload[],
    now: number,
    onResponse: OutstandingRequest['onResponse'],
  ): OpenedParts {
    if (this.#outstanding !== undefined) throw new TypeError('The window is one request wide.');
    const id = this.#nextRequestId++;
    const sealed = this.#seal(exchange, false, id, payloads);
    this.#outstanding = { id, exchange, datagrams: sealed.datagrams, attempt: 0, onResponse };
    this.timers.set('retransmit', now + RETRANSMIT_FIRST);
    this.history.add(now, 'sent', `${nameOf(EXCHANGE, exchange)} request`, { id, payloads: payloads.map(label) });
    this.transmit(sealed.datagrams);
    return sealed;
  }

  /** Answers the request that is being processed. */
  respond(exchange: number, payloads: readonly Payload[], now: number): OpenedParts {
    const id = this.#expectedRequestId++;
    this.#answering = undefined;
    const sealed = this.#seal(exchange, true, id, payloads);
    this.#lastResponse = sealed.datagrams;
    this.history.add(now, 'sent', `${nameOf(EXCHANGE, exchange)} response`, { id, payloads: payloads.map(label) });
    this.transmit(sealed.datagrams);
    return sealed;
  }

  rememberInitResponse(octets: Uint8Array): void {
    this.#initResponse = octets;
  }

  /** The initiator repeated IKE_SA_INIT: it gets the same octets again (section 2.1). */
  repeatLastInit(): void {
    if (this.#initResponse !== undefined) this.transmit([this.#initResponse]);
  }

  repeatLastResponse(): void {
    this.transmit(this.#lastResponse);
  }

  transmit(datagrams: readonly Uint8Array[]): void {
    for (const octets of datagrams) {
      const marker = this.local.port !== IKE_PORT;
      this.host.emit({ kind: 'transmit', local: this.local, remote: this.remote, octets, marker });
    }
  }

  /** An encrypted message for this SA. Returns false when it was not authentic, to be counted. */
  receive(octets: Uint8Array, message: IkeMessage, local: Endpoint, remote: Endpoint, now: number): boolean {
    if (this.#protection === undefined) return false;
    const opening = this.#protection.open(octets, message);
    const { header } = message;
    if (opening.kind === 'not_authentic') return this.#repeatForPrevious(octets, message);
    this.lastHeard = now;
    this.#follow(header, local, remote);
    if (!header.response && header.messageId === this.#expectedRequestId - 1) {
      const last = message.payloads.at(-1);
      if (last?.kind !== 'SKF' || last.number === 1) this.repeatLastResponse();
      return true;
    }
    if (opening.kind === 'fragment') return true;
    if (opening.kind === 'malformed') {
      this.#malformed(header, describe(opening.problem), opening.problem.code === 'unsupported_critical', now);
      return true;
    }
    if (header.response) this.#takeResponse(opening.message, now);
    else this.#takeRequest(opening.message, now);
    return true;
  }

  onTimer(name: TimerName, now: number): void {
    if (name !== 'retransmit') return;
    const request = this.#outstanding;
    if (request === undefined) return;
    request.attempt++;
    if (request.attempt > RETRANSMIT_LIMIT) {
      if (this.state.name === 'awaiting-delete') this.close(now);
      else this.fail({ code: 'peer_silent' }, now);
      return;
    }
    this.history.add(now, 'sent', `${nameOf(EXCHANGE, request.exchange)} request again`, {
      id: request.id,
      attempt: request.attempt,
    });
    this.timers.set('retransmit', now + RETRANSMIT_FIRST * 2 ** request.attempt);
    this.transmit(request.datagrams);
  }

  /** The SA cannot go on: says why once, removes its Child SAs, forgets its keys. */
  fail(reason: FailureReason, now: number): void {
    if (this.state.name === 'closed') return;
    this.history.add(now, 'local', 'failed', { reason: reason.code });
    this.host.emit({ kind: 'event', event: { kind: 'ike-failed', connection: this.connection.name, reason } });
    this.close(now);
  }

  /** Starts nothing any more, and answers repetitions for a while before it is forgotten. */
  retire(now: number): void {
    this.state = { name: 'awaiting-delete' };
    this.#tasks = [];
    for (const name of ['rekey-ike', 'rekey-child', 'liveness', 'retry', 'half-open'] as const) this.timers.clear(name);
    this.timers.set('linger', now + LINGER);
  }

  close(now: number): void {
    for (const child of this.children) this.removeChild(child);
    this.children = [];
    if (this.state.name === 'awaiting-init-response' || this.state.name === 'awaiting-intermediate-response')
      this.state.share.discard();
    this.state = { name: 'closed' };
    this.#tasks = [];
    this.#outstanding = undefined;
    this.#protection?.destroy();
    this.#protection = undefined;
    this.#previous?.destroy();
    this.#previous = undefined;
    if (this.#keys !== undefined) wipeKeys(this.#keys);
    for (let name = this.timers.take(Number.POSITIVE_INFINITY); name !== undefined; ) {
      name = this.timers.take(Number.POSITIVE_INFINITY);
    }
    this.history.add(now, 'local', 'closed');
  }

  removeChild(child: ChildSa): void {
    if (child.phase === 'gone') return;
    child.phase = 'gone';
    this.children = this.children.filter((other) => other !== child);
    const { inboundSpi, outboundSpi } = child.association;
    this.host.emit({ kind: 'remove-child', inboundSpi, outboundSpi });
  }

  #repeatForPrevious(octets: Uint8Array, message: IkeMessage): boolean {
    const repeated = !message.header.response && message.header.messageId === this.#expectedRequestId - 1;
    if (!repeated || this.#previous === undefined) return false;
    if (this.#previous.open(octets, message).kind === 'not_authentic') return false;
    this.repeatLastResponse();
    return true;
  }

  #takeResponse(opened: OpenedMessage, now: number): void {
    const { header, payloads } = opened;
    const request = this.#outstanding;
    if (request === undefined || header.messageId !== request.id || header.exchange !== request.exchange) return;
    const violation = checkPayloads(header.exchange, 'response', payloads);
    this.history.add(now, 'received', `${nameOf(EXCHANGE, header.exchange)} response`, {
      id: header.messageId,
      payloads: payloads.map(label),
    });
    this.#outstanding = undefined;
    this.timers.clear('retransmit');
    if (violation !== undefined) {
      this.fail({ code: 'invalid_message', detail: JSON.stringify(violation) }, now);
      return;
    }
    request.onResponse(payloads, now, opened);
    this.#pump(now);
  }

  #takeRequest(message: OpenedMessage, now: number): void {
    const { header, payloads } = message;
    if (header.messageId !== this.#expectedRequestId || this.#answering === header.messageId) return;
    this.history.add(now, 'received', `${nameOf(EXCHANGE, header.exchange)} request`, {
      id: header.messageId,
      payloads: payloads.map(label),
    });
    const violation = checkPayloads(header.exchange, 'request', payloads);
    if (violation !== undefined) {
      this.#malformed(header, JSON.stringify(violation), false, now);
      return;
    }
    this.#answering = header.messageId;
    handleRequest(this, message, now);
  }

  /** An authentic peer that breaks the grammar: told so, then given up (section 2.21.3); critical payloads are only refused. */
  #malformed(header: IkeHeader, detail: string, critical: boolean, now: number): void {
    if (header.response) {
      if (header.messageId === this.#outstanding?.id) this.fail({ code: 'invalid_message', detail }, now);
      return;
    }
    if (header.messageId !== this.#expectedRequestId) return;
    this.respond(header.exchange, [notify(critical ? 'UNSUPPORTED_CRITICAL_PAYLOAD' : 'INVALID_SYNTAX')], now);
    if (!critical) this.fail({ code: 'invalid_message', detail }, now);
  }

  /** Section 2.23: a peer behind a NAT is answered where its latest authentic request came from. */
  #follow(header: IkeHeader, local: Endpoint, remote: Endpoint): void {
    if (header.response || header.messageId !== this.#expectedRequestId) return;
    if (this.peerBehindNat || this.state.name !== 'established') {
      this.local = local;
      this.remote = remote;
    }
  }

  #seal(
    exchange: number,
    response: boolean,
    messageId: number,
    payloads: readonly Payload[],
  ): OpenedParts & { datagrams: readonly Uint8Array[] } {
    if (this.#protection === undefined)
      throw new TypeError(`An IKE SA that is ${this.state.name} cannot seal messages yet.`);
    const limit = this.peerSupportsFragmentation ? this.connection.fragmentSize : undefined;
    return this.#protection.seal(this.#header(exchange, response, messageId), payloads, limit);
  }

  #header(exchange: number, response: boolean, messageId: number): Omit<IkeHeader, 'nextPayload'> {
    const fromInitiator = this.role === 'initiator';
    return {
      initiatorSpi: this.initiatorSpi,
      responderSpi: this.responderSpi,
      exchange,
      fromInitiator,
      response,
      messageId,
    };
  }

  /** A clear message, before there are keys. */
  encodeClear(exchange: number, response: boolean, payloads: readonly Payload[]): Uint8Array {
    return encodeMessage(this.#header(exchange, response, 0), payloads);
  }

  #pump(now: number): void {
    while (this.#outstanding === undefined && this.state.name !== 'closed') {
      const task = this.#tasks.shift();
      if (task === undefined) return;
      task(now);
    }
  }
}

export interface OpenedParts {
  readonly intermediateHeader: Uint8Array;
  readonly plaintext: Uint8Array;
}

interface OutstandingRequest {
  readonly id: number;
  readonly exchange: number;
  readonly datagrams: readonly Uint8Array[];
  attempt: number;
  readonly onResponse: (payloads: readonly Payload[], now: number, opened: OpenedMessage) => void;
}

function label(payload: Payload): string {
  return payload.kind === 'N' ? `N(${notifyName(payload.type)})` : payload.kind;
}

const IKE_PORT = 500;
