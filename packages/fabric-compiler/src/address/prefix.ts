import type { Family, FamilyRanges } from './family.js';
import type { NumericRange } from './range-set.js';
import { formatAddressText, parseAddressText } from './text.js';

export interface Prefix {
  readonly family: Family;
  readonly length: number;
  readonly range: NumericRange;
  /** Canonical form. */
  readonly text: string;
}

export type PrefixResult =
  | { readonly ok: true; readonly prefix: Prefix }
  | { readonly ok: false; readonly error: 'syntax' }
  | { readonly ok: false; readonly error: 'host_bits'; readonly meant: string };

/** Reads `address/length`. Host bits are an error that says which prefix was probably meant. */
export function parsePrefixText(text: string): PrefixResult {
  const match = /^([0-9a-fA-F.:]+)\/(0|[1-9]\d{0,2})$/.exec(text);
  const address = parseAddressText(match?.[1] ?? '');
  const length = Number(match?.[2] ?? Number.NaN);
  const bits = address?.family === 4 ? 32 : 128;
  if (address === undefined || !(length <= bits)) return { ok: false, error: 'syntax' };
  const host = (1n << BigInt(bits - length)) - 1n;
  const first = address.value - (address.value & host);
  const canonical = `${formatAddressText({ family: address.family, value: first })}/${length}`;
  if (first !== address.value) return { ok: false, error: 'host_bits', meant: canonical };
  return {
    ok: true,
    prefix: { family: address.family, length, range: { first, last: first + host }, text: canonical },
  };
}

export function rangesOfPrefix(prefix: Prefix): FamilyRanges {
  return prefix.family === 4 ? { 4: [prefix.range], 6: [] } : { 4: [], 6: [prefix.range] };
}

/** Total order of prefixes: IPv4 before IPv6, then by address, then the wider first. */
export function byAddress(left: Prefix, right: Prefix): number {
  if (left.family !== right.family) return left.family - right.family;
  if (left.range.first !== right.range.first) return left.range.first < right.range.first ? -1 : 1;
  return left.length - right.length;
}
