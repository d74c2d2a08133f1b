import type { AddressSet, Ownership } from '../address/address-set.js';
import { FAMILIES } from '../address/family.js';
import { bitsMeet, hasBit } from '../bitset.js';
import type { ResolvedRule, ServicesByFamily } from '../resolved-rule.js';
import { type Clause, decidingClause, type Flow, flowClasses } from './decision-list.js';
import { ruleClauses } from './policy-proof.js';
import { type RegionClass, type RegionTable, regionTable } from './regions.js';
import type { OwnedPacket } from './rule-verdict.js';

/** Packets that open flows from some addresses to others, with some services. */
export interface PacketSpace {
  readonly sources: AddressSet;
  readonly destinations: AddressSet;
  readonly services: ServicesByFamily;
}

export interface SpaceDecision {
  readonly packet: OwnedPacket;
  /** What decides it; undefined: nothing does, so it is discarded. */
  readonly clause: Clause | undefined;
}

/** One packet out of each class of packets of a space that no rule tells apart, with what decides it: all packets, exactly. */
export function* decisionsIn(
  space: PacketSpace,
  rules: readonly ResolvedRule[],
  ownership: Ownership,
): Generator<SpaceDecision> {
  const relevant = rules.filter((rule) => mayMatch(rule, space));
  const table = regionTable(
    [...new Set([space.sources, space.destinations, ...relevant.flatMap((rule) => [rule.sources, rule.destinations])])],
    ownership,
  );
  const within = (set: AddressSet) => {
    const position = table.positions.get(set) ?? -1;
    return table.classes.filter((region) => hasBit(region.within, position));
  };
  const destinations = within(space.destinations);
  for (const source of within(space.sources)) {
    for (const destination of destinations) {
      if (source.family === destination.family) yield* decisionsBetween(source, destination, space, relevant, table);
    }
  }
}

/** Whether a rule could match some packet of the space, as far as owners go. */
export function mayMatch(rule: ResolvedRule, space: PacketSpace): boolean {
  return FAMILIES.some((family) => {
    const meets = (one: AddressSet, other: AddressSet) => bitsMeet(one.present[family], other.present[family]);
    return (
      (meets(rule.sources, space.sources) && meets(rule.destinations, space.destinations)) ||
      (meets(rule.sources, space.destinations) && meets(rule.destinations, space.sources))
    );
  });
}

function* decisionsBetween(
  source: RegionClass,
  destination: RegionClass,
  space: PacketSpace,
  rules: readonly ResolvedRule[],
  table: RegionTable,
): Generator<SpaceDecision> {
  const ends = packetEnds(source, destination);
  const services = space.services[source.family];
  if (ends === undefined || services.length === 0) return;
  const wanted: Clause = { ruleId: '', action: 'PROTECT', profileId: '', services, direction: 'opens' };
  const clauses = ruleClauses(rules, source, destination, table);
  for (const flow of flowClasses([wanted, ...clauses])) {
    if (decidingClause([wanted], flow) === undefined) continue;
    yield { packet: { ...ends, ...asSent(flow) }, clause: decidingClause(clauses, flow) };
  }
}

/** An address of each class, of two owners: nobody sends to himself through the fabric. */
function packetEnds(source: RegionClass, destination: RegionClass) {
  for (const near of source.regions) {
    const far = destination.regions.find(({ owner }) => owner !== near.owner);
    const first = near.ranges[0]?.first;
    const last = far?.ranges[0]?.first;
    if (far === undefined || first === undefined || last === undefined) continue;
    return { family: source.family, from: near.owner, to: far.owner, source: first, destination: last };
  }
  return undefined;
}

/** The packet of a flow that the local side sends. */
export function asSent({ protocol, localPort, remotePort }: Flow) {
  return { protocol, sourcePort: localPort, destinationPort: remotePort };
}
