import { rangesOfList } from '../address/address-list.js';
import { FAMILIES, type Family, type FamilyRanges, familyUnion } from '../address/family.js';
import { differenceOf, type NumericRange, type RangeSet, unionOf } from '../address/range-set.js';
import type { BundleAddressList, BundleTunnel, EdgeBundle } from '../bundle.js';
import type { FabricIntent } from '../intent.js';
import { sameValue } from '../same-value.js';
import { carriersOf, type DeliveredCarrier } from './delivered-carriers.js';
import type { Finding } from './finding.js';

/**
 * Proves of the bundles that edges are given that a site with several edges is safe through any of them, whatever is alive and
 * whichever way the two directions of a flow take: all edges of a site decide every packet alike, and have the same peers carry the
 * same addresses; whoever carries the addresses of such a site has a tunnel with each of its edges, in their order and with one profile;
 * and the edge at the other end of each takes out of it what goes in. Then no failure makes a packet travel in the clear that does not
 * do so now, for what changes is only which of the tunnels carries it. The bundles are read as they are, and not how they were made.
 *
 * @param affected only what these edges have a part in, of whose sites all are there, as are those that `alternativePeers` names
 */
export function proveAlternatives(
  bundles: ReadonlyMap<string, EdgeBundle>,
  { edges }: FabricIntent,
  affected?: ReadonlySet<string>,
): readonly Finding[] {
  const sites = edgesBySite(edges);
  if ([...sites.values()].every(({ length }) => length < 2)) return [];
  const siteOf = new Map(edges.map(({ id, siteId }) => [id, siteId]));
  const isSeveral = (edgeId: string) => (sites.get(siteOf.get(edgeId) ?? '')?.length ?? 0) > 1;
  const isAffected = (edgeId: string) => affected?.has(edgeId) ?? true;
  const carriers = new Map([...bundles].map(([edgeId, bundle]) => [edgeId, carriersOf(bundle)]));
  const findings: Finding[] = [];
  for (const members of sites.values()) findings.push(...unequalEdges(members, bundles, carriers));
  for (const [edgeId, bundle] of bundles) {
    for (const carrier of carriers.get(edgeId) ?? []) {
      // A gateway that is not ours is no site with several edges: there is one tunnel with it.
      if (carrier.tunnels.some(({ external }) => external !== undefined)) continue;
      findings.push(
        ...(isAffected(edgeId) ? wrongMembers(bundle, carrier, sites, siteOf) : []),
        ...carrier.tunnels
          .filter(({ peerEdgeId }) => isSeveral(edgeId) || isSeveral(peerEdgeId))
          .filter(({ peerEdgeId }) => isAffected(edgeId) || isAffected(peerEdgeId))
          .flatMap((tunnel) => unmirrored(bundle, carrier, tunnel, bundles, carriers)),
      );
      if (findings.length >= MAX_FINDINGS) return findings.slice(0, MAX_FINDINGS);
    }
  }
  return findings;
}

/** Edges at the other end of tunnels of these, where the site at one end or the other has several edges. */
export function alternativePeers(bundles: Iterable<EdgeBundle>, { edges }: FabricIntent): ReadonlySet<string> {
  const sites = edgesBySite(edges);
  const several = new Set([...sites.values()].flatMap((members) => (members.length > 1 ? members : [])));
  const peers = new Set<string>();
  if (several.size === 0) return peers;
  for (const { edgeId, tunnels } of bundles) {
    for (const { peerEdgeId, external } of tunnels) {
      if (external === undefined && (several.has(edgeId) || several.has(peerEdgeId))) peers.add(peerEdgeId);
    }
  }
  return peers;
}

/** Preferred first. */
function edgesBySite(edges: FabricIntent['edges']): ReadonlyMap<string, readonly string[]> {
  const sites = new Map<string, string[]>();
  for (const { id, siteId } of [...edges].sort((one, other) => (one.preference ?? 1) - (other.preference ?? 1))) {
    sites.set(siteId, [...(sites.get(siteId) ?? []), id]);
  }
  return sites;
}

/** Entry by entry, in their order, and carrier by carrier: tunnels have other names at each edge. */
function unequalEdges(
  members: readonly string[],
  bundles: ReadonlyMap<string, EdgeBundle>,
  carriers: ReadonlyMap<string, readonly DeliveredCarrier[]>,
): readonly Finding[] {
  const [first, ...others] = members.flatMap((edgeId) => bundles.get(edgeId) ?? []);
  if (first === undefined) return [];
  const carriedAt = ({ edgeId }: EdgeBundle) => carriedBy(carriers.get(edgeId) ?? []);
  return others.flatMap((other) => {
    const length = Math.max(first.securityPolicies.length, other.securityPolicies.length);
    for (let index = 0; index < length; index += 1) {
      const [one, two] = [first.securityPolicies[index], other.securityPolicies[index]];
      if (one !== undefined && two !== undefined && sameValue(one, two)) continue;
      return [unequal([other, first], (one ?? two)?.ruleId, 'decide some packets otherwise')];
    }
    if (!sameValue(carriedAt(first), carriedAt(other))) {
      return [unequal([other, first], undefined, 'have other peers carry some packets')];
    }
    const alike = sameValue(addressesOf(first), addressesOf(other));
    return alike ? [] : [unequal([other, first], undefined, 'have other routes or networks')];
  });
}

