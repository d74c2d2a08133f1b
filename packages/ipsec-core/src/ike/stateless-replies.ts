import { encodeMessage, type IkeMessage } from '../wire/ike/message.js';
import { notify } from '../wire/ike/payloads/notify.js';
import type { Payload } from '../wire/ike/payloads/registry.js';
import { Allowance } from './allowance.js';
import type { CrashDetection } from './crash-detection.js';

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
      answer.push(notify('QUICK_CRASH_DETECTION', this.#crashDetection.tokenOf(header)));
    }
    return encodeMessage({ ...header, fromInitiator: !header.fromInitiator, response: true }, answer);
  }

  /** Section 2.5: a request of a higher major version gets the highest that we speak. */
  majorVersion(octets: Uint8Array, version: number, now: number): Uint8Array | undefined {
    const flags = octets[FLAGS] ?? 0;
    if (version <= MAJOR_VERSION || (flags & FLAG_RESPONSE) !== 0 || !this.#allowance.take(now)) return undefined;
    const header = {
      initiatorSpi: octets.slice(0, 8),
      responderSpi: octets.slice(8, 16),
      exchange: octets[EXCHANGE_TYPE] ?? 0,
      fromInitiator: (flags & FLAG_INITIATOR) === 0,
      response: true,
      messageId: new DataView(octets.buffer, octets.byteOffset).getUint32(MESSAGE_ID),
    };
    return encodeMessage(header, [notify('INVALID_MAJOR_VERSION', Uint8Array.of(MAJOR_VERSION))]);
  }
}

const BURST = 20;
const PER_SECOND = 10;
const MAJOR_VERSION = 2;
const EXCHANGE_TYPE = 18;
const FLAGS = 19;
const MESSAGE_ID = 20;
const FLAG_INITIATOR = 0x08;
const FLAG_RESPONSE = 0x20;
