import { type Bitset, clearBit, commonBits, emptyBits, hasBit, membersOf, noBits, setBit } from '../bitset.js';
import type { IntentExternalPeer, IntentTopology } from '../intent.js';
import type { Topology } from '../topology.js';

/** Through whom each owner reaches each other one. */
export type Paths =
  /** Every edge has a tunnel with every other one. */
  | { readonly kind: 'direct'; readonly edgeCount: number }
  /** The neighbour that is next on the way, by `from * ownerCount + to`; -1 where there is no way. */
  | { readonly kind: 'routed'; readonly ownerCount: number; readonly next: Int32Array };

/** Next on the way from one owner to another; undefined where the topology has none. */
export function nextHop(paths: Paths, from: number, to: number): number | undefined {
  if (from === to) return undefined;
  if (paths.kind === 'direct') return from < paths.edgeCount && to < paths.edgeCount ? to : undefined;
  const next = paths.next[from * paths.ownerCount + to] ?? -1;
  return next < 0 ? undefined : next;
}

/** All owners on the way, both ends included; undefined where there is none. */
export function pathBetween(paths: Paths, from: number, to: number): readonly number[] | undefined {
  const way = [from];
  for (let at = from; at !== to; ) {
    const next = nextHop(paths, at, to);
    if (next === undefined || way.length > MAX_HOPS) return undefined;
    way.push(next);
    at = next;
  }
  return way;
}

/** Finds the shortest way between any two owners; among equally short ones always the same, and the same in both directions. */
export function findPaths(intended: IntentTopology | undefined, topology: Topology): Paths {
  const links = linksOf(intended ?? { kind: 'full_mesh' }, topology);
  const edgeCount = topology.served.length;
  if (links === undefined) return { kind: 'direct', edgeCount };
  const ownerCount = topology.owners.length;
  const next = new Int32Array(ownerCount * ownerCount).fill(-1);
  for (let to = 0; to < ownerCount; to += 1) if (!links.leaves.has(to)) findWaysTo(to, links, ownerCount, next);
  addLeaves(links.leaves, ownerCount, next);
  return { kind: 'routed', ownerCount, next };
}

/** The way to one who hangs on a gateway is the way to that, and a step; the way from him leads there first. */
function addLeaves(leaves: Links['leaves'], ownerCount: number, next: Int32Array): void {
  for (const [leaf, gateway] of leaves) {
    for (let from = 0; from < ownerCount; from += 1) {
      next[from * ownerCount + leaf] = from === gateway ? leaf : (next[from * ownerCount + gateway] ?? -1);
    }
  }
  for (const [leaf, gateway] of leaves) {
    for (let to = 0; to < ownerCount; to += 1) {
      const reached = to === gateway || (next[gateway * ownerCount + to] ?? -1) >= 0;
      next[leaf * ownerCount + to] = reached && to !== leaf ? gateway : -1;
    }
  }
}

interface Links {
  /** By owner: with whom it has tunnels. */
  readonly neighbours: readonly Bitset[];
  readonly relays: Bitset;
  /** Those with several gateways. Whoever has a tunnel with one of them passes on what comes from it or goes to it. */
  readonly external: Bitset;
  /** External peers with a single gateway, and that: nothing leads through them, and there may be many. */
  readonly leaves: ReadonlyMap<number, number>;
}

/** Undefined for a full mesh of edges alone. */
function linksOf(intended: IntentTopology, topology: Topology): Links | undefined {
  const { owners } = topology;
  const peers = [...owners.entries()].flatMap(([number, owner]) =>
    owner.kind === 'external' ? [[number, servedGateways(owner.peer, topology)] as const] : [],
  );
  if (intended.kind === 'full_mesh' && peers.length === 0) return undefined;
  const neighbours = owners.map(() => emptyBits(owners.length));
  const relays = emptyBits(owners.length);
  const link = (one: number | undefined, other: number | undefined) => {
    if (one === undefined || other === undefined || one === other) return;
    if (owners[one]?.kind === 'unserved' || owners[other]?.kind === 'unserved') return;
    setBit(neighbours[one] ?? relays, other);
    setBit(neighbours[other] ?? relays, one);
  };
  addIntendedLinks(intended, topology, link, relays);
  const external = emptyBits(owners.length);
  const leaves = new Map<number, number>();
  for (const [number, [gateway, ...others]] of peers) {
    if (gateway === undefined) continue;
    if (others.length === 0) leaves.set(number, gateway);
    else setBit(external, number);
    if (others.length > 0) for (const one of [gateway, ...others]) link(number, one);
  }
  return { neighbours, relays, external, leaves };
}

