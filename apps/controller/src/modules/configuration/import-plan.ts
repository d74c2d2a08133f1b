import type { AddressPoolInput } from '../address-pools/address-pool.dto.js';
import type { AssignedAddress } from '../external-peers/stored-external-peer.js';
import type { GroupInput, GroupMember } from '../groups/group.dto.js';
import type { NamedServiceInput } from '../named-services/named-service.dto.js';
import type { PolicyInput, Rule, Selector } from '../policies/policy.dto.js';
import type { PolicyTestInput } from '../policy-tests/policy-test.dto.js';
import type { ProfileInput } from '../profiles/profile.dto.js';
import type { TopologyInput } from '../topology/topology.dto.js';
import type {
  Configuration,
  ConfiguredEdge,
  ConfiguredNetwork,
  ConfiguredPolicy,
  ConfiguredSite,
  ImportedItem,
  NamedGroupMember,
  NamedPlace,
  NamedSelector,
} from './configuration.dto.js';
import type { PlannedExternalPeer } from './configured-external-peer.js';
import { topologyInput } from './configured-topology.js';
import type { CurrentConfiguration, Stored } from './current-configuration.js';
import { differences } from './differences.js';

/** A document as it is planned by: without the keys of external peers. */
export type PlannedConfiguration = Omit<Configuration, 'externalPeers'> & {
  readonly externalPeers?: readonly PlannedExternalPeer[];
};

/** What is to be done in one list. */
export interface ListPlan<Item> {
  readonly created: readonly Stored<Item>[];
  readonly changed: readonly Stored<Item>[];
  /** Identifiers. */
  readonly removed: readonly string[];
}

/** With identifiers in place of the names of its site and of pools. */
export type ResolvedExternalPeer = Omit<PlannedExternalPeer, 'assigned'> & {
  readonly siteId: string;
  /** Absent: a gateway. */
  readonly assigned?: readonly AssignedAddress[];
};

/** Everything that an import does; the identifiers of what is new are given already. */
export interface ImportPlan {
  readonly fabric: Configuration['fabric'];
  /** When it changes. */
  readonly topology: TopologyInput | undefined;
  /** When it changes; null: to that of the product. */
  readonly defaultProfileId: string | null | undefined;
  readonly sites: ListPlan<ConfiguredSite>;
  readonly networks: ListPlan<ConfiguredNetwork & { readonly siteId: string }>;
  readonly edges: ListPlan<ConfiguredEdge & { readonly siteId: string }>;
  readonly addressPools: ListPlan<AddressPoolInput>;
  readonly externalPeers: ListPlan<ResolvedExternalPeer>;
  readonly groups: ListPlan<GroupInput>;
  readonly services: ListPlan<NamedServiceInput>;
  readonly profiles: ListPlan<ProfileInput>;
  readonly policies: ListPlan<PolicyInput & { readonly rules: Rule[] }>;
  /** All identifiers, when their order changes or one of them is new or gone. */
  readonly policyOrder: readonly string[] | undefined;
  readonly policyTests: ListPlan<PolicyTestInput>;
  readonly items: readonly ImportedItem[];
}

/**
 * What makes of the current configuration what the document says. The document names nothing that will not be there
 * (`importProblems`).
 *
 * @param newId makes identifiers
 */
