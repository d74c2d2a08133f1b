import {
  addBits,
  type Bitset,
  commonBits,
  emptyBits,
  hasBit,
  membersOf,
  noBits,
  onlyMember,
  sameBits,
  setBit,
} from '../bitset.js';
import { FAMILIES, type Family, type FamilyRanges, familyUnion, isEmpty, NO_RANGES } from './family.js';
import { type RangeSet, unionOf } from './range-set.js';

/**
 * Addresses of the overlay, written by who owns them. Almost every set that operators name is a list of whole sites,
 * so a set is one bit per owner and family; only owners of which it holds a part have their addresses spelled out.
 * Addresses that nobody owns are in no set.
 */
export interface AddressSet {
  /** Owners of at least one address of the set. */
  readonly present: Readonly<Record<Family, Bitset>>;
  /** Owners of which the set holds some addresses but not all, and which. */
  readonly partial: ReadonlyMap<number, FamilyRanges>;
  /** The owner, when there is exactly one. */
  readonly only: number | undefined;
  /** Equal sets over the same owners have equal keys. */
  readonly key: string;
}

/** What each owner has, by its number. */
export type Ownership = readonly FamilyRanges[];

/** The set of these addresses; each part must lie within what its owner has. */
export function addressSet(parts: Iterable<readonly [number, FamilyRanges]>, ownership: Ownership): AddressSet {
  const present = { 4: emptyBits(ownership.length), 6: emptyBits(ownership.length) };
  const partial: [number, FamilyRanges][] = [];
  for (const [owner, ranges] of parts) {
    for (const family of FAMILIES) if (ranges[family].length > 0) setBit(present[family], owner);
    if (!isEmpty(ranges) && !sameRanges(ranges, ownership[owner] ?? NO_RANGES)) partial.push([owner, ranges]);
  }
  return finished(present, new Map(partial.sort(([left], [right]) => left - right)));
}

/** Everything that the owners with these numbers have. */
export function wholeOwners(owners: Bitset, ownership: Ownership): AddressSet {
  const present = { 4: emptyBits(ownership.length), 6: emptyBits(ownership.length) };
  for (const owner of membersOf(owners)) {
    const ranges = ownership[owner] ?? NO_RANGES;
    for (const family of FAMILIES) if (ranges[family].length > 0) setBit(present[family], owner);
  }
  return finished(present, new Map());
}

export function unionOfSets(sets: readonly AddressSet[], ownership: Ownership): AddressSet {
  const [first] = sets;
  if (first !== undefined && sets.length === 1) return first;
  const present = { 4: emptyBits(ownership.length), 6: emptyBits(ownership.length) };
  const partial = new Map<number, FamilyRanges>();
  for (const set of sets) for (const family of FAMILIES) addBits(present[family], set.present[family]);
  for (const owner of new Set(sets.flatMap((set) => [...set.partial.keys()]))) {
    const ranges = familyUnion(sets.map((set) => addressesOf(set, owner, ownership)));
    if (!sameRanges(ranges, ownership[owner] ?? NO_RANGES)) partial.set(owner, ranges);
  }
  return finished(present, new Map([...partial].sort(([left], [right]) => left - right)));
}

/** What the set holds of these owners. */
export function restrictedTo(set: AddressSet, owners: Bitset): AddressSet {
  return finished(
    { 4: commonBits(set.present[4], owners), 6: commonBits(set.present[6], owners) },
    new Map([...set.partial].filter(([owner]) => hasBit(owners, owner))),
  );
}

/** What the set holds of one owner. */
export function addressesOf(set: AddressSet, owner: number, ownership: Ownership): FamilyRanges {
  const part = set.partial.get(owner);
  if (part !== undefined) return part;
  return hasBit(set.present[4], owner) || hasBit(set.present[6], owner) ? (ownership[owner] ?? NO_RANGES) : NO_RANGES;
}

/** All addresses of the set in one family. */
export function rangesOfSet(set: AddressSet, family: Family, ownership: Ownership): RangeSet {
  return unionOf([...membersOf(set.present[family])].flatMap((owner) => addressesOf(set, owner, ownership)[family]));
}

export function isEmptySet(set: AddressSet): boolean {
  return noBits(set.present[4]) && noBits(set.present[6]);
}

/** Every owner with an address in the set. */
export function ownersIn(set: AddressSet): Bitset {
  const owners = set.present[4].slice();
  addBits(owners, set.present[6]);
  return owners;
}

export function sameRanges(left: FamilyRanges, right: FamilyRanges): boolean {
  return FAMILIES.every((family) => sameSet(left[family], right[family]));
}

export function sameSet(left: RangeSet, right: RangeSet): boolean {
  if (left === right) return true;
  return (
    left.length === right.length &&
    left.every(({ first, last }, index) => right[index]?.first === first && right[index]?.last === last)
  );
}

function finished(present: Readonly<Record<Family, Bitset>>, partial: ReadonlyMap<number, FamilyRanges>): AddressSet {
  const owners = present[4].slice();
  addBits(owners, present[6]);
  return { present, partial, only: onlyMember(owners), key: keyOf(present, partial) };
}

function keyOf(present: Readonly<Record<Family, Bitset>>, partial: ReadonlyMap<number, FamilyRanges>): string {
  // Most fabrics have both families everywhere, or one of them nowhere.
  const six = sameBits(present[4], present[6]) ? '=' : words(present[6]);
  return `${words(present[4])}|${six}|${[...partial].map(([owner, ranges]) => `${owner}:${rangesKey(ranges)}`).join(';')}`;
}

/** Text that is equal for equal ranges. */
export function rangesKey(ranges: FamilyRanges): string {
  return FAMILIES.map((family) =>
    ranges[family].map(({ first, last }) => `${first.toString(36)}-${last.toString(36)}`).join(','),
  ).join('/');
}

function words(bits: Bitset): string {
  let text = '';
  for (const word of bits) text += String.fromCharCode(word & 0xffff, word >>> 16);
  return text;
}