/** Numbers of the sites that have the tunnel with an external peer, those of them that have an edge. */
function servedGateways({ gatewaySiteIds }: IntentExternalPeer, { owners, numbers }: Topology): readonly number[] {
  return gatewaySiteIds.flatMap((siteId) => {
    const number = numbers.get(siteId);
    return number !== undefined && owners[number]?.kind === 'edge' ? [number] : [];
  });
}

function addIntendedLinks(
  intended: IntentTopology,
  { served, numbers }: Topology,
  link: (one: number | undefined, other: number | undefined) => void,
  relays: Bitset,
): void {
  const relayed = (siteIds: readonly string[]) => {
    for (const siteId of siteIds) {
      const number = numbers.get(siteId);
      if (number !== undefined) setBit(relays, number);
    }
  };
  const mesh = (members: readonly (number | undefined)[]) => {
    for (const [index, one] of members.entries()) for (const other of members.slice(index + 1)) link(one, other);
  };
  switch (intended.kind) {
    case 'full_mesh':
      mesh(served.map((_, edge) => edge));
      return;
    case 'hub_and_spoke': {
      const homes = new Map((intended.homes ?? []).map(({ siteId, hubSiteId }) => [siteId, hubSiteId]));
      relayed(intended.hubSiteIds);
      mesh(intended.hubSiteIds.map((siteId) => numbers.get(siteId)));
      for (const [edge, { siteId }] of served.entries()) {
        if (intended.hubSiteIds.includes(siteId)) continue;
        link(edge, numbers.get(homes.get(siteId) ?? intended.hubSiteIds[0] ?? ''));
      }
      return;
    }
    case 'partial_mesh':
      for (const siteIds of intended.meshes) mesh(siteIds.map((siteId) => numbers.get(siteId)));
      return;
    case 'custom_links':
      relayed(intended.relaySiteIds);
      for (const { siteIds } of intended.links) link(numbers.get(siteIds[0]), numbers.get(siteIds[1]));
  }
}

/**
 * Breadth first, from the destination outwards, through relays only. Of several relays at the same distance the one whose
 * way passes the lower set of relays is taken, sets compared as binary numbers: no two shortest ways pass the same set, so
 * the choice is the same whoever makes it, from either end, and every part of a chosen way is the chosen way of its ends.
 */
function findWaysTo(to: number, links: Links, ownerCount: number, next: Int32Array): void {
  const { neighbours } = links;
  const first = neighbours[to] ?? emptyBits(ownerCount);
  for (const from of membersOf(first)) next[from * ownerCount + to] = to;
  const open = emptyBits(ownerCount).fill(0xffffffff);
  clearBit(open, to);
  for (const from of membersOf(first)) clearBit(open, from);
  let ring = new Map([...membersOf(first)].map((from) => [from, 0n]));
  while (ring.size > 0) {
    const reached = new Map<number, bigint>();
    for (const [relay, passed] of ring) {
      const served = servedBy(relay, to, links);
      if (served === undefined) continue;
      const candidates = commonBits(neighbours[relay] ?? open, commonBits(open, served));
      const cost = passed | (1n << BigInt(relay));
      for (const from of membersOf(candidates)) {
        const best = reached.get(from);
        if (best !== undefined && best <= cost) continue;
        reached.set(from, cost);
        next[from * ownerCount + to] = relay;
      }
    }
    for (const from of reached.keys()) clearBit(open, from);
    ring = reached;
  }
}

/** For whom the neighbour passes on what goes to `to`: without being a relay, for the external peers that it has a tunnel with. */
function servedBy(neighbour: number, to: number, { neighbours, relays, external }: Links): Bitset | undefined {
  const everybody = () => emptyBits(32 * relays.length).fill(0xffffffff);
  if (hasBit(relays, neighbour)) return everybody();
  if (noBits(external)) return undefined;
  const own = commonBits(neighbours[neighbour] ?? external, external);
  return hasBit(own, to) ? everybody() : own;
}

/** More than any sensible topology has; a way that is longer is a loop. */
const MAX_HOPS = 64;
