import { differenceOf, EMPTY_RANGE_SET, intersectionOf, type RangeSet, unionOf } from './range-set.js';

/** IP version. */
export type Family = 4 | 6;

export const FAMILIES: readonly Family[] = [4, 6];

/** Addresses of both families; a range never mixes them. */
export interface FamilyRanges {
  readonly 4: RangeSet;
  readonly 6: RangeSet;
}

export const NO_RANGES: FamilyRanges = { 4: EMPTY_RANGE_SET, 6: EMPTY_RANGE_SET };

export function familyUnion(parts: readonly FamilyRanges[]): FamilyRanges {
  return { 4: unionOf(parts.flatMap((part) => part[4])), 6: unionOf(parts.flatMap((part) => part[6])) };
}

export function familyIntersection(left: FamilyRanges, right: FamilyRanges): FamilyRanges {
  return { 4: intersectionOf(left[4], right[4]), 6: intersectionOf(left[6], right[6]) };
}

export function familyDifference(left: FamilyRanges, right: FamilyRanges): FamilyRanges {
  return { 4: differenceOf(left[4], right[4]), 6: differenceOf(left[6], right[6]) };
}

export function isEmpty(ranges: FamilyRanges): boolean {
  return ranges[4].length === 0 && ranges[6].length === 0;
}
