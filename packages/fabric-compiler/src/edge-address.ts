import type { Family } from './address/family.js';
import { rangesOverlap } from './address/range-set.js';
import { unusableBlock } from './address/special.js';
import { formatAddressText, parseAddressText } from './address/text.js';
import type { PlacedNetwork } from './networks.js';
import type { CompileProblem } from './problem.js';

/** An address of an edge on the underlay. */
export interface PlacedAddress {
  readonly family: Family;
  readonly value: bigint;
}

/** Parses an underlay address of the edge `name`; undefined when it cannot be one. `pointer`: where it stands in the intent. */
export function placedAddress(
  { name, text: written, pointer }: { readonly name: string; readonly text: string; readonly pointer: string },
  networks: readonly PlacedNetwork[],
  problems: CompileProblem[],
): PlacedAddress | undefined {
  const address = parseAddressText(written);
  if (address === undefined) {
    problems.push({
      pointer,
      rule: 'invalid_address',
      detail: `"${written.slice(0, 64)}", the underlay address of the edge "${name}", is not an IP address.`,
      fix: 'Write the IPv4 or IPv6 address that other edges reach, for example 203.0.113.7.',
    });
    return undefined;
  }
  const range = { first: address.value, last: address.value };
  const text = formatAddressText(address);
  const block = unusableBlock(address.family, range);
  if (block !== undefined) {
    problems.push({
      pointer,
      rule: 'unusable_address',
      detail: `The underlay address ${text} of the edge "${name}" is in ${block}.`,
      fix: 'Write the unicast address that other edges reach.',
    });
    return undefined;
  }
  const around = networks.find(({ prefix }) => prefix.family === address.family && rangesOverlap(prefix.range, range));
  if (around !== undefined) {
    problems.push({
      pointer,
      rule: 'underlay_inside_overlay',
      detail: `The underlay address ${text} of the edge "${name}" lies inside the network "${around.network.name}" (${around.prefix.text}); packets to it would be routed into the tunnel that they carry.`,
      fix: 'Use an underlay address outside every network of the fabric, or a narrower network.',
    });
    return undefined;
  }
  return address;
}
