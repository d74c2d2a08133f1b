import { createHash, type KeyObject, sign } from 'node:crypto';
import { z } from 'zod';

/** How one bundle-signing key is followed by another; the one before signs it. */
export interface SigningKeySuccession {
  /** SHA-256 of the SubjectPublicKeyInfo of the key before, lower-case hex. */
  readonly previousKeyId: string;
  readonly next: { readonly keyId: string; readonly publicKey: Buffer };
  /** Ed25519 (RFC 8032), 64 octets. */
  readonly signature: Buffer;
}

/** The key before says which key takes its place. @param publicKey SubjectPublicKeyInfo, DER, of the next one */
export function succeed(previousKeyId: string, previous: KeyObject, publicKey: Buffer): SigningKeySuccession {
  const next = { keyId: createHash('sha256').update(publicKey).digest('hex'), publicKey };
  return { previousKeyId, next, signature: sign(null, successionOctets(previousKeyId, publicKey), previous) };
}

/** The octets that are signed: the context keeps the signature from being good for anything else. */
export function successionOctets(previousKeyId: string, publicKey: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`weft signing key succession v1\0${previousKeyId}`, 'ascii'), publicKey]);
}

/** As blocks that stand behind the private key in its file, so that one rename replaces both. */
export function formatSuccessions(successions: readonly SigningKeySuccession[]): string {
  return successions
    .map(({ previousKeyId, next, signature }) => {
      const fields = [previousKeyId, next.publicKey.toString('base64'), signature.toString('base64')];
      const lines =
        Buffer.from(JSON.stringify(fields))
          .toString('base64')
          .match(/.{1,64}/g) ?? [];
      return `${BEGIN}\n${lines.join('\n')}\n${END}\n`;
    })
    .join('');
}

/** Oldest first. Throws Error when a block is none. */
export function parseSuccessions(text: string): readonly SigningKeySuccession[] {
  return [...text.matchAll(BLOCK)].map(([, body = '']) => {
    const [previousKeyId, key, signature] = Fields.parse(JSON.parse(Buffer.from(body, 'base64').toString('utf8')));
    const publicKey = Buffer.from(key, 'base64');
    const next = { keyId: createHash('sha256').update(publicKey).digest('hex'), publicKey };
    return { previousKeyId, next, signature: Buffer.from(signature, 'base64') };
  });
}

const Fields = z.tuple([z.string().regex(/^[0-9a-f]{64}$/), z.base64(), z.base64()]);
const BEGIN = '-----BEGIN WEFT SIGNING KEY SUCCESSION-----';
const END = '-----END WEFT SIGNING KEY SUCCESSION-----';
const BLOCK = new RegExp(`${BEGIN}\\n([A-Za-z0-9+/=\\n]*)${END}`, 'g');
