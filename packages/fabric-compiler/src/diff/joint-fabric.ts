import { type AddressSet, addressesOf, addressSet, type Ownership, ownersIn } from '../address/address-set.js';
import { type FamilyRanges, familyDifference, familyIntersection, isEmpty, NO_RANGES } from '../address/family.js';
import { membersOf } from '../bitset.js';
import type { CompiledFabric } from '../fabric/compile-shared.js';
import type { ResolvedRule } from '../resolved-rule.js';
import type { Topology } from '../topology.js';

/**
 * Two revisions over one list of owners, so that one packet can be held against the rules of both. A site whose networks differ
 * is several owners: of what it keeps, of what it loses, and of what it gains. A revision's rules name only what its sites have.
 */
export interface JointFabric {
  readonly ownership: Ownership;
  /** By number of the owner. */
  readonly owners: readonly JointOwner[];
  readonly siteCount: number;
  readonly before: readonly ResolvedRule[];
  readonly after: readonly ResolvedRule[];
}

export interface JointOwner {
  /** Number of the site, or of the external peer: its owners share it. */
  readonly site: number;
  readonly siteId: string;
  readonly siteName: string;
  readonly ranges: FamilyRanges;
  readonly inBefore: boolean;
  readonly inAfter: boolean;
}

export function jointFabric(before: CompiledFabric | undefined, after: CompiledFabric): JointFabric {
  if (before?.plan === after.plan) return ofOnePlan(before, after);
  const topologies = { before: before?.plan.topology, after: after.plan.topology };
  const names = new Map(
    [...(topologies.before?.owners ?? []), ...topologies.after.owners].map(({ siteId, name }) => [siteId, name]),
  );
  const owners = [...names].flatMap(([siteId, siteName], site) => {
    const [old, now] = [rangesOf(topologies.before, siteId), rangesOf(topologies.after, siteId)];
    const base = { site, siteId, siteName };
    return [
      { ...base, ranges: familyIntersection(old, now), inBefore: true, inAfter: true },
      { ...base, ranges: familyDifference(old, now), inBefore: true, inAfter: false },
      { ...base, ranges: familyDifference(now, old), inBefore: false, inAfter: true },
    ].filter(({ ranges }) => !isEmpty(ranges));
  });
  const ownership = owners.map(({ ranges }) => ranges);
  return {
    ownership,
    owners,
    siteCount: names.size,
    before: before === undefined ? [] : translated(before, owners, ownership, 'inBefore'),
    after: translated(after, owners, ownership, 'inAfter'),
  };
}

/** Revisions that differ in rules only have one list of owners already. */
function ofOnePlan({ plan, rules }: CompiledFabric, after: CompiledFabric): JointFabric {
  const { owners, ownership } = plan.topology;
  return {
    ownership,
    owners: owners.map(({ siteId, name, ranges }, site) => ({
      site,
      siteId,
      siteName: name,
      ranges,
      inBefore: true,
      inAfter: true,
    })),
    siteCount: owners.length,
    before: rules,
    after: after.rules,
  };
}

function rangesOf(topology: Topology | undefined, siteId: string): FamilyRanges {
  const number = topology?.numbers.get(siteId);
  return number === undefined ? NO_RANGES : (topology?.ownership[number] ?? NO_RANGES);
}

/** The rules of a revision with its sets written over the joint owners. Equal sets stay one object. */
function translated(
  { rules, plan }: CompiledFabric,
  owners: readonly JointOwner[],
  ownership: Ownership,
  version: 'inBefore' | 'inAfter',
): readonly ResolvedRule[] {
  const { topology } = plan;
  const jointOf = new Map<string, number[]>();
  for (const [number, owner] of owners.entries()) {
    if (owner[version]) jointOf.set(owner.siteId, [...(jointOf.get(owner.siteId) ?? []), number]);
  }
  const known = new Map<AddressSet, AddressSet>();
  const joint = (set: AddressSet): AddressSet => {
    const made = known.get(set) ?? addressSet(partsOf(set, topology, jointOf, ownership), ownership);
    known.set(set, made);
    return made;
  };
  return rules.map((rule) => ({ ...rule, sources: joint(rule.sources), destinations: joint(rule.destinations) }));
}

function* partsOf(
  set: AddressSet,
  { owners, ownership }: Topology,
  jointOf: ReadonlyMap<string, readonly number[]>,
  joint: Ownership,
): Generator<readonly [number, FamilyRanges]> {
  for (const owner of membersOf(ownersIn(set))) {
    const held = addressesOf(set, owner, ownership);
    for (const number of jointOf.get(owners[owner]?.siteId ?? '') ?? []) {
      const part = familyIntersection(held, joint[number] ?? NO_RANGES);
      if (!isEmpty(part)) yield [number, part];
    }
  }
}
