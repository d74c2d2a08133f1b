import type { InitiatedKeyExchange } from '../crypto/ike/key-exchange/key-exchange.js';
import type { IkeHeader } from '../wire/ike/header.js';
import type { Payload } from '../wire/ike/payloads/registry.js';
import type { Path } from './path.js';
import type { OpenedMessage } from './protection.js';
import type { Purpose } from './purpose.js';
import type { Patience } from './timers.js';

/** Who has the window, and what for. */
export interface Claim {
  readonly purpose: Purpose;
  /** The answer will not be looked at: gives back what was made for it. */
  readonly abandon?: (now: number) => void;
}

/** A request of ours. */
export interface Request extends Claim {
  readonly exchange: number;
  readonly payloads: readonly Payload[];
  /** The window is free again when it is called. */
  readonly onResponse: (payloads: readonly Payload[], now: number, opened: OpenedMessage) => void;
  /** Ours in it: finished with that of the answer before `onResponse` is called, which may take the host a while. */
  readonly share?: InitiatedKeyExchange;
  /** The path that it is sent by at first, when it is not the one in use. */
  readonly via?: Path;
}

/**
 * Our side of the window, which is one request wide (RFC 7296 section 2.3): the request under way, as it was sent, until
 * it is answered. "A retransmission from the initiator MUST be bitwise identical to the original request" (section 2.1),
 * so that datagrams are kept.
 */
export class OwnRequests {
  #nextId = 0;
  #outstanding: Outstanding | undefined;
  /** The window is taken and nothing under way: a key exchange is computed, for a request or with its answer. */
  #claim: Claim | undefined;

  get nextId(): number {
    return this.#nextId;
  }

  get current(): Claim | undefined {
    return this.#outstanding?.request ?? this.#claim;
  }

  begin(request: Request, seal: (id: number) => readonly Uint8Array[]): number {
    this.#requireFree();
    const id = this.#nextId++;
    this.#outstanding = { request, id, datagrams: seal(id), attempt: 0 };
    return id;
  }

  /** The same exchange once more with other content: IKE_SA_INIT with a cookie or another key share. */
  beginAgain(request: Request, datagrams: readonly Uint8Array[]): void {
    this.#nextId = 1;
    this.#outstanding = { request, id: 0, datagrams, attempt: 0 };
  }

  isAnsweredBy({ messageId, exchange }: IkeHeader): boolean {
    return messageId === this.#outstanding?.id && exchange === this.#outstanding.request.exchange;
  }

  /** Takes the window for a request that is to come. */
  claim(claim: Claim): void {
    this.#requireFree();
    this.#claim = claim;
  }

  /** The answer is here: nothing is to be sent again, and the window stays taken until it is settled. */
  answered(): Request | undefined {
    const request = this.#outstanding?.request;
    this.#claim = request;
    this.#outstanding = undefined;
    return request;
  }

  /** The window is free. @returns who had it. */
  settle(): Claim | undefined {
    const { current } = this;
    this.#outstanding = undefined;
    this.#claim = undefined;
    return current;
  }

  /** The next attempt, or 'given-up' when the peer has had every chance. */
  repeat({ first, steady, limit, longest }: Patience): Repetition | 'given-up' | undefined {
    const outstanding = this.#outstanding;
    if (outstanding === undefined) return undefined;
    const attempt = ++outstanding.attempt;
    if (attempt > limit) return 'given-up';
    return repetitionOf(outstanding, Math.min(first * 2 ** Math.max(0, attempt - steady), longest));
  }

  /** How often it was repeated since it was sent, or sent anew by another path. */
  get attempts(): number {
    return this.#outstanding?.attempt ?? 0;
  }

  /** The same by another path, which gets as many chances as the first had. */
  startOver({ first }: Patience): Repetition | undefined {
    const outstanding = this.#outstanding;
    if (outstanding === undefined) return undefined;
    outstanding.attempt = 0;
    return repetitionOf(outstanding, first);
  }

  #requireFree(): void {
    if (this.current !== undefined) throw new TypeError('The window is one request wide.');
  }
}

function repetitionOf({ request, id, attempt, datagrams }: Outstanding, pause: number): Repetition {
  return { exchange: request.exchange, id, attempt, pause, datagrams };
}

export interface Repetition {
  readonly exchange: number;
  readonly id: number;
  readonly attempt: number;
  /** Until the next one, milliseconds. */
  readonly pause: number;
  readonly datagrams: readonly Uint8Array[];
}

interface Outstanding {
  readonly request: Request;
  readonly id: number;
  readonly datagrams: readonly Uint8Array[];
  attempt: number;
}
