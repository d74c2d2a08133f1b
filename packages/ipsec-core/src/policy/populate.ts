import type { AddressRange } from '../wire/ip/address.js';
import type { Flow } from '../wire/ip/flow.js';
import { hasPorts, isMessageProtocol, OPAQUE_PORT, OPAQUE_PROTOCOL } from '../wire/ip/protocol.js';
import { containsAddress } from './address-ranges.js';
import { populatedFields, SELECTOR_FIELD, type SecurityPolicy } from './security-policy.js';
import type { PortSelector, TrafficSelector } from './selector.js';

/** The selector fields of one outbound packet, as values. `opaque`: it does not show them. */
export interface PacketSelectors {
  /** 4 or 16 octets. */
  readonly localAddress: Uint8Array;
  readonly remoteAddress: Uint8Array;
  readonly protocol: number | 'opaque';
  /** ICMP, ICMPv6: type * 256 + code, in both; Mobility Header: type * 256. */
  readonly localPort: number | 'opaque';
  readonly remotePort: number | 'opaque';
}

/** Local is the source: the packet is outbound. */
export function packetSelectors(flow: Flow): PacketSelectors {
  const port = (value: number) => (value === OPAQUE_PORT ? 'opaque' : value);
  return {
    localAddress: octetsOf(flow.source, flow.family),
    remoteAddress: octetsOf(flow.destination, flow.family),
    protocol: flow.protocol === OPAQUE_PROTOCOL ? 'opaque' : flow.protocol,
    localPort: port(flow.sourcePort),
    remotePort: port(flow.destinationPort),
  };
}

/** Whether a packet hides one of the fields (bits of SELECTOR_FIELD); a field that its protocol does not have counts not. */
export function hides(flow: Flow, fields: number): boolean {
  if (flow.fragment !== 'later') return false;
  const { protocol } = flow;
  if (protocol === OPAQUE_PROTOCOL) return (fields & (SELECTOR_FIELD.protocol | PORTS)) !== 0;
  return (hasPorts(protocol) || isMessageProtocol(protocol)) && (fields & PORTS) !== 0;
}

/**
 * What an association for this packet is to carry (RFC 4301 section 4.4.2.2): each field with a PFP flag takes the
 * packet's value, the others what the entry says. Sets whose flagged fields cannot take that value fall away; the one
 * that the packet matched stays. The packet must show the flagged fields (`hides`).
 */
export function populate(policy: SecurityPolicy, packet: PacketSelectors): readonly TrafficSelector[] {
  const fields = populatedFields(policy);
  if (fields === 0) return policy.selectors;
  return policy.selectors.flatMap((selector) => populateSet(selector, fields, packet) ?? []);
}

function populateSet(selector: TrafficSelector, fields: number, packet: PacketSelectors): TrafficSelector | undefined {
  const flagged = (field: keyof typeof SELECTOR_FIELD) => (fields & SELECTOR_FIELD[field]) !== 0;
  const { localAddress, remoteAddress } = packet;
  const localAddresses = flagged('localAddress') ? one(selector.localAddresses, localAddress) : selector.localAddresses;
  const remoteAddresses = flagged('remoteAddress')
    ? one(selector.remoteAddresses, remoteAddress)
    : selector.remoteAddresses;
  const fits = selector.protocol === 'any' || selector.protocol === packet.protocol;
  const protocol = flagged('protocol') ? (fits ? packet.protocol : undefined) : selector.protocol;
  const localPorts = flagged('localPort') ? onePort(selector.localPorts, packet.localPort) : selector.localPorts;
  const remotePorts = flagged('remotePort') ? onePort(selector.remotePorts, packet.remotePort) : selector.remotePorts;
  if (localAddresses === undefined || remoteAddresses === undefined || protocol === undefined) return undefined;
  if (localPorts === undefined || remotePorts === undefined) return undefined;
  return { localAddresses, remoteAddresses, protocol, localPorts, remotePorts };
}

function one(ranges: readonly AddressRange[], address: Uint8Array): readonly AddressRange[] | undefined {
  const contained = ranges.length === 0 || ranges.some((range) => containsAddress(range, address));
  return contained ? [{ first: address, last: address }] : undefined;
}

/** A protocol without ports leaves the port selectors as they are. */
function onePort(ports: PortSelector, port: number | 'opaque'): PortSelector | undefined {
  if (port === 'opaque') return ports;
  if (ports === 'opaque') return undefined;
  const contained = ports.length === 0 || ports.some(({ first, last }) => first <= port && port <= last);
  return contained ? [{ first: port, last: port }] : undefined;
}

function octetsOf(words: Uint32Array, family: 4 | 6): Uint8Array {
  const octets = new Uint8Array(family === 4 ? 4 : 16);
  const view = new DataView(octets.buffer);
  for (let word = 0; word < octets.length / 4; word++) view.setUint32(4 * word, words[word] ?? 0);
  return octets;
}

const PORTS = SELECTOR_FIELD.localPort | SELECTOR_FIELD.remotePort;
