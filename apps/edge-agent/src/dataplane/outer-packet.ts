import { type Endpoint, IPV6_HEADER_OCTETS } from '@weft/linux-io';

/** 32 bits, the SPI that an ESP packet begins with (RFC 4303 section 2); undefined when they are not there. */
export function spiAt(bytes: Uint8Array, offset: number, length: number): number | undefined {
  if (length < SPI_OCTETS) return undefined;
  const [a = 0, b = 0, c = 0, d = 0] = [bytes[offset], bytes[offset + 1], bytes[offset + 2], bytes[offset + 3]];
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
}

/** Behind an IP header without extension headers, as raw sockets have it; AH has its SPI behind four other octets. */
export function spiOfPacket(bytes: Uint8Array, offset: number, length: number): number | undefined {
  if (length < IPV4_HEADER_OCTETS) return undefined;
  const ipv4 = isIpv4(bytes, offset);
  const protocol = bytes[offset + (ipv4 ? IPV4_PROTOCOL : IPV6_NEXT_HEADER)];
  const header = (ipv4 ? 4 * ((bytes[offset] ?? 0) & 0x0f) : IPV6_HEADER_OCTETS) + (protocol === AH ? AH_SPI : 0);
  return spiAt(bytes, offset + header, length - header);
}

/** Who sent an IP packet, and where its IKE is: no NAT lies between, which only UDP passes (RFC 7296 section 2.23). */
export function sourceOfPacket(bytes: Uint8Array, offset: number): Endpoint {
  const [at, octets] = isIpv4(bytes, offset) ? [IPV4_SOURCE, 4] : [IPV6_SOURCE, 16];
  return { address: bytes.slice(offset + at, offset + at + octets), port: IKE_PORT };
}

function isIpv4(bytes: Uint8Array, offset: number): boolean {
  return (bytes[offset] ?? 0) >>> 4 === 4;
}

const SPI_OCTETS = 4;
/** Where headers have what is looked at (RFC 791 section 3.1, RFC 8200 section 3, RFC 4302 section 2). */
const IPV4_HEADER_OCTETS = 20;
const IPV4_PROTOCOL = 9;
const IPV4_SOURCE = 12;
const IPV6_NEXT_HEADER = 6;
const IPV6_SOURCE = 8;
const AH_SPI = 4;
const AH = 51;
const IKE_PORT = 500;
