import type { Family, FamilyRanges } from '../address/family.js';
import { parsePrefixText } from '../address/prefix.js';
import { type NumericRange, unionOf } from '../address/range-set.js';
import { formatAddressText, parseAddressText } from '../address/text.js';

/** Addresses of one IP version, the last one included. */
export interface AddressRange extends NumericRange {
  readonly family: Family;
}

/** An address, a prefix, or two addresses with a hyphen between them, as swanctl.conf(5) has them. */
export function parseRange(text: string): AddressRange | undefined {
  const address = parseAddressText(text);
  if (address !== undefined) return { family: address.family, first: address.value, last: address.value };
  const parsed = parsePrefixText(text);
  if (parsed.ok) return { family: parsed.prefix.family, ...parsed.prefix.range };
  const [first, last, ...others] = text.split('-').map((end) => parseAddressText(end.trim()));
  if (first === undefined || last === undefined || others.length > 0) return undefined;
  if (first.family !== last.family || last.value < first.value) return undefined;
  return { family: first.family, first: first.value, last: last.value };
}

/** The fewest prefixes that are together the range, in order. */
export function prefixesOf({ family, first, last }: AddressRange): readonly string[] {
  const width = family === 4 ? 32 : 128;
  const prefixes: string[] = [];
  for (let value = first; value <= last; ) {
    let free = 0;
    // As wide as the address is aligned, and as is left.
    while (free < width && (value & (1n << BigInt(free))) === 0n && value + (2n << BigInt(free)) - 1n <= last)
      free += 1;
    prefixes.push(`${formatAddressText({ family, value })}/${width - free}`);
    value += 1n << BigInt(free);
  }
  return prefixes;
}

export function rangesOf(ranges: readonly AddressRange[]): FamilyRanges {
  const of = (family: Family) => unionOf(ranges.filter((range) => range.family === family));
  return { 4: of(4), 6: of(6) };
}
