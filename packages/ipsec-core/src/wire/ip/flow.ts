import { readUint16, readUint32 } from '../../bytes/octets.js';
import type { Family } from './address.js';
import { IPV4, ipv4HeaderLength, isIpv4Complete } from './ipv4.js';
import { IPV6, ipv6TotalLength, isIpv6Complete } from './ipv6.js';
import { hasPorts, OPAQUE_PORT, OPAQUE_PROTOCOL, PROTOCOL } from './protocol.js';

/** `first`: a fragment that carries offset 0; `later`: any other fragment. */
export type FragmentPosition = 'whole' | 'first' | 'later';

/**
 * The selector fields of one packet (RFC 4301 section 4.4.1.1). Reused: parseFlow overwrites it.
 * Addresses are 32-bit words, most significant first; IPv4 uses the first one only. For ICMP both ports hold
 * type * 256 + code, for Mobility Header the type * 256. What the packet does not show is OPAQUE.
 */
export class Flow {
  family: Family = 4;
  readonly source = new Uint32Array(4);
  readonly destination = new Uint32Array(4);
  protocol = 0;
  sourcePort = 0;
  destinationPort = 0;
  fragment: FragmentPosition = 'whole';
  /** The packet's own length, without what may follow it in the buffer. */
  totalLength = 0;
  /** From the packet's first octet to the next layer protocol's. */
  nextLayerOffset = 0;
}

/** One that later packets do not overwrite. */
export function copyFlow(flow: Flow): Flow {
  return Object.assign(new Flow(), flow, { source: flow.source.slice(), destination: flow.destination.slice() });
}

/** Fills `flow` and returns true, or returns false when the packet is no well-formed IPv4 or IPv6 packet. */
export function parseFlow(flow: Flow, packet: Uint8Array, offset: number, length: number): boolean {
  if (length < 1 || offset + length > packet.length) return false;
  const version = (packet[offset] ?? 0) >>> 4;
  if (version === 4) return parseV4(flow, packet, offset, length);
  if (version === 6) return parseV6(flow, packet, offset, length);
  return false;
}

function parseV4(flow: Flow, packet: Uint8Array, offset: number, length: number): boolean {
  if (!isIpv4Complete(packet, offset, length)) return false;
  const fragment = readUint16(packet, offset + IPV4.fragment);
  flow.family = 4;
  flow.source[0] = readUint32(packet, offset + IPV4.source);
  flow.destination[0] = readUint32(packet, offset + IPV4.destination);
  // Not `fill`, which is a call out of compiled code and costs more than all else here.
  for (let word = 1; word < 4; word++) {
    flow.source[word] = 0;
    flow.destination[word] = 0;
  }
  flow.totalLength = readUint16(packet, offset + IPV4.totalLength);
  flow.nextLayerOffset = ipv4HeaderLength(packet, offset);
  if ((fragment & IPV4.fragmentOffsetMask) !== 0) flow.fragment = 'later';
  else flow.fragment = (fragment & IPV4.moreFragments) !== 0 ? 'first' : 'whole';
  return parseNextLayer(flow, packet, offset, packet[offset + IPV4.protocol] ?? 0);
}

function parseV6(flow: Flow, packet: Uint8Array, offset: number, length: number): boolean {
  if (!isIpv6Complete(packet, offset, length)) return false;
  flow.family = 6;
  for (let word = 0; word < 4; word++) {
    flow.source[word] = readUint32(packet, offset + IPV6.source + 4 * word);
    flow.destination[word] = readUint32(packet, offset + IPV6.destination + 4 * word);
  }
  flow.totalLength = ipv6TotalLength(packet, offset);
  flow.fragment = 'whole';
  let next = packet[offset + IPV6.nextHeader] ?? 0;
  let at = IPV6.headerLength;
  // RFC 4301 section 4.4.1.1: the next layer protocol is what follows the extension headers.
  while (isSkippedExtension(next)) {
    if (at + EXTENSION_UNIT > flow.totalLength) return false;
    const following = packet[offset + at] ?? 0;
    if (next === PROTOCOL.fragment) {
      const field = readUint16(packet, offset + at + 2);
      if (field >>> 3 !== 0) {
        flow.fragment = 'later';
        flow.nextLayerOffset = at + EXTENSION_UNIT;
        // The header after it may be an extension header whose contents only the first fragment shows.
        return parseNextLayer(flow, packet, offset, isSkippedExtension(following) ? OPAQUE_PROTOCOL : following);
      }
      // RFC 6946: an atomic fragment (offset 0, no more) is a whole packet.
      if ((field & 1) !== 0) flow.fragment = 'first';
      at += EXTENSION_UNIT;
    } else {
      at += ((packet[offset + at + 1] ?? 0) + 1) * EXTENSION_UNIT;
    }
    next = following;
  }
  if (at > flow.totalLength) return false;
  flow.nextLayerOffset = at;
  return parseNextLayer(flow, packet, offset, next);
}

function parseNextLayer(flow: Flow, packet: Uint8Array, offset: number, protocol: number): boolean {
  flow.protocol = protocol;
  flow.sourcePort = OPAQUE_PORT;
  flow.destinationPort = OPAQUE_PORT;
  if (flow.fragment === 'later') return true;
  const available = flow.totalLength - flow.nextLayerOffset;
  const at = offset + flow.nextLayerOffset;
  if (hasPorts(protocol)) {
    // A packet too short to show its ports is malformed, not portless: it could match a wider policy than its own.
    if (available < 4) return false;
    flow.sourcePort = readUint16(packet, at);
    flow.destinationPort = readUint16(packet, at + 2);
  } else if (protocol === PROTOCOL.icmp || protocol === PROTOCOL.icmpv6) {
    if (available < 4) return false;
    flow.sourcePort = readUint16(packet, at);
    flow.destinationPort = flow.sourcePort;
  } else if (protocol === PROTOCOL.mobility) {
    if (available < 8) return false;
    flow.sourcePort = (packet[at + 2] ?? 0) << 8;
    flow.destinationPort = flow.sourcePort;
  }
  return true;
}

/** The extension headers that do not count as next layer protocol (RFC 4301 section 4.4.1.1); AH and ESP do. */
export function isSkippedExtension(header: number): boolean {
  return (
    header === PROTOCOL.hopByHop ||
    header === PROTOCOL.routing ||
    header === PROTOCOL.fragment ||
    header === PROTOCOL.destinationOptions
  );
}

const EXTENSION_UNIT = 8;
