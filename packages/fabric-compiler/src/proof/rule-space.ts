import type { AddressSet, Ownership } from '../address/address-set.js';
import { FAMILIES, type Family } from '../address/family.js';
import { type Bitset, bitsMeet, emptyBits, hasBit, membersOf, setBit } from '../bitset.js';
import type { ResolvedRule, ServicesByFamily } from '../resolved-rule.js';
import type { ResolvedService } from '../services.js';
import { type Clause, decidingClause, type Flow, flowClassesOf } from './decision-list.js';
import { type RegionClass, regionTable } from './regions.js';
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

/**
 * One packet out of each class of packets of a space that no rule tells apart, with what decides it: all packets, exactly.
 * Pairs of addresses that the same rules match in the same way are looked at once.
 */
export function* decisionsIn(
  space: PacketSpace,
  rules: readonly ResolvedRule[],
  ownership: Ownership,
): Generator<SpaceDecision> {
  const relevant = rules.filter((rule) => mayMatch(rule, space));
  const sets = [space.sources, space.destinations, ...relevant.flatMap((rule) => [rule.sources, rule.destinations])];
  const table = regionTable([...new Set(sets)], ownership);
  const within = (set: AddressSet) => {
    const position = table.positions.get(set) ?? -1;
    const chosen = table.classes.filter((region) => hasBit(region.within, position));
    return chosen.map((region) => ({ region, ...rulesAt(region, relevant, table.positions) }));
  };
  const sources = within(space.sources);
  const destinations = within(space.destinations);
  const seen = new Set<string>();
  for (const source of sources) {
    for (const destination of destinations) {
      const { family } = source.region;
      if (family !== destination.region.family) continue;
      const ends = packetEnds(source.region, destination.region);
      if (ends === undefined) continue;
      const key = pairKey(family, source, destination);
      if (seen.has(key)) continue;
      seen.add(key);
      yield* decisionsBetween(ends, space.services[family], clausesBetween(source, destination, relevant, family));
    }
  }
}

/** Whether a rule could match some packet of the space, as far as owners, protocols and ports of destinations go. */
export function mayMatch(rule: ResolvedRule, space: PacketSpace): boolean {
  return FAMILIES.some((family) => {
    const meets = (one: AddressSet, other: AddressSet) => bitsMeet(one.present[family], other.present[family]);
    const [ours, theirs] = [rule.services[family], space.services[family]];
    return (
      (meets(rule.sources, space.sources) &&
        meets(rule.destinations, space.destinations) &&
        servicesMeet(ours, theirs, true)) ||
      (meets(rule.sources, space.destinations) &&
        meets(rule.destinations, space.sources) &&
        servicesMeet(ours, theirs, false))
    );
  });
}

function servicesMeet(left: readonly ResolvedService[], right: readonly ResolvedService[], samePort: boolean): boolean {
  return left.some((one) =>
    right.some(
      (other) =>
        (one.protocol === 'any' || other.protocol === 'any' || one.protocol === other.protocol) &&
        (!samePort ||
          one.ports.length === 0 ||
          other.ports.length === 0 ||
          one.ports.some((range) => other.ports.some(({ first, last }) => first <= range.last && range.first <= last))),
    ),
  );
}

/** By position of the rule: whether the region is among its sources, or its destinations. */
export interface RulesAt {
  readonly region: RegionClass;
  readonly asSource: Bitset;
  readonly asDestination: Bitset;
}

/** What the rules say of one region. */
export function rulesAt(
  { within }: RegionClass,
  rules: readonly ResolvedRule[],
  positions: ReadonlyMap<AddressSet, number>,
): Omit<RulesAt, 'region'> {
  const asSource = emptyBits(rules.length);
  const asDestination = emptyBits(rules.length);
  for (const [index, { sources, destinations }] of rules.entries()) {
    if (hasBit(within, positions.get(sources) ?? -1)) setBit(asSource, index);
    if (hasBit(within, positions.get(destinations) ?? -1)) setBit(asDestination, index);
  }
  return { asSource, asDestination };
}

/** Equal for pairs of regions between which the same rules match in the same way. */
export function pairKey(family: Family, source: RulesAt, destination: RulesAt): string {
  let key = `${family}`;
  for (let word = 0; word < source.asSource.length; word += 1) {
    const opens = (source.asSource[word] ?? 0) & (destination.asDestination[word] ?? 0);
    const answers = (source.asDestination[word] ?? 0) & (destination.asSource[word] ?? 0);
    if ((opens | answers) !== 0) key += `/${word}:${opens}:${answers}`;
  }
  return key;
}

/** What the rules say of packets between two regions, in their order. */
export function clausesBetween(
  source: RulesAt,
  destination: RulesAt,
  rules: readonly ResolvedRule[],
  family: Family,
): readonly Clause[] {
  const opens = source.asSource.map((word, index) => word & (destination.asDestination[index] ?? 0));
  const answers = source.asDestination.map((word, index) => word & (destination.asSource[index] ?? 0));
  const clauses: Clause[] = [];
  for (const index of membersOf(opens.map((word, at) => word | (answers[at] ?? 0)))) {
    const rule = rules[index];
    if (rule === undefined || rule.services[family].length === 0) continue;
    const { ruleId, action, profileId } = rule;
    const clause = { ruleId, action, profileId, services: rule.services[family] };
    if (hasBit(opens, index)) clauses.push({ ...clause, direction: 'opens' });
    if (hasBit(answers, index)) clauses.push({ ...clause, direction: 'answers' });
  }
  return clauses;
}

type PacketEnds = Omit<OwnedPacket, 'protocol' | 'sourcePort' | 'destinationPort'>;

function* decisionsBetween(
  ends: PacketEnds,
  services: readonly ResolvedService[],
  clauses: readonly Clause[],
): Generator<SpaceDecision> {
  if (services.length === 0) return;
  const wanted: Clause = { ruleId: '', action: 'PROTECT', profileId: '', services, direction: 'opens' };
  for (const flow of flowClassesOf(wanted, clauses)) {
    yield { packet: { ...ends, ...asSent(flow) }, clause: decidingClause(clauses, flow) };
  }
}

/** An address of each class, of two owners: nobody sends to himself through the fabric. */
function packetEnds(source: RegionClass, destination: RegionClass): PacketEnds | undefined {
  const [one, other] = [source.regions[0], destination.regions[0]];
  if (one === undefined || other === undefined) return undefined;
  const far = other.owner === one.owner ? destination.regions.find(({ owner }) => owner !== one.owner) : other;
  const near = far === undefined ? source.regions.find(({ owner }) => owner !== other.owner) : one;
  const [first, last] = [near?.ranges[0]?.first, (far ?? other).ranges[0]?.first];
  if (near === undefined || first === undefined || last === undefined) return undefined;
  return { family: source.family, from: near.owner, to: (far ?? other).owner, source: first, destination: last };
}

/** The packet of a flow that the local side sends. */
function asSent({ protocol, localPort, remotePort }: Flow) {
  return { protocol, sourcePort: localPort, destinationPort: remotePort };
}
