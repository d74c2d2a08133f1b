import { type FamilyRanges, familyUnion } from './address/family.js';
import { byAddress, type Prefix, rangesOfPrefix } from './address/prefix.js';
import { checkEdges, type TopologyEdge } from './edges.js';
import type { FabricIntent } from './intent.js';
import { checkNetwork, reportOverlaps } from './networks.js';
import { compareText } from './order.js';
import { type CompileProblem, reportDuplicateIds } from './problem.js';

/** Sites, their networks and their edges, checked and in one order whatever the order of the intent. */
export interface Topology {
  /** Sites with an edge, by edge id. */
  readonly served: readonly ServedSite[];
  /** All sites, by id. */
  readonly sites: ReadonlyMap<string, TopologySite>;
  readonly networks: ReadonlyMap<string, TopologyNetwork>;
}

export interface TopologySite {
  readonly siteId: string;
  readonly name: string;
  readonly ranges: FamilyRanges;
  readonly prefixes: readonly Prefix[];
}

export interface TopologyNetwork {
  readonly siteId: string;
  readonly name: string;
  readonly ranges: FamilyRanges;
}

export interface ServedSite extends TopologySite {
  readonly edge: TopologyEdge;
}

/** Checks sites, networks and edges. What is broken is reported and left out of the result. */
export function checkTopology(intent: FabricIntent, problems: CompileProblem[]): Topology {
  reportDuplicateIds('/sites', intent.sites, problems);
  reportDuplicateIds('/networks', intent.networks, problems);
  reportDuplicateIds('/edges', intent.edges, problems);
  const siteIds = new Set(intent.sites.map((site) => site.id));
  const placed = intent.networks.flatMap((network, index) => {
    const checked = checkNetwork(network, `/networks/${index}`, siteIds, problems);
    return checked === undefined ? [] : [checked];
  });
  reportOverlaps(placed, problems);
  const edges = checkEdges(intent, siteIds, placed, problems);
  const sites = new Map<string, TopologySite>();
  for (const site of intent.sites) {
    const prefixes = placed.filter(({ network }) => network.siteId === site.id).map(({ prefix }) => prefix);
    prefixes.sort(byAddress);
    sites.set(site.id, {
      siteId: site.id,
      name: site.name,
      ranges: familyUnion(prefixes.map(rangesOfPrefix)),
      prefixes,
    });
  }
  const served = [...sites.values()].flatMap((site) => {
    const edge = edges.get(site.siteId);
    return edge === undefined ? [] : [{ ...site, edge }];
  });
  served.sort((left, right) => compareText(left.edge.edgeId, right.edge.edgeId));
  return {
    served,
    sites,
    networks: new Map(
      placed.map(({ network, prefix }) => [
        network.id,
        { siteId: network.siteId, name: network.name, ranges: rangesOfPrefix(prefix) },
      ]),
    ),
  };
}
