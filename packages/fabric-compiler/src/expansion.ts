import { addressesOf, sameSet } from './address/address-set.js';
import { FAMILIES, type Family } from './address/family.js';
import { octetsFromNumber } from './address/octets.js';
import type { RangeSet } from './address/range-set.js';
import type { BundleAddressRange, BundleSecurityPolicy } from './bundle.js';
import type { TopologyEdge } from './edges.js';
import { elsewhereReporter, externalEntries } from './external-entries.js';
import type { ExternalTunnel } from './external-tunnels.js';
import { type Paths, pathBetween } from './fabric/paths.js';
import { entryIdOf, sortedPair, tunnelGroupIdOf, tunnelIdOf } from './identifiers.js';
import type { FabricIntent } from './intent.js';
import type { CompileProblem } from './problem.js';
import type { ResolvedRule } from './resolved-rule.js';
import type { ResolvedService } from './services.js';
import type { ServedSite, Topology } from './topology.js';
import type { TunnelProfiles } from './tunnel-profiles.js';
import type { TunnelStarts } from './tunnel-starts.js';

/** SPD entries and tunnels that follow from the rules. */
export interface Expansion {
  /** By edge id; every served edge is present. */
  readonly entries: ReadonlyMap<string, readonly BundleSecurityPolicy[]>;
  /** By tunnel id; only pairs that some rule protects. */
  readonly tunnels: ReadonlyMap<string, TunnelEnds>;
  /** By edge id: the sites with several edges that the edge has tunnels with, by group id. */
  readonly groups: ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;
  /** Tunnels with external peers that some rule protects traffic with. */
  readonly external: ReadonlySet<ExternalTunnel>;
}

export interface ExpansionContext {
  readonly intent: FabricIntent;
  readonly peers: ReadonlyMap<number, ExternalTunnel>;
  readonly paths: Paths;
  /** Both are told which rule has which tunnel. */
  readonly profiles: TunnelProfiles;
  readonly starts: TunnelStarts;
}

export interface TunnelEnds {
  readonly tunnelId: string;
  /** By edge id. */
  readonly ends: readonly [TopologyEdge, TopologyEdge];
}

/**
 * Writes every rule as SPD entries of both ends of every pair of sites that it concerns. Both ends receive a pair's
 * entries in the same step, so that they are mirrored and in the same order; and so do all edges of a site, so that each of
 * them treats every packet as the others do. Where the topology leads the pair through relays, they receive entries for both
 * of their neighbours: what comes out of one SA is checked and protected again by another (RFC 4301 sections 5.1 and 5.2).
 */
export function expandRules(
  rules: readonly ResolvedRule[],
  topology: Topology,
  { intent, peers, paths, profiles, starts }: ExpansionContext,
  problems: CompileProblem[],
): Expansion {
  const all = topology.served.flatMap(({ edges }) => edges);
  const entries = new Map<string, BundleSecurityPolicy[]>(all.map(({ edgeId }) => [edgeId, []]));
  const tunnels = new Map<string, TunnelEnds>();
  const groups = new Map<string, Map<string, readonly string[]>>(all.map(({ edgeId }) => [edgeId, new Map()]));
  const external = new Set<ExternalTunnel>();
  const reportElsewhere = elsewhereReporter(intent, problems);
  for (const rule of rules) {
    for (const pair of directedPairs(rule, topology, paths)) {
      if (rule.action === 'PROTECT') choose(rule, addTunnels(pair, tunnels, groups), profiles, starts);
      for (const [edge, entry] of pairEntries(rule, pair)) {
        const list = entries.get(edge.edgeId) ?? [];
        if (list.length >= MAX_ENTRIES) {
          problems.push(tooManyEntries(edge));
          return { entries, tunnels, groups, external };
        }
        list.push(entry);
      }
    }
    for (const [edgeId, entry, peer] of externalEntries(rule, topology, peers, reportElsewhere)) {
      const list = entries.get(edgeId) ?? [];
      if (list.length >= MAX_ENTRIES) {
        problems.push(tooManyEntries(peer.edge));
        return { entries, tunnels, groups, external };
      }
      list.push(entry);
      if (rule.action !== 'PROTECT') continue;
      external.add(peer);
      chooseExternalProfile(rule, peer, profiles);
      starts.choose(peer.tunnel.tunnelId, rule);
    }
  }
  return { entries, tunnels, groups, external };
}

