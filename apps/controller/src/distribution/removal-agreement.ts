import type { EdgeAssignment } from './edge-assignment.js';
import { isMassRemoval, removalBetween, withoutPeers } from './removals.js';

/**
 * Whether operators have agreed to all that the desired bundle of an edge takes away from the one that it runs: they said so
 * when they published, or it is gone because they have revoked the edges at the other end, which must not wait for anybody.
 * False when it is not known what the edge runs.
 */
export function removalAgreed(
  { desired, applied, removalAgreedBy }: EdgeAssignment,
  runningHash: Uint8Array | undefined,
  revokedEdges: ReadonlySet<string>,
): boolean {
  if (runningHash === undefined || applied === undefined || !applied.hash.equals(runningHash)) return false;
  if (removalAgreedBy !== undefined && removalAgreedBy > applied.revision) return true;
  const gone = applied.bundle.tunnels.some(({ peerEdgeId }) => revokedEdges.has(peerEdgeId));
  return gone && !isMassRemoval(removalBetween(withoutPeers(applied.bundle, revokedEdges), desired.bundle));
}
