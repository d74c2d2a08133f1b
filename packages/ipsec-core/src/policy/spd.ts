import { PolicyError } from '../errors.js';
import type { AddressRange, Family } from '../wire/ip/address.js';
import type { Flow } from '../wire/ip/flow.js';
import { AddressRanks } from './address-ranks.js';
import { type Box, DecisionTree } from './decision-tree.js';
import { FlowCache } from './flow-cache.js';
import { ANY_PORT, ANY_PROTOCOL, checkSelector, familyOf, type Interval, type TrafficSelector } from './selector.js';

/** One ordered entry of the SPD (RFC 4301 section 4.4.1.2). `ruleId` names what the operator wrote. */
export type SecurityPolicy = {
  readonly entryId: string;
  readonly ruleId: string;
  readonly selector: TrafficSelector;
} & (
  | { readonly action: 'PROTECT'; readonly tunnelId: string }
  | { readonly action: 'BYPASS' }
  | { readonly action: 'DISCARD' }
);

/** Makes an immutable snapshot. Earlier entries win. Throws PolicyError. */
export function createSecurityPolicyDatabase(policies: readonly SecurityPolicy[]): SecurityPolicyDatabase {
  const seen = new Set<string>();
  for (const [i, { entryId, selector }] of policies.entries()) {
    if (seen.has(entryId)) throw new PolicyError('DUPLICATE_ENTRY', `[${i}].entryId`, `"${entryId}" occurs twice.`);
    seen.add(entryId);
    checkSelector(selector, `[${i}].selector`);
  }
  return new SecurityPolicyDatabase(policies);
}

export class SecurityPolicyDatabase {
  readonly entries: readonly SecurityPolicy[];
  readonly #v4: FamilyClassifier;
  readonly #v6: FamilyClassifier;
  readonly #cache = new FlowCache();

  constructor(entries: readonly SecurityPolicy[]) {
    this.entries = entries;
    this.#v4 = new FamilyClassifier(4, entries);
    this.#v6 = new FamilyClassifier(6, entries);
  }

  /**
   * Index of the entry that decides a packet, or -1. Outbound, local is the packet's source; inbound, its destination
   * (RFC 4301 section 4.4.1.1: selectors name local and remote, not source and destination).
   */
  lookup(flow: Flow, direction: 'inbound' | 'outbound'): number {
    const inbound = direction === 'inbound';
    const cached = this.#cache.find(flow, inbound);
    if (cached !== undefined) return cached;
    const answer = (flow.family === 4 ? this.#v4 : this.#v6).find(flow, inbound);
    this.#cache.store(flow, inbound, answer);
    return answer;
  }

  /**
   * As `lookup`, as if every entry took any port: for a fragment that does not show its ports, the entry that would
   * decide if they matched.
   */
  lookupIgnoringPorts(flow: Flow, direction: 'inbound' | 'outbound'): number {
    return (flow.family === 4 ? this.#v4 : this.#v6).findIgnoringPorts(flow, direction === 'inbound');
  }
}

class FamilyClassifier {
  readonly #local: AddressRanks;
  readonly #remote: AddressRanks;
  readonly #boxes: Box[] = [];
  /** Position in the whole database of each box. */
  readonly #positions: number[] = [];
  readonly #tree: DecisionTree;
  #portless: DecisionTree | undefined;
  readonly #point = new Int32Array(DIMENSIONS);

  constructor(family: Family, entries: readonly SecurityPolicy[]) {
    const octets = family === 4 ? 4 : 16;
    const ofFamily = (ranges: readonly AddressRange[]) => ranges.filter(({ first }) => first.length === octets);
    const selectors = entries.map(({ selector }) => selector);
    this.#local = new AddressRanks(octets, ofFamily(selectors.flatMap(({ localAddresses }) => localAddresses)));
    this.#remote = new AddressRanks(octets, ofFamily(selectors.flatMap(({ remoteAddresses }) => remoteAddresses)));
    for (const [position, selector] of selectors.entries()) {
      if (!familyOf(selector, family)) continue;
      const { protocol } = selector;
      this.#positions.push(position);
      this.#boxes.push([
        intervalsOf(this.#local, selector.localAddresses, ofFamily),
        intervalsOf(this.#remote, selector.remoteAddresses, ofFamily),
        [protocol === 'any' ? ANY_PROTOCOL : { first: protocol, last: protocol }],
        selector.localPorts.length === 0 ? [ANY_PORT] : selector.localPorts,
        selector.remotePorts.length === 0 ? [ANY_PORT] : selector.remotePorts,
      ]);
    }
    this.#tree = new DecisionTree(this.#boxes, this.#space());
  }

  find(flow: Flow, inbound: boolean): number {
    return this.#positions[this.#tree.find(this.#locate(flow, inbound))] ?? -1;
  }

  findIgnoringPorts(flow: Flow, inbound: boolean): number {
    // Made when the first fragment comes: most networks never show one.
    this.#portless ??= new DecisionTree(
      this.#boxes.map((box) => [...box.slice(0, 3), [ANY_PORT], [ANY_PORT]]),
      this.#space(),
    );
    return this.#positions[this.#portless.find(this.#locate(flow, inbound))] ?? -1;
  }

  #locate(flow: Flow, inbound: boolean): Int32Array {
    const point = this.#point;
    point[0] = this.#local.rank(inbound ? flow.destination : flow.source);
    point[1] = this.#remote.rank(inbound ? flow.source : flow.destination);
    point[2] = flow.protocol;
    point[3] = inbound ? flow.destinationPort : flow.sourcePort;
    point[4] = inbound ? flow.sourcePort : flow.destinationPort;
    return point;
  }

  #space(): readonly Interval[] {
    return [
      { first: 0, last: this.#local.last },
      { first: 0, last: this.#remote.last },
      ANY_PROTOCOL,
      ANY_PORT,
      ANY_PORT,
    ];
  }
}

function intervalsOf(
  ranks: AddressRanks,
  ranges: readonly AddressRange[],
  ofFamily: (ranges: readonly AddressRange[]) => readonly AddressRange[],
): readonly Interval[] {
  if (ranges.length === 0) return [{ first: 0, last: ranks.last }];
  return ofFamily(ranges).map((range) => ranks.interval(range));
}

const DIMENSIONS = 5;
