import { BundleManifest, type PreSharedKey, type SignedBundle } from '@weft/contracts/southbound';
import type { BundleSigner } from '../pki/bundle-signer.js';
import type { EdgeAssignment } from './edge-assignment.js';

/** What is said of a bundle beside its content. */
export interface PushContext {
  readonly epoch: bigint;
  /** What the controller believes the edge runs; undefined for its first bundle. */
  readonly parentHash: Uint8Array | undefined;
  /** Operators have agreed to all that is removed from that one. */
  readonly removalAgreed: boolean;
}

/**
 * The desired bundle of an edge, ready to send.
 * @param preSharedKeys open the commitments of its content, each once
 */
export function signBundle(
  { tenantId, edgeId, desired }: EdgeAssignment,
  context: PushContext,
  signer: Pick<BundleSigner, 'sign'>,
  preSharedKeys: readonly PreSharedKey[],
): SignedBundle {
  const manifest = Buffer.from(
    BundleManifest.encode({
      tenantId,
      edgeId,
      epoch: context.epoch,
      generation: desired.generation,
      revision: BigInt(desired.revision),
      contentHash: desired.hash,
      parentHash: Buffer.from(context.parentHash ?? []),
      removalAgreed: context.removalAgreed,
    }).finish(),
  );
  const { keyId, signature } = signer.sign(signedOctets(manifest));
  return { manifest, content: desired.octets, signatures: [{ keyId, signature }], preSharedKeys: [...preSharedKeys] };
}

/** The octets that a bundle signature covers: a context string keeps it from being valid for anything else. */
export function signedOctets(manifest: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from('weft bundle v1\0', 'ascii'), manifest]);
}
