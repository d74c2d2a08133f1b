import { type AddressSet, type Ownership, wholeOwners } from './address/address-set.js';
import { type Family, type FamilyRanges, familyUnion } from './address/family.js';
import { byAddress, type Prefix, rangesOfPrefix } from './address/prefix.js';
import type { NumericRange } from './address/range-set.js';
import { emptyBits, setBit } from './bitset.js';
import { checkEdges, type SiteEdges, type TopologyEdge } from './edges.js';
import type { FabricIntent, IntentExternalPeer, IntentSite, Labels } from './intent.js';
import { checkNetwork, type PlacedNetwork, reportAmbiguousMappings, reportOverlaps } from './networks.js';
import { compareText } from './order.js';
import { type CompileProblem, reportDuplicateIds } from './problem.js';

/** Who owns which overlay addresses, checked and in one order whatever the order of the intent. */
export interface Topology {
  /** Sites with an edge, by the id of the preferred one; then external peers, by id; then sites without an edge, by id. */
  readonly owners: readonly Owner[];
  /** The addresses of each owner. */
  readonly ownership: Ownership;
  /** By site id and by external peer id. */
  readonly numbers: ReadonlyMap<string, number>;
  /** All sites; an external peer is reached by its name only. */
  readonly everySite: AddressSet;
  /** Ranges of the sites, disjoint, ascending. */
  readonly owned: Readonly<Record<Family, readonly OwnedRange[]>>;
  /** Sites with an edge, by the id of the preferred one. */
  readonly served: readonly ServedSite[];
  /** All sites, by id. */
  readonly sites: ReadonlyMap<string, TopologySite>;
  /** Networks and address pools, by id. */
  readonly networks: ReadonlyMap<string, TopologyNetwork>;
}

export type Owner =
  | ({ readonly kind: 'edge' } & ServedSite)
  | ({ readonly kind: 'external'; readonly peer: IntentExternalPeer } & TopologySite)
  | ({ readonly kind: 'unserved' } & TopologySite);

export interface OwnedRange {
  readonly range: NumericRange;
  readonly owner: number;
}

export interface TopologySite {
  readonly siteId: string;
  readonly name: string;
  readonly labels: Labels;
  readonly ranges: FamilyRanges;
  readonly prefixes: readonly Prefix[];
  readonly mappings: readonly NetworkMapping[];
}

/** A network of a site that stands in the overlay under another prefix, host by host. */
export interface NetworkMapping {
  readonly local: string;
  readonly overlay: string;
}

export interface TopologyNetwork {
  readonly siteId: string;
  readonly name: string;
  readonly labels: Labels;
  readonly ranges: FamilyRanges;
}

export interface ServedSite extends TopologySite {
  /** The preferred one, by which the site is told from others. */
  readonly edge: TopologyEdge;
  /** All of them, preferred first. */
  readonly edges: SiteEdges;
}

/** Checks sites, networks and edges. What is broken is reported and left out of the result. */
export function checkTopology(intent: FabricIntent, problems: CompileProblem[]): Topology {
  const placed = placeNetworks(intent, problems);
  const edges = checkEdges(intent, new Set(intent.sites.map((site) => site.id)), placed, problems);
  const byOwner = networksByOwner(placed);
  const sites = new Map(intent.sites.map((site) => [site.id, topologySite(site, byOwner.get(site.id) ?? [])]));
  const owners = orderedOwners(intent, sites, edges, byOwner);
  const ownership = owners.map(({ ranges }) => ranges);
  const siteBits = emptyBits(owners.length);
  for (const [number, { kind }] of owners.entries()) if (kind !== 'external') setBit(siteBits, number);
  return {
    owners,
    ownership,
    numbers: new Map(owners.map(({ siteId }, number) => [siteId, number])),
    everySite: wholeOwners(siteBits, ownership),
    owned: { 4: ownedRanges(owners, 4), 6: ownedRanges(owners, 6) },
    served: owners.flatMap((owner) => (owner.kind === 'edge' ? [owner] : [])),
    sites,
    networks: new Map(
      placed.map(({ network: { id, siteId, name, labels }, prefix }) => [
        id,
        { siteId, name, labels: labels ?? {}, ranges: rangesOfPrefix(prefix) },
      ]),
    ),
  };
}

