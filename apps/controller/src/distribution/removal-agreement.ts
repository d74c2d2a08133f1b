import type { Bundle } from '@weft/contracts/southbound';
import type { EdgeAssignment } from './edge-assignment.js';
import { isMassRemoval, type Removable, removalBetween, withoutPeers } from './removals.js';

/**
 * Whether operators have agreed to all that the desired bundle of an edge takes away from the one that it runs: they said so
 * when they published, or it is gone because they have revoked the edges at the other end, which must not wait for anybody; or it is not
 * gone, and only has other names. False when it is not known what the edge runs.
 */
export function removalAgreed(
  { desired, applied, removalAgreedBy }: EdgeAssignment,
  runningHash: Uint8Array | undefined,
  revokedEdges: ReadonlySet<string>,
): boolean {
  if (runningHash === undefined || applied === undefined || !applied.hash.equals(runningHash)) return false;
  if (removalAgreedBy !== undefined && removalAgreedBy > applied.revision) return true;
  if (isRenamed(applied.bundle, desired.bundle)) return true;
  const gone = applied.bundle.tunnels.some(({ peerEdgeId }) => revokedEdges.has(peerEdgeId));
  return gone && !isMassRemoval(removalBetween(withoutPeers(applied.bundle, revokedEdges), desired.bundle));
}

/**
 * Whether no entry has the name that it had, and those of most rules are there all the same: they are written in another form, for an agent
 * that was updated, or by a controller that was. An edge goes by names alone, and would miss all of them.
 */
function isRenamed(before: Bundle, after: Bundle): boolean {
  const names = new Set(after.securityPolicies.map(({ entryId }) => entryId));
  if (before.securityPolicies.some(({ entryId }) => names.has(entryId))) return false;
  const rules = new Set(before.securityPolicies.map(({ ruleId }) => ruleId));
  const kept = new Set(after.securityPolicies.map(({ ruleId }) => ruleId).filter((ruleId) => rules.has(ruleId)));
  return kept.size * 2 > rules.size && !isMassRemoval(removalBetween(withoutEntries(before), withoutEntries(after)));
}

function withoutEntries({ tunnels }: Bundle): Removable {
  return { tunnels, securityPolicies: [] };
}
