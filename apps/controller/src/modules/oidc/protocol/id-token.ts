import { z } from 'zod';
import { TokenRefusal } from './token-refusal.js';

/** Claims of somebody who has logged in at the provider just now, for us and for this login. */
export interface IdentityClaims {
  /** `sub`: who it is, for this issuer, for ever. */
  readonly subject: string;
  /** All claims, for those that the installation gives a meaning to. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** What an ID Token has to say. */
export interface Expectation {
  readonly issuer: string;
  readonly clientId: string;
  /** Of this login. */
  readonly nonce: string;
  readonly now: Date;
}

/**
 * Judges the claims of an ID Token whose signature is good, as OpenID Connect Core 1.0 section 3.1.3.7 says (the numbers are its
 * steps). Throws TokenRefusal.
 */
export function judgedClaims(payload: unknown, { issuer, clientId, nonce, now }: Expectation): IdentityClaims {
  const parsed = Claims.safeParse(payload);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new TokenRefusal('claims', `${issue?.path.join('.') || 'the payload'}: ${issue?.message}`);
  }
  const claims = parsed.data;
  // 2.
  if (claims.iss !== issuer) throw new TokenRefusal('issuer', `the token is of ${JSON.stringify(claims.iss)}`);
  // 3 to 5. No other audience is trusted here: "The ID Token MUST be rejected […] if it contains additional audiences not trusted".
  const audiences = typeof claims.aud === 'string' ? [claims.aud] : claims.aud;
  if (audiences.length !== 1 || audiences[0] !== clientId || (claims.azp ?? clientId) !== clientId) {
    throw new TokenRefusal('audience', `the token is for ${JSON.stringify(claims.aud)}, and not for this client alone`);
  }
  judgeTimes(claims, now.getTime() / 1000);
  // 11.
  if (claims.nonce !== nonce) throw new TokenRefusal('nonce', 'the token is not of this login: it has another nonce');
  return { subject: claims.sub, claims };
}

/** 9 and 10, in seconds. */
function judgeTimes({ exp, iat, nbf = iat }: Claims, now: number): void {
  if (exp <= now - SKEW_SECONDS) throw new TokenRefusal('expired', `the token ended at ${exp}, and it is ${now}`);
  const begin = Math.max(iat, nbf);
  if (begin > now + SKEW_SECONDS) {
    throw new TokenRefusal(
      'not_yet_valid',
      `the token begins at ${begin}, and it is ${now}: one of the clocks is wrong`,
    );
  }
  if (iat < now - AGE_MAXIMUM_SECONDS - SKEW_SECONDS) {
    throw new TokenRefusal('stale', `the token is from ${iat}, and it is ${now}`);
  }
}

/** RFC 7519 section 2: seconds since the epoch, with a fraction or without. */
const NumericDate = z
  .number()
  .min(0)
  .max(2 ** 40);

const Claims = z.looseObject({
  iss: z.string(),
  /** "It MUST NOT exceed 255 ASCII characters in length." */
  sub: z
    .string()
    .min(1)
    .max(255)
    .regex(/^[\x20-\x7e]+$/, 'has something else than printable ASCII'),
  aud: z.union([z.string(), z.array(z.string())]),
  azp: z.string().optional(),
  exp: NumericDate,
  iat: NumericDate,
  nbf: NumericDate.optional(),
  nonce: z.string(),
});

type Claims = z.infer<typeof Claims>;

/** How far the clocks may be apart. */
const SKEW_SECONDS = 30;
/** A token is made for the code that is redeemed at once. */
const AGE_MAXIMUM_SECONDS = 600;
