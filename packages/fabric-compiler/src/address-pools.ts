import type { FamilyRanges } from './address/family.js';
import { type Prefix, parsePrefixText, rangesOfPrefix } from './address/prefix.js';
import { formatAddressText, parseAddressText } from './address/text.js';
import type { BundleRemoteAccess } from './bundle.js';
import { isDomainName } from './domain-name.js';
import type { FabricIntent, IntentAddressPool, IntentRemoteHost } from './intent.js';
import { checkNetwork, type PlacedNetwork } from './networks.js';
import type { CompileProblem, ProblemRule } from './problem.js';

/** What an edge tells a host. */
export const MAX_NAME_SERVERS = 8;
export const MAX_DOMAINS = 16;

/** An address pool whose prefix is one, and what of it is somebody's. */
export interface TopologyPool {
  readonly siteId: string;
  readonly name: string;
  readonly prefix: Prefix;
  readonly assigned: readonly PlacedAddress[];
}

/** An address of a remote host: a prefix that holds it alone. */
export interface PlacedAddress {
  readonly externalPeerId: string;
  readonly prefix: Prefix;
  readonly ranges: FamilyRanges;
}

/** Reads the prefixes of pools, which are nobody's and routed into the fabric all the same. `firstIndex` goes on counting networks. */
export function placePools(
  { sites, addressPools = [] }: FabricIntent,
  firstIndex: number,
  problems: CompileProblem[],
): readonly PlacedNetwork[] {
  const siteIds = new Set(sites.map(({ id }) => id));
  return addressPools.flatMap((pool, index) => {
    const pointer = `/addressPools/${index}`;
    checkNameServers(pool, pointer, problems);
    const place = { pointer, index: firstIndex + index, noun: 'address pool' } as const;
    return checkNetwork(pool, place, siteIds, problems) ?? [];
  });
}

/** The pools, by id, with the addresses that remote hosts have of them; what is wrong with these is reported and left out. */
export function assignedAddresses(
  { externalPeers = [], addressPools = [] }: FabricIntent,
  placed: readonly PlacedNetwork[],
  problems: CompileProblem[],
): ReadonlyMap<string, TopologyPool> {
  const byId = new Map(placed.map(({ network, prefix }) => [network.id, { ...network, prefix }]));
  const known = new Set(addressPools.map(({ id }) => id));
  const holders = new Map<string, string>();
  const assigned = new Map<string, PlacedAddress[]>();
  for (const [index, peer] of externalPeers.entries()) {
    if (peer.kind !== 'remote_host') continue;
    const report: Report = (field, rule, detail, fix) =>
      problems.push({ pointer: `/externalPeers/${index}/${field}`, rule, detail, fix });
    reportAssignedCount(peer, report);
    for (const [place, { addressPoolId, address }] of peer.assigned.entries()) {
      const pool = byId.get(addressPoolId);
      if (pool === undefined) {
        // A pool whose prefix is none is reported where it stands.
        if (!known.has(addressPoolId)) reportUnknownPool(peer, place, report);
        continue;
      }
      const prefix = addressIn(pool, address, { peer, place, report, holders });
      if (prefix === undefined) continue;
      holders.set(prefix.text, peer.name);
      const ofPool = assigned.get(addressPoolId) ?? [];
      assigned.set(addressPoolId, ofPool);
      ofPool.push({ externalPeerId: peer.id, prefix, ranges: rangesOfPrefix(prefix) });
    }
  }
  return new Map(
    [...byId].map(([id, { siteId, name, prefix }]) => [id, { siteId, name, prefix, assigned: assigned.get(id) ?? [] }]),
  );
}

/** What the edge assigns to a host, whose pools say which name servers: those of all of them, each once. */
export function remoteAccessOf(
  { assigned }: IntentRemoteHost,
  { addressPools = [] }: Pick<FabricIntent, 'addressPools'>,
): BundleRemoteAccess {
  const ordered = [...assigned].sort((left, right) => ipv4First(left.address, right.address));
  const pools = ordered.flatMap(({ addressPoolId }) => addressPools.filter(({ id }) => id === addressPoolId));
  const unique = (texts: readonly string[]) => [...new Set(texts)].sort();
  return {
    addresses: ordered.map(({ address }) => canonical(address)),
    nameServers: [...new Set(pools.flatMap(({ nameServers = [] }) => nameServers.map(canonical)))],
    // A pool that names no domain means all of them.
    domains: pools.some(({ nameServers = [], domains = [] }) => nameServers.length > 0 && domains.length === 0)
      ? []
      : unique(pools.flatMap(({ domains = [] }) => domains.map((domain) => domain.toLowerCase()))),
  };
}

type Report = (field: string, rule: ProblemRule, detail: string, fix: string) => void;

interface AssignedPlace {
  readonly peer: IntentRemoteHost;
  readonly place: number;
  readonly report: Report;
  /** Names of those who have an address, by its prefix. */
  readonly holders: ReadonlyMap<string, string>;
}

