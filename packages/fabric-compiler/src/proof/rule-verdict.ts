import { type AddressSet, addressesOf, type Ownership } from '../address/address-set.js';
import { hasBit } from '../bitset.js';
import type { ResolvedRule } from '../resolved-rule.js';
import { type Packet, serves } from './packet.js';
import { contains } from './regions.js';

/** A packet whose ends are known by the numbers of their owners. */
export interface OwnedPacket extends Packet {
  readonly from: number;
  readonly to: number;
}

/** The first of the rules that matches a packet, read word by word; undefined: no rule does, so it is discarded. */
export function decidingRule(
  rules: Iterable<ResolvedRule>,
  packet: OwnedPacket,
  ownership: Ownership,
): ResolvedRule | undefined {
  for (const rule of rules) if (ruleMatches(rule, packet, ownership)) return rule;
  return undefined;
}

/** Whether a rule governs the packet: one that opens such a flow, or one that answers it. */
export function ruleMatches(rule: ResolvedRule, packet: OwnedPacket, ownership: Ownership): boolean {
  const { from, to, family, source, destination, protocol, sourcePort, destinationPort } = packet;
  const services = rule.services[family];
  const holds = (set: AddressSet, owner: number, address: bigint) => {
    if (!hasBit(set.present[family], owner)) return false;
    return !set.partial.has(owner) || contains(addressesOf(set, owner, ownership)[family], address);
  };
  const opens =
    holds(rule.sources, from, source) &&
    holds(rule.destinations, to, destination) &&
    serves(services, protocol, destinationPort);
  return (
    opens ||
    (holds(rule.sources, to, destination) &&
      holds(rule.destinations, from, source) &&
      serves(services, protocol, sourcePort))
  );
}

/** Who owns an address; undefined: nobody in the fabric. */
export function ownerOf(address: bigint, family: 4 | 6, ownership: Ownership): number | undefined {
  const owner = ownership.findIndex((ranges) => contains(ranges[family], address));
  return owner < 0 ? undefined : owner;
}
