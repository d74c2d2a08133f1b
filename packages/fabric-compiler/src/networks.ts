import { FAMILIES } from './address/family.js';
import { byAddress, type Prefix, parsePrefixText } from './address/prefix.js';
import { rangesOverlap } from './address/range-set.js';
import { unusableBlock } from './address/special.js';
import type { IntentNetwork } from './intent.js';
import type { CompileProblem } from './problem.js';

/** A network whose prefix is one. */
export interface PlacedNetwork {
  readonly network: IntentNetwork;
  /** Of the overlay prefix. */
  readonly pointer: string;
  readonly index: number;
  readonly prefix: Prefix;
}

/** Checks one network; undefined when its prefix was reported. */
export function checkNetwork(
  network: IntentNetwork,
  { pointer, index }: { readonly pointer: string; readonly index: number },
  siteIds: ReadonlySet<string>,
  problems: CompileProblem[],
): PlacedNetwork | undefined {
  if (!siteIds.has(network.siteId)) {
    problems.push({
      pointer: `${pointer}/siteId`,
      rule: 'unknown_site',
      detail: `The network "${network.name}" names the site ${network.siteId}, which does not exist.`,
      fix: 'Name an existing site, or delete the network.',
    });
  }
  const prefix = checkOverlayPrefix(network, pointer, problems);
  if (prefix === undefined) return undefined;
  const block = unusableBlock(prefix.family, prefix.range);
  if (block !== undefined) {
    problems.push({
      pointer: prefixPointer(network, pointer),
      rule: 'unusable_prefix',
      detail: `The network "${network.name}" (${prefix.text}) touches ${block}, which cannot be routed into the fabric.`,
      fix: 'Use a unicast prefix that is really behind the site.',
    });
    return undefined;
  }
  return { network, pointer: prefixPointer(network, pointer), index, prefix };
}

/** Where the overlay prefix stands; those of external peers are a list of texts. */
function prefixPointer({ mappedPrefix }: { readonly mappedPrefix?: string | undefined }, pointer: string): string {
  if (mappedPrefix !== undefined) return `${pointer}/mappedPrefix`;
  return pointer.startsWith('/externalPeers/') ? pointer : `${pointer}/prefix`;
}

/** The prefix of a network in the overlay: its own, or the one it is mapped to. */
function checkOverlayPrefix(network: IntentNetwork, pointer: string, problems: CompileProblem[]): Prefix | undefined {
  const own = checkPrefix(network.prefix, prefixPointer({}, pointer), problems);
  if (own === undefined || network.mappedPrefix === undefined) return own;
  const mapped = checkPrefix(network.mappedPrefix, `${pointer}/mappedPrefix`, problems);
  if (mapped === undefined || (mapped.family === own.family && mapped.length === own.length)) return mapped;
  problems.push({
    pointer: `${pointer}/mappedPrefix`,
    rule: 'mapping_length',
    detail: `The network "${network.name}" (${own.text}) cannot be mapped 1:1 to ${mapped.text}, which has not as many addresses.`,
    fix: `Map it to an IPv${own.family} prefix of length ${own.length}.`,
  });
  return undefined;
}

/** Reads a prefix of the intent; reports and returns undefined when it is not one. */
export function checkPrefix(text: string, pointer: string, problems: CompileProblem[]): Prefix | undefined {
  const parsed = parsePrefixText(text);
  if (parsed.ok) return parsed.prefix;
  if (parsed.error === 'host_bits') {
    problems.push({
      pointer,
      rule: 'host_bits',
      detail: `${text} has bits set after its prefix length.`,
      fix: `Write ${parsed.meant} if the whole prefix is meant, or a longer prefix length.`,
    });
  } else {
    problems.push({
      pointer,
      rule: 'invalid_prefix',
      detail: `"${text.slice(0, 64)}" is not an address prefix.`,
      fix: 'Write an IPv4 or IPv6 prefix, for example 10.1.0.0/16 or 2001:db8:1::/48.',
    });
  }
  return undefined;
}

/** Reports every network that shares an overlay address with another. */
export function reportOverlaps(networks: readonly PlacedNetwork[], problems: CompileProblem[]): void {
  for (const family of FAMILIES) {
    const sorted = networks
      .filter(({ prefix }) => prefix.family === family)
      .sort((left, right) => byAddress(left.prefix, right.prefix) || left.index - right.index);
    let widest: PlacedNetwork | undefined;
    for (const current of sorted) {
      if (widest !== undefined && rangesOverlap(widest.prefix.range, current.prefix.range)) {
        const [earlier, later] = widest.index < current.index ? [widest, current] : [current, widest];
        problems.push({
          pointer: later.pointer,
          rule: 'overlapping_networks',
          detail: `The network "${later.network.name}" (${later.prefix.text}) overlaps "${earlier.network.name}" (${earlier.prefix.text}).`,
          fix: 'Change or delete one of the two, or map one 1:1 to a prefix that is free (mappedPrefix): an overlay address may belong to one network only.',
        });
      }
      if (widest === undefined || current.prefix.range.last > widest.prefix.range.last) widest = current;
    }
  }
}
