import { createHash, type KeyObject, verify } from 'node:crypto';
import { Bundle, BundleManifest, type SignedBundle } from '@weft/contracts/southbound';
import { messageOf } from '../../platform/agent-error.js';
import { RejectionError } from '../rejection.js';
import { parseBundle } from './parse-bundle.js';
import type { VerifiedBundle } from './verified-bundle.js';

/** Whom the edge believes, and who it is. */
export interface BundleAudience {
  readonly tenantId: string;
  readonly edgeId: string;
  readonly bundleSigningKeys: ReadonlyMap<string, KeyObject>;
}

/** What the edge has seen before; a bundle must not take it back in time. */
export interface BundleHistory {
  readonly highestEpoch: bigint;
  /** The bundle in force, if any. */
  readonly running: { readonly generation: bigint; readonly contentHash: string } | undefined;
}

/**
 * Checks a bundle: size, signature, recipient, freshness, hash, canonical octets, and every field.
 * Pure. Throws RejectionError; nothing of a refused bundle is used.
 */
export function verifySignedBundle(
  signed: SignedBundle,
  audience: BundleAudience,
  history: BundleHistory,
): VerifiedBundle {
  if (signed.manifest.length > MAX_MANIFEST_OCTETS) throw tooLarge('bundle.manifest', MAX_MANIFEST_OCTETS);
  if (signed.content.length > MAX_CONTENT_OCTETS) throw tooLarge('bundle.content', MAX_CONTENT_OCTETS);
  verifySignature(signed, audience.bundleSigningKeys);
  const manifest = decodeCanonical('bundle.manifest', BundleManifest, signed.manifest);
  checkRecipient(manifest, audience);
  const contentHash = createHash('sha256').update(signed.content).digest();
  if (!contentHash.equals(manifest.contentHash)) {
    throw new RejectionError(
      'bundle.manifest.content_hash',
      'content_hash_mismatch',
      'it is not the SHA-256 of the content',
    );
  }
  const name = contentHash.toString('hex');
  checkFreshness(manifest, name, history);
  const { epoch, generation, revision } = manifest;
  return {
    epoch,
    generation,
    revision,
    contentHash: name,
    agreedRemovalFrom: manifest.removalAgreed ? manifest.parentHash.toString('hex') : undefined,
    ...parseBundle(decodeCanonical('bundle.content', Bundle, signed.content), signed.preSharedKeys),
  };
}

/** Octets that a bundle signature covers. */
export function signedOctets(manifest: Uint8Array): Uint8Array {
  return Buffer.concat([SIGNATURE_CONTEXT, manifest]);
}

function verifySignature(signed: SignedBundle, keys: ReadonlyMap<string, KeyObject>): void {
  if (signed.signatures.length === 0) {
    throw new RejectionError('bundle.signatures', 'signature_missing', 'the bundle is not signed');
  }
  if (signed.signatures.length > MAX_SIGNATURES) {
    throw new RejectionError('bundle.signatures', 'too_many', `an edge looks at ${MAX_SIGNATURES} signatures at most`);
  }
  // Several signatures occur while the signing key is being replaced: one by a pinned key is enough, but every one
  // by a pinned key must be good.
  let known = 0;
  for (const [index, { keyId, signature }] of signed.signatures.entries()) {
    const key = keys.get(keyId);
    if (key === undefined) continue;
    known++;
    if (!verify(null, signedOctets(signed.manifest), key, signature)) {
      throw new RejectionError(
        `bundle.signatures[${index}].signature`,
        'bad_signature',
        'it does not match the manifest',
      );
    }
  }
  if (known === 0) {
    throw new RejectionError(
      'bundle.signatures',
      'unknown_signing_key',
      'no signature is by a key pinned at enrollment',
    );
  }
}

function checkRecipient(manifest: BundleManifest, audience: BundleAudience): void {
  if (manifest.tenantId !== audience.tenantId) {
    throw new RejectionError('bundle.manifest.tenant_id', 'wrong_tenant', 'the bundle is for another tenant');
  }
  if (manifest.edgeId !== audience.edgeId) {
    throw new RejectionError('bundle.manifest.edge_id', 'wrong_edge', 'the bundle is for another edge');
  }
}

function checkFreshness(manifest: BundleManifest, contentHash: string, history: BundleHistory): void {
  if (manifest.epoch < history.highestEpoch) {
    throw new RejectionError(
      'bundle.manifest.epoch',
      'stale_epoch',
      `epoch ${manifest.epoch} is older than ${history.highestEpoch}: the controller was superseded`,
    );
  }
  const { running } = history;
  if (running !== undefined && manifest.generation <= running.generation && contentHash !== running.contentHash) {
    throw new RejectionError(
      'bundle.manifest.generation',
      'stale_generation',
      `generation ${manifest.generation} does not follow ${running.generation}, which is running`,
    );
  }
}

/**
 * Decodes octets that our own encoder would have produced. Others may hold fields that this agent does not know:
 * applying the rest of such a bundle would be applying something else than was signed.
 */
function decodeCanonical<T>(
  path: string,
  type: { decode(octets: Uint8Array): T; encode(message: T): { finish(): Uint8Array } },
  octets: Uint8Array,
): T {
  const message = decode(path, type, octets);
  if (Buffer.compare(type.encode(message).finish(), octets) !== 0) {
    throw new RejectionError(path, 'not_canonical', 'it holds unknown fields, or is not encoded canonically');
  }
  return message;
}

function decode<T>(path: string, type: { decode(octets: Uint8Array): T }, octets: Uint8Array): T {
  try {
    return type.decode(octets);
  } catch (error) {
    throw new RejectionError(path, 'malformed', `it is not the expected protobuf message: ${messageOf(error)}`);
  }
}

function tooLarge(path: string, limit: number): RejectionError {
  return new RejectionError(path, 'too_large', `it has more than ${limit} octets`);
}

const SIGNATURE_CONTEXT = Buffer.from('weft bundle v1\0', 'ascii');
const MAX_MANIFEST_OCTETS = 4096;
const MAX_CONTENT_OCTETS = 16 * 1024 * 1024;
const MAX_SIGNATURES = 8;
