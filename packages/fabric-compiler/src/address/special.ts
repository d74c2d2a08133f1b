import type { Family } from './family.js';
import { parsePrefixText } from './prefix.js';
import { type NumericRange, rangesOverlap } from './range-set.js';

interface SpecialBlock {
  readonly name: string;
  readonly family: Family;
  readonly range: NumericRange;
}

/**
 * Names the special-purpose block (RFC 6890) that the range touches and that no fabric can carry, or undefined.
 * A whole-family prefix touches all of them; the first is named.
 */
export function unusableBlock(family: Family, range: NumericRange): string | undefined {
  return UNUSABLE.find((block) => block.family === family && rangesOverlap(block.range, range))?.name;
}

const UNUSABLE: readonly SpecialBlock[] = [
  block('"this network" 0.0.0.0/8', '0.0.0.0/8'),
  block('loopback 127.0.0.0/8', '127.0.0.0/8'),
  block('link-local 169.254.0.0/16', '169.254.0.0/16'),
  block('multicast 224.0.0.0/4', '224.0.0.0/4'),
  block('reserved 240.0.0.0/4', '240.0.0.0/4'),
  block('unspecified and loopback ::/127', '::/127'),
  block('IPv4-mapped ::ffff:0:0/96', '::ffff:0:0/96'),
  block('link-local fe80::/10', 'fe80::/10'),
  block('multicast ff00::/8', 'ff00::/8'),
];

function block(name: string, text: string): SpecialBlock {
  const parsed = parsePrefixText(text);
  if (!parsed.ok) throw new Error(`${text} is not a prefix`);
  return { name, family: parsed.prefix.family, range: parsed.prefix.range };
}
