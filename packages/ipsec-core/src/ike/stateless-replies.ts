import { readUint32 } from '../bytes/octets.js';
import type { IkeHeader } from '../wire/ike/header.js';
import { EXCHANGE } from '../wire/ike/iana.js';
import { encodeMessage, type IkeMessage } from '../wire/ike/message.js';
import { notify } from '../wire/ike/payloads/notify.js';
import type { Payload } from '../wire/ike/payloads/registry.js';
import type { IkeWireProblem } from '../wire/ike/wire-error.js';
import { Allowance } from './allowance.js';
import { type CrashDetection, tokenNotify } from './crash-detection.js';

/**
 * What a node may say about a message that belongs to no IKE SA of it. Nothing of it is protected, all of it is limited in
 * rate, and responses are never answered: two nodes cannot keep each other busy.
 */
export class StatelessReplies {
  readonly #allowance = new Allowance(BURST, PER_SECOND);
  readonly #crashDetection: CrashDetection | undefined;

  constructor(crashDetection: CrashDetection | undefined) {
    this.#crashDetection = crashDetection;
  }

  /**
   * RFC 7296 section 2.21.4: a protected request for an IKE SA that is not there. "The response MUST be sent … with the
   * same IKE SPIs and the Message ID and Exchange Type are copied from the request." RFC 6290 section 4.2 adds the token.
   */
  unknownSpi({ header, payloads }: IkeMessage, now: number): Uint8Array | undefined {
    const last = payloads.at(-1)?.kind;
    if (header.response || (last !== 'SK' && last !== 'SKF') || !this.#allowance.take(now)) return undefined;
    const answer: Payload[] = [notify('INVALID_IKE_SPI')];
    if (this.#crashDetection !== undefined) {
      answer.push(tokenNotify(this.#crashDetection.tokenOf(header)));
    }
    return encodeMessage({ ...header, fromInitiator: !header.fromInitiator, response: true }, answer);
  }

  /**
   * A request that cannot be read. Section 2.5: one of a higher major version gets the highest that we speak; the response to
   * one with an unknown payload that is critical "MUST include a Notify payload UNSUPPORTED_CRITICAL_PAYLOAD". In the clear
   * that is for IKE_SA_INIT alone: what stands before the Encrypted payload of another exchange may be anybody's.
   */
  unreadable(octets: Uint8Array, problem: IkeWireProblem, now: number): Uint8Array | undefined {
    const refusal = refusalOf(octets, problem);
    if (refusal === undefined || ((octets[FLAGS] ?? 0) & FLAG_RESPONSE) !== 0 || !this.#allowance.take(now))
      return undefined;
    return encodeMessage(answerHeader(octets), [refusal]);
  }
}

function refusalOf(octets: Uint8Array, problem: IkeWireProblem): Payload | undefined {
  if (problem.code === 'major_version' && problem.version > MAJOR_VERSION) {
    return notify('INVALID_MAJOR_VERSION', Uint8Array.of(MAJOR_VERSION));
  }
  if (problem.code === 'unsupported_critical' && octets[EXCHANGE_TYPE] === EXCHANGE.IKE_SA_INIT) {
    return notify('UNSUPPORTED_CRITICAL_PAYLOAD', Uint8Array.of(problem.payloadType));
  }
  return undefined;
}

/** Of the answer to a message of which only the header is read. */
function answerHeader(octets: Uint8Array): Omit<IkeHeader, 'nextPayload'> {
  return {
    initiatorSpi: octets.slice(0, 8),
    responderSpi: octets.slice(8, 16),
    exchange: octets[EXCHANGE_TYPE] ?? 0,
    fromInitiator: ((octets[FLAGS] ?? 0) & FLAG_INITIATOR) === 0,
    response: true,
    messageId: readUint32(octets, MESSAGE_ID),
  };
}

const BURST = 20;
const PER_SECOND = 10;
const MAJOR_VERSION = 2;
const EXCHANGE_TYPE = 18;
const FLAGS = 19;
const MESSAGE_ID = 20;
const FLAG_INITIATOR = 0x08;
const FLAG_RESPONSE = 0x20;
