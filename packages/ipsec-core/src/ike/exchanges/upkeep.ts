import type { ChildSa } from '../child-sa.js';
import type { Lineage } from '../lineage.js';
import type { LineageTimer } from '../timers.js';
import { requestChild, requestChildRekey, scheduleRetries } from './child-request.js';
import { deleteReplaced } from './delete-child.js';
import { requestIkeRekey } from './ike-rekey-request.js';
import { checkLiveness, keepMapping } from './liveness.js';
import { followNatPolicy } from './nat-policy.js';
import { watchPaths } from './path-watch.js';
import { closeReplaced, endAuthentication, handOver, requestReauthentication } from './reauthentication.js';
import { resolveRedundancy } from './redundancy.js';

/** What each timer of a lineage is for. */
const DUTIES: Readonly<Record<LineageTimer, (lineage: Lineage, now: number) => void>> = {
  liveness: (lineage, now) => checkLiveness(lineage, now),
  'rekey-ike': requestIkeRekey,
  child: tendChildren,
  'retry-child': retryChildren,
  redundancy: resolveRedundancy,
  keepalive: keepMapping,
  reauthenticate: requestReauthentication,
  'authentication-end': endAuthentication,
  'hand-over': handOver,
  drained: closeReplaced,
  'nat-policy': followNatPolicy,
  'watch-paths': watchPaths,
};

export function expireLineage(lineage: Lineage, now: number): void {
  for (let name = lineage.timers.take(now); name !== undefined; name = lineage.timers.take(now)) {
    DUTIES[name](lineage, now);
  }
}

function tendChildren(lineage: Lineage, now: number): void {
  for (const child of lineage.children.all) if (child.dueAt <= now) tend(lineage, child, now);
  lineage.children.reschedule();
}

function tend(lineage: Lineage, child: ChildSa, now: number): void {
  switch (child.phase) {
    case 'live':
      // Should it be refused, or wait long: once more a tenth of its lifetime later.
      child.dueAt = now + child.configuration.lifetime / 10;
      requestChildRekey(lineage, child, now);
      break;
    case 'replaced':
      child.dueAt = Number.POSITIVE_INFINITY;
      if (child.successor !== undefined && child.outboundInUse) lineage.children.useOutbound(child.successor);
      deleteReplaced(lineage, child, now);
      break;
    default:
      lineage.children.remove(child);
  }
}

function retryChildren(lineage: Lineage, now: number): void {
  for (const [policy, { configuration, flow, at }] of [...lineage.retries]) {
    if (at > now) continue;
    lineage.retries.delete(policy);
    requestChild(lineage, configuration, now, flow);
  }
  scheduleRetries(lineage);
}
