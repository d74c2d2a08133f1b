import type { ProblemEntry } from '../../platform/http/schemas.js';
import { MAX_ADDRESS_POOLS } from '../address-pools/address-pool.dto.js';
import { repeatedUplink } from '../edges/edges.errors.js';
import { KEPT_KEY, MAX_EXTERNAL_PEERS } from '../external-peers/external-peer.dto.js';
import { MAX_GROUPS } from '../groups/group.dto.js';
import { MAX_NAMED_SERVICES } from '../named-services/named-service.dto.js';
import { unfitMapping, unfitMappingOf } from '../networks/networks.errors.js';
import { MAX_POLICIES } from '../policies/policy.dto.js';
import { MAX_POLICY_TESTS } from '../policy-tests/policy-test.dto.js';
import { MAX_PROFILES } from '../profiles/profile.dto.js';
import { addressPoolProblems, unknownAddressPool } from './address-pool-problems.js';
import type { NamedGroupMember, NamedSelector } from './configuration.dto.js';
import { topologySites } from './configured-topology.js';
import type { CurrentConfiguration, Stored } from './current-configuration.js';
import { type Noun, nameOf, networkName, type PlannedConfiguration } from './import-plan.js';
import { preferenceProblems } from './preferences.js';

/** Why a document cannot be imported, each with a pointer into it; empty when it can. */
export function importProblems(
  current: CurrentConfiguration,
  document: PlannedConfiguration,
  prune: boolean,
): ProblemEntry[] {
  const after = afterwards(current, document, prune);
  const sites = new Set(after.sites.map(({ name }) => name));
  const networks = new Set(after.networks.map((network) => nameOf('network', network)));
  const peers = new Set(after.externalPeers.map(({ name }) => name));
  const groups = new Set(after.groups.map(({ name }) => name));
  const pools = new Set(after.addressPools.map(({ name }) => name));
  const there: Names = { sites, networks, pools, peers, groups };
  const services = new Set(after.services.map(({ name }) => name));
  const profiles = new Set(after.profiles.map(({ name }) => name));
  return [
    ...LISTS.flatMap(([list, noun]) => duplicates(list, noun, document[list] ?? [])),
    ...(['networks', 'edges', 'addressPools', 'externalPeers'] as const).flatMap((list) =>
      unknownSites(list, document[list] ?? [], sites),
    ),
    ...topologySites(document.fabric?.topology).flatMap(([pointer, site]) =>
      sites.has(site) ? [] : [unknownSite(`/fabric/topology${pointer}`, site)],
    ),
    ...unknownDefault(document, profiles),
    ...unfitMappings(document),
    ...movedEdges(current, document),
    ...repeatedUplinks(document),
    ...preferenceProblems(document, after.edges),
    ...keysOfNobody(current, document),
    ...(['groups', 'policies', 'policyTests'] as const).flatMap((list) =>
      selectorsIn(list, document[list] ?? []).flatMap((place) => unknownReference(place, there)),
    ),
    ...unknownServices(document.policies ?? [], services).map(({ problem }) => problem),
    ...unknownProfiles(document.policies ?? [], profiles).map(({ problem }) => problem),
    ...stillUsed(current, document, there, { services, profiles }),
    ...addressPoolProblems(current, document, after),
    ...tooMany(after.addressPools.length, MAX_ADDRESS_POOLS, '/addressPools', 'address pools'),
    ...tooMany(after.externalPeers.length, MAX_EXTERNAL_PEERS, '/externalPeers', 'external peers'),
    ...tooMany(after.groups.length, MAX_GROUPS, '/groups', 'groups'),
    ...tooMany(after.services.length, MAX_NAMED_SERVICES, '/services', 'named services'),
    ...tooMany(after.profiles.length, MAX_PROFILES, '/profiles', 'profiles'),
    ...tooMany(after.policies.length, MAX_POLICIES, '/policies', 'policies'),
    ...tooMany(after.policyTests.length, MAX_POLICY_TESTS, '/policyTests', 'policy tests'),
  ];
}

function unfitMappings({ networks = [] }: PlannedConfiguration): ProblemEntry[] {
  return networks.flatMap((network, index) => {
    const rule = unfitMappingOf(network);
    return rule === undefined ? [] : [unfitMapping(rule, network, `/networks/${index}/mappedPrefix`)];
  });
}

