import { type AddressSet, addressesOf, type Ownership } from '../address/address-set.js';
import { FAMILIES, type Family } from '../address/family.js';
import type { NumericRange, RangeSet } from '../address/range-set.js';
import { type Bitset, emptyBits, hasBit, setBit } from '../bitset.js';

/** Addresses of one owner and family that are in the same ones of some sets. */
export interface Region {
  readonly owner: number;
  readonly family: Family;
  readonly ranges: RangeSet;
}

/** All regions that the sets do not tell apart, whoever owns them: what holds for one address of them holds for all. */
export interface RegionClass {
  readonly family: Family;
  /** Which of the sets hold these addresses, by position. */
  readonly within: Bitset;
  readonly owners: Bitset;
  /** In order of their owners. */
  readonly regions: readonly Region[];
}

export interface RegionTable {
  readonly sets: readonly AddressSet[];
  readonly positions: ReadonlyMap<AddressSet, number>;
  readonly classes: readonly RegionClass[];
  /** By owner. */
  readonly ofOwner: readonly (readonly RegionClass[])[];
}

/** Cuts the addresses of all owners at every set, and says which pieces are alike. */
export function regionTable(sets: readonly AddressSet[], ownership: Ownership): RegionTable {
  const classes = new Map<string, RegionClass & { readonly regions: Region[] }>();
  const ofOwner = ownership.map((): RegionClass[] => []);
  const cut = new Set(sets.flatMap((set) => [...set.partial.keys()]));
  for (const owner of ownership.keys()) {
    for (const family of FAMILIES) {
      for (const { region, within } of piecesOf(owner, family, sets, ownership, cut.has(owner))) {
        const key = `${family}/${within.join()}`;
        const known = classes.get(key) ?? { family, within, owners: emptyBits(ownership.length), regions: [] };
        if (!hasBit(known.owners, owner)) ofOwner[owner]?.push(known);
        known.regions.push(region);
        setBit(known.owners, owner);
        classes.set(key, known);
      }
    }
  }
  return { sets, positions: new Map(sets.map((set, index) => [set, index])), classes: [...classes.values()], ofOwner };
}

interface Piece {
  readonly region: Region;
  readonly within: Bitset;
}

function piecesOf(
  owner: number,
  family: Family,
  sets: readonly AddressSet[],
  ownership: Ownership,
  cut: boolean,
): readonly Piece[] {
  const all = ownership[owner]?.[family] ?? [];
  if (all.length === 0) return [];
  if (!cut) {
    const within = emptyBits(sets.length);
    for (const [index, set] of sets.entries()) if (hasBit(set.present[family], owner)) setBit(within, index);
    return [{ region: { owner, family, ranges: all }, within }];
  }
  const parts = sets.map((set) => addressesOf(set, owner, ownership)[family]);
  return cutAt(all, parts.flat()).map((range) => {
    const within = emptyBits(sets.length);
    for (const [index, part] of parts.entries()) if (contains(part, range.first)) setBit(within, index);
    return { region: { owner, family, ranges: [range] }, within };
  });
}

/** The ranges cut so that each piece lies wholly within or wholly outside each of the others. */
function cutAt(ranges: RangeSet, others: RangeSet): readonly NumericRange[] {
  const cuts = [...new Set(others.flatMap(({ first, last }) => [first, last + 1n]))].sort((left, right) =>
    left < right ? -1 : 1,
  );
  return ranges.flatMap(({ first, last }) => {
    const starts = [first, ...cuts.filter((cut) => cut > first && cut <= last)];
    return starts.map((start, index) => ({ first: start, last: (starts[index + 1] ?? last + 1n) - 1n }));
  });
}

export function contains(ranges: RangeSet, address: bigint): boolean {
  return ranges.some(({ first, last }) => first <= address && address <= last);
}
