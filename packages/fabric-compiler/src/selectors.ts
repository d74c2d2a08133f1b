import {
  type AddressSet,
  addressSet,
  isEmptySet,
  type Ownership,
  sameRanges,
  unionOfSets,
  wholeOwners,
} from './address/address-set.js';
import { type FamilyRanges, familyIntersection, isEmpty } from './address/family.js';
import { type Prefix, rangesOfPrefix } from './address/prefix.js';
import { emptyBits, setBit } from './bitset.js';
import type { FabricIntent, GroupMember, IntentGroup, Labels, Selector } from './intent.js';
import { checkPrefix } from './networks.js';
import type { CompileProblem, ProblemRule } from './problem.js';
import { sameValue } from './same-value.js';
import type { Topology } from './topology.js';

interface GroupPlace {
  readonly group: IntentGroup;
  readonly pointer: string;
}

/** What selectors are resolved against. Equal sets become one object, which is what the rest of the compiler compares. */
export interface SelectorContext {
  readonly topology: Topology;
  readonly groups: ReadonlyMap<string, GroupPlace>;
  /** Sets met so far, by key. */
  readonly sets: Map<string, AddressSet>;
  /** Groups met so far, by id. */
  readonly groupSets: Map<string, ResolvedGroup>;
}

/** What a group comes to, and what is wrong with its members: whoever names it is told. */
interface ResolvedGroup {
  readonly set: AddressSet;
  readonly problems: readonly CompileProblem[];
}

/** What no group has a say in. */
export type SetContext = Pick<SelectorContext, 'topology' | 'sets'>;

export function selectorContext(intent: FabricIntent, topology: Topology): SelectorContext {
  const sets = new Map([[topology.everySite.key, topology.everySite]]);
  return { topology, groups: groupsOf(intent), sets, groupSets: new Map() };
}

/**
 * The same with the groups of another intent. Those with the members that they had come to what they came to; one with something wrong is
 * looked at again, since where that stands may have changed.
 */
export function withGroupsOf<Context extends SelectorContext>(before: Context, intent: FabricIntent): Context {
  const groups = groupsOf(intent);
  const kept = [...before.groupSets].filter(
    ([id, { problems }]) => problems.length === 0 && sameGroup(before.groups.get(id), groups.get(id)),
  );
  return { ...before, groups, groupSets: new Map(kept) };
}

/** Whether both are there and have the same members. */
export function sameGroup(one: GroupPlace | undefined, other: GroupPlace | undefined): boolean {
  return one !== undefined && other !== undefined && sameValue(one.group.members, other.group.members);
}

function groupsOf({ groups = [] }: FabricIntent): SelectorContext['groups'] {
  return new Map(groups.map((group, index) => [group.id, { group, pointer: `/groups/${index}` }]));
}

/** The addresses that any of the selectors holds. What names nothing is reported. */
export function resolveSelectors(
  selectors: readonly Selector[],
  pointer: string,
  context: SelectorContext,
  problems: CompileProblem[],
): AddressSet {
  const sets = selectors.map((selector, index) =>
    resolveSelector(selector, { pointer: `${pointer}/${index}`, context, problems }),
  );
  return interned(unionOfSets(sets, context.topology.ownership), context);
}

/** Forgets sets of rules that may be long gone. Equal sets of old and new rules are two objects then, which costs time only. */
export function forgetSets({ sets, groupSets, topology }: SelectorContext): void {
  if (sets.size < MAX_SETS) return;
  sets.clear();
  groupSets.clear();
  sets.set(topology.everySite.key, topology.everySite);
}

export function interned(set: AddressSet, { sets }: Pick<SetContext, 'sets'>): AddressSet {
  const known = sets.get(set.key);
  if (known !== undefined) return known;
  sets.set(set.key, set);
  return set;
}

interface Place {
  readonly pointer: string;
  readonly context: SelectorContext;
  readonly problems: CompileProblem[];
}

function resolveSelector(selector: Selector | GroupMember, place: Place): AddressSet {
  const { topology } = place.context;
  switch (selector.kind) {
    case 'any':
      return topology.everySite;
    case 'site':
      return ownerSet('site', selector.siteId, place);
    case 'external_peer':
      return ownerSet('external_peer', selector.externalPeerId, place);
    case 'network':
      return networkSet(selector.networkId, place);
    case 'address_pool':
      return poolSet(selector.addressPoolId, place);
    case 'prefix': {
      const prefix = checkPrefix(selector.prefix, `${place.pointer}/prefix`, place.problems);
      if (prefix === undefined) return none(topology);
      const found = withinPrefix(prefix, topology);
      if (isEmptySet(found)) report('prefix', `No network of any site holds an address of ${prefix.text}.`, place);
      return found;
    }
    case 'group':
      return groupSet(selector.groupId, place);
    case 'site_labels': {
      const chosen = emptyBits(topology.owners.length);
      for (const [number, { kind, labels }] of topology.owners.entries()) {
        if (kind !== 'external' && carries(labels, selector.labels)) setBit(chosen, number);
      }
      return wholeOwners(chosen, topology.ownership);
    }
    case 'network_labels': {
      const chosen = [...topology.networks.values()].filter(({ labels }) => carries(labels, selector.labels));
      return unionOfSets(
        chosen.map((network) => partOf(network.siteId, network.ranges, topology)),
        topology.ownership,
      );
    }
  }
}