function addressIn(
  pool: Pick<IntentAddressPool, 'name' | 'siteId'> & { readonly prefix: Prefix },
  text: string,
  { peer, place, report, holders }: AssignedPlace,
): Prefix | undefined {
  const field = `assigned/${place}/address`;
  const prefix = hostPrefixOf(text);
  if (prefix === undefined) {
    report(
      field,
      'invalid_address',
      `"${text.slice(0, 64)}", which the remote host "${peer.name}" is assigned, is not an IP address.`,
      `Write an address of the pool "${pool.name}" (${pool.prefix.text}).`,
    );
    return undefined;
  }
  const { first } = prefix.range;
  const { family, range } = pool.prefix;
  if (prefix.family !== family || first < range.first || first > range.last) {
    report(
      field,
      'address_outside_pool',
      `The remote host "${peer.name}" is assigned ${text}, which is no address of the pool "${pool.name}" (${pool.prefix.text}).`,
      'Assign an address of the pool, or name the pool that the address is of.',
    );
    return undefined;
  }
  const holder = holders.get(prefix.text);
  if (holder !== undefined) {
    report(
      field,
      'address_assigned_twice',
      `The remote host "${peer.name}" is assigned ${text}, which "${holder}" has.`,
      'Assign each host an address of its own.',
    );
    return undefined;
  }
  if (pool.siteId === peer.gatewaySiteIds[0]) return prefix;
  report(
    `assigned/${place}/addressPoolId`,
    'pool_of_another_site',
    `The remote host "${peer.name}" is assigned an address of the pool "${pool.name}", whose site is not the one that has the tunnel with it.`,
    'Assign an address of a pool of that site.',
  );
  return undefined;
}

function reportAssignedCount({ name, assigned }: IntentRemoteHost, report: Report): void {
  if (assigned.length === 0) {
    report(
      'assigned',
      'empty_list',
      `The remote host "${name}" is assigned no address.`,
      'Assign it an address of an address pool.',
    );
  }
  const families = assigned.flatMap(({ address }) => parseAddressText(address)?.family ?? []);
  const second = families.findIndex((family, index) => families.indexOf(family) < index);
  if (second < 0) return;
  report(
    `assigned/${second}/address`,
    'several_addresses_of_version',
    `The remote host "${name}" is assigned several IPv${families[second]} addresses.`,
    'Assign one address of each IP version.',
  );
}

function reportUnknownPool({ name, assigned }: IntentRemoteHost, place: number, report: Report): void {
  report(
    `assigned/${place}/addressPoolId`,
    'unknown_address_pool',
    `The address pool ${assigned[place]?.addressPoolId}, which the remote host "${name}" is assigned an address of, does not exist.`,
    'Name an existing address pool.',
  );
}

function checkNameServers(
  { name, nameServers = [], domains = [] }: IntentAddressPool,
  pointer: string,
  problems: CompileProblem[],
): void {
  for (const [index, text] of nameServers.entries()) {
    if (parseAddressText(text) !== undefined) continue;
    problems.push({
      pointer: `${pointer}/nameServers/${index}`,
      rule: 'invalid_address',
      detail: `"${text.slice(0, 64)}", a name server of the address pool "${name}", is not an IP address.`,
      fix: 'Write the IPv4 or IPv6 address of a name server that hosts can reach.',
    });
  }
  for (const [index, text] of domains.entries()) {
    if (isDomainName(text)) continue;
    problems.push({
      pointer: `${pointer}/domains/${index}`,
      rule: 'invalid_domain',
      detail: `"${text.slice(0, 64)}", a domain of the address pool "${name}", is not a domain name.`,
      fix: 'Write a domain name without a dot at its end, for example corp.example.',
    });
  }
  if (domains.length > 0 && nameServers.length === 0) {
    problems.push({
      pointer: `${pointer}/domains`,
      rule: 'domains_without_name_servers',
      detail: `The address pool "${name}" names domains, and no name server to ask about them (RFC 8598 section 3.1).`,
      fix: 'Add a name server, or remove the domains.',
    });
  }
  for (const [field, list, most] of [
    ['nameServers', nameServers, MAX_NAME_SERVERS],
    ['domains', domains, MAX_DOMAINS],
  ] as const) {
    if (list.length <= most) continue;
    problems.push({
      pointer: `${pointer}/${field}`,
      rule: 'too_many_entries',
      detail: `The address pool "${name}" has ${list.length} ${field === 'domains' ? 'domains' : 'name servers'}; a host is told ${most}.`,
      fix: 'Remove some.',
    });
  }
}

/** The prefix that holds one address. */
function hostPrefixOf(text: string): Prefix | undefined {
  const address = parseAddressText(text);
  if (address === undefined) return undefined;
  const parsed = parsePrefixText(`${formatAddressText(address)}/${address.family === 4 ? 32 : 128}`);
  return parsed.ok ? parsed.prefix : undefined;
}

function canonical(text: string): string {
  const address = parseAddressText(text);
  return address === undefined ? text : formatAddressText(address);
}

function ipv4First(left: string, right: string): number {
  return Number(left.includes(':')) - Number(right.includes(':'));
}
