import { addressesOf, sameSet } from './address/address-set.js';
import { FAMILIES, type Family } from './address/family.js';
import { octetsFromNumber } from './address/octets.js';
import type { RangeSet } from './address/range-set.js';
import type { BundleAddressRange } from './bundle.js';
import type { ExternalTunnel } from './external-tunnels.js';
import { type Paths, pathBetween } from './fabric/paths.js';
import type { PairScope } from './pair-scope.js';
import type { ResolvedRule } from './resolved-rule.js';
import type { ResolvedService } from './services.js';
import type { ServedSite, Topology } from './topology.js';

/** Where packets of a rule begin, end or are passed on: a site with its edges, or an external peer behind the edge of a site. */
export type Stop =
  | { readonly kind: 'site'; readonly site: ServedSite }
  | { readonly kind: 'external'; readonly external: ExternalTunnel };

/** One rule between two owners of addresses, in the direction in which it opens flows, in one family. */
export interface DirectedPair {
  readonly family: Family;
  readonly source: Stop;
  readonly destination: Stop;
  /** Both ends and whoever passes packets on between them, from the source on; empty where the topology has no way. */
  readonly way: readonly Stop[];
  readonly sourceRanges: readonly BundleAddressRange[];
  readonly destinationRanges: readonly BundleAddressRange[];
  readonly services: readonly ResolvedService[];
}

/** What pairs are made from. */
export interface PairContext {
  readonly topology: Topology;
  /** The tunnels with external peers, by number of the owner. */
  readonly peers: ReadonlyMap<number, ExternalTunnel>;
  readonly paths: Paths;
  readonly scope: PairScope;
}

interface Side {
  readonly stop: Stop;
  /** Number of the site, or of the one that the external peer is at. */
  readonly site: number;
}

/** What a rule comes to between any two owners, in the order of the owners. */
export function* directedPairs(rule: ResolvedRule, context: PairContext): Generator<DirectedPair> {
  const { topology, peers, scope } = context;
  const stops = stopsOf(topology, peers);
  for (const family of FAMILIES) {
    if (rule.services[family].length === 0) continue;
    const sides = stops.map(([owner, stop]) => {
      const from = addressesOf(rule.sources, owner, topology.ownership)[family];
      const to = addressesOf(rule.destinations, owner, topology.ownership)[family];
      return { owner, stop, site: numberOf(stop, topology.numbers), from, to, symmetric: sameSet(from, to) };
    });
    const sources = sides.filter((side) => side.from.length > 0);
    const destinations = sides.filter((side) => side.to.length > 0);
    for (const source of sources) {
      for (const destination of destinations) {
        if (source.owner === destination.owner || !scope.includes(source.site, destination.site)) continue;
        // The pair was met before, the other way round: what has no ports would be the same entry again.
        const repeated = source.symmetric && destination.symmetric && destination.owner < source.owner;
        const services = rule.services[family].filter((service) => !repeated || service.ports.length > 0);
        if (services.length === 0) continue;
        yield {
          family,
          source: source.stop,
          destination: destination.stop,
          way: wayBetween(source, destination, context),
          sourceRanges: asOctets(source.from, family),
          destinationRanges: asOctets(destination.to, family),
          services,
        };
      }
    }
  }
}

/** Whoever is on the way from one end to the other; an external peer is behind its gateway and nobody else. */
function wayBetween(
  { stop: source, site: from }: Side,
  { stop: destination, site: to }: Side,
  { paths, topology: { served } }: PairContext,
): readonly Stop[] {
  const sites = (from === to ? [from] : (pathBetween(paths, from, to) ?? [])).flatMap((owner) => served[owner] ?? []);
  if (sites.length === 0) return [];
  return [
    ...(source.kind === 'external' ? [source] : []),
    ...sites.map((site): Stop => ({ kind: 'site', site })),
    ...(destination.kind === 'external' ? [destination] : []),
  ];
}

/** Sites with an edge come first among the owners; of external peers those that somebody has a tunnel with. */
function stopsOf(
  { served }: Topology,
  peers: ReadonlyMap<number, ExternalTunnel>,
): readonly (readonly [owner: number, stop: Stop])[] {
  return [
    ...served.map((site, owner) => [owner, { kind: 'site', site }] as const),
    ...[...peers]
      .sort(([left], [right]) => left - right)
      .map(([owner, external]) => [owner, { kind: 'external', external }] as const),
  ];
}

function numberOf(stop: Stop, numbers: Topology['numbers']): number {
  const { siteId } = stop.kind === 'site' ? stop.site : stop.external.site;
  return numbers.get(siteId) ?? -1;
}

/** Rules that mean all that a site has mean the same list, which stands in all of their entries. */
function asOctets(ranges: RangeSet, family: Family): readonly BundleAddressRange[] {
  const known = octets.get(ranges);
  if (known !== undefined) return known;
  const written = ranges.map(({ first, last }) => ({
    first: octetsFromNumber(first, family),
    last: octetsFromNumber(last, family),
  }));
  octets.set(ranges, written);
  return written;
}

/** A list of ranges never changes, and is of one IP version. */
const octets = new WeakMap<RangeSet, readonly BundleAddressRange[]>();
