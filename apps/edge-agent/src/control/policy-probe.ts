import { type AddressRange, type Carrier, PROTOCOL, type SecurityPolicy, type TrafficSelector } from '@weft/ipsec-core';
import type { PolicyDecision } from '../dataplane/messages.js';

/** A packet that the packet path is asked about, and the entry that is to decide it: nothing where no entry matches. */
export interface PolicyProbe {
  readonly packet: Uint8Array;
  readonly entry: SecurityPolicy | undefined;
  /** It goes into one of these tunnels; none: into no tunnel. */
  readonly tunnelIds: readonly string[];
}

/**
 * Outbound packets that these policies decide, by which entry, and where they go: of entries all over the list, the first and the last
 * among them, a corner of one selector each. "there is one lookup in the SPD" and earlier entries win (RFC 4301 section 4.4.1): here
 * every entry is read in order, every carrier, too, and nothing of what the packet path is made of is used.
 */
export function policyProbes(
  policies: readonly SecurityPolicy[],
  carriers: readonly Carrier[],
): readonly PolicyProbe[] {
  const step = Math.max(1, (policies.length - 1) / (MOST_PROBES - 1));
  const places = new Set(
    Array.from({ length: Math.min(MOST_PROBES, policies.length) }, (_, i) => Math.round(i * step)),
  );
  return [...places].flatMap((place) => {
    const fields = fieldsWithin(policies[place]?.selectors[0], place);
    if (fields === undefined) return [];
    const entry = policies.find((policy) => decides(policy, fields));
    return [{ packet: packetOf(fields), entry, tunnelIds: tunnelsOf(entry, fields, carriers) }];
  });
}

/** What a worker decides otherwise, in words; undefined: nothing. */
export function wrongDecision(
  probes: readonly PolicyProbe[],
  decisions: readonly PolicyDecision[],
): string | undefined {
  for (const [index, { entry, tunnelIds }] of probes.entries()) {
    const { entryId, tunnelId } = decisions[index] ?? UNDECIDED;
    if (entryId !== entry?.entryId)
      return `entry ${entryId ?? 'none'} decides what entry ${entry?.entryId ?? 'none'} is to decide`;
    if (tunnelId === undefined ? tunnelIds.length > 0 : !tunnelIds.includes(tunnelId))
      return `packets of entry ${entryId ?? 'none'} go into tunnel ${tunnelId ?? 'none'}`;
  }
  return undefined;
}

/** Those that the entry names, or those of the carrier that has the remote address. */
function tunnelsOf(
  entry: SecurityPolicy | undefined,
  { remote }: Fields,
  carriers: readonly Carrier[],
): readonly string[] {
  if (entry?.action !== 'PROTECT') return [];
  const way = entry.tunnelId === undefined ? carriers.find(({ addresses }) => holds(addresses, remote)) : entry;
  return way?.tunnelId === undefined ? [] : (way.alternatives ?? [way.tunnelId]);
}

/** Of a packet that shows all of them. */
interface Fields {
  readonly local: Uint8Array;
  readonly remote: Uint8Array;
  readonly protocol: number;
  readonly localPort: number;
  readonly remotePort: number;
}

/**
 * Nothing for a selector of packets that do not show their fields, or of a protocol without two ports. `turn` chooses among its ranges of
 * remote addresses, which may be of many peers.
 */
function fieldsWithin(selector: TrafficSelector | undefined, turn: number): Fields | undefined {
  if (selector === undefined) return undefined;
  const { localAddresses, remoteAddresses, localPorts, remotePorts } = selector;
  const protocol = selector.protocol === 'any' ? PROTOCOL.udp : selector.protocol;
  if (protocol !== PROTOCOL.tcp && protocol !== PROTOCOL.udp) return undefined;
  if (localPorts === 'opaque' || remotePorts === 'opaque') return undefined;
  const octets = [localAddresses, remoteAddresses].flatMap((ranges) => ranges.slice(0, 1))[0]?.first.length ?? 4;
  const local = firstOf(localAddresses, octets);
  const chosen = remoteAddresses[turn % remoteAddresses.length];
  const remote = firstOf(chosen === undefined ? [] : [chosen, ...remoteAddresses], octets);
  if (local === undefined || remote === undefined) return undefined;
  const [localPort, remotePort] = [localPorts[0]?.first ?? SOME_PORT, remotePorts[0]?.first ?? SOME_PORT];
  return { local, remote, protocol, localPort, remotePort };
}

function firstOf(ranges: readonly AddressRange[], octets: number): Uint8Array | undefined {
  if (ranges.length === 0) return new Uint8Array(octets).fill(SOME_OCTET);
  return ranges.find(({ first }) => first.length === octets)?.first;
}

function decides(policy: SecurityPolicy, fields: Fields): boolean {
  if (policy.action !== 'PROTECT' && policy.direction === 'inbound') return false;
  // Of an entry with names, only what it becomes for one of them matches packets.
  if (policy.action === 'PROTECT' && policy.names !== undefined) return false;
  return policy.selectors.some((selector) => matches(selector, fields));
}

function matches(selector: TrafficSelector, { local, remote, protocol, localPort, remotePort }: Fields): boolean {
  if (selector.protocol !== 'any' && selector.protocol !== protocol) return false;
  if (!hasPort(selector.localPorts, localPort) || !hasPort(selector.remotePorts, remotePort)) return false;
  return within(selector.localAddresses, local) && within(selector.remoteAddresses, remote);
}

/** Of a selector: an empty list matches every address. */
function within(ranges: readonly AddressRange[], address: Uint8Array): boolean {
  return ranges.length === 0 || holds(ranges, address);
}

function holds(ranges: readonly AddressRange[], address: Uint8Array): boolean {
  return ranges.some(({ first, last }) => isAtMost(first, address) && isAtMost(address, last));
}

/** Of one family. The first octets tell most addresses apart: what compares all of them at once takes longer. */
function isAtMost(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  for (let place = 0; place < one.length; place++) {
    const difference = (one[place] ?? 0) - (other[place] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return true;
}

function hasPort(ports: TrafficSelector['localPorts'], port: number): boolean {
  if (ports === 'opaque') return false;
  return ports.length === 0 || ports.some(({ first, last }) => first <= port && port <= last);
}

/** The smallest packet that shows them. */
function packetOf({ local, remote, protocol, localPort, remotePort }: Fields): Uint8Array {
  const header = local.length === 4 ? IPV4_HEADER : IPV6_HEADER;
  const packet = new Uint8Array(header + UPPER_OCTETS);
  const view = new DataView(packet.buffer);
  if (header === IPV4_HEADER) {
    packet[0] = 0x45;
    view.setUint16(2, packet.length);
    packet[8] = HOPS;
    packet[9] = protocol;
  } else {
    packet[0] = 0x60;
    view.setUint16(4, UPPER_OCTETS);
    packet[6] = protocol;
    packet[7] = HOPS;
  }
  packet.set(local, header - 2 * local.length);
  packet.set(remote, header - local.length);
  view.setUint16(header, localPort);
  view.setUint16(header + 2, remotePort);
  return packet;
}

const UNDECIDED: PolicyDecision = { entryId: undefined, tunnelId: undefined };
const IPV4_HEADER = 20;
const IPV6_HEADER = 40;
/** As many as the header of TCP has. */
const UPPER_OCTETS = 20;
const HOPS = 64;
/** Where any will do. */
const SOME_PORT = 49_152;
const SOME_OCTET = 10;
/** Each is looked for in all entries, of which there are ten thousand: no more than keeps the main thread for some milliseconds. */
const MOST_PROBES = 32;
