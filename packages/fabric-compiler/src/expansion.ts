import type { BundleSecurityPolicy } from './bundle.js';
import { type DirectedPair, directedPairs, type PairContext, type Stop } from './directed-pairs.js';
import type { TopologyEdge } from './edges.js';
import type { ExternalTunnel } from './external-tunnels.js';
import { entryIdOf, sortedPair, tunnelGroupIdOf, tunnelIdOf } from './identifiers.js';
import type { CompileProblem } from './problem.js';
import type { ResolvedRule } from './resolved-rule.js';
import type { ServedSite } from './topology.js';
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

export interface ExpansionContext extends PairContext {
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
 * The edge that has the tunnel with an external peer is such a relay between that and everybody who is not at its site.
 */
export function expandRules(
  rules: readonly ResolvedRule[],
  { profiles, starts, ...context }: ExpansionContext,
  problems: CompileProblem[],
): Expansion {
  const all = context.topology.served.flatMap(({ edges }) => edges);
  const entries = new Map<string, BundleSecurityPolicy[]>(all.map(({ edgeId }) => [edgeId, []]));
  const tunnels = new Map<string, TunnelEnds>();
  const groups = new Map<string, Map<string, readonly string[]>>(all.map(({ edgeId }) => [edgeId, new Map()]));
  const external = new Set<ExternalTunnel>();
  for (const rule of rules) {
    for (const pair of directedPairs(rule, context)) {
      if (rule.action === 'PROTECT') {
        choose(rule, addTunnels(pair, tunnels, groups), profiles, starts);
        chooseExternal(rule, pair, external, profiles, starts);
      }
      for (const [edge, entry] of pairEntries(rule, pair)) {
        const list = entries.get(edge.edgeId) ?? [];
        if (list.length >= MAX_ENTRIES) {
          problems.push(tooManyEntries(edge));
          return { entries, tunnels, groups, external };
        }
        list.push(entry);
      }
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
  const sites = way.flatMap((stop) => (stop.kind === 'site' ? [stop.site] : []));
  const legs = sites.slice(1).flatMap((site, index) => [[sites[index], site] as const, [site, sites[index]] as const]);
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
function chooseExternal(
  rule: ResolvedRule,
  { way }: DirectedPair,
  chosen: Set<ExternalTunnel>,
  profiles: TunnelProfiles,
  starts: TunnelStarts,
): void {
  for (const stop of way) {
    if (stop.kind !== 'external') continue;
    const { owner, edge, tunnel } = stop.external;
    chosen.add(stop.external);
    starts.choose(tunnel.tunnelId, rule);
    if (owner.kind === 'external' && owner.peer.offer !== undefined) continue;
    profiles.choose(tunnel.tunnelId, rule, [edge.name, tunnel.peerName]);
  }
}

/** Of every edge of every site on the way, what it is to do with the packets of the pair and with their answers. */
function* pairEntries(
  rule: ResolvedRule,
  pair: DirectedPair,
): Generator<readonly [TopologyEdge, BundleSecurityPolicy]> {
  const { source, destination, way } = pair;
  const here = { localAddresses: pair.sourceRanges, remoteAddresses: pair.destinationRanges };
  const there = { localAddresses: pair.destinationRanges, remoteAddresses: pair.sourceRanges };
  const { ruleId } = rule;
  for (const { protocol, ports } of pair.services) {
    const identity = {
      ruleId,
      sourceEdgeId: identifierOf(source),
      destinationEdgeId: identifierOf(destination),
      family: pair.family,
      protocol,
    };
    const opens = { ...here, protocol, localPorts: [], remotePorts: ports };
    const answers = { ...there, protocol, localPorts: ports, remotePorts: [] };
    const entryId = entryIdOf(identity);
    for (const edge of edgesOf(source)) {
      yield [edge, { entryId, ruleId, ...decisionOf(rule, edge, way[1]), selector: opens }];
    }
    for (const edge of edgesOf(destination)) {
      yield [edge, { entryId, ruleId, ...decisionOf(rule, edge, way.at(-2)), selector: answers }];
    }
    for (const [index, relay] of way.entries()) {
      if (index === 0 || index === way.length - 1) continue;
      const onward = entryIdOf({ ...identity, leg: 'onward' });
      const back = entryIdOf({ ...identity, leg: 'back' });
      for (const edge of edgesOf(relay)) {
        yield [edge, { entryId: onward, ruleId, ...decisionOf(rule, edge, way[index + 1]), selector: opens }];
        yield [edge, { entryId: back, ruleId, ...decisionOf(rule, edge, way[index - 1]), selector: answers }];
      }
    }
  }
}

/** An external peer runs no bundle of ours. */
function edgesOf(stop: Stop): readonly TopologyEdge[] {
  return stop.kind === 'site' ? stop.site.edges : [];
}

/**
 * What an edge does with traffic whose next stop on the way is this one: a site with several edges is reached by any of them.
 * Traffic that the topology has no way for is discarded.
 */
function decisionOf(
  rule: ResolvedRule,
  edge: TopologyEdge,
  next: Stop | undefined,
): { readonly action: 'PROTECT'; readonly tunnelId: string } | typeof DISCARD {
  if (rule.action !== 'PROTECT' || next === undefined) return DISCARD;
  if (next.kind === 'external') return { action: 'PROTECT', tunnelId: next.external.tunnel.tunnelId };
  const [peer, ...others] = next.site.edges;
  const tunnelId =
    others.length === 0 ? tunnelBetween(edge, peer).tunnelId : tunnelGroupIdOf(edge.edgeId, next.site.siteId);
  return { action: 'PROTECT', tunnelId };
}

/** Of a site with several edges the lowest, whichever is preferred. */
function identifierOf(stop: Stop): string {
  return stop.kind === 'site' ? lowestEdgeId(stop.site) : stop.external.tunnel.peerEdgeId;
}

function lowestEdgeId({ edges }: ServedSite): string {
  const [lowest = edges[0].edgeId] = edges.map(({ edgeId }) => edgeId).sort();
  return lowest;
}

/** Every rule asks for the same ones again, and a name costs a hash. */
function tunnelBetween(one: TopologyEdge, other: TopologyEdge): TunnelEnds {
  const ofOne = between.get(one) ?? new Map<TopologyEdge, TunnelEnds>();
  between.set(one, ofOne);
  const known = ofOne.get(other) ?? between.get(other)?.get(one);
  if (known !== undefined) return known;
  const [first] = sortedPair(one.edgeId, other.edgeId);
  const tunnel: TunnelEnds = {
    tunnelId: tunnelIdOf(one.edgeId, other.edgeId),
    ends: first === one.edgeId ? [one, other] : [other, one],
  };
  ofOne.set(other, tunnel);
  return tunnel;
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
/** By edge, which each compilation has anew. */
const between = new WeakMap<TopologyEdge, Map<TopologyEdge, TunnelEnds>>();

/** What an edge accepts in one bundle. */
const MAX_ENTRIES = 100_000;
