import { createHash, randomBytes } from 'node:crypto';
import { EnrollmentError } from './enrollment-error.js';

/** What is in a token: `weft1.<secret>.<fingerprint>`, both base64url without padding. */
export interface EnrollmentTokenParts {
  /** 32 random octets. */
  readonly secret: Buffer;
  /** SHA-256 of a root certificate of the controller (DER): by it the edge knows whom it talks to. */
  readonly rootFingerprint: Buffer;
}

/** A fresh token for a controller with this root. */
export function createToken(rootFingerprint: Buffer): EnrollmentTokenParts {
  return { secret: randomBytes(PART_OCTETS), rootFingerprint };
}

export function formatToken({ secret, rootFingerprint }: EnrollmentTokenParts): string {
  return `weft1.${secret.toString('base64url')}.${rootFingerprint.toString('base64url')}`;
}

/** Throws EnrollmentError 'bad_field' for anything that formatToken() does not make. */
export function parseToken(text: string): EnrollmentTokenParts {
  const [, secret = '', fingerprint = ''] = TOKEN.exec(text) ?? [];
  const parts = { secret: Buffer.from(secret, 'base64url'), rootFingerprint: Buffer.from(fingerprint, 'base64url') };
  // The last character of 43 carries four bits only; another spelling of the same octets is no token of ours.
  if (parts.secret.length !== PART_OCTETS || formatToken(parts) !== text) {
    throw new EnrollmentError('bad_field', 'token', 'is no enrollment token; paste it whole, it begins with "weft1."');
  }
  return parts;
}

/** What the database knows of a token. Looking it up by a hash tells nobody, by any timing, how much of a guess was right. */
export function hashSecret(secret: Uint8Array): Buffer {
  return createHash('sha256').update(secret).digest();
}

const PART_OCTETS = 32;
const TOKEN = /^weft1\.([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{43})$/;
