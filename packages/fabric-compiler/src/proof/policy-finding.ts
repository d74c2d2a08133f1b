import type { CompiledFabric } from '../fabric/compile-shared.js';
import type { Finding, FindingKind } from './finding.js';
import { formatPacket, type Packet } from './packet.js';
import type { PolicyDifference } from './policy-proof.js';

/** Puts a difference between rules and SPD into words, with the packet that shows it, as the edge would send it. */
export function policyFinding(difference: PolicyDifference, { rules, plan, bundles }: CompiledFabric): Finding {
  const { flow, local, remote, wanted, found, edge } = difference;
  const packet: Packet = {
    family: local.family,
    source: local.ranges[0]?.first ?? 0n,
    destination: remote.ranges[0]?.first ?? 0n,
    protocol: flow.protocol,
    sourcePort: flow.localPort,
    destinationPort: flow.remotePort,
  };
  const kind = kindOf(difference);
  const rule = rules.find(({ ruleId }) => ruleId === wanted?.ruleId);
  const bundle = bundles[edge];
  const line = rule === undefined ? 'no rule allows it' : `the rule "${rule.name}" says ${rule.action}`;
  const does = found === undefined ? 'has no SPD entry for it' : `says ${found.action} (rule ${found.ruleId})`;
  return {
    kind,
    detail: `${formatPacket(packet)}: ${line}, and the edge "${plan.topology.served[edge]?.edge.name ?? edge}" ${does}.`,
    fix: 'Compile the revision anew; when it stays, do not publish it: the compiler is wrong.',
    edgeIds: bundle === undefined ? [] : [bundle.edgeId],
    ruleId: wanted?.ruleId,
    counterexample: packet,
  };
}

function kindOf({ wanted, found }: PolicyDifference): FindingKind {
  if (found?.action === 'BYPASS') return 'cleartext';
  if (wanted?.action !== 'PROTECT') return 'denied_is_protected';
  return found?.action === 'PROTECT' ? 'wrong_profile' : 'allowed_is_discarded';
}