function repeatedUplinks({ edges = [] }: PlannedConfiguration): ProblemEntry[] {
  return edges.flatMap(({ underlayAddress, otherUnderlayAddresses }, index) => {
    const all = [underlayAddress, ...otherUnderlayAddresses];
    return new Set(all).size === all.length ? [] : [repeatedUplink(`/edges/${index}/otherUnderlayAddresses`)];
  });
}

const LISTS = [
  ['sites', 'site'],
  ['networks', 'network'],
  ['edges', 'edge'],
  ['addressPools', 'address_pool'],
  ['externalPeers', 'external_peer'],
  ['groups', 'group'],
  ['services', 'service'],
  ['profiles', 'profile'],
  ['policies', 'policy'],
  ['policyTests', 'policy_test'],
] as const;

type List = (typeof LISTS)[number][0];
type Named = { readonly name: string; readonly site?: string };

/** The lists as they would be. */
function afterwards(current: CurrentConfiguration, document: PlannedConfiguration, prune: boolean) {
  const merged = <Item extends Named>(
    noun: Noun,
    stored: readonly Stored<Item>[],
    wanted: readonly Item[] | undefined,
  ) => {
    const before = stored.map(({ item }) => item);
    if (wanted === undefined) return before;
    const named = new Set(wanted.map((item) => nameOf(noun, item)));
    return [...wanted, ...(prune ? [] : before.filter((item) => !named.has(nameOf(noun, item))))];
  };
  return {
    sites: merged('site', current.sites, document.sites),
    networks: merged('network', current.networks, document.networks),
    edges: merged('edge', current.edges, document.edges),
    addressPools: merged('address_pool', current.addressPools, document.addressPools),
    externalPeers: merged('external_peer', current.externalPeers, document.externalPeers),
    groups: merged('group', current.groups, document.groups),
    services: merged('service', current.services, document.services),
    profiles: merged('profile', current.profiles, document.profiles),
    policies: merged('policy', current.policies, document.policies),
    policyTests: merged('policy_test', current.policyTests, document.policyTests),
  };
}

function duplicates(list: List, noun: Noun, items: readonly Named[]): ProblemEntry[] {
  const first = new Map<string, number>();
  return items.flatMap((item, index) => {
    const before = first.get(nameOf(noun, item));
    if (before === undefined) first.set(nameOf(noun, item), index);
    if (before === undefined) return [];
    const detail = `The name "${item.name}" stands at /${list}/${before} already`;
    return [{ pointer: `/${list}/${index}/name`, rule: 'duplicate_name', detail, fix: 'Give each a name of its own.' }];
  });
}

function unknownSites(
  list: List,
  items: readonly { readonly site: string }[],
  sites: ReadonlySet<string>,
): ProblemEntry[] {
  return items.flatMap(({ site }, index) => (sites.has(site) ? [] : [unknownSite(`/${list}/${index}/site`, site)]));
}

function unknownSite(pointer: string, site: string): ProblemEntry {
  const fix = 'Name a site of the document, or of the tenant if it stays.';
  return { pointer, rule: 'unknown_site', detail: `There would be no site "${site}"`, fix };
}

function movedEdges(current: CurrentConfiguration, { edges = [] }: PlannedConfiguration): ProblemEntry[] {
  const sites = new Map(current.edges.map(({ item }) => [item.name, item.site]));
  return edges.flatMap(({ name, site }, index) => {
    const before = sites.get(name) ?? site;
    if (before === site) return [];
    const detail = `The edge "${name}" is at the site "${before}", and an edge does not move`;
    const fix = 'Give the edge at the other site another name, and enroll it there.';
    return [{ pointer: `/edges/${index}/site`, rule: 'edge_moves', detail, fix }];
  });
}

