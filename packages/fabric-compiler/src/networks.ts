import { FAMILIES } from './address/family.js';
import { byAddress, type Prefix, parsePrefixText } from './address/prefix.js';
import { rangesOverlap } from './address/range-set.js';
import { unusableBlock } from './address/special.js';
import type { IntentNetwork } from './intent.js';
import type { CompileProblem } from './problem.js';

/** A network whose prefix is one. */
export interface PlacedNetwork {
  readonly network: IntentNetwork;
  /** What it is; absent: a network. */
  readonly noun?: 'address pool';
  /** Of the overlay prefix. */
  readonly pointer: string;
  readonly index: number;
  /** In the overlay. */
  readonly prefix: Prefix;
  /** What the site knows it by, when that is another one. */
  readonly mapped?: { readonly prefix: Prefix; readonly pointer: string };
}

/** Checks one network; undefined when its prefix was reported. */
export function checkNetwork(
  network: IntentNetwork,
  { pointer, index, noun }: Pick<PlacedNetwork, 'pointer' | 'index' | 'noun'>,
  siteIds: ReadonlySet<string>,
  problems: CompileProblem[],
): PlacedNetwork | undefined {
  if (!siteIds.has(network.siteId)) {
    problems.push({
      pointer: `${pointer}/siteId`,
      rule: 'unknown_site',
      detail: `The ${noun ?? 'network'} "${network.name}" names the site ${network.siteId}, which does not exist.`,
      fix: `Name an existing site, or delete the ${noun ?? 'network'}.`,
    });
  }
  const own = checkPrefix(network.prefix, prefixPointer({}, pointer), problems);
  const prefix = checkOverlayPrefix(network, own, pointer, problems);
  if (own === undefined || prefix === undefined) return undefined;
  const isMapped = network.mappedPrefix !== undefined;
  if (!isUsable(network, prefix, prefixPointer(network, pointer), problems)) return undefined;
  if (isMapped && !isUsable(network, own, prefixPointer({}, pointer), problems)) return undefined;
  return {
    network,
    pointer: prefixPointer(network, pointer),
    index,
    prefix,
    ...(noun === undefined ? {} : { noun }),
    ...(isMapped ? { mapped: { prefix: own, pointer: prefixPointer({}, pointer) } } : {}),
  };
}

function isUsable(network: IntentNetwork, prefix: Prefix, pointer: string, problems: CompileProblem[]): boolean {
  const block = unusableBlock(prefix.family, prefix.range);
  if (block === undefined) return true;
  problems.push({
    pointer,
    rule: 'unusable_prefix',
    detail: `The network "${network.name}" (${prefix.text}) touches ${block}, which cannot be routed into the fabric.`,
    fix: 'Use a unicast prefix that is really behind the site.',
  });
  return false;
}

/** Where the overlay prefix stands; those of external peers are a list of texts. */
function prefixPointer({ mappedPrefix }: { readonly mappedPrefix?: string | undefined }, pointer: string): string {
  if (mappedPrefix !== undefined) return `${pointer}/mappedPrefix`;
  return pointer.startsWith('/externalPeers/') ? pointer : `${pointer}/prefix`;
}

/** The prefix of a network in the overlay: its own, or the one it is mapped to. */
function checkOverlayPrefix(
  network: IntentNetwork,
  own: Prefix | undefined,
  pointer: string,
  problems: CompileProblem[],
): Prefix | undefined {
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
          detail: `The ${later.noun ?? 'network'} "${later.network.name}" (${later.prefix.text}) overlaps "${earlier.network.name}" (${earlier.prefix.text}).`,
          fix: 'Change or delete one of the two, or, where they are of different sites, map each 1:1 to a prefix that is free (mappedPrefix): an overlay address may belong to one network only.',
        });
      }
      if (widest === undefined || current.prefix.range.last > widest.prefix.range.last) widest = current;
    }
  }
}

/**
 * Reports every mapped network whose own prefix means something else, too: to the fabric, or at the same site. Machines there would
 * reach the one and never the other. Mapped networks of different sites may have one prefix: that is what they are mapped for.
 */
export function reportAmbiguousMappings(networks: readonly PlacedNetwork[], problems: CompileProblem[]): void {
  const mapped = networks.filter((placed) => placed.mapped !== undefined);
  if (mapped.length === 0) return;
  const overlay = [...networks].sort((left, right) => byAddress(left.prefix, right.prefix));
  for (const placed of mapped) {
    const { prefix, pointer } = placed.mapped ?? placed;
    const other = overlapping(overlay, prefix);
    if (other === undefined) continue;
    const what = other === placed ? 'itself' : `"${other.network.name}" (${other.prefix.text}) on the fabric`;
    problems.push({
      pointer,
      rule: 'ambiguous_network',
      detail: `The network "${placed.network.name}" (${prefix.text}) is mapped 1:1, and overlaps ${what}: at its site an address would mean two things.`,
      fix: 'Map each of the two 1:1 to a prefix that no network has (mappedPrefix), or change one of them.',
    });
  }
  reportOverlapsAtSites(mapped, problems);
}

/** `networks` are in order, and apart from each other unless that was reported. */
function overlapping(networks: readonly PlacedNetwork[], prefix: Prefix): PlacedNetwork | undefined {
  let low = 0;
  let high = networks.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const at = networks[middle]?.prefix;
    const isBefore =
      at !== undefined &&
      (at.family < prefix.family || (at.family === prefix.family && at.range.last < prefix.range.first));
    if (isBefore) low = middle + 1;
    else high = middle;
  }
  const found = networks[low];
  const overlaps = found?.prefix.family === prefix.family && rangesOverlap(found.prefix.range, prefix.range);
  return overlaps ? found : undefined;
}

/** The own prefixes of the mapped networks of one site. */
function reportOverlapsAtSites(mapped: readonly PlacedNetwork[], problems: CompileProblem[]): void {
  const bySite = new Map<string, PlacedNetwork[]>();
  for (const placed of mapped) {
    const { siteId } = placed.network;
    bySite.set(siteId, [...(bySite.get(siteId) ?? []), placed]);
  }
  for (const placed of bySite.values()) {
    const own = placed.map((one) => ({
      ...one,
      pointer: one.mapped?.pointer ?? one.pointer,
      prefix: one.mapped?.prefix ?? one.prefix,
    }));
    reportOverlaps(own, problems);
  }
}
