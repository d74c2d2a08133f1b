import { EnrollmentError } from './enrollment-error.js';

/**
 * A one-time token as the operator pastes it: `weft1.<secret>.<pin>`, both parts base64url without padding of 32
 * octets. The secret is for the controller; the pin, SHA-256 of its root certificate, tells us which controller.
 */
export interface EnrollmentToken {
  /** The whole text, as the controller wants it. */
  readonly text: string;
  /** SHA-256 of the root certificate's DER. */
  readonly rootFingerprint: Uint8Array;
}

/** Parses a token. Throws EnrollmentError `token_malformed`; the message never quotes the token. */
export function parseEnrollmentToken(given: string): EnrollmentToken {
  const text = given.trim();
  const [version, secret, pin, ...rest] = text.split('.');
  if (version !== TOKEN_VERSION || secret === undefined || pin === undefined || rest.length > 0) {
    throw malformed(`it is not of the form ${TOKEN_VERSION}.<secret>.<pin>`);
  }
  if (decodeOctets(secret) === undefined) throw malformed('its second part is not 32 octets in base64url');
  const rootFingerprint = decodeOctets(pin);
  if (rootFingerprint === undefined) throw malformed('its third part is not 32 octets in base64url');
  return { text, rootFingerprint };
}

function decodeOctets(part: string): Uint8Array | undefined {
  const octets = Buffer.from(part, 'base64url');
  // Buffer skips what is not base64url: only an exact round trip shows that nothing was skipped.
  return octets.length === PART_OCTETS && octets.toString('base64url') === part ? new Uint8Array(octets) : undefined;
}

function malformed(why: string): EnrollmentError {
  return new EnrollmentError(
    'token_malformed',
    `the enrollment token is malformed: ${why}`,
    'copy the whole enrollment line from the console again',
  );
}

const TOKEN_VERSION = 'weft1';
const PART_OCTETS = 32;
