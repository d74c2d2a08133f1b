import { createHash, randomBytes } from 'node:crypto';

/** A pre-shared key, and what names it without giving it away. */
export interface CommittedKey {
  /** Lower-case hex: SHA-256 of a context, a random salt, and the key. */
  readonly commitment: string;
  /** Salt and key, to be sealed. */
  readonly opening: Buffer;
}

/** Commits to a key. The salt keeps whoever has the commitment from trying guesses. */
export function committedKey(key: string): CommittedKey {
  const salt = randomBytes(SALT_OCTETS);
  const octets = Buffer.from(key, 'ascii');
  const commitment = createHash('sha256').update(COMMITMENT_CONTEXT).update(salt).update(octets).digest('hex');
  return { commitment, opening: Buffer.concat([salt, octets]) };
}

/** Takes an opening apart. */
export function openingOf(opening: Buffer): { readonly salt: Buffer; readonly key: Buffer } {
  return { salt: opening.subarray(0, SALT_OCTETS), key: opening.subarray(SALT_OCTETS) };
}

/** Where a key is sealed: it opens for this tenant and under this name only. */
export function sealingPlace(tenantId: string, commitment: string): string {
  return `pre-shared key ${tenantId} ${commitment}`;
}

const COMMITMENT_CONTEXT = Buffer.from('weft pre-shared key v1\0', 'ascii');
const SALT_OCTETS = 32;
