import { AUTH_METHOD } from './iana.js';
import { Reader } from './reader.js';
import { attempt, IkeWireError } from './wire-error.js';
import { Writer } from './writer.js';

/**
 * One announcement of SUPPORTED_AUTH_METHODS (RFC 9593 section 3.2): a way in which its sender lets itself be convinced.
 * `certLink` N > 0 ties it to the N-th authority of the sender's CERTREQ payloads taken as one list; 0 is any.
 */
export type AuthMethodAnnouncement =
  /** Section 3.2.1: no public keys, so the method is all there is to say. */
  | { readonly kind: 'method'; readonly method: number }
  /** Section 3.2.2: a signature method that fixes its algorithm. */
  | { readonly kind: 'signature'; readonly method: number; readonly certLink: number }
  /** Section 3.2.3: "Digital Signature" (14), whose algorithm is a DER AlgorithmIdentifier. */
  | { readonly kind: 'digital-signature'; readonly certLink: number; readonly algorithm: Uint8Array };

/**
 * The notification data of one SUPPORTED_AUTH_METHODS.
 *
 * ```
 *  0                   1                   2                   3
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |    Length     |  Auth Method  |   Cert Link   |               |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+               +
 * ~                      AlgorithmIdentifier                      ~
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ```
 *
 * The length counts itself and says which of the fields are there. "Implementations MUST ignore announcements whose semantics they
 * don't understand"; undefined when the octets are no list, or name more than MAXIMUM_ANNOUNCEMENTS.
 */
export function parseAuthMethods(data: Uint8Array): readonly AuthMethodAnnouncement[] | undefined {
  const parsed = attempt(() => {
    const reader = new Reader(data, 'SUPPORTED_AUTH_METHODS');
    const announcements: AuthMethodAnnouncement[] = [];
    for (let count = 0; reader.remaining > 0; count++) {
      if (count === MAXIMUM_ANNOUNCEMENTS) {
        throw new IkeWireError({ code: 'too_many', what: 'announcements', limit: MAXIMUM_ANNOUNCEMENTS });
      }
      const announcement = parseAnnouncement(reader);
      if (announcement !== undefined) announcements.push(announcement);
    }
    return announcements;
  });
  return parsed.ok ? parsed.value : undefined;
}

export function encodeAuthMethods(announcements: readonly AuthMethodAnnouncement[]): Uint8Array {
  const writer = new Writer();
  for (const announcement of announcements) {
    switch (announcement.kind) {
      case 'method':
        writer.uint8(2).uint8(announcement.method);
        break;
      case 'signature':
        writer.uint8(3).uint8(announcement.method).uint8(announcement.certLink);
        break;
      case 'digital-signature':
        writer.uint8(3 + announcement.algorithm.length).uint8(AUTH_METHOD.DIGITAL_SIGNATURE);
        writer.uint8(announcement.certLink).bytes(announcement.algorithm);
    }
  }
  return writer.finish();
}

function parseAnnouncement(reader: Reader): AuthMethodAnnouncement | undefined {
  const length = reader.uint8();
  if (length < 2) throw new IkeWireError({ code: 'bad_length', what: 'an announcement', length });
  const method = reader.uint8();
  const rest = reader.take(length - 2);
  const [certLink] = rest;
  if (certLink === undefined) return WITHOUT_KEYS.has(method) ? { kind: 'method', method } : undefined;
  if (length === 3) return CLASSIC.has(method) ? { kind: 'signature', method, certLink } : undefined;
  if (method !== AUTH_METHOD.DIGITAL_SIGNATURE) return undefined;
  return { kind: 'digital-signature', certLink, algorithm: rest.slice(1) };
}

/** 64 are more than twice all that is defined; an octet of length each keeps the list below 16 KiB. */
export const MAXIMUM_ANNOUNCEMENTS = 64;
const WITHOUT_KEYS: ReadonlySet<number> = new Set([AUTH_METHOD.SHARED_KEY, AUTH_METHOD.NULL]);
const CLASSIC: ReadonlySet<number> = new Set([
  AUTH_METHOD.RSA_SIGNATURE,
  AUTH_METHOD.DSS_SIGNATURE,
  AUTH_METHOD.ECDSA_P256,
  AUTH_METHOD.ECDSA_P384,
  AUTH_METHOD.ECDSA_P521,
]);
