import type { Family, FamilyRanges } from './family.js';
import { numberFromOctets } from './octets.js';
import { type RangeSet, unionOf } from './range-set.js';

/** Ranges of addresses as bundles have them: octets, in either family. */
type AddressList = readonly { readonly first: Uint8Array; readonly last: Uint8Array }[];

/** The addresses of a list, by family. */
export function rangesOfList(list: AddressList): FamilyRanges {
  return { 4: rangesInFamily(list, 4), 6: rangesInFamily(list, 6) };
}

/** Those of one family. */
export function rangesInFamily(list: AddressList, family: Family): RangeSet {
  const octets = family === 4 ? 4 : 16;
  return unionOf(
    list
      .filter(({ first }) => first.length === octets)
      .map(({ first, last }) => ({ first: numberFromOctets(first), last: numberFromOctets(last) })),
  );
}
