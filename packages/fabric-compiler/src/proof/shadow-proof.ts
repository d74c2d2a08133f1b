import { addressesOf, type Ownership } from '../address/address-set.js';
import { FAMILIES, type Family } from '../address/family.js';
import { type Bitset, membersOf, noBits } from '../bitset.js';
import type { ResolvedRule } from '../resolved-rule.js';
import type { Finding } from './finding.js';
import { formatPacket, hasPorts } from './packet.js';
import { decisionsIn, mayMatch } from './rule-space.js';
import { decidingRule, type OwnedPacket, ruleMatches } from './rule-verdict.js';

/** For each rule a packet that it decides, or the finding that there is none. */
export interface ShadowProof {
  readonly rules: readonly ResolvedRule[];
  readonly witnesses: ReadonlyMap<ResolvedRule, OwnedPacket>;
  readonly findings: readonly Finding[];
}

/**
 * Looks for a packet that each rule decides. Most rules have one that is found at once; only where the obvious ones are all
 * taken by earlier rules is the whole space of the rule looked at. A packet stays proof as long as no rule that is new in
 * front of the rule takes it.
 */
export function proveUnshadowed(
  rules: readonly ResolvedRule[],
  ownership: Ownership,
  before: ShadowProof | undefined,
): ShadowProof {
  const known = before !== undefined && sameOrder(before.rules, rules) ? before.witnesses : new Map();
  const added: ResolvedRule[] = [];
  const witnesses = new Map<ResolvedRule, OwnedPacket>();
  const findings: Finding[] = [];
  const old = new Set(before?.rules);
  for (const [index, rule] of rules.entries()) {
    const witness: OwnedPacket | undefined = known.get(rule);
    const stands = witness !== undefined && decidingRule(added, witness, ownership) === undefined;
    const packet = stands ? witness : packetDecidedBy(rule, rules.slice(0, index), ownership);
    if (!old.has(rule)) added.push(rule);
    if (packet === 'nothing_to_decide') continue;
    if (packet === undefined) findings.push(shadowed(rule, rules.slice(0, index), ownership));
    else witnesses.set(rule, packet);
  }
  return { rules, witnesses, findings };
}

/** Whether the rules that stayed are in the same order as before. */
function sameOrder(before: readonly ResolvedRule[], after: readonly ResolvedRule[]): boolean {
  const positions = new Map(before.map((rule, index) => [rule, index]));
  let last = -1;
  return after.every((rule) => {
    const position = positions.get(rule);
    if (position === undefined) return true;
    const rising = position > last;
    last = position;
    return rising;
  });
}

function packetDecidedBy(
  rule: ResolvedRule,
  earlier: readonly ResolvedRule[],
  ownership: Ownership,
): OwnedPacket | 'nothing_to_decide' | undefined {
  let any = false;
  for (const packet of obviousPackets(rule, ownership)) {
    any = true;
    if (decidingRule(earlier, packet, ownership) === undefined) return packet;
  }
  if (!any) return 'nothing_to_decide';
  const rivals = earlier.filter((other) => mayMatch(other, rule));
  for (const { packet, clause } of decisionsIn(rule, rivals, ownership)) if (clause === undefined) return packet;
  return undefined;
}

/** A few packets that the rule matches, between its first and last owners, with each of its services. */
function* obviousPackets(rule: ResolvedRule, ownership: Ownership): Generator<OwnedPacket> {
  for (const family of FAMILIES) {
    const services = rule.services[family];
    if (services.length === 0) continue;
    for (const [from, to] of obviousPairs(rule.sources.present[family], rule.destinations.present[family])) {
      const source = firstAddress(rule, 'sources', from, family, ownership);
      const destination = firstAddress(rule, 'destinations', to, family, ownership);
      if (source === undefined || destination === undefined) continue;
      for (const service of services) {
        const protocol = service.protocol === 'any' ? UNUSED_PROTOCOL : service.protocol;
        const ports = hasPorts(protocol)
          ? { sourcePort: CLIENT_PORT, destinationPort: service.ports[0]?.first ?? 0 }
          : NO_PORTS;
        yield { family, from, to, source, destination, protocol, ...ports };
      }
    }
  }
}

function* obviousPairs(sources: Bitset, destinations: Bitset): Generator<readonly [number, number]> {
  if (noBits(sources) || noBits(destinations)) return;
  const [from, to] = [someMembers(sources), someMembers(destinations)];
  for (const one of from) for (const other of to) if (one !== other) yield [one, other];
}

function someMembers(bits: Bitset): readonly number[] {
  const members = [...membersOf(bits)];
  return [...new Set([...members.slice(0, 2), ...members.slice(-2)])];
}

function firstAddress(
  rule: ResolvedRule,
  side: 'sources' | 'destinations',
  owner: number,
  family: Family,
  ownership: Ownership,
): bigint | undefined {
  return addressesOf(rule[side], owner, ownership)[family][0]?.first;
}

function shadowed(rule: ResolvedRule, earlier: readonly ResolvedRule[], ownership: Ownership): Finding {
  const [packet] = obviousPackets(rule, ownership);
  const taker = packet === undefined ? undefined : earlier.find((other) => ruleMatches(other, packet, ownership));
  const example = packet === undefined ? '' : `, for example ${formatPacket(packet)} by "${taker?.name ?? ''}"`;
  return {
    kind: 'shadowed_rule',
    detail: `The rule "${rule.name}" decides no packet: earlier rules decide all of its packets${example}.`,
    fix: `Move the rule "${rule.name}" up, narrow the earlier rules, or delete it.`,
    edgeIds: [],
    ruleId: rule.ruleId,
    counterexample: packet,
  };
}

const CLIENT_PORT = 49_152;
const NO_PORTS = { sourcePort: 0, destinationPort: 0 };
/** For experiments (RFC 3692): a rule for any protocol takes it, and none for a named one does. */
const UNUSED_PROTOCOL = 253;
