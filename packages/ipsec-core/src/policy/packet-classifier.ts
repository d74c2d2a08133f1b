import type { AddressRange, Family } from '../wire/ip/address.js';
import type { Flow } from '../wire/ip/flow.js';
import { isMessageProtocol, OPAQUE_PORT, OPAQUE_PROTOCOL } from '../wire/ip/protocol.js';
import { AddressRanks } from './address-ranks.js';
import { type Box, DecisionTree } from './decision-tree.js';
import { isNamed, type SecurityPolicy } from './security-policy.js';
import {
  ANY_PORT,
  ANY_PROTOCOL,
  familyOf,
  type Interval,
  isAnyPort,
  type PortSelector,
  type TrafficSelector,
} from './selector.js';

/** No entry matches the packet: it is discarded (RFC 4301 section 4.4.1). */
export const NO_ENTRY = -1;
/** Which entry decides depends on fields that this fragment does not show. */
export const HIDDEN_FIELDS = -2;

/**
 * Finds the first entry that matches a packet of one family. Entries of SPD-S, SPD-I and SPD-O stay interleaved in their
 * order and direction is one more coordinate: "in an ordered, non-decorrelated SPD [...] there is one lookup in the SPD"
 * (RFC 4301 section 4.4.1). Decorrelation is not needed, since what is cached is the answer for one flow, not an entry.
 */
export class PacketClassifier {
  readonly #local: AddressRanks;
  readonly #remote: AddressRanks;
  readonly #sets: readonly PlacedSet[];
  readonly #boxes: readonly Box[];
  readonly #tree: DecisionTree;
  #permissive: DecisionTree | undefined;
  readonly #point = new Int32Array(DIMENSIONS);

  constructor(family: Family, entries: readonly SecurityPolicy[]) {
    const octets = family === 4 ? 4 : 16;
    const ofFamily = (ranges: readonly AddressRange[]) => ranges.filter(({ first }) => first.length === octets);
    const all = entries.flatMap(({ selectors }) => selectors);
    this.#local = new AddressRanks(octets, ofFamily(all.flatMap(({ localAddresses }) => localAddresses)));
    this.#remote = new AddressRanks(octets, ofFamily(all.flatMap(({ remoteAddresses }) => remoteAddresses)));
    this.#sets = entries.flatMap((entry, position) => placedSets(entry, position, family));
    this.#boxes = this.#sets.map(({ selector, direction, localPorts, remotePorts }) => [
      intervalsOf(this.#local, selector.localAddresses, ofFamily),
      intervalsOf(this.#remote, selector.remoteAddresses, ofFamily),
      protocolIntervals(selector.protocol),
      portIntervals(localPorts),
      portIntervals(remotePorts),
      direction,
    ]);
    this.#tree = new DecisionTree(this.#boxes, this.#space());
  }

  /** Position of the entry, NO_ENTRY, or HIDDEN_FIELDS. */
  find(flow: Flow, inbound: boolean): number {
    const point = this.#locate(flow, inbound);
    const found = this.#sets[this.#tree.find(point)];
    const position = found?.position ?? NO_ENTRY;
    if (flow.fragment !== 'later') return position;
    // The fragment matches what asks for ANY or OPAQUE. But if an earlier entry could match the packet that it is a part
    // of, letting it fall through might send in clear what that entry protects (RFC 4301 sections 5.1 and 7.4), unless
    // the later entry was made for fragments (section 7.2).
    const possible = this.#sets[this.#treeOfPossibleMatches().find(point)]?.position ?? NO_ENTRY;
    return possible === position || found?.asksForOpaque === true ? position : HIDDEN_FIELDS;
  }

