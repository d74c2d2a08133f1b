import type { FabricIntent } from '@weft/fabric-compiler';
import type { ReportedFinding, Validation } from '../../compiler/compiler-job.js';
import { isMassRemoval, removesAnything } from '../../distribution/removals.js';
import type { AffectedEdge, BlastRadius, Finding, FlowChange, NamedEnd, TunnelChange } from './revision-diff.dto.js';

/** What a validation says, with the names that people gave to edges. */
export interface Effect {
  readonly findings: Finding[];
  readonly affectedEdges: AffectedEdge[];
  readonly blastRadius: BlastRadius;
  readonly tunnels: TunnelChange[];
  readonly flows: FlowChange[];
}

export function effectOf(validation: Validation, before: FabricIntent | undefined, after: FabricIntent): Effect {
  const named = naming(before, after);
  const { findings, bundles, tunnels, flows } = validation;
  return {
    findings: findings.map((finding) => findingOf(finding, named)),
    affectedEdges: bundles
      .map(({ edgeId, change, removal }) => ({
        edgeId,
        edgeName: named(edgeId).name,
        change,
        removal:
          removal === undefined || !removesAnything(removal)
            ? null
            : { ...removal, needsAgreement: isMassRemoval(removal) },
      }))
      .sort((left, right) => left.edgeName.localeCompare(right.edgeName, 'en')),
    blastRadius: {
      edges: bundles.length,
      tunnelsAdded: tunnels.added,
      tunnelsRemoved: tunnels.removed,
      tunnelsChanged: tunnels.changed,
      tunnelsNotEncrypted: tunnels.notEncrypted,
      sitePairsAllowed: flows.sitePairs.allowed,
      sitePairsDenied: flows.sitePairs.denied,
      sitePairsOtherProfile: flows.sitePairs.other_profile,
      complete: flows.complete,
    },
    tunnels: tunnels.items.map(({ change, ends }) => ({ change, ends: ends.map((id) => named(id)).sort(byName) })),
    flows: flows.items.map(({ sourceSite, destinationSite, ...flow }) => ({
      ...flow,
      sourceSite: { id: sourceSite.siteId, name: sourceSite.siteName },
      destinationSite: { id: destinationSite.siteId, name: destinationSite.siteName },
    })),
  };
}

function byName(left: NamedEnd, right: NamedEnd): number {
  return left.name.localeCompare(right.name, 'en');
}

function findingOf({ edgeIds, ...finding }: ReportedFinding, named: (id: string) => NamedEnd): Finding {
  return { ...finding, edges: edgeIds.map(named) };
}

/** Of edges and external peers, as they are called now, or were. */
function naming(before: FabricIntent | undefined, after: FabricIntent): (id: string) => NamedEnd {
  const intents = before === undefined ? [after] : [before, after];
  const all = intents.flatMap(({ edges, externalPeers }) => [...edges, ...(externalPeers ?? [])]);
  const names = new Map(all.map(({ id, name }) => [id, name]));
  return (id) => ({ id, name: names.get(id) ?? id });
}
