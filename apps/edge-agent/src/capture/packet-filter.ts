import { parseAddress } from '@weft/ipsec-core';

/** What of the packets is captured; what is not said holds for all. */
export interface PacketFilter {
  /** Source or destination. */
  readonly host?: Uint8Array;
  /** Next layer protocol number. */
  readonly protocol?: number;
  /** Source or destination port of TCP, UDP or SCTP. */
  readonly port?: number;
}

/** Whether a packet, from its IP header on, is one of these. A fragment without ports has none. Pure. */
export function matches(filter: PacketFilter, packet: Uint8Array): boolean {
  const version = (packet[0] ?? 0) >>> 4;
  if (version !== 4 && version !== 6) return false;
  const header = version === 4 ? ((packet[0] ?? 0) & 15) * 4 : IPV6_HEADER;
  if (packet.length < header || header < IPV4_HEADER) return false;
  const octets = version === 4 ? 4 : 16;
  const addresses = version === 4 ? 12 : 8;
  const source = packet.subarray(addresses, addresses + octets);
  const destination = packet.subarray(addresses + octets, addresses + 2 * octets);
  const { host, protocol, port } = filter;
  if (host !== undefined && !same(host, source) && !same(host, destination)) return false;
  const next = packet[version === 4 ? 9 : 6] ?? 0;
  if (protocol !== undefined && next !== protocol) return false;
  if (port === undefined) return true;
  const later = version === 4 && ((((packet[6] ?? 0) << 8) | (packet[7] ?? 0)) & 0x1fff) !== 0;
  if (!WITH_PORTS.has(next) || later || packet.length < header + 4) return false;
  return readPort(packet, header) === port || readPort(packet, header + 2) === port;
}

/** Whether this is what tunnels look like from outside: ESP, AH, or UDP to or from a port of IKE (RFC 3948). Pure. */
export function isProtected(packet: Uint8Array): boolean {
  return (
    matches({ protocol: ESP }, packet) ||
    matches({ protocol: AH }, packet) ||
    IKE_PORTS.some((port) => matches({ protocol: UDP, port }, packet))
  );
}

/** Makes a filter of what was written. Throws AddressError, RangeError. */
export function parsePacketFilter(written: { host?: string; protocol?: string; port?: string }): PacketFilter {
  const { host, protocol, port } = written;
  return {
    ...(host === undefined ? {} : { host: parseAddress(host) }),
    ...(protocol === undefined ? {} : { protocol: NAMES.get(protocol) ?? integer('protocol', protocol, 255) }),
    ...(port === undefined ? {} : { port: integer('port', port, 0xffff) }),
  };
}

function integer(what: string, text: string, highest: number): number {
  const value = /^[0-9]{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (value <= highest) return value;
  throw new RangeError(`${what} is a number up to ${highest}, not ${JSON.stringify(text)}`);
}

function readPort(packet: Uint8Array, at: number): number {
  return ((packet[at] ?? 0) << 8) | (packet[at + 1] ?? 0);
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

const IPV4_HEADER = 20;
const IPV6_HEADER = 40;
const UDP = 17;
const ESP = 50;
const AH = 51;
const WITH_PORTS: ReadonlySet<number> = new Set([6, UDP, 132]);
const IKE_PORTS = [500, 4500];
const NAMES: ReadonlyMap<string, number> = new Map([
  ['icmp', 1],
  ['tcp', 6],
  ['udp', UDP],
  ['esp', ESP],
  ['ah', AH],
  ['icmpv6', 58],
  ['sctp', 132],
]);
