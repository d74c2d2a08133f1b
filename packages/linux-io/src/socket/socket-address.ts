import { LINUX } from '../ffi/constants.js';
import { SOCKADDR_IN, SOCKADDR_IN6 } from '../ffi/layouts.js';

/**
 * `struct sockaddr_in` and `struct sockaddr_in6` (netinet/in.h):
 *
 *     0        2       4           8                24
 *     +--------+-------+-----------+
 *     | family | port  | address   |                               16 octets, the last 8 are zero
 *     +--------+-------+-----------+----------------+-----------+
 *     | family | port  | flowinfo  | address        | scope id  | 28 octets
 *     +--------+-------+-----------+----------------+-----------+
 *
 * The family is in host order (little-endian on every machine we run on), the port in network order.
 */
export const { AF_INET, AF_INET6 } = LINUX;
export const SOCKADDR_IN_OCTETS = SOCKADDR_IN.size;
export const SOCKADDR_IN6_OCTETS = SOCKADDR_IN6.size;

/** A UDP address: 4 or 16 octets in network order, and a port. */
export interface Endpoint {
  readonly address: Uint8Array;
  readonly port: number;
}

/** An endpoint that cannot be written as a socket address. */
export class EndpointError extends Error {
  override readonly name = 'EndpointError';
  readonly code: 'address_length' | 'port_range';

  constructor(code: EndpointError['code'], detail: string) {
    super(detail);
    this.code = code;
  }
}

/** A socket address ready for sendto and bind: made once, copied per packet. Throws EndpointError. */
export function encodeSocketAddress(endpoint: Endpoint): Uint8Array {
  const { address, port } = endpoint;
  if (!Number.isInteger(port) || port < 0 || port > 0xffff) {
    throw new EndpointError('port_range', `port must be 0..65535: ${port}`);
  }
  if (address.length !== 4 && address.length !== 16) {
    throw new EndpointError('address_length', `an address has 4 or 16 octets, not ${address.length}`);
  }
  const out = new Uint8Array(address.length === 4 ? SOCKADDR_IN_OCTETS : SOCKADDR_IN6_OCTETS);
  out[0] = address.length === 4 ? AF_INET : AF_INET6;
  out[2] = port >>> 8;
  out[3] = port & 0xff;
  out.set(address, address.length === 4 ? 4 : 8);
  return out;
}

/** Reads a socket address that the kernel wrote; `undefined` when its family is neither IPv4 nor IPv6. */
export function decodeSocketAddress(octets: Uint8Array): Endpoint | undefined {
  const family = (octets[0] ?? 0) | ((octets[1] ?? 0) << 8);
  const port = ((octets[2] ?? 0) << 8) | (octets[3] ?? 0);
  if (family === AF_INET && octets.length >= 8) return { address: octets.slice(4, 8), port };
  if (family === AF_INET6 && octets.length >= 24) return { address: octets.slice(8, 24), port };
  return undefined;
}
