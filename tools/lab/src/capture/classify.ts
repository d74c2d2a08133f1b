import type { InnerTraffic } from './inner-traffic.js';

/** Why a packet counts as cleartext. */
export type CleartextReason = 'inner-address-in-header' | 'inner-address-in-payload' | 'marker';

export interface Classification {
  readonly esp: boolean;
  readonly cleartext: CleartextReason | undefined;
}

/**
 * Judges one packet of the underlay, from its network layer on. Headers are followed through IP in IP and through what ICMP
 * errors quote; beside that the whole packet is searched, ESP included, so that an engine which forgot to encrypt is caught
 * as well.
 */
export function classifyPacket(packet: Buffer, etherType: number, inner: InnerTraffic): Classification {
  return { esp: isEsp(packet, etherType), cleartext: cleartextReason(packet, etherType, inner) };
}

function cleartextReason(packet: Buffer, etherType: number, inner: InnerTraffic): CleartextReason | undefined {
  if (packet.includes(inner.marker)) return 'marker';
  if (headerNamesInner(packet, etherType, inner)) return 'inner-address-in-header';
  return inner.needles.some((needle) => packet.includes(needle)) ? 'inner-address-in-payload' : undefined;
}

function headerNamesInner(packet: Buffer, etherType: number, inner: InnerTraffic): boolean {
  if (etherType === ETHER_TYPE_ARP) return packet.length >= 28 && anyInner4(packet, [14, 24], inner);
  if (etherType === ETHER_TYPE_IPV4) return ipv4NamesInner(packet, inner);
  if (etherType === ETHER_TYPE_IPV6) return ipv6NamesInner(packet, inner);
  return false;
}

function ipv4NamesInner(packet: Buffer, inner: InnerTraffic): boolean {
  if (packet.length < IPV4_HEADER) return false;
  if (anyInner4(packet, [12, 16], inner)) return true;
  const payload = packet.subarray(4 * (at(packet, 0) & 0x0f));
  const isFragment = (packet.readUInt16BE(6) & 0x1fff) !== 0;
  return !isFragment && carriedNamesInner(payload, at(packet, 9), inner);
}

function ipv6NamesInner(packet: Buffer, inner: InnerTraffic): boolean {
  if (packet.length < IPV6_HEADER) return false;
  const addresses = [packet.subarray(8, 24), packet.subarray(24, 40)];
  if (addresses.some((address) => inner.prefixes6.some((prefix) => address.indexOf(prefix) === 0))) return true;
  return carriedNamesInner(packet.subarray(IPV6_HEADER), at(packet, 6), inner);
}

/** IP in IP (RFC 2003, RFC 2473) and the packet that an ICMP error quotes (RFC 792, RFC 4443). */
function carriedNamesInner(payload: Buffer, protocol: number, inner: InnerTraffic): boolean {
  switch (protocol) {
    case 4:
      return ipv4NamesInner(payload, inner);
    case 41:
      return ipv6NamesInner(payload, inner);
    case 1:
      return payload.length > 8 && ICMP_ERRORS.has(at(payload, 0)) && ipv4NamesInner(payload.subarray(8), inner);
    case 58:
      return payload.length > 8 && at(payload, 0) < 128 && ipv6NamesInner(payload.subarray(8), inner);
    default:
      return false;
  }
}

function anyInner4(packet: Buffer, offsets: readonly number[], inner: InnerTraffic): boolean {
  return offsets.some((offset) => {
    const address = packet.readUInt32BE(offset);
    return inner.prefixes4.some(({ network, mask }) => (address & mask) >>> 0 === network);
  });
}

function isEsp(packet: Buffer, etherType: number): boolean {
  if (etherType === ETHER_TYPE_IPV4 && packet.length >= IPV4_HEADER) {
    const isFragment = (packet.readUInt16BE(6) & 0x1fff) !== 0;
    return !isFragment && carriesEsp(packet.subarray(4 * (at(packet, 0) & 0x0f)), at(packet, 9));
  }
  if (etherType === ETHER_TYPE_IPV6 && packet.length >= IPV6_HEADER) {
    return carriesEsp(packet.subarray(IPV6_HEADER), at(packet, 6));
  }
  return false;
}

/** ESP on IP, or in UDP with a non-zero SPI where IKE has its four zero octets (RFC 3948 section 2). */
function carriesEsp(payload: Buffer, protocol: number): boolean {
  if (protocol === 50) return true;
  if (protocol !== 17 || payload.length < UDP_HEADER + ESP_MINIMUM) return false;
  const ports = [payload.readUInt16BE(0), payload.readUInt16BE(2)];
  return ports.includes(ESP_IN_UDP_PORT) && payload.readUInt32BE(UDP_HEADER) !== 0;
}

function at(packet: Buffer, index: number): number {
  return packet[index] ?? 0;
}

const ETHER_TYPE_IPV4 = 0x0800;
const ETHER_TYPE_ARP = 0x0806;
const ETHER_TYPE_IPV6 = 0x86dd;
const IPV4_HEADER = 20;
const IPV6_HEADER = 40;
const UDP_HEADER = 8;
/** SPI, sequence number and an integrity check value: shorter than this nothing is ESP. */
const ESP_MINIMUM = 8 + 12;
const ESP_IN_UDP_PORT = 4500;
/** Destination unreachable, source quench, redirect, time exceeded, parameter problem. */
const ICMP_ERRORS: ReadonlySet<number> = new Set([3, 4, 5, 11, 12]);