/** Networks, pools and the prefixes of external peers, each with its prefix in the overlay. */
function placeNetworks(intent: FabricIntent, problems: CompileProblem[]): PlacedNetwork[] {
  const pools = intent.addressPools ?? [];
  const peers = intent.externalPeers ?? [];
  reportDuplicateIds('/sites', intent.sites, problems);
  reportDuplicateIds('/networks', intent.networks, problems);
  reportDuplicateIds('/edges', intent.edges, problems);
  reportDuplicateIds('/addressPools', pools, problems);
  reportDuplicateIds('/externalPeers', peers, problems);
  const wanted = [
    ...intent.networks.map((network, index) => ({ network, pointer: `/networks/${index}` })),
    ...pools.map((network, index) => ({ network, pointer: `/addressPools/${index}` })),
    ...peers.flatMap(({ id, name, prefixes }, peer) =>
      prefixes.map((prefix, index) => ({
        network: { id: `${id}/${index}`, siteId: id, name, prefix },
        pointer: `/externalPeers/${peer}/prefixes/${index}`,
      })),
    ),
  ];
  const ownerIds = new Set([...intent.sites, ...peers].map(({ id }) => id));
  const placed = wanted.flatMap(({ network, pointer }, index) => {
    const checked = checkNetwork(network, { pointer, index }, ownerIds, problems);
    return checked === undefined ? [] : [checked];
  });
  reportOverlaps(placed, problems);
  reportAmbiguousMappings(placed, problems);
  return placed;
}

function networksByOwner(placed: readonly PlacedNetwork[]): ReadonlyMap<string, readonly PlacedNetwork[]> {
  const byOwner = new Map<string, PlacedNetwork[]>();
  for (const one of placed) {
    const known = byOwner.get(one.network.siteId);
    if (known === undefined) byOwner.set(one.network.siteId, [one]);
    else known.push(one);
  }
  return byOwner;
}

function topologySite({ id, name, labels }: IntentSite, placed: readonly PlacedNetwork[]): TopologySite {
  const prefixes = placed.map(({ prefix }) => prefix).sort(byAddress);
  return {
    siteId: id,
    name,
    labels: labels ?? {},
    ranges: familyUnion(prefixes.map(rangesOfPrefix)),
    prefixes,
    mappings: placed
      .flatMap(({ mapped, prefix }) =>
        mapped === undefined ? [] : [{ local: mapped.prefix.text, overlay: prefix.text }],
      )
      .sort((left, right) => compareText(left.overlay, right.overlay)),
  };
}

function orderedOwners(
  intent: FabricIntent,
  sites: ReadonlyMap<string, TopologySite>,
  edges: ReadonlyMap<string, SiteEdges>,
  placed: ReadonlyMap<string, readonly PlacedNetwork[]>,
): readonly Owner[] {
  const served: Extract<Owner, { kind: 'edge' }>[] = [];
  const unserved: Owner[] = [];
  for (const site of sites.values()) {
    const ofSite = edges.get(site.siteId);
    if (ofSite === undefined) unserved.push({ kind: 'unserved', ...site });
    else served.push({ kind: 'edge', ...site, edge: ofSite[0], edges: ofSite });
  }
  const external = (intent.externalPeers ?? []).map(
    (peer): Owner => ({ kind: 'external', peer, ...topologySite(peer, placed.get(peer.id) ?? []) }),
  );
  const bySiteId = (left: TopologySite, right: TopologySite) => compareText(left.siteId, right.siteId);
  served.sort((left, right) => compareText(left.edge.edgeId, right.edge.edgeId));
  return [...served, ...external.sort(bySiteId), ...unserved.sort(bySiteId)];
}

function ownedRanges(owners: readonly Owner[], family: Family): readonly OwnedRange[] {
  return owners
    .flatMap(({ kind, ranges }, owner) =>
      kind === 'external' ? [] : ranges[family].map((range) => ({ range, owner })),
    )
    .sort((left, right) => (left.range.first < right.range.first ? -1 : 1));
}
