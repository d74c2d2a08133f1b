import { createHash, createHmac, randomBytes } from 'node:crypto';

/**
 * What ties the answer of the provider to the browser that asked. All of it follows from one secret that this browser alone has, in
 * a cookie; who knows one of the values knows none of the others.
 */
export interface LoginAttempt {
  /** RFC 6749 section 10.12: an answer that somebody else's browser was given is refused. */
  readonly state: string;
  /** OpenID Connect Core 1.0 section 15.5.2: a token that was made for another login is refused. */
  readonly nonce: string;
  /** RFC 7636 section 4.1: a code is of no use to who does not have it. */
  readonly codeVerifier: string;
}

export function makeAttemptSecret(): string {
  return randomBytes(SECRET_OCTETS).toString('base64url');
}

export function attemptOf(secret: string): LoginAttempt {
  const derived = (purpose: string): string => createHmac('sha256', secret).update(purpose).digest('base64url');
  return { state: derived('state'), nonce: derived('nonce'), codeVerifier: derived('code verifier') };
}

/** RFC 7636 section 4.2, method S256. */
export function codeChallenge(codeVerifier: string): string {
  return createHash('sha256').update(codeVerifier, 'ascii').digest('base64url');
}

const SECRET_OCTETS = 32;
