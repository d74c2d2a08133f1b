import { writeUint16, writeUint32 } from '../bytes/octets.js';
import type { Secret } from '../bytes/secret.js';
import type { IkeKeys } from '../crypto/ike/key-schedule.js';
import { concatenate } from '../crypto/ike/prf.js';
import { createSkCipher, type SkCipher } from '../crypto/ike/sk-cipher.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { encodeHeader, HEADER_LENGTH, type IkeHeader } from '../wire/ike/header.js';
import { PAYLOAD } from '../wire/ike/iana.js';
import { type IkeMessage, parsePayloads } from '../wire/ike/message.js';
import { encodeChain, PAYLOAD_HEADER, payloadHeader } from '../wire/ike/payload-chain.js';
import type { Payload } from '../wire/ike/payloads/registry.js';
import type { IkeWireProblem } from '../wire/ike/wire-error.js';
import { Reassembly } from './reassembly.js';

/** A decrypted message, and what AUTH covers of it should it be an IKE_INTERMEDIATE (RFC 9242 section 3.3.2). */
export interface OpenedMessage {
  readonly header: IkeHeader;
  readonly payloads: readonly Payload[];
  readonly intermediateHeader: Uint8Array;
  readonly plaintext: Uint8Array;
}

/** What was sent, with what AUTH covers of it. */
export interface SealedMessage {
  readonly datagrams: readonly Uint8Array[];
  readonly intermediateHeader: Uint8Array;
  readonly plaintext: Uint8Array;
}

export type Opening =
  | { readonly kind: 'opened'; readonly message: OpenedMessage }
  /** Authentic, and either not the last part of its message or of none that is wanted. */
  | { readonly kind: 'fragment' }
  /** Not authentic: to be dropped as if it had never come. */
  | { readonly kind: 'not_authentic' }
  /** Authentic and wrong: the peer's fault. */
  | { readonly kind: 'malformed'; readonly header: IkeHeader; readonly problem: IkeWireProblem };

/** Seals and opens the messages of one IKE SA with one set of keys; both directions, fragments included. */
export class MessageProtection {
  readonly #outbound: SkCipher;
  readonly #inbound: SkCipher;
  readonly #reassembly = new Reassembly();

  constructor(
    keys: IkeKeys,
    role: 'initiator' | 'responder',
    provider: CryptoProvider,
    random: (out: Uint8Array) => void,
  ) {
    const make = (encryptionKey: Secret, integrityKey: Secret, direction: 'inbound' | 'outbound') =>
      createSkCipher({ provider, suite: keys.suite, encryptionKey, integrityKey, direction, random });
    const initiator = role === 'initiator';
    this.#outbound = make(initiator ? keys.ei : keys.er, initiator ? keys.ai : keys.ar, 'outbound');
    this.#inbound = make(initiator ? keys.er : keys.ei, initiator ? keys.ar : keys.ai, 'inbound');
  }

