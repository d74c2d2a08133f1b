import { rangesInFamily } from '../address/address-list.js';
import type { Family } from '../address/family.js';
import { octetsFromNumber } from '../address/octets.js';
import { intersectionOf, type NumericRange, type RangeSet } from '../address/range-set.js';
import type { BundleAddressList } from '../bundle.js';

/** Who carries packets, and those of which remote addresses: lists of one family each. */
export interface AddressCarrier {
  /** Of a tunnel or a group. */
  readonly tunnelId: string;
  readonly carries: readonly BundleAddressList[];
}

/** Some remote addresses, and who carries their packets. */
export interface CarriedPart {
  readonly tunnelId: string;
  readonly addresses: BundleAddressList;
}

/** Takes lists of remote addresses apart by who carries them, so that an entry can be written for each tunnel that names it. */
export class CarriedParts {
  readonly #carriers: readonly { readonly tunnelId: string; readonly family: Family; readonly ranges: RangeSet }[];
  readonly #known = new WeakMap<BundleAddressList, readonly CarriedPart[]>();

  constructor(carriers: readonly AddressCarrier[]) {
    this.#carriers = carriers.flatMap(({ tunnelId, carries }) =>
      carries.map((list) => {
        const family = familyOf(list);
        return { tunnelId, family, ranges: rangesInFamily(list, family) };
      }),
    );
  }

  /** In the order of the carriers. What nobody carries is left out. */
  of(list: BundleAddressList): readonly CarriedPart[] {
    const known = this.#known.get(list);
    if (known !== undefined) return known;
    const family = familyOf(list);
    const ranges = rangesInFamily(list, family);
    const parts = this.#carriers.flatMap((carrier): CarriedPart[] => {
      if (carrier.family !== family) return [];
      const common = intersectionOf(ranges, carrier.ranges);
      return common.length === 0 ? [] : [{ tunnelId: carrier.tunnelId, addresses: common.map(written(family)) }];
    });
    this.#known.set(list, parts);
    return parts;
  }
}

/** All ranges of a list have one. */
function familyOf(list: BundleAddressList): Family {
  return list[0]?.first.length === 4 ? 4 : 6;
}

function written(family: Family): (range: NumericRange) => BundleAddressList[number] {
  return ({ first, last }) => ({ first: octetsFromNumber(first, family), last: octetsFromNumber(last, family) });
}
