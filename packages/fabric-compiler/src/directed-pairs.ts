import { addressesOf, sameSet } from './address/address-set.js';
import { FAMILIES, type Family } from './address/family.js';
import { octetsFromNumber } from './address/octets.js';
import type { RangeSet } from './address/range-set.js';
import type { BundleAddressRange } from './bundle.js';
import type { ExternalTunnel } from './external-tunnels.js';
import { type Paths, pathBetween } from './fabric/paths.js';
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

/** What a rule comes to between any two owners, in the order of the owners. `peers`: the tunnels with external ones, by number of the owner. */
export function* directedPairs(
  rule: ResolvedRule,
  topology: Topology,
  peers: ReadonlyMap<number, ExternalTunnel>,
  paths: Paths,
): Generator<DirectedPair> {
  const stops = stopsOf(topology, peers);
  for (const family of FAMILIES) {
    if (rule.services[family].length === 0) continue;
    const sides = stops.map(([owner, stop]) => {
      const from = addressesOf(rule.sources, owner, topology.ownership)[family];
      const to = addressesOf(rule.destinations, owner, topology.ownership)[family];
      return { owner, stop, from: asOctets(from, family), to: asOctets(to, family), symmetric: sameSet(from, to) };
    });
    const sources = sides.filter((side) => side.from.length > 0);
    const destinations = sides.filter((side) => side.to.length > 0);
    for (const source of sources) {
      for (const destination of destinations) {
        if (source.owner === destination.owner) continue;
        // The pair was met before, the other way round: what has no ports would be the same entry again.
        const repeated = source.symmetric && destination.symmetric && destination.owner < source.owner;
        const services = rule.services[family].filter((service) => !repeated || service.ports.length > 0);
        if (services.length === 0) continue;
        yield {
          family,
          source: source.stop,
          destination: destination.stop,
          way: wayBetween(source.stop, destination.stop, paths, topology),
          sourceRanges: source.from,
          destinationRanges: destination.to,
          services,
        };
      }
    }
  }
}

/** Whoever is on the way from one end to the other; an external peer is behind its gateway and nobody else. */
export function wayBetween(
  source: Stop,
  destination: Stop,
  paths: Paths,
  { numbers, served }: Topology,
): readonly Stop[] {
  const [from, to] = [numberOf(source, numbers), numberOf(destination, numbers)];
  const sites = (from === to ? [from] : (pathBetween(paths, from, to) ?? [])).flatMap((owner) => served[owner] ?? []);
  if (sites.length === 0) return [];
  return [
    ...(source.kind === 'external' ? [source] : []),
    ...sites.map((site): Stop => ({ kind: 'site', site })),
    ...(destination.kind === 'external' ? [destination] : []),
  ];
}

/** Sites with an edge come first among the owners; of external peers those that somebody has a tunnel with. */
export function stopsOf(
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

/** Of the site, or of the one that the external peer is at. */
function numberOf(stop: Stop, numbers: Topology['numbers']): number {
  const { siteId } = stop.kind === 'site' ? stop.site : stop.external.site;
  return numbers.get(siteId) ?? -1;
}

function asOctets(ranges: RangeSet, family: Family): readonly BundleAddressRange[] {
  return ranges.map(({ first, last }) => ({
    first: octetsFromNumber(first, family),
    last: octetsFromNumber(last, family),
  }));
}
