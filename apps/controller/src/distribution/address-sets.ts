import type { AddressSet } from '@weft/contracts/southbound';
import type { BundleAddressList } from '@weft/fabric-compiler';

/** The lists of addresses of one bundle, each once, in the order in which they are named first. */
export class AddressSets {
  readonly #places = new Map<string, number>();
  readonly #lists: BundleAddressList[] = [];

  placeOf(list: BundleAddressList): number {
    const key = keyOf(list);
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    const place = this.#lists.push(list) - 1;
    this.#places.set(key, place);
    return place;
  }

  placesOf(lists: readonly BundleAddressList[]): number[] {
    return lists.map((list) => this.placeOf(list));
  }

  messages(): AddressSet[] {
    return this.#lists.map((list) => ({ ranges: rangeMessages(list) }));
  }
}

/** Addresses as the contract has them. */
export function rangeMessages(ranges: BundleAddressList): { first: Buffer; last: Buffer }[] {
  return ranges.map(({ first, last }) => ({ first: Buffer.from(first), last: Buffer.from(last) }));
}

/** Equal for equal lists, whether or not they are one. */
function keyOf(list: BundleAddressList): string {
  const known = keys.get(list);
  if (known !== undefined) return known;
  const octets = list.flatMap(({ first, last }) => [Uint8Array.of(first.length), first, last]);
  const key = Buffer.concat(octets).toString('latin1');
  keys.set(list, key);
  return key;
}

/** Bundles of many edges have the same lists. */
const keys = new WeakMap<BundleAddressList, string>();
