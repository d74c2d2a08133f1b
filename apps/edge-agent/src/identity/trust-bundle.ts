import { type KeyObject, verify, X509Certificate } from 'node:crypto';
import type { TrustBundle } from '@weft/contracts/southbound';
import { pemOf } from './server-chain.js';

/** A controller says whom to believe from now on, and no key that is pinned says so, or it is no such list. */
export class TrustBundleError extends Error {
  override readonly name = 'TrustBundleError';
  readonly code = 'trust_bundle_refused';
}

/** Whom to believe, as a pinned key has said it. */
export interface VerifiedTrust {
  readonly version: number;
  /** PEM; the first one issues. */
  readonly trustBundle: readonly string[];
}

/**
 * Checks what the controller says: whoever answers for it may be believed under a root that is about to go, so that it takes
 * the bundle-signing key to name another. Throws TrustBundleError.
 */
export function verifyTrustBundle(
  { version, anchors, keyId, signature }: TrustBundle,
  pinned: ReadonlyMap<string, KeyObject>,
): VerifiedTrust {
  if (version < 1n || version > BigInt(Number.MAX_SAFE_INTEGER)) throw refused(`its version is ${version}`);
  if (anchors.length < 1 || anchors.length > ANCHORS_MAXIMUM) throw refused(`it has ${anchors.length} anchors`);
  if (anchors.some(({ length }) => length > ANCHOR_MAXIMUM_OCTETS)) throw refused('an anchor is too long');
  const key = pinned.get(keyId);
  if (key === undefined) throw refused('it is signed with a key that is not pinned');
  if (signature.length !== SIGNATURE_OCTETS || !verify(null, trustBundleOctets(version, anchors), key, signature)) {
    throw refused('its signature is not that of the key which it names');
  }
  return { version: Number(version), trustBundle: anchors.map(anchorPem) };
}

/** The octets that are signed. */
export function trustBundleOctets(version: bigint, anchors: readonly Uint8Array[]): Buffer {
  const head = Buffer.alloc(8);
  head.writeBigUInt64BE(version);
  const parts = anchors.flatMap((anchor) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(anchor.length);
    return [length, anchor];
  });
  return Buffer.concat([Buffer.from('weft trust bundle v1\0', 'ascii'), head, ...parts]);
}

function anchorPem(anchor: Buffer): string {
  if (!isAuthority(anchor)) throw refused('an anchor is no certificate of an authority');
  return pemOf(anchor);
}

function isAuthority(der: Buffer): boolean {
  try {
    return new X509Certificate(der).ca;
  } catch {
    return false;
  }
}

function refused(reason: string): TrustBundleError {
  return new TrustBundleError(`the trust bundle of the controller cannot be used: ${reason}`);
}

const ANCHORS_MAXIMUM = 16;
const ANCHOR_MAXIMUM_OCTETS = 8192;
const SIGNATURE_OCTETS = 64;
