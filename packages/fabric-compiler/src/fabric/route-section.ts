import { poolPrefixes, routedPrefixes, type Topology } from '../topology.js';
import { OctetWriter } from './octet-writer.js';

/** Prefixes of up to 32 owners that follow each other, or of all address pools, to be routed into the overlay device. */
export interface RouteSection {
  readonly prefixes: readonly string[];
  readonly digest: Uint8Array;
}

/**
 * What each edge routes into the fabric: the networks of all others and every address pool, also of those that no rule reaches, so that traffic
 * to them meets the SPD and never leaves in the clear by the default route.
 */
export function routeSections(topology: Topology): (edge: number) => readonly RouteSection[] {
  const words = Math.ceil(topology.owners.length / 32);
  const whole = Array.from({ length: words }, (_, word) => ofOwners(topology, word, undefined));
  const pools = poolPrefixes(topology).map(({ text }) => text);
  // The gateway of the hosts, too: what is for an address that nobody has would leave by its default route.
  const ofPools = pools.length === 0 ? [] : [sectionOf(pools)];
  return (edge) => [
    ...whole.map((section, word) => (edge >>> 5 === word ? ofOwners(topology, word, edge) : section)),
    ...ofPools,
  ];
}

function ofOwners({ owners }: Topology, word: number, without: number | undefined): RouteSection {
  return sectionOf(
    owners
      .slice(32 * word, 32 * word + 32)
      .flatMap((owner, index) => (32 * word + index === without ? [] : routedPrefixes(owner).map(({ text }) => text))),
  );
}

function sectionOf(prefixes: readonly string[]): RouteSection {
  const writer = new OctetWriter().number(prefixes.length);
  for (const prefix of prefixes) writer.text(prefix);
  return { prefixes, digest: writer.hash() };
}