/** A key that is to be kept, of a peer that has none. */
function keysOfNobody(current: CurrentConfiguration, { externalPeers = [] }: PlannedConfiguration): ProblemEntry[] {
  const commitments = new Map(current.externalPeers.map(({ item, commitment }) => [item.name, commitment]));
  return externalPeers.flatMap(({ name, preSharedKey }, index) => {
    if (preSharedKey !== KEPT_KEY || (commitments.get(name) ?? null) !== null) return [];
    const detail = `There is no key of the external peer "${name}" yet that could be kept`;
    const fix = `Give its key in place of "${KEPT_KEY}" this once, or certificates.`;
    return [{ pointer: `/externalPeers/${index}/preSharedKey`, rule: 'required', detail, fix }];
  });
}

interface Place {
  readonly pointer: string;
  readonly selector: NamedSelector | NamedGroupMember;
  /** Of the policy, the test or the group. */
  readonly owner: string;
}

type Sides = { readonly sources: readonly NamedSelector[]; readonly destinations: readonly NamedSelector[] };

type Selecting = Sides | { readonly rules: readonly Sides[] } | { readonly members: readonly NamedGroupMember[] };

function selectorsIn(list: List, items: readonly (Named & Selecting)[]): Place[] {
  return items.flatMap((item, index) => {
    const pointer = `/${list}/${index}`;
    if ('members' in item) {
      return item.members.map((selector, place) => ({
        pointer: `${pointer}/members/${place}`,
        selector,
        owner: item.name,
      }));
    }
    if (!('rules' in item)) return sidesOf(item, pointer, item.name);
    return item.rules.flatMap((rule, place) => sidesOf(rule, `${pointer}/rules/${place}`, item.name));
  });
}

function sidesOf(item: Sides, pointer: string, owner: string): Place[] {
  return (['sources', 'destinations'] as const).flatMap((side) =>
    item[side].map((selector, place) => ({ pointer: `${pointer}/${side}/${place}`, selector, owner })),
  );
}

/** What there would be. */
interface Names {
  readonly sites: ReadonlySet<string>;
  /** With their sites. */
  readonly networks: ReadonlySet<string>;
  readonly pools: ReadonlySet<string>;
  readonly peers: ReadonlySet<string>;
  readonly groups: ReadonlySet<string>;
}

function unknownReference(
  { pointer, selector }: Place,
  { sites, networks, pools, peers, groups }: Names,
): ProblemEntry[] {
  if (selector.kind === 'site') return sites.has(selector.site) ? [] : [unknownSite(`${pointer}/site`, selector.site)];
  if (selector.kind === 'address_pool') {
    if (pools.has(selector.addressPool)) return [];
    return [unknownAddressPool(`${pointer}/addressPool`, selector.addressPool)];
  }
  if (selector.kind === 'external_peer') {
    if (peers.has(selector.externalPeer)) return [];
    const fix = 'Name an external peer of the document, or of the tenant if it stays.';
    const detail = `There would be no external peer "${selector.externalPeer}"`;
    return [{ pointer: `${pointer}/externalPeer`, rule: 'unknown_external_peer', detail, fix }];
  }
  if (selector.kind === 'group') {
    if (groups.has(selector.group)) return [];
    const fix = 'Name a group of the document, or of the tenant if it stays.';
    const detail = `There would be no group "${selector.group}"`;
    return [{ pointer: `${pointer}/group`, rule: 'unknown_group', detail, fix }];
  }
  if (selector.kind !== 'network') return [];
  const { site, network } = selector;
  if (networks.has(networkName(site, network))) return [];
  const fix = 'Name a network of the document, or of the tenant if it stays.';
  const detail = `There would be no network "${network}" at the site "${site}"`;
  return [{ pointer: `${pointer}/network`, rule: 'unknown_network', detail, fix }];
}

type Naming = {
  readonly name: string;
  readonly rules: readonly { readonly namedServices: readonly string[]; readonly profile?: string | undefined }[];
};

/** Services that rules name and that would not be there, with the policy. */
function unknownServices(
  policies: readonly Naming[],
  services: ReadonlySet<string>,
): { readonly owner: string; readonly problem: ProblemEntry }[] {
  return policies.flatMap(({ name, rules }, index) =>
    rules.flatMap(({ namedServices }, place) =>
      namedServices.flatMap((service, position) => {
        if (services.has(service)) return [];
        const pointer = `/policies/${index}/rules/${place}/namedServices/${position}`;
        const fix = 'Name a service of the document, or of the tenant if it stays.';
        const detail = `There would be no service "${service}"`;
        return [{ owner: name, problem: { pointer, rule: 'unknown_service', detail, fix } }];
      }),
    ),
  );
}

