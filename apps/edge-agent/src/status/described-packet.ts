import { parseAddress } from '@weft/ipsec-core';
import { AgentError, messageOf } from '../platform/agent-error.js';

/** A packet that cannot be made of what was said of it. */
export class PacketDescriptionError extends AgentError<'packet_malformed'> {
  override readonly name = 'PacketDescriptionError';
}

/**
 * Makes a packet of what is said of it: `10.1.0.7 10.2.0.9 tcp 443`, with a `:port` behind the source where that matters, and a
 * length in octets at the end; or takes it as it is, in hexadecimal. Pure. Throws PacketDescriptionError.
 */
export function describedPacket(words: readonly string[]): Uint8Array {
  const [only] = words;
  if (words.length === 1 && only !== undefined && /^(?:[0-9a-f]{2}){20,}$/i.test(only)) {
    return Uint8Array.from(Buffer.from(only, 'hex'));
  }
  return makePacket(parseWords(words));
}

interface DescribedPacket {
  readonly source: SocketAddress;
  readonly destination: SocketAddress;
  readonly protocol: number;
  /** Of the destination; undefined for a protocol without ports. */
  readonly port: number | undefined;
  readonly length: number;
}

interface SocketAddress {
  readonly octets: Uint8Array;
  readonly port: number | undefined;
}

function parseWords([from, to, name = 'icmp', ...numbers]: readonly string[]): DescribedPacket {
  if (from === undefined || to === undefined) throw malformed('it needs a source and a destination');
  const source = addressOf(from);
  const destination = addressOf(to);
  if (source.octets.length !== destination.octets.length) throw malformed('source and destination are of two families');
  const header = headerOf(source);
  const protocol = protocolOf(name, header);
  const ported = WITH_PORTS.has(protocol);
  const [port, length] = ported ? numbers : [undefined, ...numbers];
  if (ported && port === undefined) throw malformed(`${name} needs the port of the destination`);
  return {
    source,
    destination,
    protocol,
    port: port === undefined ? undefined : integer('the port', port, 0, 0xffff),
    length: length === undefined ? header + USUAL_PAYLOAD : integer('the length', length, header + 20, 0xffff),
  };
}

function protocolOf(name: string, header: number): number {
  if (name === 'icmp') return header === IPV4_HEADER ? ICMP : ICMPV6;
  const number = PROTOCOLS.get(name) ?? (/^[0-9]{1,3}$/.test(name) ? Number(name) : Number.NaN);
  if (number <= 255) return number;
  throw malformed(`${name} is no protocol: icmp, ${[...PROTOCOLS.keys()].join(', ')} or a number`);
}

function makePacket({ source, destination, protocol, port, length }: DescribedPacket): Uint8Array {
  const packet = new Uint8Array(length);
  const view = new DataView(packet.buffer);
  const header = headerOf(source);
  if (header === IPV4_HEADER) writeIpv4(packet, view, source.octets, destination.octets, protocol);
  else writeIpv6(packet, view, source.octets, destination.octets, protocol);
  if (port !== undefined) {
    view.setUint16(header, source.port ?? EPHEMERAL_PORT);
    view.setUint16(header + 2, port);
    if (protocol === TCP) view.setUint16(header + 12, TCP_SYN);
    if (protocol === UDP) view.setUint16(header + 4, length - header);
  } else if (protocol === ICMP) packet[header] = ECHO;
  else if (protocol === ICMPV6) packet[header] = ECHO_V6;
  return packet;
}

function headerOf({ octets }: SocketAddress): number {
  return octets.length === 4 ? IPV4_HEADER : IPV6_HEADER;
}

function writeIpv4(packet: Uint8Array, view: DataView, source: Uint8Array, destination: Uint8Array, protocol: number) {
  packet[0] = 0x45;
  view.setUint16(2, packet.length);
  view.setUint16(6, DO_NOT_FRAGMENT);
  packet[8] = HOPS;
  packet[9] = protocol;
  packet.set(source, 12);
  packet.set(destination, 16);
}

function writeIpv6(packet: Uint8Array, view: DataView, source: Uint8Array, destination: Uint8Array, protocol: number) {
  packet[0] = 0x60;
  view.setUint16(4, packet.length - 40);
  packet[6] = protocol;
  packet[7] = HOPS;
  packet.set(source, 8);
  packet.set(destination, 24);
}

/** `10.1.0.7`, `10.1.0.7:5000`, `2001:db8::1`, `[2001:db8::1]:5000`. */
function addressOf(text: string): SocketAddress {
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-f:.]+)\]|([0-9.]+)):([0-9]{1,5})$/i.exec(text) ?? [];
  try {
    const octets = parseAddress(bracketed ?? plain ?? text);
    return { octets, port: digits === undefined ? undefined : integer('the port of the source', digits, 0, 0xffff) };
  } catch (error) {
    throw error instanceof PacketDescriptionError ? error : malformed(messageOf(error));
  }
}

function integer(what: string, text: string, lowest: number, highest: number): number {
  const value = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= lowest && value <= highest) return value;
  throw malformed(`${what} is a number from ${lowest} to ${highest}, not ${text}`);
}

function malformed(why: string): PacketDescriptionError {
  return new PacketDescriptionError(
    'packet_malformed',
    `the packet cannot be made: ${why}`,
    'write for example: weft-edge explain 10.1.0.7 10.2.0.9 tcp 443 1400',
  );
}

const ICMP = 1;
const TCP = 6;
const UDP = 17;
const ICMPV6 = 58;
const IPV4_HEADER = 20;
const IPV6_HEADER = 40;
const USUAL_PAYLOAD = 64;
const PROTOCOLS: ReadonlyMap<string, number> = new Map([
  ['tcp', TCP],
  ['udp', UDP],
  ['sctp', 132],
]);
const WITH_PORTS: ReadonlySet<number> = new Set([TCP, UDP, 132]);
const EPHEMERAL_PORT = 49_152;
/** Five words, SYN. */
const TCP_SYN = 0x5002;
const DO_NOT_FRAGMENT = 0x4000;
const HOPS = 64;
const ECHO = 8;
const ECHO_V6 = 128;