export function planImport(
  current: CurrentConfiguration,
  document: PlannedConfiguration,
  prune: boolean,
  newId: () => string,
): ImportPlan {
  const list = <Item>(noun: Noun, stored: readonly Stored<Item>[], wanted: readonly Item[] | undefined) =>
    compare(noun, stored, wanted, prune, newId);
  const sites = list('site', current.sites, document.sites);
  const networks = list('network', current.networks, document.networks);
  const edges = list('edge', current.edges, document.edges);
  const addressPools = list('address_pool', current.addressPools, document.addressPools);
  const externalPeers = list('external_peer', current.externalPeers, document.externalPeers);
  const groups = list('group', current.groups, document.groups);
  const services = list('service', current.services, document.services);
  const profiles = list('profile', current.profiles, document.profiles);
  const policies = list('policy', current.policies, document.policies);
  const policyTests = list('policy_test', current.policyTests, document.policyTests);
  const siteId = identifiers('site', current.sites, sites);
  const ids: Identifiers = {
    site: siteId,
    network: identifiers('network', current.networks, networks),
    addressPool: identifiers('address_pool', current.addressPools, addressPools),
    externalPeer: identifiers('external_peer', current.externalPeers, externalPeers),
    group: identifiers('group', current.groups, groups),
  };
  const serviceId = identifiers('service', current.services, services);
  const profileId = identifiers('profile', current.profiles, profiles);
  const select = (selector: NamedSelector) => selectorOf(selector, ids);
  const ordered = orderOf(current, document, policies, prune);
  const ruleIds = new Map(current.policies.map((policy) => [policy.id, policy]));
  return {
    fabric: document.fabric,
    topology: topologyOf(current, document, siteId),
    defaultProfileId: defaultProfileOf(current, document, profileId),
    sites,
    networks: mapped(networks, ({ item }) => ({ ...item, siteId: siteId(item.site) })),
    edges: mapped(edges, ({ item }) => ({ ...item, siteId: siteId(item.site) })),
    addressPools: mapped(addressPools, ({ item }) => ({ ...item, siteId: siteId(item.site) })),
    externalPeers: mapped(externalPeers, ({ item }) => externalPeerOf(item, ids)),
    groups: mapped(groups, ({ item }) => ({ ...item, members: item.members.map((member) => memberOf(member, ids)) })),
    services,
    profiles,
    policies: mapped(policies, ({ id, item }) => {
      const kept = keptRuleIds(ruleIds.get(id), item, newId);
      const rules = item.rules.map(({ namedServices, profile, tunnelStart = null, ...rule }, index) => ({
        ...resolved(rule, select),
        serviceIds: namedServices.map(serviceId),
        profileId: profile === undefined ? null : profileId(profile),
        tunnelStart,
        id: kept[index] ?? newId(),
      }));
      return { ...item, rules };
    }),
    policyOrder: ordered.order,
    policyTests: mapped(policyTests, ({ item }) => resolved(item, select)),
    items: [
      ...fabricItem(current, document),
      ...sites.items,
      ...networks.items,
      ...edges.items,
      ...addressPools.items,
      ...externalPeers.items,
      ...groups.items,
      ...services.items,
      ...profiles.items,
      ...policies.items.map((item) => withPosition(item, ordered.positions.get(item.name))),
      ...policyTests.items,
    ],
  };
}

/** What names an item, in its list and in the answer. */
export function nameOf(noun: Noun, item: { readonly name: string; readonly site?: string }): string {
  return noun === 'network' ? networkName(item.site ?? '', item.name) : item.name;
}

export function networkName(site: string, network: string): string {
  return `${site}/${network}`;
}

export type Noun = Exclude<ImportedItem['noun'], 'fabric'>;

interface Comparison<Item> extends ListPlan<Item> {
  readonly items: readonly ImportedItem[];
}

type Named = { readonly name: string; readonly site?: string };

function compare<Item>(
  noun: Noun,
  stored: readonly Stored<Item>[],
  wanted: readonly Item[] | undefined,
  prune: boolean,
  newId: () => string,
): Comparison<Item> {
  if (wanted === undefined) return { created: [], changed: [], removed: [], items: [] };
  const keyOf = (item: Item) => nameOf(noun, item as Named);
  const known = new Map(stored.map((one) => [keyOf(one.item), one]));
  const created: Stored<Item>[] = [];
  const changed: Stored<Item>[] = [];
  const items = wanted.map((item): ImportedItem => {
    const [name, before] = [keyOf(item), known.get(keyOf(item))];
    known.delete(name);
    const found = differences(before?.item ?? {}, item);
    if (before === undefined) {
      created.push({ id: newId(), item });
      return { noun, name, outcome: 'created', differences: found };
    }
    if (found.length > 0) changed.push({ id: before.id, item });
    return { noun, name, outcome: found.length > 0 ? 'changed' : 'unchanged', differences: found };
  });
  const rest = [...known].map(([name, { item }]): ImportedItem => {
    return prune
      ? { noun, name, outcome: 'removed', differences: differences(item, {}) }
      : { noun, name, outcome: 'kept', differences: [] };
  });
  const removed = prune ? [...known.values()].map(({ id }) => id) : [];
  return { created, changed, removed, items: [...items, ...rest] };
}

function fabricItem({ fabric }: CurrentConfiguration, document: PlannedConfiguration): ImportedItem[] {
  if (document.fabric === undefined) return [];
  const found = differences(fabric, { ...fabric, ...document.fabric });
  return [{ noun: 'fabric', name: 'fabric', outcome: found.length > 0 ? 'changed' : 'unchanged', differences: found }];
}

function topologyOf(
  { fabric }: CurrentConfiguration,
  document: PlannedConfiguration,
  siteId: (name: string) => string,
): TopologyInput | undefined {
  const wanted = document.fabric?.topology;
  if (wanted === undefined || differences(fabric.topology, wanted).length === 0) return undefined;
  return topologyInput(wanted, siteId);
}

function defaultProfileOf(
  { fabric }: CurrentConfiguration,
  document: PlannedConfiguration,
  profileId: (name: string) => string,
): string | null | undefined {
  const wanted = document.fabric?.defaultProfile;
  if (wanted === undefined || wanted === fabric.defaultProfile) return undefined;
  return wanted === null ? null : profileId(wanted);
}