  /** One datagram, or several fragments when the message exceeds `limit` octets. */
  seal(header: Omit<IkeHeader, 'nextPayload'>, payloads: readonly Payload[], limit: number | undefined): SealedMessage {
    const { first, octets } = encodeChain(payloads);
    const whole = HEADER_LENGTH + PAYLOAD_HEADER + this.#outbound.sealedLength(octets.length);
    const datagrams =
      limit === undefined || whole <= limit
        ? [this.#sealWhole(header, first, octets)]
        : this.#sealFragments(header, first, octets, limit);
    return {
      datagrams,
      intermediateHeader: clearHeader(header, first, octets.length),
      plaintext: octets,
    };
  }

  /** Fragments are kept only of a message that is `wanted`. */
  open(octets: Uint8Array, { header, payloads }: IkeMessage, wanted: boolean, now: number): Opening {
    const last = payloads.at(-1);
    if (last?.kind !== 'SK' && last?.kind !== 'SKF') return { kind: 'not_authentic' };
    const clear = octets.subarray(0, octets.length - last.data.length);
    const plaintext = this.#inbound.open(clear, last.data);
    if (plaintext === undefined) return { kind: 'not_authentic' };
    if (last.kind === 'SK') return parse(header, clear, last.firstInner, plaintext);
    if (!wanted) return { kind: 'fragment' };
    const whole = this.#reassembly.add(header, last, plaintext, clear.subarray(0, clear.length - FRAGMENT_HEADER), now);
    if (whole === undefined) return { kind: 'fragment' };
    if ('code' in whole) return { kind: 'malformed', header, problem: whole };
    return parse({ ...header, nextPayload: PAYLOAD.SK }, whole.clear, whole.firstInner, whole.plaintext);
  }

  destroy(): void {
    this.#outbound.destroy();
    this.#inbound.destroy();
    this.#reassembly.clear();
  }

  #sealWhole(header: Omit<IkeHeader, 'nextPayload'>, first: number, plaintext: Uint8Array): Uint8Array {
    const sealed = this.#outbound.sealedLength(plaintext.length);
    const length = HEADER_LENGTH + PAYLOAD_HEADER + sealed;
    const aad = concatenate([encodeHeader(header, PAYLOAD.SK, length), payloadHeader(first, sealed)]);
    return concatenate([aad, this.#outbound.seal(aad, plaintext)]);
  }

  #sealFragments(
    header: Omit<IkeHeader, 'nextPayload'>,
    first: number,
    plaintext: Uint8Array,
    limit: number,
  ): Uint8Array[] {
    const room = limit - HEADER_LENGTH - PAYLOAD_HEADER - FRAGMENT_HEADER - this.#outbound.overhead;
    const size = Math.max(MINIMUM_FRAGMENT, room);
    const total = Math.max(1, Math.ceil(plaintext.length / size));
    return Array.from({ length: total }, (_unused, index) => {
      const part = plaintext.subarray(index * size, (index + 1) * size);
      const sealed = FRAGMENT_HEADER + this.#outbound.sealedLength(part.length);
      const aad = concatenate([
        encodeHeader(header, PAYLOAD.SKF, HEADER_LENGTH + PAYLOAD_HEADER + sealed),
        payloadHeader(index === 0 ? first : PAYLOAD.NONE, sealed),
        Uint8Array.of((index + 1) >>> 8, index + 1, total >>> 8, total),
      ]);
      return concatenate([aad, this.#outbound.seal(aad, part)]);
    });
  }
}

function parse(header: IkeHeader, clear: Uint8Array, first: number, plaintext: Uint8Array): Opening {
  const payloads = parsePayloads(plaintext, first);
  if (!payloads.ok) return { kind: 'malformed', header, problem: payloads.problem };
  const intermediateHeader = asWhole(clear, plaintext.length);
  return { kind: 'opened', message: { header, payloads: payloads.value, intermediateHeader, plaintext } };
}

/**
 * What came in the clear, IKE header to generic header of the Encrypted payload, as if the message had been whole and its
 * content not encrypted (RFC 9242 section 3.3.2): the lengths are other ones, and what is reserved stays as it was.
 */
function asWhole(clear: Uint8Array, length: number): Uint8Array {
  const octets = clear.slice();
  const generic = octets.length - PAYLOAD_HEADER;
  if (octets[NEXT_PAYLOAD] === PAYLOAD.SKF) octets[NEXT_PAYLOAD] = PAYLOAD.SK;
  writeUint32(octets, MESSAGE_LENGTH, octets.length + length);
  writeUint16(octets, generic + 2, PAYLOAD_HEADER + length);
  return octets;
}

/** Of a message of ours, where everything that is reserved is zero: the same. */
function clearHeader(header: Omit<IkeHeader, 'nextPayload'>, first: number, length: number): Uint8Array {
  const whole = HEADER_LENGTH + PAYLOAD_HEADER + length;
  return concatenate([encodeHeader(header, PAYLOAD.SK, whole), payloadHeader(first, length)]);
}

const NEXT_PAYLOAD = 16;
const MESSAGE_LENGTH = 24;
const FRAGMENT_HEADER = 4;
const MINIMUM_FRAGMENT = 64;
