import type { Family, FamilyRanges } from './address/family.js';
import { FAMILIES, familyUnion } from './address/family.js';
import { type Prefix, parsePrefixText, rangesOfPrefix } from './address/prefix.js';
import { rangesOverlap } from './address/range-set.js';
import { unusableBlock } from './address/special.js';
import { formatAddressText, parseAddressText } from './address/text.js';
import type { BundleEndpoint } from './bundle.js';
import type { FabricIntent, IntentEdge, IntentNetwork } from './intent.js';
import type { CompileProblem } from './problem.js';

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

export interface TopologyEdge {
  readonly edgeId: string;
  readonly name: string;
  readonly underlay: BundleEndpoint;
  readonly underlayFamily: Family;
  /** Where the edge stands in the intent, for problems. */
  readonly pointer: string;
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

/** Reports every identifier that stands twice in one collection. */
export function reportDuplicateIds(
  pointer: string,
  items: readonly { readonly id: string }[],
  problems: CompileProblem[],
): void {
  const seen = new Map<string, number>();
  for (const [index, item] of items.entries()) {
    const before = seen.get(item.id);
    if (before === undefined) {
      seen.set(item.id, index);
      continue;
    }
    problems.push({
      pointer: `${pointer}/${index}/id`,
      rule: 'duplicate_id',
      detail: `The identifier ${item.id} already stands at ${pointer}/${before}.`,
      fix: 'Give each object an identifier of its own.',
    });
  }
}

/** Total order of prefixes: IPv4 before IPv6, then by address, then the wider first. */
export function byAddress(left: Prefix, right: Prefix): number {
  if (left.family !== right.family) return left.family - right.family;
  if (left.range.first !== right.range.first) return left.range.first < right.range.first ? -1 : 1;
  return left.length - right.length;
}

export function compareText(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

interface PlacedNetwork {
  readonly network: IntentNetwork;
  readonly pointer: string;
  readonly index: number;
  readonly prefix: Prefix;
}

function checkNetwork(
  network: IntentNetwork,
  pointer: string,
  siteIds: ReadonlySet<string>,
  problems: CompileProblem[],
): PlacedNetwork | undefined {
  if (!siteIds.has(network.siteId)) {
    problems.push({
      pointer: `${pointer}/siteId`,
      rule: 'unknown_site',
      detail: `The network "${network.name}" names the site ${network.siteId}, which does not exist.`,
      fix: 'Name an existing site, or delete the network.',
    });
  }
  const prefix = checkPrefix(network.prefix, `${pointer}/prefix`, problems);
  if (prefix === undefined) return undefined;
  const block = unusableBlock(prefix.family, prefix.range);
  if (block !== undefined) {
    problems.push({
      pointer: `${pointer}/prefix`,
      rule: 'unusable_prefix',
      detail: `The network "${network.name}" (${prefix.text}) touches ${block}, which cannot be routed into the fabric.`,
      fix: 'Use a unicast prefix that is really behind the site.',
    });
    return undefined;
  }
  return { network, pointer, index: Number(pointer.split('/').at(-1)), prefix };
}

/** Reads a prefix of the intent; reports and returns undefined when it is not one. */
export function checkPrefix(text: string, pointer: string, problems: CompileProblem[]): Prefix | undefined {
  const parsed = parsePrefixText(text);
  if (parsed.ok) return parsed.prefix;
  if (parsed.error === 'host_bits') {
    problems.push({
      pointer,
      rule: 'host_bits',
      detail: `${text} has bits set after its prefix length.`,
      fix: `Write ${parsed.meant} if the whole prefix is meant, or a longer prefix length.`,
    });
  } else {
    problems.push({
      pointer,
      rule: 'invalid_prefix',
      detail: `"${text.slice(0, 64)}" is not an address prefix.`,
      fix: 'Write an IPv4 or IPv6 prefix, for example 10.1.0.0/16 or 2001:db8:1::/48.',
    });
  }
  return undefined;
}

function reportOverlaps(networks: readonly PlacedNetwork[], problems: CompileProblem[]): void {
  for (const family of FAMILIES) {
    const sorted = networks
      .filter(({ prefix }) => prefix.family === family)
      .sort((left, right) => byAddress(left.prefix, right.prefix) || left.index - right.index);
    let widest: PlacedNetwork | undefined;
    for (const current of sorted) {
      if (widest !== undefined && rangesOverlap(widest.prefix.range, current.prefix.range)) {
        const [earlier, later] = widest.index < current.index ? [widest, current] : [current, widest];
        problems.push({
          pointer: `${later.pointer}/prefix`,
          rule: 'overlapping_networks',
          detail: `The network "${later.network.name}" (${later.prefix.text}) overlaps "${earlier.network.name}" (${earlier.prefix.text}).`,
          fix: 'Change or delete one of the two: an address may belong to one network only.',
        });
      }
      if (widest === undefined || current.prefix.range.last > widest.prefix.range.last) widest = current;
    }
  }
}

function checkEdges(
  intent: FabricIntent,
  siteIds: ReadonlySet<string>,
  networks: readonly PlacedNetwork[],
  problems: CompileProblem[],
): Map<string, TopologyEdge> {
  const bySite = new Map<string, TopologyEdge>();
  const byEndpoint = new Map<string, IntentEdge>();
  for (const [index, edge] of intent.edges.entries()) {
    const pointer = `/edges/${index}`;
    if (!siteIds.has(edge.siteId)) {
      problems.push({
        pointer: `${pointer}/siteId`,
        rule: 'unknown_site',
        detail: `The edge "${edge.name}" names the site ${edge.siteId}, which does not exist.`,
        fix: 'Name an existing site, or delete the edge.',
      });
    }
    const checked = checkEdge(edge, pointer, networks, problems);
    if (checked === undefined) continue;
    const endpoint = `${checked.underlay.address} port ${checked.underlay.port}`;
    const sameEndpoint = byEndpoint.get(endpoint);
    if (sameEndpoint !== undefined) {
      problems.push({
        pointer: `${pointer}/underlayAddress`,
        rule: 'duplicate_endpoint',
        detail: `The edges "${edge.name}" and "${sameEndpoint.name}" both receive on ${endpoint}.`,
        fix: 'Give each edge an underlay address or port of its own.',
      });
    }
    byEndpoint.set(endpoint, edge);
    const sameSite = bySite.get(edge.siteId);
    if (sameSite !== undefined) {
      problems.push({
        pointer: `${pointer}/siteId`,
        rule: 'one_edge_per_site',
        detail: `The site of the edge "${edge.name}" is already served by the edge "${sameSite.name}".`,
        fix: 'Delete one of the two edges, or move it to another site.',
      });
      continue;
    }
    bySite.set(edge.siteId, checked);
  }
  return bySite;
}

function checkEdge(
  edge: IntentEdge,
  pointer: string,
  networks: readonly PlacedNetwork[],
  problems: CompileProblem[],
): TopologyEdge | undefined {
  if (!Number.isInteger(edge.underlayPort) || edge.underlayPort < 1 || edge.underlayPort > MAX_PORT) {
    problems.push({
      pointer: `${pointer}/underlayPort`,
      rule: 'invalid_port',
      detail: `The edge "${edge.name}" has the UDP port ${edge.underlayPort}.`,
      fix: `Use a whole number from 1 to ${MAX_PORT}; 4500 is usual.`,
    });
    return undefined;
  }
  const address = parseAddressText(edge.underlayAddress);
  if (address === undefined) {
    problems.push({
      pointer: `${pointer}/underlayAddress`,
      rule: 'invalid_address',
      detail: `"${edge.underlayAddress.slice(0, 64)}", the underlay address of the edge "${edge.name}", is not an IP address.`,
      fix: 'Write the IPv4 or IPv6 address that other edges reach, for example 203.0.113.7.',
    });
    return undefined;
  }
  const range = { first: address.value, last: address.value };
  const text = formatAddressText(address);
  const block = unusableBlock(address.family, range);
  if (block !== undefined) {
    problems.push({
      pointer: `${pointer}/underlayAddress`,
      rule: 'unusable_address',
      detail: `The underlay address ${text} of the edge "${edge.name}" is in ${block}.`,
      fix: 'Write the unicast address that other edges reach.',
    });
    return undefined;
  }
  const around = networks.find(({ prefix }) => prefix.family === address.family && rangesOverlap(prefix.range, range));
  if (around !== undefined) {
    problems.push({
      pointer: `${pointer}/underlayAddress`,
      rule: 'underlay_inside_overlay',
      detail: `The underlay address ${text} of the edge "${edge.name}" lies inside the network "${around.network.name}" (${around.prefix.text}); packets to it would be routed into the tunnel that they carry.`,
      fix: 'Use an underlay address outside every network of the fabric, or a narrower network.',
    });
    return undefined;
  }
  return {
    edgeId: edge.id,
    name: edge.name,
    underlay: { address: text, port: edge.underlayPort },
    underlayFamily: address.family,
    pointer,
  };
}

const MAX_PORT = 65535;