function carriedBy(carriers: readonly DeliveredCarrier[]): Readonly<Record<string, readonly BundleAddressList[]>> {
  return Object.fromEntries(
    carriers.map(({ tunnels, carries }) => [tunnels.map(({ peerEdgeId }) => peerEdgeId).join(), carries]),
  );
}

function addressesOf({ routes, localNetworks, networkMappings }: EdgeBundle) {
  return { routes, localNetworks, networkMappings };
}

/** The tunnels go to all edges of one site, the preferred one first, and protect alike. */
function wrongMembers(
  bundle: EdgeBundle,
  { tunnels }: DeliveredCarrier,
  sites: ReadonlyMap<string, readonly string[]>,
  siteOf: ReadonlyMap<string, string>,
): readonly Finding[] {
  const peers = tunnels.map(({ peerEdgeId }) => peerEdgeId);
  const wanted = sites.get(siteOf.get(peers[0] ?? '') ?? '') ?? [];
  if (wanted.length === 0 || !sameValue(peers, wanted)) {
    return [unequal([bundle], undefined, 'do not have tunnels with each edge of the other site, in their order')];
  }
  const [first, ...others] = tunnels;
  const alike = others.every(
    ({ profile, keying }) => sameValue(profile, first?.profile) && sameValue(keying, first?.keying),
  );
  return alike ? [] : [unequal([bundle], undefined, 'protect with another profile in some of their tunnels')];
}

/**
 * The edge at the other end has the tunnel, too, and takes out of it whatever this one sends in there: the entry that would send the
 * answer has to be for this tunnel (RFC 4301 section 5.2), and so the sources have to be carried by it.
 */
function unmirrored(
  bundle: EdgeBundle,
  carrier: DeliveredCarrier,
  { tunnelId, peerEdgeId }: BundleTunnel,
  bundles: ReadonlyMap<string, EdgeBundle>,
  carriers: ReadonlyMap<string, readonly DeliveredCarrier[]>,
): readonly Finding[] {
  const peer = bundles.get(peerEdgeId);
  const mirror = carriers.get(peerEdgeId)?.find(({ tunnels }) => tunnels.some((one) => one.tunnelId === tunnelId));
  const what = 'would not take out of a tunnel what goes into it';
  if (peer === undefined || mirror === undefined) {
    return [unequal(peer === undefined ? [bundle] : [peer, bundle], undefined, what)];
  }
  const [carried, taken] = [carriedAddresses(carrier), carriedAddresses(mirror)];
  const refused = sendersOf(bundle).some(({ family, sources, remotes }) => {
    if (!carried[family].some((range) => meets(remotes, range))) return false;
    // A relay may have an entry for a set of sites among themselves: what comes out of this tunnel does not go back into it.
    const others = differenceOf(sources, carried[family]);
    return differenceOf(others, taken[family]).length > 0;
  });
  return refused ? [unequal([peer, bundle], undefined, what)] : [];
}

/** Sources of protected packets, and everybody whom some of them are for. */
interface Sender {
  readonly family: Family;
  readonly sources: RangeSet;
  readonly remotes: RangeSet;
}

/** Mostly few: all that is behind an edge, in each family, and parts of that. */
function sendersOf({ securityPolicies }: EdgeBundle): readonly Sender[] {
  const known = ofPolicies.get(securityPolicies);
  if (known !== undefined) return known;
  const remotes = new Map<BundleAddressList, Set<BundleAddressList>>();
  for (const { action, selector } of securityPolicies) {
    if (action !== 'PROTECT') continue;
    const lists = remotes.get(selector.localAddresses) ?? new Set();
    remotes.set(selector.localAddresses, lists.add(selector.remoteAddresses));
  }
  const senders = [...remotes].flatMap(([local, lists]) =>
    FAMILIES.map((family) => ({
      family,
      sources: knownRanges(local)[family],
      remotes: unionOf([...lists].flatMap((list) => knownRanges(list)[family])),
    })).filter(({ sources, remotes: all }) => sources.length > 0 && all.length > 0),
  );
  ofPolicies.set(securityPolicies, senders);
  return senders;
}

/** Whether an address of the range is in the set. */
function meets(set: RangeSet, { first, last }: NumericRange): boolean {
  let low = 0;
  let high = set.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const range = set[middle];
    if (range !== undefined && range.last < first) low = middle + 1;
    else high = middle;
  }
  const found = set[low];
  return found !== undefined && found.first <= last;
}

function carriedAddresses({ carries }: DeliveredCarrier): FamilyRanges {
  return familyUnion(carries.map(knownRanges));
}

/** Lists never change, and many bundles share them. */
function knownRanges(list: BundleAddressList): FamilyRanges {
  const known = ofLists.get(list) ?? rangesOfList(list);
  ofLists.set(list, known);
  return known;
}

function unequal(edges: readonly EdgeBundle[], ruleId: string | undefined, what: string): Finding {
  const edgeIds = edges.map(({ edgeId }) => edgeId);
  return {
    kind: 'unequal_alternatives',
    detail: `Edges of a site with several of them are not alike: ${edgeIds.join(' and ')} ${what}.`,
    fix: 'Compile the revision anew; the bundles were not made from it.',
    edgeIds,
    ruleId,
    counterexample: undefined,
  };
}

const ofLists = new WeakMap<BundleAddressList, FamilyRanges>();
const ofPolicies = new WeakMap<EdgeBundle['securityPolicies'], readonly Sender[]>();
const MAX_FINDINGS = 50;