/** Between neighbours on the way, every edge of the one site has a tunnel with every edge of the other. Returns these. */
function addTunnels(
  { way }: DirectedPair,
  tunnels: Map<string, TunnelEnds>,
  groups: Map<string, Map<string, readonly string[]>>,
): readonly TunnelEnds[] {
  const used: TunnelEnds[] = [];
  const legs = way.slice(1).flatMap((site, index) => [[way[index], site] as const, [site, way[index]] as const]);
  for (const [here, there] of legs) {
    if (here === undefined || there === undefined) continue;
    for (const edge of here.edges) {
      const ends = there.edges.map((peer) => tunnelBetween(edge, peer));
      for (const tunnel of ends) tunnels.set(tunnel.tunnelId, tunnel);
      used.push(...ends);
      const tunnelIds = ends.map(({ tunnelId }) => tunnelId);
      if (tunnelIds.length > 1) groups.get(edge.edgeId)?.set(tunnelGroupIdOf(edge.edgeId, there.siteId), tunnelIds);
    }
  }
  return used;
}

function choose(rule: ResolvedRule, used: readonly TunnelEnds[], profiles: TunnelProfiles, starts: TunnelStarts): void {
  for (const { tunnelId, ends } of used) {
    profiles.choose(tunnelId, rule, [ends[0].name, ends[1].name]);
    starts.choose(tunnelId, rule);
  }
}

/** What a peer is to be offered goes before the profiles of rules. */
function chooseExternalProfile(rule: ResolvedRule, external: ExternalTunnel, profiles: TunnelProfiles): void {
  const { owner, edge, tunnel } = external;
  if (owner.kind === 'external' && owner.peer.offer !== undefined) return;
  profiles.choose(tunnel.tunnelId, rule, [edge.name, tunnel.peerName]);
}

/** One rule between two sites, in the direction in which it opens flows, in one family. */
interface DirectedPair {
  readonly family: Family;
  readonly source: ServedSite;
  readonly destination: ServedSite;
  /** Both ends and the relays between them, from the source on; empty where the topology has no way. */
  readonly way: readonly ServedSite[];
  readonly sourceRanges: readonly BundleAddressRange[];
  readonly destinationRanges: readonly BundleAddressRange[];
  readonly services: readonly ResolvedService[];
}

function* directedPairs(rule: ResolvedRule, topology: Topology, paths: Paths): Generator<DirectedPair> {
  for (const family of FAMILIES) {
    if (rule.services[family].length === 0) continue;
    // Sites with an edge come first among the owners.
    const sides = topology.served.map((site, owner) => {
      const from = addressesOf(rule.sources, owner, topology.ownership)[family];
      const to = addressesOf(rule.destinations, owner, topology.ownership)[family];
      return { owner, site, from: asOctets(from, family), to: asOctets(to, family), symmetric: sameSet(from, to) };
    });
    const sources = sides.filter((side) => side.from.length > 0);
    const destinations = sides.filter((side) => side.to.length > 0);
    for (const source of sources) {
      for (const destination of destinations) {
        if (source.site === destination.site) continue;
        // The pair was met before, the other way round: what has no ports would be the same entry again.
        const repeated =
          source.symmetric && destination.symmetric && destination.site.edge.edgeId < source.site.edge.edgeId;
        const services = rule.services[family].filter((service) => !repeated || service.ports.length > 0);
        if (services.length === 0) continue;
        yield {
          family,
          source: source.site,
          destination: destination.site,
          way: wayBetween(source.owner, destination.owner, paths, topology),
          sourceRanges: source.from,
          destinationRanges: destination.to,
          services,
        };
      }
    }
  }
}