  /** The boxes as if whatever a packet hides would match. Made when the first fragment comes: most networks show none. */
  #treeOfPossibleMatches(): DecisionTree {
    this.#permissive ??= new DecisionTree(
      this.#boxes.map(([local = [], remote = [], protocol = [], localPort = [], remotePort = [], direction = []]) => [
        local,
        remote,
        [...protocol, ...HIDDEN_PROTOCOL],
        [...localPort, ...HIDDEN_PORT],
        [...remotePort, ...HIDDEN_PORT],
        direction,
      ]),
      this.#space(),
    );
    return this.#permissive;
  }

  /** Outbound, local is the packet's source; inbound, its destination. */
  #locate(flow: Flow, inbound: boolean): Int32Array {
    const point = this.#point;
    point[0] = this.#local.rank(inbound ? flow.destination : flow.source);
    point[1] = this.#remote.rank(inbound ? flow.source : flow.destination);
    point[2] = flow.protocol;
    point[3] = inbound ? flow.destinationPort : flow.sourcePort;
    point[4] = inbound ? flow.sourcePort : flow.destinationPort;
    point[5] = inbound ? IN : OUT;
    return point;
  }

  #space(): readonly Interval[] {
    return [
      { first: 0, last: this.#local.last },
      { first: 0, last: this.#remote.last },
      ANY_PROTOCOL,
      ANY_PORT,
      ANY_PORT,
      ...BOTH_WAYS,
    ];
  }
}

/** A selector set, or the half of one that applies in one direction, and the entry that it belongs to. */
interface PlacedSet {
  readonly position: number;
  readonly selector: TrafficSelector;
  readonly direction: readonly Interval[];
  readonly localPorts: PortSelector;
  readonly remotePorts: PortSelector;
  readonly asksForOpaque: boolean;
}

function placedSets(entry: SecurityPolicy, position: number, family: Family): readonly PlacedSet[] {
  if (isNamed(entry)) return [];
  const only = entry.action === 'PROTECT' ? undefined : entry.direction;
  const ways = only === undefined ? BOTH_WAYS : only === 'inbound' ? INBOUND : OUTBOUND;
  const sets = entry.selectors.flatMap((selector): readonly PlacedSet[] => {
    if (!familyOf(selector, family)) return [];
    const { protocol, localPorts, remotePorts } = selector;
    if (typeof protocol !== 'number' || !isMessageProtocol(protocol)) {
      const asksForOpaque = protocol === 'opaque' || localPorts === 'opaque' || remotePorts === 'opaque';
      return [{ position, selector, direction: ways, localPorts, remotePorts, asksForOpaque }];
    }
    const [sending, receiving] = [localPorts === 'opaque', remotePorts === 'opaque'];
    const sent = { position, selector, direction: OUTBOUND, localPorts, remotePorts: [], asksForOpaque: sending };
    const received = { position, selector, direction: INBOUND, localPorts: [], remotePorts, asksForOpaque: receiving };
    return [sent, received].filter(({ direction }) => ways === BOTH_WAYS || ways === direction);
  });
  if (sets.length < 2) return sets;
  // Within an entry the order decides nothing but which set is found: one that is made for fragments, if it matches.
  return sets.toSorted((left, right) => Number(right.asksForOpaque) - Number(left.asksForOpaque));
}

function intervalsOf(
  ranks: AddressRanks,
  ranges: readonly AddressRange[],
  ofFamily: (ranges: readonly AddressRange[]) => readonly AddressRange[],
): readonly Interval[] {
  if (ranges.length === 0) return [{ first: 0, last: ranks.last }];
  return ofFamily(ranges).map((range) => ranks.interval(range));
}

function protocolIntervals(protocol: TrafficSelector['protocol']): readonly Interval[] {
  if (protocol === 'any') return ANY_PROTOCOLS;
  return protocol === 'opaque' ? HIDDEN_PROTOCOL : [{ first: protocol, last: protocol }];
}

function portIntervals(ports: PortSelector): readonly Interval[] {
  if (ports === 'opaque') return HIDDEN_PORT;
  return isAnyPort(ports) ? ANY_PORTS : ports;
}

const DIMENSIONS = 6;
const ANY_PROTOCOLS: readonly Interval[] = [ANY_PROTOCOL];
const ANY_PORTS: readonly Interval[] = [ANY_PORT];
const HIDDEN_PROTOCOL: readonly Interval[] = [{ first: OPAQUE_PROTOCOL, last: OPAQUE_PROTOCOL }];
const HIDDEN_PORT: readonly Interval[] = [{ first: OPAQUE_PORT, last: OPAQUE_PORT }];
/** The coordinate of the direction. */
const OUT = 0;
const IN = 1;
const OUTBOUND: readonly Interval[] = [{ first: OUT, last: OUT }];
const INBOUND: readonly Interval[] = [{ first: IN, last: IN }];
const BOTH_WAYS: readonly Interval[] = [{ first: OUT, last: IN }];
