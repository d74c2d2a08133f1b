import { sha384Of } from '../crypto/ike/hkdf.js';
import { concatenate } from '../crypto/ike/prf.js';
import { Reader } from '../wire/ike/reader.js';
import { attempt, IkeWireError, type Parsed } from '../wire/ike/wire-error.js';
import { Writer } from '../wire/ike/writer.js';

/**
 * What an edge signs and the controller relays.
 *
 *   version (1) | kind (1) | fabric | tunnel | from | to | suite      each text with its length before it (2)
 *   epoch (8) | number (4) | number of the root that the sender sends on, or 0 (4)
 *   offer:  X25519 public value (32) | ML-KEM-768 encapsulation key (1184)
 *   answer: SHA-384 of the signed octets of the offer (48) | X25519 public value (32) | ML-KEM-768 ciphertext (1088)
 *   ---- the signature covers a label and everything before this line
 *   confirmation, with its length before it (2): empty, or 48 octets of the offering edge once it has the root
 *   signature as in RFC 7427 section 3, with its length before it (2)
 *   certificates: count (1), then each with its length before it (2); that of the signing edge is the first
 */
export type KeyShareContent = OfferContent | AnswerContent;

export interface OfferContent extends CommonContent {
  readonly kind: 'offer';
  /** ML-KEM-768 encapsulation key. */
  readonly kem: Uint8Array;
}

export interface AnswerContent extends CommonContent {
  readonly kind: 'answer';
  readonly offerDigest: Uint8Array;
  /** ML-KEM-768 ciphertext. */
  readonly kem: Uint8Array;
}

interface CommonContent {
  readonly fabric: string;
  readonly tunnelId: string;
  readonly from: string;
  readonly to: string;
  readonly suite: string;
  readonly epoch: bigint;
  readonly number: number;
  readonly inForce: number;
  readonly x25519: Uint8Array;
}

export interface KeyShareMessage {
  readonly content: KeyShareContent;
  /** What the signature covers, label included. */
  readonly signed: Uint8Array;
  readonly confirmation: Uint8Array;
  readonly signature: Uint8Array;
  readonly certificates: readonly Uint8Array[];
}

/** A version that is not ours is told apart: what follows it cannot be read. */
export type ParsedKeyShare = Parsed<KeyShareMessage> | { readonly ok: false; readonly version: number };

/** What the signature has to cover. */
export function signedOctets(content: KeyShareContent): Uint8Array {
  return concatenate([LABEL, contentOctets(content)]);
}

/** By which an answer names its offer, and a root both. */
export function digestOf(signed: Uint8Array): Uint8Array {
  return sha384Of(signed);
}

export function encodeKeyShare(message: Omit<KeyShareMessage, 'content'>): Uint8Array {
  const { signed, confirmation, signature, certificates } = message;
  const writer = new Writer(4096).bytes(signed.subarray(LABEL.length));
  writer.uint16(confirmation.length).bytes(confirmation);
  writer.uint16(signature.length).bytes(signature).uint8(certificates.length);
  for (const certificate of certificates) writer.uint16(certificate.length).bytes(certificate);
  return writer.finish();
}

export function parseKeyShare(octets: Uint8Array): ParsedKeyShare {
  if (octets.length > 0 && octets[0] !== VERSION) return { ok: false, version: octets[0] ?? 0 };
  return attempt(() => parse(octets.slice()));
}

function contentOctets(content: KeyShareContent): Uint8Array {
  const writer = new Writer(2048).uint8(VERSION).uint8(KIND[content.kind]);
  for (const text of [content.fabric, content.tunnelId, content.from, content.to, content.suite]) {
    writer.uint16(text.length).bytes(Uint8Array.from(text, (character) => character.charCodeAt(0)));
  }
  writer.uint32(Number(content.epoch >> 32n)).uint32(Number(content.epoch & 0xffffffffn));
  writer.uint32(content.number).uint32(content.inForce);
  if (content.kind === 'answer') writer.bytes(content.offerDigest);
  return writer.bytes(content.x25519).bytes(content.kem).finish();
}

function parse(octets: Uint8Array): KeyShareMessage {
  if (octets.length > MAX_KEY_SHARE_OCTETS) throw tooLarge('a key share', MAX_KEY_SHARE_OCTETS);
  const reader = new Reader(octets, 'key share');
  reader.skip(1);
  const content = parseContent(reader);
  const signed = concatenate([LABEL, octets.subarray(0, octets.length - reader.remaining)]);
  const confirmation = reader.take(reader.uint16());
  const permitted = content.kind === 'offer' ? [0, CONFIRMATION_LENGTH] : [0];
  if (!permitted.includes(confirmation.length)) {
    throw new IkeWireError({ code: 'bad_length', what: 'confirmation', length: confirmation.length });
  }
  const signature = reader.take(reader.uint16());
  const count = reader.uint8();
  if (count > MAX_CERTIFICATES)
    throw new IkeWireError({ code: 'too_many', what: 'certificates', limit: MAX_CERTIFICATES });
  const certificates = Array.from({ length: count }, () => reader.take(reader.uint16()));
  reader.finish();
  return { content, signed, confirmation, signature, certificates };
}

function parseContent(reader: Reader): KeyShareContent {
  const kind = reader.uint8();
  const [fabric, tunnelId, from, to, suite] = [text(reader), text(reader), text(reader), text(reader), text(reader)];
  const epoch = (BigInt(reader.uint32()) << 32n) | BigInt(reader.uint32());
  const common = { fabric, tunnelId, from, to, suite, epoch, number: reader.uint32(), inForce: reader.uint32() };
  if (common.number === 0) throw new IkeWireError({ code: 'bad_value', what: 'number', value: 0 });
  if (kind === KIND.offer) {
    return { kind: 'offer', ...common, x25519: reader.take(X25519_LENGTH), kem: reader.take(ENCAPSULATION_KEY_LENGTH) };
  }
  if (kind !== KIND.answer) throw new IkeWireError({ code: 'bad_value', what: 'kind', value: kind });
  const offerDigest = reader.take(DIGEST_LENGTH);
  return {
    kind: 'answer',
    ...common,
    offerDigest,
    x25519: reader.take(X25519_LENGTH),
    kem: reader.take(CIPHERTEXT_LENGTH),
  };
}

function text(reader: Reader): string {
  const octets = reader.take(reader.uint16());
  if (octets.length > MAX_TEXT) throw tooLarge('a name', MAX_TEXT);
  const strange = octets.find((octet) => octet < 0x20 || octet > 0x7e);
  if (strange !== undefined) throw new IkeWireError({ code: 'bad_value', what: 'a name', value: strange });
  return String.fromCharCode(...octets);
}

function tooLarge(what: string, limit: number): IkeWireError {
  return new IkeWireError({ code: 'too_large', what, limit });
}

/** Whoever relays and stores a key share need not take more. */
export const MAX_KEY_SHARE_OCTETS = 16_384;
export const CONFIRMATION_LENGTH = 48;
const VERSION = 1;
const KIND = { offer: 1, answer: 2 } as const;
const X25519_LENGTH = 32;
/** FIPS 203 section 8, table 3. */
const ENCAPSULATION_KEY_LENGTH = 1184;
const CIPHERTEXT_LENGTH = 1088;
const DIGEST_LENGTH = 48;
const MAX_TEXT = 128;
const MAX_CERTIFICATES = 5;
/** No other signature of an edge's key begins like this: IKE signs what begins with a header (RFC 7296 section 2.15), TLS with spaces (RFC 8446 section 4.4.3). */
const LABEL = Uint8Array.from('weft controller-blind key share\0', (character) => character.charCodeAt(0));
