import { ipPacket, udp } from '../support/packets.js';

/** What a clear packet looks like before anything is done to it. */
export interface ClearShape {
  readonly kind: ClearKind;
  /** Third octet of the IPv4 addresses, fourth group of the IPv6 ones: which line the packet belongs to. */
  readonly destination: number;
  readonly size: number;
  readonly trafficClass: number;
}

export const CLEAR_KINDS = [
  'v4',
  'v4-options',
  'v4-first-fragment',
  'v4-later-fragment',
  'v4-other-protocol',
  'v6',
  'v6-hop-by-hop',
  'v6-routing',
  'v6-destination-options',
  'v6-fragment',
] as const;
export type ClearKind = (typeof CLEAR_KINDS)[number];

/** A well-formed packet; its last octets are `id`, so that what is delivered can be recognised. */
export function clearPacket({ kind, destination, size, trafficClass }: ClearShape, id: number): Uint8Array {
  const payload = udp(9, 7, 16 + size);
  new DataView(payload.buffer).setUint32(payload.length - 4, id);
  const packet = KINDS[kind](destination, payload);
  if ((packet[0] ?? 0) >>> 4 === 4) {
    packet[1] = trafficClass;
    fixChecksum(packet);
  } else {
    packet[0] = 0x60 | (trafficClass >>> 4);
    packet[1] = (trafficClass & 15) << 4;
  }
  return packet;
}

const KINDS: Readonly<Record<ClearKind, (destination: number, payload: Uint8Array) => Uint8Array>> = {
  v4: (d, payload) => ipPacket({ ...ends4(d), payload }),
  'v4-options': (d, payload) => withOptions(ipPacket({ ...ends4(d), payload }), [1, 148, 4, 0, 0, 7, 7, 4, 0, 0, 0, 0]),
  'v4-first-fragment': (d, payload) => ipPacket({ ...ends4(d), payload, fragment: 0x2000 }),
  'v4-later-fragment': (d, payload) => ipPacket({ ...ends4(d), payload, fragment: 3 }),
  'v4-other-protocol': (d, payload) => ipPacket({ ...ends4(d), payload, protocol: 253 }),
  v6: (d, payload) => ipPacket({ ...ends6(d), payload }),
  'v6-hop-by-hop': (d, payload) => extended(d, 0, [17, 0, 5, 2, 0, 0, 1, 0], payload),
  'v6-routing': (d, payload) => extended(d, 43, [17, 2, 2, 0, 0, 0, 0, 0, ...new Array<number>(16).fill(9)], payload),
  'v6-destination-options': (d, payload) => extended(d, 60, [17, 0, 0x3e, 4, 1, 2, 3, 4], payload),
  'v6-fragment': (d, payload) => extended(d, 44, [17, 0, 0, 9, 0, 0, 0, 1], payload),
};

function ends4(destination: number) {
  return { source: `10.1.${destination}.1`, destination: `10.2.${destination}.2` };
}

function ends6(destination: number) {
  const group = destination.toString(16);
  return { source: `2001:db8:1:${group}::1`, destination: `2001:db8:2:${group}::2` };
}

function extended(destination: number, protocol: number, header: readonly number[], payload: Uint8Array): Uint8Array {
  return ipPacket({ ...ends6(destination), protocol, payload: Uint8Array.from([...header, ...payload]) });
}

/** Puts options behind an IPv4 header without options; their length is a multiple of four. */
export function withOptions(packet: Uint8Array, options: readonly number[]): Uint8Array {
  const longer = new Uint8Array(packet.length + options.length);
  longer.set(packet.subarray(0, 20));
  longer.set(options, 20);
  longer.set(packet.subarray(20), 20 + options.length);
  longer[0] = 0x45 + options.length / 4;
  new DataView(longer.buffer).setUint16(2, longer.length);
  fixChecksum(longer);
  return longer;
}

export function fixChecksum(packet: Uint8Array): void {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  const header = ((packet[0] ?? 0) & 15) * 4;
  if (header < 20 || header > packet.length) return;
  view.setUint16(10, 0);
  let sum = 0;
  for (let at = 0; at < header; at += 2) sum += view.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(10, ~sum & 0xffff);
}

/** What a router says that cannot pass `wire` on: ICMP "fragmentation needed", or ICMPv6 "packet too big". */
export function tooBigMessage(wire: Uint8Array, mtu: number): Uint8Array {
  const six = (wire[0] ?? 0) >>> 4 === 6;
  const quote = wire.subarray(0, 60);
  const message = new Uint8Array(8 + quote.length);
  const view = new DataView(message.buffer);
  view.setUint16(0, six ? 0x0200 : 0x0304);
  view.setUint32(4, mtu);
  message.set(quote, 8);
  const [source, destination] = six ? ['2001:db8:f::99', '2001:db8:f::1'] : ['203.0.113.9', '192.0.2.1'];
  const packet = ipPacket({ source, destination, protocol: six ? 58 : 1, payload: message });
  const header = six ? 40 : 20;
  // ICMPv6 sums the pseudo header too: addresses, length and protocol.
  const pseudo = six ? [...packet.subarray(8, 40), 0, 0, 0, message.length, 0, 0, 0, 58] : [];
  new DataView(packet.buffer).setUint16(header + 2, onesComplement([...pseudo, ...message]));
  return packet;
}

function onesComplement(octets: readonly number[]): number {
  let sum = 0;
  for (let at = 0; at < octets.length; at += 2) sum += ((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
