import { numberFromOctets, octetsFromNumber } from '../address/octets.js';
import { intersectionOf, type NumericRange, type RangeSet, unionOf } from '../address/range-set.js';
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
  readonly #carriers: readonly { readonly tunnelId: string; readonly octets: number; readonly ranges: RangeSet }[];
  readonly #known = new WeakMap<BundleAddressList, readonly CarriedPart[]>();

  constructor(carriers: readonly AddressCarrier[]) {
    this.#carriers = carriers.flatMap(({ tunnelId, carries }) =>
      carries.map((list) => ({ tunnelId, octets: octetsOf(list), ranges: numbersOf(list) })),
    );
  }

  /** In the order of the carriers. What nobody carries is left out. */
  of(list: BundleAddressList): readonly CarriedPart[] {
    const known = this.#known.get(list);
    if (known !== undefined) return known;
    const [octets, ranges] = [octetsOf(list), numbersOf(list)];
    const parts = this.#carriers.flatMap((carrier): CarriedPart[] => {
      if (carrier.octets !== octets) return [];
      const common = intersectionOf(ranges, carrier.ranges);
      return common.length === 0 ? [] : [{ tunnelId: carrier.tunnelId, addresses: common.map(written(octets)) }];
    });
    this.#known.set(list, parts);
    return parts;
  }
}

function octetsOf(list: BundleAddressList): number {
  return list[0]?.first.length ?? 0;
}

function numbersOf(list: BundleAddressList): RangeSet {
  return unionOf(list.map(({ first, last }) => ({ first: numberFromOctets(first), last: numberFromOctets(last) })));
}

function written(octets: number): (range: NumericRange) => BundleAddressList[number] {
  const family = octets === 4 ? 4 : 6;
  return ({ first, last }) => ({ first: octetsFromNumber(first, family), last: octetsFromNumber(last, family) });
}
