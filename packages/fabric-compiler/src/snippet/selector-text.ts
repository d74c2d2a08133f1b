import type { Family } from '../address/family.js';
import { numberFromOctets } from '../address/octets.js';
import { formatAddressText } from '../address/text.js';
import type { BundleAddressRange } from '../bundle.js';

/** `address/length` of a range that is a prefix. */
export function prefixText({ first, last }: BundleAddressRange): string | undefined {
  const family: Family = first.length === 4 ? 4 : 6;
  const [low, high] = [numberFromOctets(first), numberFromOctets(last)];
  const size = high - low + 1n;
  const bits = size.toString(2).length - 1;
  if (size !== 1n << BigInt(bits) || low % size !== 0n) return undefined;
  return `${formatAddressText({ family, value: low })}/${8 * first.length - bits}`;
}

/** A prefix where the range is one, else its ends. */
export function selectorText(range: BundleAddressRange): string {
  return prefixText(range) ?? [range.first, range.last].map(addressText).join('-');
}

export function addressText(octets: Uint8Array): string {
  return formatAddressText({ family: octets.length === 4 ? 4 : 6, value: numberFromOctets(octets) });
}
