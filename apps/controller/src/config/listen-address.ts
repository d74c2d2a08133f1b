import { isIPv4, isIPv6 } from 'node:net';
import { isAbsolute } from 'node:path';
import type { ListenAddress, TcpListenAddress } from './controller-config.js';

/** sun_path of sockaddr_un holds 108 octets, the last one a zero. */
export const UNIX_PATH_MAXIMUM_OCTETS = 107;

/** Reads `host:port`, `[v6]:port` or `unix:/path`. Throws an Error that says what is wrong. */
export function parseListenAddress(text: string): ListenAddress {
  if (!text.startsWith('unix:')) return parseTcpListenAddress(text);
  const path = text.slice('unix:'.length);
  if (!isAbsolute(path)) throw new Error(`"${text}" must name an absolute path, as in unix:/run/weft/http.sock`);
  if (Buffer.byteLength(path) > UNIX_PATH_MAXIMUM_OCTETS) {
    throw new Error(`the path of a Unix socket has at most ${UNIX_PATH_MAXIMUM_OCTETS} octets`);
  }
  return { kind: 'unix', path };
}

/** Reads `host:port` or `[v6]:port`. Throws an Error that says what is wrong. */
export function parseTcpListenAddress(text: string): TcpListenAddress {
  const match = /^(?<host>\[[^\]]*\]|[^:[\]]*):(?<port>[0-9]{1,5})$/.exec(text);
  const host = match?.groups?.['host'];
  const port = Number(match?.groups?.['port']);
  if (host === undefined || port > 65_535) {
    throw new Error(`"${text}" must be host:port with a port from 0 to 65535, an IPv6 address in brackets`);
  }
  return { kind: 'tcp', host: parseHost(host), port };
}

/** Reads a host name, an IPv4 address or an IPv6 address with or without brackets; returns it without. */
export function parseHost(text: string): string {
  const bracketed = /^\[(?<address>.*)\]$/.exec(text)?.groups?.['address'];
  const host = bracketed ?? text;
  if (isIPv6(host)) return host;
  if (bracketed === undefined && (isIPv4(host) || (HOST_NAME.test(host) && !NUMERIC.test(host)))) return host;
  throw new Error(`"${text}" is no host name, IPv4 address or IPv6 address`);
}

/** Writes host and port the way a URL does: IPv6 addresses in brackets. */
export function formatHostPort(host: string, port: number): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

/** RFC 1123 section 2.1: letters, digits and inner hyphens, 63 octets a label, 253 in all. */
const HOST_NAME =
  /^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/;
/** Something made of digits and dots only that is no IPv4 address is a mistake, not a name. */
const NUMERIC = /^[0-9.]+$/;
