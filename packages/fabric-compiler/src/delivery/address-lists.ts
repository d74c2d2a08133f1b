import { type AddressSet, type Ownership, rangesOfSet } from '../address/address-set.js';
import { FAMILIES, type Family } from '../address/family.js';
import { octetsFromNumber } from '../address/octets.js';
import type { RangeSet } from '../address/range-set.js';
import type { BundleAddressList } from '../bundle.js';

/** Sets of addresses as lists of octets, of one family each. The same set is the same list, in whatever bundle it stands. */
export class AddressLists {
  readonly #ownership: Ownership;
  readonly #ofSets = new Map<AddressSet, Readonly<Record<Family, BundleAddressList>>>();
  readonly #ofRanges = new Map<RangeSet, BundleAddressList>();

  constructor(ownership: Ownership) {
    this.#ownership = ownership;
  }

  /** Empty: the set has no address of the family. In a selector that would be every address. */
  of(set: AddressSet, family: Family): BundleAddressList {
    let lists = this.#ofSets.get(set);
    if (lists === undefined) {
      const list = (each: Family) => written(rangesOfSet(set, each, this.#ownership), each);
      lists = { 4: list(4), 6: list(6) };
      this.#ofSets.set(set, lists);
    }
    return lists[family];
  }

  /** All that an owner has. */
  ofOwner(owner: number, family: Family): BundleAddressList {
    const ranges = this.#ownership[owner]?.[family] ?? NONE;
    let list = this.#ofRanges.get(ranges);
    if (list === undefined) {
      list = written(ranges, family);
      this.#ofRanges.set(ranges, list);
    }
    return list;
  }

  /** Those of each family that there is. */
  inFamilies(set: AddressSet): readonly BundleAddressList[] {
    return FAMILIES.map((family) => this.of(set, family)).filter(({ length }) => length > 0);
  }
}

function written(ranges: RangeSet, family: Family): BundleAddressList {
  return ranges.map(({ first, last }) => ({
    first: octetsFromNumber(first, family),
    last: octetsFromNumber(last, family),
  }));
}

const NONE: RangeSet = [];
