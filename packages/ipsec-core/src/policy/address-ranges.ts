import type { AddressRange } from '../wire/ip/address.js';
import { compareOctets } from './selector.js';

export function containsAddress({ first, last }: AddressRange, address: Uint8Array): boolean {
  return first.length === address.length && compareOctets(first, address) <= 0 && compareOctets(address, last) <= 0;
}

/** What two ranges have in common; undefined when that is nothing, as for two families. */
export function intersectRanges(one: AddressRange, other: AddressRange): AddressRange | undefined {
  if (one.first.length !== other.first.length) return undefined;
  const first = compareOctets(one.first, other.first) > 0 ? one.first : other.first;
  const last = compareOctets(one.last, other.last) < 0 ? one.last : other.last;
  return compareOctets(first, last) > 0 ? undefined : { first, last };
}