function groupSet(groupId: string, place: Place): AddressSet {
  const { context } = place;
  const found = context.groups.get(groupId);
  if (found === undefined) return unknown('group', 'unknown_group', groupId, place);
  const { set, problems } = context.groupSets.get(groupId) ?? resolvedGroup(found, context);
  context.groupSets.set(groupId, { set, problems });
  // Several may name it.
  place.problems.push(...problems.filter((problem) => !place.problems.includes(problem)));
  return set;
}

function resolvedGroup({ group, pointer }: GroupPlace, context: SelectorContext): ResolvedGroup {
  const problems: CompileProblem[] = [];
  const members = group.members.map((member, index) =>
    resolveSelector(member, { pointer: `${pointer}/members/${index}`, context, problems }),
  );
  return { set: interned(unionOfSets(members, context.topology.ownership), context), problems };
}

function ownerSet(noun: 'site' | 'external_peer', id: string, place: Place): AddressSet {
  const { topology } = place.context;
  const number = topology.numbers.get(id);
  const owner = number === undefined ? undefined : topology.owners[number];
  if (number === undefined || owner === undefined || (owner.kind === 'external') !== (noun === 'external_peer')) {
    return unknown(noun, noun === 'site' ? 'unknown_site' : 'unknown_external_peer', id, place);
  }
  if (isEmpty(owner.ranges)) {
    report(noun === 'site' ? 'siteId' : 'externalPeerId', `The ${WORDS[noun]} "${owner.name}" has no networks.`, place);
    return none(topology);
  }
  const chosen = emptyBits(topology.owners.length);
  setBit(chosen, number);
  return wholeOwners(chosen, topology.ownership);
}

function networkSet(id: string, place: Place): AddressSet {
  const { topology } = place.context;
  const network = topology.networks.get(id);
  if (network === undefined) return unknown('network', 'unknown_network', id, place);
  return partOf(network.siteId, network.ranges, topology);
}

/** What remote hosts have of it: other addresses of a pool are nobody's. */
function poolSet(id: string, place: Place): AddressSet {
  const { topology } = place.context;
  const pool = topology.pools.get(id);
  if (pool === undefined) return unknown('address_pool', 'unknown_address_pool', id, place);
  return unionOfSets(
    pool.assigned.map(({ externalPeerId, ranges }) => partOf(externalPeerId, ranges, topology)),
    topology.ownership,
  );
}

function partOf(siteId: string, ranges: FamilyRanges, topology: Topology): AddressSet {
  const owner = topology.numbers.get(siteId);
  return owner === undefined ? none(topology) : addressSet([[owner, ranges]], topology.ownership);
}

/** What the sites have of a prefix. */
function withinPrefix(prefix: Prefix, topology: Topology): AddressSet {
  const owned = topology.owned[prefix.family];
  const limit = rangesOfPrefix(prefix);
  let low = 0;
  let high = owned.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const range = owned[middle]?.range;
    if (range !== undefined && range.last < prefix.range.first) low = middle + 1;
    else high = middle;
  }
  const touched = new Set<number>();
  for (let index = low; index < owned.length; index += 1) {
    const entry = owned[index];
    if (entry === undefined || entry.range.first > prefix.range.last) break;
    touched.add(entry.owner);
  }
  return addressSet(
    [...touched].map((owner) => {
      const ranges = topology.ownership[owner] ?? NOTHING;
      const common = familyIntersection(ranges, limit);
      return [owner, sameRanges(common, ranges) ? ranges : common] as const;
    }),
    topology.ownership,
  );
}

function carries(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}

function none({ ownership }: { readonly ownership: Ownership }): AddressSet {
  return addressSet([], ownership);
}

function unknown(noun: keyof typeof WORDS, rule: ProblemRule, id: string, place: Place): AddressSet {
  place.problems.push({
    pointer: `${place.pointer}/${FIELDS[noun]}`,
    rule,
    detail: `The ${WORDS[noun]} ${id} does not exist.`,
    fix: `Name an existing ${WORDS[noun]}, or remove the selector.`,
  });
  return none(place.context.topology);
}

function report(field: string, detail: string, { pointer, problems }: Place): void {
  problems.push({
    pointer: `${pointer}/${field}`,
    rule: 'matches_no_network',
    detail,
    fix: 'Add the network that is meant to its site, or remove the selector.',
  });
}

/** Far more than the rules of a tenant name. */
const MAX_SETS = 50_000;
const NOTHING: FamilyRanges = { 4: [], 6: [] };
const WORDS = {
  site: 'site',
  network: 'network',
  group: 'group',
  address_pool: 'address pool',
  external_peer: 'external peer',
} as const;
const FIELDS = {
  site: 'siteId',
  network: 'networkId',
  group: 'groupId',
  address_pool: 'addressPoolId',
  external_peer: 'externalPeerId',
} as const;
