/** An inclusive range of addresses of one family, as numbers. */
export interface NumericRange {
  readonly first: bigint;
  readonly last: bigint;
}

/** Sorted, disjoint and not even adjacent: two equal sets of addresses are equal as values. */
export type RangeSet = readonly NumericRange[];

export const EMPTY_RANGE_SET: RangeSet = [];

/** The set of all addresses in any of the ranges, in its one canonical form. */
export function unionOf(ranges: readonly NumericRange[]): RangeSet {
  const merged: { first: bigint; last: bigint }[] = [];
  for (const range of [...ranges].sort(byFirst)) {
    const previous = merged.at(-1);
    if (previous !== undefined && range.first <= previous.last + 1n) {
      if (range.last > previous.last) previous.last = range.last;
    } else {
      merged.push({ first: range.first, last: range.last });
    }
  }
  return merged;
}

/** The addresses in both sets. */
export function intersectionOf(left: RangeSet, right: RangeSet): RangeSet {
  const common: NumericRange[] = [];
  let l = 0;
  let r = 0;
  for (;;) {
    const a = left[l];
    const b = right[r];
    if (a === undefined || b === undefined) return common;
    const first = higherOf(a.first, b.first);
    const last = lowerOf(a.last, b.last);
    if (first <= last) common.push({ first, last });
    if (a.last < b.last) l += 1;
    else r += 1;
  }
}

/** The addresses of `left` that are not in `right`. */
export function differenceOf(left: RangeSet, right: RangeSet): RangeSet {
  const rest: NumericRange[] = [];
  for (const { first, last } of left) {
    let start = first;
    for (const other of right) {
      if (other.last < start || other.first > last) continue;
      if (other.first > start) rest.push({ first: start, last: other.first - 1n });
      start = other.last + 1n;
    }
    if (start <= last) rest.push({ first: start, last });
  }
  return rest;
}

export function rangesOverlap(left: NumericRange, right: NumericRange): boolean {
  return left.first <= right.last && right.first <= left.last;
}

// Math.max and Math.min refuse bigint.
function higherOf(left: bigint, right: bigint): bigint {
  if (left > right) return left;
  return right;
}

function lowerOf(left: bigint, right: bigint): bigint {
  if (left < right) return left;
  return right;
}

function byFirst(left: NumericRange, right: NumericRange): number {
  if (left.first === right.first) return 0;
  return left.first < right.first ? -1 : 1;
}
