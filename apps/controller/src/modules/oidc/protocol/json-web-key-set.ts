import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import type { SignatureAlgorithm } from './signature-algorithms.js';
import { TokenRefusal } from './token-refusal.js';

/** What a signature could be verified with: the fields of RFC 7517 section 4 that say which key it is, and its public half. */
const JsonWebKeyOfProvider = z.object({
  kty: z.string(),
  use: z.string().optional(),
  key_ops: z.array(z.string()).optional(),
  alg: z.string().optional(),
  kid: z.string().optional(),
  crv: z.string().optional(),
  n: z.string().optional(),
  e: z.string().optional(),
  x: z.string().optional(),
  y: z.string().optional(),
});

/** RFC 7517 section 5; keys of kinds that nobody here knows are no fault of the set. */
export const JsonWebKeySet = z.object({ keys: z.array(JsonWebKeyOfProvider).max(100) });

export type JsonWebKeySet = z.infer<typeof JsonWebKeySet>;

/**
 * The one key that may have signed a token with this header. RFC 7515 section 4.1.4 has `kid` name it; without one the set must have a
 * single key that fits (OpenID Connect Core 1.0 section 10.1: "If there are multiple keys in the referenced JWK Set document, a kid
 * value MUST be provided in the JOSE Header"). Throws TokenRefusal 'key'.
 */
export function signingKey(
  { keys }: JsonWebKeySet,
  alg: string,
  algorithm: SignatureAlgorithm,
  kid: string | undefined,
): KeyObject {
  const fitting = keys.filter(
    (key) =>
      key.kty === algorithm.keyType &&
      key.crv === algorithm.curve &&
      (key.alg ?? alg) === alg &&
      (key.use ?? 'sig') === 'sig' &&
      (key.key_ops ?? ['verify']).includes('verify') &&
      (kid === undefined || key.kid === kid),
  );
  const [key, ...others] = fitting;
  const named = kid === undefined ? 'it names none' : `it names ${JSON.stringify(kid)}`;
  if (key === undefined) throw new TokenRefusal('key', `the provider has no ${alg} key for the token: ${named}`);
  if (others.length > 0) throw new TokenRefusal('key', `the provider has several ${alg} keys for the token: ${named}`);
  return publicKey(key);
}

/** The public half alone, whatever else the set has. */
function publicKey({ kty, crv, n, e, x, y }: JsonWebKeySet['keys'][number]): KeyObject {
  const members = Object.entries({ kty, crv, n, e, x, y }).filter(([, value]) => value !== undefined);
  const key = importedKey(Object.fromEntries(members) as JsonWebKey);
  const bits = key.asymmetricKeyDetails?.modulusLength;
  if (bits !== undefined && bits < RSA_LEAST_BITS) {
    throw new TokenRefusal('key', `the RSA key of the provider has ${bits} bits; ${RSA_LEAST_BITS} are the least`);
  }
  return key;
}

function importedKey(key: JsonWebKey): KeyObject {
  try {
    return createPublicKey({ format: 'jwk', key });
  } catch {
    throw new TokenRefusal('key', 'the key of the provider is no public key');
  }
}

/** RFC 7518 section 3.3: "A key of size 2048 bits or larger MUST be used with these algorithms." */
const RSA_LEAST_BITS = 2048;
