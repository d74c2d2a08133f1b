import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import type { SigningKeySuccession } from '@weft/contracts/southbound';

/** A controller says that its bundle-signing key has a successor, and the key before does not say so. */
export class SuccessionError extends Error {
  override readonly name = 'SuccessionError';
  readonly code = 'succession_refused';
}

/** A bundle-signing key as it is stored. */
export interface PinnedKey {
  readonly keyId: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Buffer;
}

/**
 * Follows the successions of the bundle-signing key from those that are pinned: a pinned key that has signed its successor
 * is left for it. One of which nothing is pinned leads nowhere, so that whoever has the newest key alone gets nowhere with it.
 * @param successions oldest first, as the controller sent them
 * @returns what is to be pinned, and what it takes the place of; undefined when nothing changes. Throws SuccessionError.
 */
export function followSuccessions(
  pinned: ReadonlyMap<string, KeyObject>,
  successions: readonly SigningKeySuccession[],
): { readonly pinned: readonly PinnedKey[]; readonly retired: readonly PinnedKey[] } | undefined {
  if (successions.length > SUCCESSIONS_MAXIMUM) {
    throw new SuccessionError(`an edge follows ${SUCCESSIONS_MAXIMUM} successions at most, not ${successions.length}`);
  }
  const keys = new Map(pinned);
  const retired: PinnedKey[] = [];
  for (const succession of successions) {
    const previous = keys.get(succession.previousKeyId);
    if (previous === undefined) continue;
    const next = verifiedSuccessor(succession, previous);
    keys.delete(succession.previousKeyId);
    retired.push(pinnedKey(previous));
    keys.set(next.keyId, publicKeyOf(next.publicKey));
  }
  return retired.length === 0 ? undefined : { pinned: [...keys.values()].map(pinnedKey), retired };
}

function verifiedSuccessor({ previousKeyId, next, signature }: SigningKeySuccession, previous: KeyObject): PinnedKey {
  if (next === undefined || next.publicKey.length > LONGEST_KEY || signature.length !== SIGNATURE_OCTETS) {
    throw new SuccessionError(`the successor of signing key ${previousKeyId} is malformed`);
  }
  if (!verify(null, successionOctets(previousKeyId, next.publicKey), previous, signature)) {
    throw new SuccessionError(`signing key ${previousKeyId}, which is pinned, has not signed its successor`);
  }
  if (createHash('sha256').update(next.publicKey).digest('hex') !== next.keyId) {
    throw new SuccessionError(`the successor of signing key ${previousKeyId} has another name than its own`);
  }
  return next;
}

/** The octets that a key signs to name its successor. */
export function successionOctets(previousKeyId: string, publicKey: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`weft signing key succession v1\0${previousKeyId}`, 'ascii'), publicKey]);
}

function publicKeyOf(der: Buffer): KeyObject {
  try {
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // Said below.
  }
  throw new SuccessionError('the successor of a signing key is no Ed25519 key');
}

function pinnedKey(key: KeyObject): PinnedKey {
  const publicKey = key.export({ type: 'spki', format: 'der' });
  return { keyId: createHash('sha256').update(publicKey).digest('hex'), publicKey };
}

const SUCCESSIONS_MAXIMUM = 64;
const LONGEST_KEY = 64;
const SIGNATURE_OCTETS = 64;
