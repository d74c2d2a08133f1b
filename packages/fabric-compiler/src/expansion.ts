import { addressesOf, sameSet } from './address/address-set.js';
import { FAMILIES, type Family } from './address/family.js';
import { octetsFromNumber } from './address/octets.js';
import type { RangeSet } from './address/range-set.js';
import type { BundleAddressRange, BundleSecurityPolicy } from './bundle.js';
import type { TopologyEdge } from './edges.js';
import { entryIdOf, sortedPair, tunnelIdOf } from './identifiers.js';
import type { CompileProblem } from './problem.js';
import type { ResolvedRule } from './resolved-rule.js';
import type { ResolvedService } from './services.js';
import type { ServedSite, Topology } from './topology.js';

/** SPD entries and tunnels that follow from the rules. */
export interface Expansion {
  /** By edge id; every served edge is present. */
  readonly entries: ReadonlyMap<string, readonly BundleSecurityPolicy[]>;
  /** By tunnel id; only pairs that some rule protects. */
  readonly tunnels: ReadonlyMap<string, TunnelEnds>;
}

export interface TunnelEnds {
  readonly tunnelId: string;
  /** By edge id. */
  readonly ends: readonly [TopologyEdge, TopologyEdge];
}

/**
 * Writes every rule as SPD entries of both ends of every pair of sites that it concerns. Both ends receive a pair's
 * entries in the same step, so that they are mirrored and in the same order.
 */
export function expandRules(rules: readonly ResolvedRule[], topology: Topology, problems: CompileProblem[]): Expansion {
  const entries = new Map<string, BundleSecurityPolicy[]>(topology.served.map((site) => [site.edge.edgeId, []]));
  const tunnels = new Map<string, TunnelEnds>();
  for (const rule of rules) {
    for (const pair of directedPairs(rule, topology)) {
      const tunnel = tunnelBetween(pair.source.edge, pair.destination.edge);
      if (rule.action === 'PROTECT') tunnels.set(tunnel.tunnelId, tunnel);
      for (const [edge, entry] of pairEntries(rule, pair, tunnel.tunnelId)) {
        const list = entries.get(edge.edgeId) ?? [];
        if (list.length >= MAX_ENTRIES) {
          problems.push(tooManyEntries(edge));
          return { entries, tunnels };
        }
        list.push(entry);
      }
    }
  }
  return { entries, tunnels };
}

/** One rule between two sites, in the direction in which it opens flows, in one family. */
interface DirectedPair {
  readonly family: Family;
  readonly source: ServedSite;
  readonly destination: ServedSite;
  readonly sourceRanges: readonly BundleAddressRange[];
  readonly destinationRanges: readonly BundleAddressRange[];
  readonly services: readonly ResolvedService[];
}

function* directedPairs(rule: ResolvedRule, topology: Topology): Generator<DirectedPair> {
  for (const family of FAMILIES) {
    if (rule.services[family].length === 0) continue;
    // Sites with an edge come first among the owners.
    const sides = topology.served.map((site, owner) => {
      const from = addressesOf(rule.sources, owner, topology.ownership)[family];
      const to = addressesOf(rule.destinations, owner, topology.ownership)[family];
      return { site, from: asOctets(from, family), to: asOctets(to, family), symmetric: sameSet(from, to) };
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
          sourceRanges: source.from,
          destinationRanges: destination.to,
          services,
        };
      }
    }
  }
}

function* pairEntries(
  rule: ResolvedRule,
  pair: DirectedPair,
  tunnelId: string,
): Generator<readonly [TopologyEdge, BundleSecurityPolicy]> {
  const decision = rule.action === 'PROTECT' ? ({ action: 'PROTECT', tunnelId } as const) : DISCARD;
  const source = pair.source.edge;
  const destination = pair.destination.edge;
  for (const { protocol, ports } of pair.services) {
    const entryId = entryIdOf({
      ruleId: rule.ruleId,
      sourceEdgeId: source.edgeId,
      destinationEdgeId: destination.edgeId,
      family: pair.family,
      protocol,
    });
    const common = { entryId, ruleId: rule.ruleId, ...decision };
    const here = { localAddresses: pair.sourceRanges, remoteAddresses: pair.destinationRanges };
    const there = { localAddresses: pair.destinationRanges, remoteAddresses: pair.sourceRanges };
    yield [source, { ...common, selector: { ...here, protocol, localPorts: [], remotePorts: ports } }];
    yield [destination, { ...common, selector: { ...there, protocol, localPorts: ports, remotePorts: [] } }];
  }
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
    fix: 'Use fewer rules, or selectors that cover whole sites.',
  };
}

const DISCARD = { action: 'DISCARD' } as const;

/** What an edge accepts in one bundle. */
const MAX_ENTRIES = 100_000;
