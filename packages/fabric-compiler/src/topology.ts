import { type AddressSet, type Ownership, wholeOwners } from './address/address-set.js';
import { type Family, type FamilyRanges, familyUnion } from './address/family.js';
import { byAddress, type Prefix, rangesOfPrefix } from './address/prefix.js';
import type { NumericRange } from './address/range-set.js';
import { assignedAddresses, placePools, remoteAccessOf, type TopologyPool } from './address-pools.js';
import { emptyBits, setBit } from './bitset.js';
import type { BundleRemoteAccess } from './bundle.js';
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
  /** By id. */
  readonly networks: ReadonlyMap<string, TopologyNetwork>;
  /** By id. */
  readonly pools: ReadonlyMap<string, TopologyPool>;
}

export type Owner =
  | ({ readonly kind: 'edge' } & ServedSite)
  | ({
      readonly kind: 'external';
      readonly peer: IntentExternalPeer;
      /** Of a remote host. */
      readonly access?: BundleRemoteAccess;
    } & TopologySite)
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
  reportDuplicates(intent, problems);
  const placed = placeNetworks(intent, problems);
  const placedPools = placePools(intent, placed.length, problems);
  reportOverlaps([...placed, ...placedPools], problems);
  reportAmbiguousMappings([...placed, ...placedPools], problems);
  const siteIds = new Set(intent.sites.map((site) => site.id));
  const edges = checkEdges(intent, siteIds, [...placed, ...placedPools], problems);
  const pools = assignedAddresses(intent, placedPools, problems);
  const held = holdings(placed, pools);
  const sites = new Map(intent.sites.map((site) => [site.id, topologySite(site, held.get(site.id) ?? [])]));
  const owners = orderedOwners(intent, sites, edges, held);
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
    pools,
  };
}

/** What each edge routes into the fabric beside the prefixes of others: every pool whole, also addresses that nobody has. */
export function poolPrefixes({ pools }: Pick<Topology, 'pools'>): readonly Prefix[] {
  return [...pools.values()].map(({ prefix }) => prefix).sort(byAddress);
}

/** The prefixes of an owner that edges have a route for; of a remote host none, since that for its pool leads there. */
export function routedPrefixes(owner: Owner): readonly Prefix[] {
  return owner.kind === 'external' && owner.access !== undefined ? [] : owner.prefixes;
}

function reportDuplicates(intent: FabricIntent, problems: CompileProblem[]): void {
  reportDuplicateIds('/sites', intent.sites, problems);
  reportDuplicateIds('/networks', intent.networks, problems);
  reportDuplicateIds('/edges', intent.edges, problems);
  reportDuplicateIds('/addressPools', intent.addressPools ?? [], problems);
  reportDuplicateIds('/externalPeers', intent.externalPeers ?? [], problems);
}

/** Networks and what is behind gateways that are not ours, each with its prefix in the overlay. */
function placeNetworks(intent: FabricIntent, problems: CompileProblem[]): readonly PlacedNetwork[] {
  const peers = intent.externalPeers ?? [];
  const wanted = [
    ...intent.networks.map((network, index) => ({ network, pointer: `/networks/${index}` })),
    ...peers.flatMap((peer, number) =>
      (peer.kind === 'remote_host' ? [] : peer.prefixes).map((prefix, index) => ({
        network: { id: `${peer.id}/${index}`, siteId: peer.id, name: peer.name, prefix },
        pointer: `/externalPeers/${number}/prefixes/${index}`,
      })),
    ),
  ];
  const ownerIds = new Set([...intent.sites, ...peers].map(({ id }) => id));
  return wanted.flatMap(({ network, pointer }, index) => {
    const checked = checkNetwork(network, { pointer, index }, ownerIds, problems);
    return checked === undefined ? [] : [checked];
  });
}

/** What an owner has in the overlay: a network, or an address of a pool. */
type Holding = Pick<PlacedNetwork, 'prefix' | 'mapped'>;

/** By site id and by external peer id. */
function holdings(placed: readonly PlacedNetwork[], pools: Topology['pools']): ReadonlyMap<string, readonly Holding[]> {
  const byOwner = new Map<string, Holding[]>();
  const add = (ownerId: string, holding: Holding) => {
    const known = byOwner.get(ownerId);
    if (known === undefined) byOwner.set(ownerId, [holding]);
    else known.push(holding);
  };
  for (const one of placed) add(one.network.siteId, one);
  for (const { assigned } of pools.values()) for (const one of assigned) add(one.externalPeerId, one);
  return byOwner;
}

function topologySite({ id, name, labels }: IntentSite, placed: readonly Holding[]): TopologySite {
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
  held: ReadonlyMap<string, readonly Holding[]>,
): readonly Owner[] {
  const served: Extract<Owner, { kind: 'edge' }>[] = [];
  const unserved: Owner[] = [];
  for (const site of sites.values()) {
    const ofSite = edges.get(site.siteId);
    if (ofSite === undefined) unserved.push({ kind: 'unserved', ...site });
    else served.push({ kind: 'edge', ...site, edge: ofSite[0], edges: ofSite });
  }
  const external = (intent.externalPeers ?? []).map(
    (peer): Owner => ({
      kind: 'external',
      peer,
      ...(peer.kind === 'remote_host' ? { access: remoteAccessOf(peer, intent) } : {}),
      ...topologySite(peer, held.get(peer.id) ?? []),
    }),
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
