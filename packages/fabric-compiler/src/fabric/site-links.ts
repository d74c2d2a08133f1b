import { FAMILIES } from '../address/family.js';
import { addBits, type Bitset, emptyBits, membersOf, sameBits, setBit } from '../bitset.js';
import type { ResolvedRule } from '../resolved-rule.js';
import type { Topology } from '../topology.js';
import { type Paths, pathBetween } from './paths.js';
import type { PeerUse } from './peer-section.js';
import { addReach } from './spd-section.js';
import { type TransitDuty, transitDuties } from './transit.js';

/** What follows for each edge from who talks to whom, in a topology where not everybody is a neighbour. */
export interface SiteLinks {
  readonly uses: ReadonlyMap<number, PeerUse>;
  readonly duties: readonly TransitDuty[];
}

/**
 * Walks the way of every pair of owners with protected traffic. `reaches` is by edge and profile. Both directions of a pair go
 * the same way; an external peer has no bundle that would say whom it reaches, so its direction is the other one reversed, and for two
 * of them the rules say it.
 */
export function siteLinks(
  reaches: readonly ReadonlyMap<string, Bitset>[],
  paths: Paths,
  topology: Topology,
  rules: Iterable<ResolvedRule>,
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
  for (const [way, profileId] of waysInUse(reaches, paths, topology, rules)) walk(way, profileId);
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

function* waysInUse(
  reaches: readonly ReadonlyMap<string, Bitset>[],
  paths: Paths,
  topology: Topology,
  rules: Iterable<ResolvedRule>,
): Generator<readonly [way: readonly number[], profileId: string]> {
  const isExternal = (owner: number) => topology.owners[owner]?.kind === 'external';
  const ofAll = [...reaches.entries(), ...externalReaches(topology, rules)];
  for (const [from, byProfile] of ofAll) {
    for (const [profileId, reached] of byProfile) {
      for (const to of membersOf(reached)) {
        if (isExternal(from) && !isExternal(to)) continue;
        const way = pathBetween(paths, from, to);
        if (way === undefined || way.length < 2) continue;
        yield [way, profileId];
        if (isExternal(to) && !isExternal(from)) yield [way.toReversed(), profileId];
      }
    }
  }
}

/** Whom external peers reach, by number of the owner and by profile. */
function externalReaches(
  { owners }: Topology,
  rules: Iterable<ResolvedRule>,
): ReadonlyMap<number, ReadonlyMap<string, Bitset>> {
  const external = owners.flatMap(({ kind }, owner) => (kind === 'external' ? [owner] : []));
  const found = new Map(external.map((owner) => [owner, new Map<string, Bitset>()]));
  if (found.size === 0) return found;
  for (const rule of rules) {
    if (rule.action !== 'PROTECT') continue;
    for (const [owner, reaches] of found) for (const family of FAMILIES) addReach(reaches, rule, family, owner);
  }
  return found;
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
