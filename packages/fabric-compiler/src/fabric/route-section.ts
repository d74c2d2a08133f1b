import type { Topology } from '../topology.js';
import { OctetWriter } from './octet-writer.js';

/** Prefixes of up to 32 owners that follow each other, to be routed into the overlay device. */
export interface RouteSection {
  readonly prefixes: readonly string[];
  readonly digest: Uint8Array;
}

/**
 * What each edge routes into the fabric: the networks of all others, also of those that no rule reaches, so that traffic
 * to them meets the SPD and never leaves in the clear by the default route.
 */
export function routeSections(topology: Topology): (edge: number) => readonly RouteSection[] {
  const words = Math.ceil(topology.owners.length / 32);
  const whole = Array.from({ length: words }, (_, word) => sectionOf(topology, word, undefined));
  return (edge) => whole.map((section, word) => (edge >>> 5 === word ? sectionOf(topology, word, edge) : section));
}

function sectionOf({ owners }: Topology, word: number, without: number | undefined): RouteSection {
  const prefixes = owners
    .slice(32 * word, 32 * word + 32)
    .flatMap((owner, index) => (32 * word + index === without ? [] : owner.prefixes.map(({ text }) => text)));
  const writer = new OctetWriter().number(prefixes.length);
  for (const prefix of prefixes) writer.text(prefix);
  return { prefixes, digest: writer.hash() };
}
