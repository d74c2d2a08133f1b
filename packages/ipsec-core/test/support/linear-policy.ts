import type { AddressRange, SecurityPolicy, TrafficSelector } from '@weft/ipsec-core';

/** A packet as its maker knows it, and how much of that its octets show. */
export interface DescribedPacket {
  /** 4 or 16 octets each. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly protocol: number;
  /** For ICMP, ICMPv6 and Mobility Header both are type * 256 + code; protocols without ports ignore them. */
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly fragment: 'whole' | 'first' | 'later';
  /** An IPv6 later fragment behind destination options: not even the protocol shows. */
  readonly hidesProtocol: boolean;
}

/** What a fragment that does not show enough is decided to be. */
export const UNDECIDED = -2;

type Answer = 'yes' | 'possibly' | 'no';

/**
 * RFC 4301 sections 4.4.1 and 7, read slowly: every entry in order, every selector set, every field, in integers of any
 * size. Shares no line with the database that it judges. Returns the index of the entry that decides, -1 for none, or
 * UNDECIDED.
 */
export function decideLinearly(
  policies: readonly SecurityPolicy[],
  packet: DescribedPacket,
  direction: 'inbound' | 'outbound',
): number {
  let first = NONE;
  let sure = NONE;
  for (const [index, policy] of policies.entries()) {
    const answer = answerOf(policy, packet, direction);
    if (answer !== 'no' && first === NONE) first = index;
    if (answer === 'yes') {
      sure = index;
      break;
    }
  }
  if (first === sure) return sure;
  const decided = policies[sure];
  if (decided === undefined) return UNDECIDED;
  const madeForFragments = decided.selectors.some(
    (set) => matchSet(set, packet, direction) === 'yes' && asksForOpaque(set, direction),
  );
  return madeForFragments ? sure : UNDECIDED;
}

/** Whether one set matches what the packet shows, or could match what it hides. */
export function matchSet(set: TrafficSelector, packet: DescribedPacket, direction: 'inbound' | 'outbound'): Answer {
  const outbound = direction === 'outbound';
  const local = outbound ? packet.source : packet.destination;
  const remote = outbound ? packet.destination : packet.source;
  const fields: Answer[] = [
    within(set.localAddresses, local),
    within(set.remoteAddresses, remote),
    matchProtocol(set.protocol, packet),
  ];
  // One message type: what is sent is held to the local selector, what is received to the remote one.
  const message = typeof set.protocol === 'number' && MESSAGES.includes(set.protocol);
  if (!message || outbound) fields.push(matchPort(set.localPorts, packet, outbound ? 'source' : 'destination'));
  if (!message || !outbound) fields.push(matchPort(set.remotePorts, packet, outbound ? 'destination' : 'source'));
  if (fields.includes('no')) return 'no';
  return fields.includes('possibly') ? 'possibly' : 'yes';
}

function answerOf(policy: SecurityPolicy, packet: DescribedPacket, direction: 'inbound' | 'outbound'): Answer {
  if (policy.action !== 'PROTECT' && policy.direction !== undefined && policy.direction !== direction) return 'no';
  const answers = policy.selectors.map((set) => matchSet(set, packet, direction));
  if (answers.includes('yes')) return 'yes';
  return answers.includes('possibly') ? 'possibly' : 'no';
}

function asksForOpaque(set: TrafficSelector, direction: 'inbound' | 'outbound'): boolean {
  if (set.protocol === 'opaque') return true;
  if (typeof set.protocol === 'number' && MESSAGES.includes(set.protocol)) {
    return (direction === 'outbound' ? set.localPorts : set.remotePorts) === 'opaque';
  }
  return set.localPorts === 'opaque' || set.remotePorts === 'opaque';
}

function within(ranges: readonly AddressRange[], address: Uint8Array): Answer {
  if (ranges.length === 0) return 'yes';
  const value = integer(address);
  const found = ranges.some(
    ({ first, last }) => first.length === address.length && integer(first) <= value && value <= integer(last),
  );
  return found ? 'yes' : 'no';
}

function matchProtocol(asked: TrafficSelector['protocol'], packet: DescribedPacket): Answer {
  if (asked === 'any') return 'yes';
  if (asked === 'opaque') return packet.hidesProtocol ? 'yes' : 'no';
  if (packet.hidesProtocol) return 'possibly';
  return asked === packet.protocol ? 'yes' : 'no';
}

function matchPort(
  asked: TrafficSelector['localPorts'],
  packet: DescribedPacket,
  end: 'source' | 'destination',
): Answer {
  const hidden = packet.fragment === 'later';
  const shown = !hidden && (MESSAGES.includes(packet.protocol) || WITH_PORTS.includes(packet.protocol));
  if (asked === 'opaque') return shown ? 'no' : 'yes';
  if (asked.length === 0 || asked.some(({ first, last }) => first === 0 && last === 65535)) return 'yes';
  if (hidden) return 'possibly';
  if (!shown) return 'no';
  const value = end === 'source' ? packet.sourcePort : packet.destinationPort;
  return asked.some(({ first, last }) => first <= value && value <= last) ? 'yes' : 'no';
}

function integer(octets: Uint8Array): bigint {
  return octets.reduce((sum, octet) => sum * 256n + BigInt(octet), 0n);
}

const NONE = -1;
const MESSAGES = [1, 58, 135];
const WITH_PORTS = [6, 17, 33, 132, 136];