/** Policies of the document come first, in its order; others keep theirs behind them. */
function orderOf(
  current: CurrentConfiguration,
  { policies: wanted }: PlannedConfiguration,
  { created }: Comparison<ConfiguredPolicy>,
  prune: boolean,
) {
  const before = current.policies.map(({ id }) => id);
  if (wanted === undefined) return { order: undefined, positions: new Map<string, Position>() };
  const ids = new Map([...current.policies, ...created].map(({ id, item }) => [item.name, id]));
  const named = wanted.map(({ name }) => ids.get(name) ?? '');
  const listed = new Set(named);
  const after = [...named, ...(prune ? [] : before.filter((id) => !listed.has(id)))];
  const positions = new Map(
    wanted.map(({ name }, index) => [name, { before: before.indexOf(ids.get(name) ?? ''), after: index }]),
  );
  const same = after.length === before.length && after.every((id, index) => id === before[index]);
  return { order: same ? undefined : after, positions };
}

interface Position {
  /** -1: it is new. */
  readonly before: number;
  readonly after: number;
}

function withPosition(item: ImportedItem, position: Position | undefined): ImportedItem {
  if (position === undefined || position.before === position.after || item.outcome === 'created') return item;
  if (item.outcome !== 'changed' && item.outcome !== 'unchanged') return item;
  return { ...item, outcome: 'changed', differences: [...item.differences, { pointer: '/position', ...position }] };
}

/** A rule keeps its identity, and with it its history, as long as it keeps its name. */
function keptRuleIds(
  stored: CurrentConfiguration['policies'][number] | undefined,
  { rules }: ConfiguredPolicy,
  newId: () => string,
): string[] {
  const left = new Map<string, string[]>();
  stored?.item.rules.forEach(({ name }, index) => {
    left.set(name, [...(left.get(name) ?? []), stored.ruleIds[index] ?? newId()]);
  });
  return rules.map(({ name }) => left.get(name)?.shift() ?? newId());
}

function identifiers<Item>(noun: Noun, stored: readonly Stored<Item>[], { created }: ListPlan<Item>) {
  const ids = new Map([...stored, ...created].map(({ id, item }) => [nameOf(noun, item as Named), id]));
  return (name: string): string => {
    const id = ids.get(name);
    if (id === undefined) throw new Error(`the document names the ${noun} "${name}", and nobody has looked`);
    return id;
  };
}

function resolved<Item extends { sources: NamedSelector[]; destinations: NamedSelector[] }>(
  item: Item,
  select: (selector: NamedSelector) => Selector,
) {
  return { ...item, sources: item.sources.map(select), destinations: item.destinations.map(select) };
}

/** What names stand for. */
type Identifiers = Readonly<
  Record<'site' | 'network' | 'addressPool' | 'externalPeer' | 'group', (name: string) => string>
>;

function externalPeerOf({ assigned, ...peer }: PlannedExternalPeer, ids: Identifiers): ResolvedExternalPeer {
  const siteId = ids.site(peer.site);
  if (assigned === undefined) return { ...peer, siteId };
  return {
    ...peer,
    siteId,
    assigned: assigned.map(({ addressPool, address }) => ({ addressPoolId: ids.addressPool(addressPool), address })),
  };
}

function selectorOf(selector: NamedSelector, ids: Identifiers): Selector {
  if (selector.kind === 'any') return selector;
  if (selector.kind === 'address_pool') {
    return { kind: 'address_pool', addressPoolId: ids.addressPool(selector.addressPool) };
  }
  if (selector.kind === 'group') return { kind: 'group', groupId: ids.group(selector.group) };
  return placeOf(selector, ids);
}

function memberOf(member: NamedGroupMember, ids: Identifiers): GroupMember {
  return member.kind === 'site_labels' || member.kind === 'network_labels' ? member : placeOf(member, ids);
}

function placeOf(place: NamedPlace, ids: Identifiers): Extract<Selector, GroupMember> {
  switch (place.kind) {
    case 'site':
      return { kind: 'site', siteId: ids.site(place.site) };
    case 'network':
      return { kind: 'network', networkId: ids.network(networkName(place.site, place.network)) };
    case 'external_peer':
      return { kind: 'external_peer', externalPeerId: ids.externalPeer(place.externalPeer) };
    case 'prefix':
      return place;
  }
}

function mapped<Item, Other>(plan: ListPlan<Item>, map: (stored: Stored<Item>) => Other): ListPlan<Other> {
  const each = (stored: Stored<Item>) => ({ id: stored.id, item: map(stored) });
  return { created: plan.created.map(each), changed: plan.changed.map(each), removed: plan.removed };
}
