import { createHash, timingSafeEqual } from 'node:crypto';

/**
 * `weft_`, the secret and a checksum of both, in hexadecimal. The prefix lets people and scanners of leaked secrets know one when
 * they see it; the checksum, SHA-256 cut to four octets, tells a token from what only looks like one without a look into the
 * database.
 *
 * @param secret 32 random octets
 */
export function formatApiToken(secret: Buffer): string {
  return `${PREFIX}${secret.toString('hex')}${checksum(secret).toString('hex')}`;
}

/** The secret of a token; undefined for anything that formatApiToken() does not make. */
export function parseApiToken(text: string): Buffer | undefined {
  const [, secretText = '', checksumText = ''] = TOKEN.exec(text) ?? [];
  const secret = Buffer.from(secretText, 'hex');
  if (secret.length !== API_TOKEN_SECRET_OCTETS) return undefined;
  return timingSafeEqual(checksum(secret), Buffer.from(checksumText, 'hex')) ? secret : undefined;
}

/** What the database knows of a token. No salt: the secret is 256 random bits. */
export function hashApiTokenSecret(secret: Uint8Array): Buffer {
  return createHash('sha256').update(secret).digest();
}

function checksum(secret: Uint8Array): Buffer {
  return createHash('sha256').update(PREFIX).update(secret).digest().subarray(0, CHECKSUM_OCTETS);
}

export const API_TOKEN_SECRET_OCTETS = 32;
const CHECKSUM_OCTETS = 4;
const PREFIX = 'weft_';
const TOKEN = /^weft_([0-9a-f]{64})([0-9a-f]{8})$/;
