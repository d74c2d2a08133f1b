import { addBits, type Bitset, emptyBits, membersOf, sameBits, setBit } from '../bitset.js';
import type { Topology } from '../topology.js';
import { type Paths, pathBetween } from './paths.js';
import type { PeerUse } from './peer-section.js';
import { type TransitDuty, transitDuties } from './transit.js';

/** What follows for each edge from who talks to whom, in a topology where not everybody is a neighbour. */
export interface SiteLinks {
  readonly uses: ReadonlyMap<number, PeerUse>;
  readonly duties: readonly TransitDuty[];
}

/**
 * Walks the way of every pair of owners with protected traffic. `reaches` is by edge and profile. Both directions of a pair go
 * the same way; an external peer has no bundle that would say whom it reaches, so its direction is the other one reversed.
 */
export function siteLinks(
  reaches: readonly ReadonlyMap<string, Bitset>[],
  paths: Paths,
  topology: Topology,
): readonly SiteLinks[] {
  const ownerCount = topology.owners.length;
  const uses = topology.owners.map(() => new Map<number, { profileIds: Set<string>; carries: Bitset }>());
  const passing = topology.owners.map(() => new Map<number, Bitset>());
  const walk = (way: readonly number[], profileId: string) => {
    const from = way[0] ?? 0;
    const to = way.at(-1) ?? 0;
    for (const [index, at] of way.slice(0, -1).entries()) {
      const next = way[index + 1] ?? to;
      const use = uses[at]?.get(next) ?? { profileIds: new Set(), carries: emptyBits(ownerCount) };
      use.profileIds.add(profileId);
      setBit(use.carries, to);
      uses[at]?.set(next, use);
      if (index === 0) continue;
      const passed = passing[at]?.get(from) ?? emptyBits(ownerCount);
      setBit(passed, to);
      passing[at]?.set(from, passed);
    }
  };
  for (const [from, byProfile] of reaches.entries()) {
    for (const [profileId, reached] of byProfile) {
      for (const to of membersOf(reached)) {
        const way = pathBetween(paths, from, to);
        if (way === undefined || way.length < 2) continue;
        walk(way, profileId);
        if (topology.owners[to]?.kind === 'external') walk(way.toReversed(), profileId);
      }
    }
  }
  return topology.served.map((_, edge) => ({
    uses: new Map(
      [...(uses[edge] ?? [])].map(([peer, { profileIds, carries }]) => [
        peer,
        { profileIds: [...profileIds], carries },
      ]),
    ),
    duties: transitDuties(passing[edge] ?? new Map(), ownerCount),
  }));
}

/** Who is reached because of any of the sections, by profile. */
export function unionOfReaches(
  sections: Iterable<{ readonly reaches: ReadonlyMap<string, Bitset> }>,
): ReadonlyMap<string, Bitset> {
  const union = new Map<string, Bitset>();
  for (const { reaches } of sections) {
    for (const [profileId, bits] of reaches) {
      const known = union.get(profileId);
      if (known === undefined) union.set(profileId, bits.slice());
      else addBits(known, bits);
    }
  }
  return union;
}

export function sameReaches(
  left: ReadonlyMap<string, Bitset>,
  right: ReadonlyMap<string, Bitset> | undefined,
): boolean {
  if (left === right) return true;
  return (
    left.size === right?.size &&
    [...left].every(([profileId, bits]) => {
      const other = right.get(profileId);
      return other !== undefined && sameBits(bits, other);
    })
  );
}
