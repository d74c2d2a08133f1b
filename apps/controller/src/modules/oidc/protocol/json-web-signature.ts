import { z } from 'zod';
import { type JsonWebKeySet, signingKey } from './json-web-key-set.js';
import { SIGNATURE_ALGORITHMS } from './signature-algorithms.js';
import { TokenRefusal } from './token-refusal.js';

/**
 * The payload of a JWS in compact serialization (RFC 7515 section 7.1), as JSON, once its signature is known to be of one of these keys.
 * Throws TokenRefusal.
 *
 * @param algorithms that the signer says it uses; what else a token claims is refused
 */
export function verifiedPayload(token: string, algorithms: readonly string[], keys: JsonWebKeySet): unknown {
  const { header, payload, signed, signature } = parsedToken(token);
  if (header.crit !== undefined) throw new TokenRefusal('critical_header', 'the token has a critical header');
  const algorithm = algorithms.includes(header.alg) ? SIGNATURE_ALGORITHMS.get(header.alg) : undefined;
  if (algorithm === undefined) {
    const taken = algorithms.filter((name) => SIGNATURE_ALGORITHMS.has(name)).join(', ');
    throw new TokenRefusal('algorithm', `the token is signed with ${JSON.stringify(header.alg)}; taken: ${taken}`);
  }
  const key = signingKey(keys, header.alg, algorithm, header.kid);
  if (!algorithm.verify(key, signed, signature)) throw new TokenRefusal('signature', 'the signature is wrong');
  return json(payload);
}

interface ParsedToken {
  readonly header: z.infer<typeof Header>;
  readonly payload: Buffer;
  readonly signed: Buffer;
  readonly signature: Buffer;
}

function parsedToken(token: string): ParsedToken {
  const match = token.length <= TOKEN_MAXIMUM ? COMPACT.exec(token) : null;
  const [, header = '', payload = '', signature = ''] = match ?? [];
  if (match === null) throw malformed();
  const parsed = Header.safeParse(json(octets(header)));
  if (!parsed.success) throw malformed();
  return {
    header: parsed.data,
    payload: octets(payload),
    signed: Buffer.from(`${header}.${payload}`, 'ascii'),
    signature: octets(signature),
  };
}

/** RFC 7515 section 2: base64url "with all trailing '=' characters omitted"; one text for each value, and no other. */
function octets(text: string): Buffer {
  const decoded = Buffer.from(text, 'base64url');
  if (decoded.toString('base64url') !== text) throw malformed();
  return decoded;
}

function json(content: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(content)) as unknown;
  } catch {
    throw malformed();
  }
}

function malformed(): TokenRefusal {
  return new TokenRefusal('malformed', 'the token is no JSON Web Signature in compact serialization');
}

const Header = z.object({
  alg: z.string().max(100),
  kid: z.string().max(1000).optional(),
  crit: z.unknown().optional(),
});
const COMPACT = /^([\w-]+)\.([\w-]+)\.([\w-]*)$/;
/** Of groups there may be hundreds. */
const TOKEN_MAXIMUM = 64 * 1024;