/** The same of profiles. */
function unknownProfiles(
  policies: readonly Naming[],
  profiles: ReadonlySet<string>,
): { readonly owner: string; readonly problem: ProblemEntry }[] {
  return policies.flatMap(({ name, rules }, index) =>
    rules.flatMap(({ profile }, place) => {
      if (profile === undefined || profiles.has(profile)) return [];
      return [{ owner: name, problem: unknownProfile(`/policies/${index}/rules/${place}/profile`, profile) }];
    }),
  );
}

function unknownDefault({ fabric }: PlannedConfiguration, profiles: ReadonlySet<string>): ProblemEntry[] {
  const profile = fabric?.defaultProfile ?? undefined;
  if (profile === undefined || profiles.has(profile)) return [];
  return [unknownProfile('/fabric/defaultProfile', profile)];
}

function unknownProfile(pointer: string, profile: string): ProblemEntry {
  const fix = 'Name a profile of the document, or of the tenant if it stays.';
  return { pointer, rule: 'unknown_profile', detail: `There would be no profile "${profile}"`, fix };
}

/** What would go, while something in a list that the document leaves alone needs it. Tests may name what is gone. */
function stillUsed(
  current: CurrentConfiguration,
  document: PlannedConfiguration,
  there: Names,
  { services, profiles }: Readonly<Record<'services' | 'profiles', ReadonlySet<string>>>,
): ProblemEntry[] {
  const untouched = (list: 'networks' | 'edges' | 'addressPools' | 'externalPeers' | 'groups' | 'policies') =>
    document[list] === undefined;
  const atSites = [
    ...(untouched('networks') ? current.networks : []).map(({ item }) => ({ ...item, noun: 'network' })),
    ...(untouched('edges') ? current.edges : []).map(({ item }) => ({ ...item, noun: 'edge' })),
    ...(untouched('addressPools') ? current.addressPools : []).map(({ item }) => ({ ...item, noun: 'address pool' })),
    ...(untouched('externalPeers') ? current.externalPeers : []).map(({ item }) => ({
      ...item,
      noun: 'external peer',
    })),
  ].filter(({ site }) => !there.sites.has(site));
  const policies = (untouched('policies') ? current.policies : []).map(({ item }) => item);
  const groups = (untouched('groups') ? current.groups : []).map(({ item }) => item);
  const lost = (places: readonly Place[]) => places.filter((place) => unknownReference(place, there).length > 0);
  const topology = document.fabric?.topology === undefined ? topologySites(current.fabric.topology) : [];
  const standard = document.fabric?.defaultProfile === undefined ? current.fabric.defaultProfile : null;
  const users = [
    ...(standard === null || profiles.has(standard) ? [] : ['the tenant, as its default profile,']),
    ...(topology.some(([, site]) => !there.sites.has(site)) ? ['the topology'] : []),
    ...atSites.map(({ noun, name }) => `the ${noun} "${name}"`),
    ...lost(selectorsIn('groups', groups)).map(({ owner }) => `the group "${owner}"`),
    ...lost(selectorsIn('policies', policies)).map(({ owner }) => `the policy "${owner}"`),
    ...unknownServices(policies, services).map(({ owner }) => `the policy "${owner}"`),
    ...unknownProfiles(policies, profiles).map(({ owner }) => `the policy "${owner}"`),
  ];
  return [...new Set(users)].slice(0, MAX_USERS).map((user) => ({
    pointer: '',
    rule: 'still_used',
    detail: `Something that ${user} needs would be removed`,
    fix: 'Let the document have the list that it is in, or import without prune.',
  }));
}

function tooMany(count: number, limit: number, pointer: string, nouns: string): ProblemEntry[] {
  if (count <= limit) return [];
  const detail = `There would be ${count} ${nouns}, and a tenant has at most ${limit}`;
  return [{ pointer, rule: 'too_big', detail, fix: 'Join some of them, or import with prune.' }];
}

const MAX_USERS = 20;
