import { formatAddressText, parseAddressText } from '../src/address/text.js';
import type { FabricIntent } from '../src/intent.js';
import { prefixHolds } from './reference-policy.js';

/** What its own site knows an address of the fabric by. */
export function addressAtSite({ networks }: FabricIntent, address: string): string {
  return exchanged(
    address,
    networks.flatMap(({ prefix, mappedPrefix }) =>
      mappedPrefix === undefined ? [] : [[mappedPrefix, prefix] as const],
    ),
  );
}

/** The address, its prefix exchanged by the first pair whose first one holds it. */
export function exchanged(address: string, pairs: readonly (readonly [from: string, to: string])[]): string {
  const [from, to] = pairs.find(([prefix]) => prefixHolds(prefix, address)) ?? [];
  const parsed = parseAddressText(address);
  if (from === undefined || to === undefined || parsed === undefined) return address;
  return formatAddressText({ family: parsed.family, value: parsed.value - firstOf(from) + firstOf(to) });
}

function firstOf(prefix: string): bigint {
  return parseAddressText(prefix.split('/')[0] ?? '')?.value ?? 0n;
}