function wayBetween(from: number, to: number, paths: Paths, { served }: Topology): readonly ServedSite[] {
  return (pathBetween(paths, from, to) ?? []).flatMap((owner) => served[owner] ?? []);
}

function* pairEntries(
  rule: ResolvedRule,
  pair: DirectedPair,
): Generator<readonly [TopologyEdge, BundleSecurityPolicy]> {
  const { source, destination, way } = pair;
  const here = { localAddresses: pair.sourceRanges, remoteAddresses: pair.destinationRanges };
  const there = { localAddresses: pair.destinationRanges, remoteAddresses: pair.sourceRanges };
  for (const { protocol, ports } of pair.services) {
    const identity = {
      ruleId: rule.ruleId,
      sourceEdgeId: lowestEdgeId(source),
      destinationEdgeId: lowestEdgeId(destination),
      family: pair.family,
      protocol,
    };
    const opens = { ...here, protocol, localPorts: [], remotePorts: ports };
    const answers = { ...there, protocol, localPorts: ports, remotePorts: [] };
    const { ruleId } = rule;
    const entryId = entryIdOf(identity);
    for (const edge of source.edges) {
      yield [edge, { entryId, ruleId, ...decisionOf(rule, edge, way[1]), selector: opens }];
    }
    for (const edge of destination.edges) {
      yield [edge, { entryId, ruleId, ...decisionOf(rule, edge, way.at(-2)), selector: answers }];
    }
    for (const [index, relay] of way.entries()) {
      if (index === 0 || index === way.length - 1) continue;
      const onward = entryIdOf({ ...identity, leg: 'onward' });
      const back = entryIdOf({ ...identity, leg: 'back' });
      for (const edge of relay.edges) {
        yield [edge, { entryId: onward, ruleId, ...decisionOf(rule, edge, way[index + 1]), selector: opens }];
        yield [edge, { entryId: back, ruleId, ...decisionOf(rule, edge, way[index - 1]), selector: answers }];
      }
    }
  }
}

/**
 * What an edge does with traffic whose next site on the way is this one: a site with several edges is reached by any of them.
 * Traffic that the topology has no way for is discarded.
 */
function decisionOf(
  rule: ResolvedRule,
  edge: TopologyEdge,
  next: ServedSite | undefined,
): { readonly action: 'PROTECT'; readonly tunnelId: string } | typeof DISCARD {
  if (rule.action !== 'PROTECT' || next === undefined) return DISCARD;
  const [peer, ...others] = next.edges;
  const tunnelId =
    others.length === 0 ? tunnelIdOf(edge.edgeId, peer.edgeId) : tunnelGroupIdOf(edge.edgeId, next.siteId);
  return { action: 'PROTECT', tunnelId };
}

function lowestEdgeId({ edges }: ServedSite): string {
  const [lowest = edges[0].edgeId] = edges.map(({ edgeId }) => edgeId).sort();
  return lowest;
}

function tunnelBetween(one: TopologyEdge, other: TopologyEdge): TunnelEnds {
  const [first] = sortedPair(one.edgeId, other.edgeId);
  return {
    tunnelId: tunnelIdOf(one.edgeId, other.edgeId),
    ends: first === one.edgeId ? [one, other] : [other, one],
  };
}

function asOctets(ranges: RangeSet, family: Family): readonly BundleAddressRange[] {
  return ranges.map(({ first, last }) => ({
    first: octetsFromNumber(first, family),
    last: octetsFromNumber(last, family),
  }));
}

function tooManyEntries(edge: TopologyEdge): CompileProblem {
  return {
    pointer: edge.pointer,
    rule: 'too_many_entries',
    detail: `The edge "${edge.name}" would need more than ${MAX_ENTRIES} SPD entries.`,
    fix: 'Use fewer rules, or selectors that cover whole sites. At a hub, and at any site that relays, entries count for each pair of sites that it stands between: share the sites out among more hubs, or let those that talk much have tunnels with each other.',
  };
}

const DISCARD = { action: 'DISCARD' } as const;

/** What an edge accepts in one bundle. */
const MAX_ENTRIES = 100_000;
