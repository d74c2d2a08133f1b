import { parseAddress } from '@weft/ipsec-core';

export interface PacketFields {
  readonly source: string;
  readonly destination: string;
  readonly protocol?: number;
  /** What follows the IP header. */
  readonly payload?: Uint8Array;
  /** IPv4: flags and fragment offset. */
  readonly fragment?: number;
}

/** A well-formed IPv4 or IPv6 packet; ports are the payload's first four octets. */
export function ipPacket(fields: PacketFields): Uint8Array {
  const { protocol = 17, payload = udp(1000, 2000, 16) } = fields;
  const source = parseAddress(fields.source);
  const destination = parseAddress(fields.destination);
  const header = source.length === 4 ? 20 : 40;
  const packet = new Uint8Array(header + payload.length);
  const view = new DataView(packet.buffer);
  if (source.length === 4) {
    packet[0] = 0x45;
    view.setUint16(2, packet.length);
    view.setUint16(6, fields.fragment ?? 0);
    packet[8] = 64;
    packet[9] = protocol;
    packet.set(source, 12);
    packet.set(destination, 16);
    view.setUint16(10, ipv4HeaderChecksum(packet));
  } else {
    packet[0] = 0x60;
    view.setUint16(4, payload.length);
    packet[6] = protocol;
    packet[7] = 64;
    packet.set(source, 8);
    packet.set(destination, 24);
  }
  packet.set(payload, header);
  return packet;
}

/** A UDP header without checksum and `length - 8` octets. */
export function udp(sourcePort: number, destinationPort: number, length: number): Uint8Array {
  const datagram = Uint8Array.from({ length }, (_, i) => i);
  const view = new DataView(datagram.buffer);
  view.setUint16(0, sourcePort);
  view.setUint16(2, destinationPort);
  view.setUint16(4, length);
  view.setUint16(6, 0);
  return datagram;
}

/** Of a header whose checksum field is 0. */
export function ipv4HeaderChecksum(packet: Uint8Array): number {
  const header = ((packet[0] ?? 0) & 15) * 4;
  let sum = 0;
  for (let at = 0; at < header; at += 2) sum += ((packet[at] ?? 0) << 8) | (packet[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** The fragments of a packet whose fragmentable part starts after its IPv4 or IPv6 header; `sizes` in octets. */
export function fragmentsOf(packet: Uint8Array, identification: number, ...sizes: readonly number[]): Uint8Array[] {
  const six = (packet[0] ?? 0) >>> 4 === 6;
  const header = six ? 40 : ((packet[0] ?? 0) & 15) * 4;
  const cuts: [number, number][] = [];
  let at = header;
  for (const size of [...sizes, packet.length]) {
    if (at >= packet.length) break;
    cuts.push([at, Math.min(size, packet.length - at)]);
    at += size;
  }
  return cuts.map(([from, size]) => {
    const more = from + size < packet.length;
    const piece = new Uint8Array((six ? 48 : header) + size);
    piece.set(packet.subarray(0, header));
    piece.set(packet.subarray(from, from + size), piece.length - size);
    const view = new DataView(piece.buffer);
    const offset = from - header;
    if (six) {
      view.setUint16(4, 8 + size);
      piece[6] = 44;
      piece[40] = packet[6] ?? 0;
      view.setUint16(42, offset | (more ? 1 : 0));
      view.setUint32(44, identification);
    } else {
      view.setUint16(2, piece.length);
      view.setUint16(4, identification);
      view.setUint16(6, (view.getUint16(6) & 0x4000) | (offset >>> 3) | (more ? 0x2000 : 0));
      view.setUint16(10, 0);
      view.setUint16(10, ipv4HeaderChecksum(piece));
    }
    return piece;
  });
}

/** An ICMP error of either version about a packet, quoting `quoted` octets of it; the rest of the header is `word`. */
export function icmpError(
  addresses: { readonly source: string; readonly destination: string },
  type: number,
  code: number,
  about: Uint8Array,
  word = 0,
  quoted = about.length,
): Uint8Array {
  const payload = new Uint8Array(8 + Math.min(quoted, about.length));
  payload.set([type, code]);
  new DataView(payload.buffer).setUint32(4, word);
  payload.set(about.subarray(0, quoted), 8);
  const six = parseAddress(addresses.source).length === 16;
  const packet = ipPacket({ ...addresses, protocol: six ? 58 : 1, payload });
  const header = six ? 40 : 20;
  let sum = 0;
  const add = (from: number, to: number) => {
    for (let at = from; at < to; at += 2) sum += ((packet[at] ?? 0) << 8) | (at + 1 < to ? (packet[at + 1] ?? 0) : 0);
  };
  add(header, packet.length);
  if (six) {
    add(8, 40);
    sum += payload.length + 58;
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  packet.set([(~sum >>> 8) & 255, ~sum & 255], header + 2);
  return packet;
}
