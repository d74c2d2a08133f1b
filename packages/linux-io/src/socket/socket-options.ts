import { LINUX } from '../ffi/constants.js';
import { ERRNO, SystemCallError } from '../ffi/errno.js';
import * as libc from '../ffi/libc.js';
import { allocate, type Memory } from '../ffi/memory.js';

/**
 * What the kernel does about the path MTU of what a socket sends (ip(7) IP_MTU_DISCOVER, ipv6(7) IPV6_MTU_DISCOVER).
 * `want`: don't-fragment on whatever fits the path MTU that it knows; larger datagrams leave as fragments.
 * `do`: don't-fragment on everything; what exceeds the path MTU that it knows is refused (EMSGSIZE).
 * `probe`: don't-fragment on everything; only what exceeds the MTU of the device is refused. What the kernel has been told
 * about the path, by anybody, plays no part: whoever sends knows better.
 */
export type PathMtuDiscovery = 'want' | 'do' | 'probe';

/** What sockets of both kinds want to know beside the address. */
export interface DatagramSocketOptions {
  /** Octets of send and of receive buffer to ask for. The kernel caps them at net.core.[rw]mem_max unless we are root. */
  readonly bufferOctets: number;
  /**
   * Firewall mark of what is sent (SO_MARK; needs CAP_NET_ADMIN), so that a routing rule can keep the tunnel's own packets
   * out of the tunnel.
   */
  readonly mark?: number;
  /** `want` by default. */
  readonly pathMtuDiscovery?: PathMtuDiscovery;
  /**
   * Queue what ICMP says about packets of this socket (IP_RECVERR), for `SocketErrorQueue`; the next call is then told of
   * it by an error number too, whatever it is about. False by default: the kernel keeps such news to itself.
   */
  readonly reportErrors?: boolean;
}

/** Sets what `options` asks for on a socket that is not bound yet. Throws SystemCallError. */
export function setDatagramOptions(fd: number, ipv6: boolean, options: DatagramSocketOptions): void {
  const { bufferOctets, mark, pathMtuDiscovery = 'want', reportErrors = false } = options;
  setTrafficClassReceived(fd, ipv6);
  if (mark !== undefined) setMark(fd, mark);
  const discovery = DISCOVERY[pathMtuDiscovery];
  if (ipv6) setInteger(fd, LINUX.IPPROTO_IPV6, LINUX.IPV6_MTU_DISCOVER, discovery);
  else setInteger(fd, LINUX.IPPROTO_IP, LINUX.IP_MTU_DISCOVER, discovery);
  if (reportErrors && ipv6) setInteger(fd, LINUX.IPPROTO_IPV6, LINUX.IPV6_RECVERR, 1);
  else if (reportErrors) setInteger(fd, LINUX.IPPROTO_IP, LINUX.IP_RECVERR, 1);
  // The FORCE variants ignore the system-wide cap but need CAP_NET_ADMIN; without it the capped value has to do.
  if (!trySetInteger(fd, LINUX.SOL_SOCKET, LINUX.SO_SNDBUFFORCE, bufferOctets)) {
    setInteger(fd, LINUX.SOL_SOCKET, LINUX.SO_SNDBUF, bufferOctets);
  }
  if (!trySetInteger(fd, LINUX.SOL_SOCKET, LINUX.SO_RCVBUFFORCE, bufferOctets)) {
    setInteger(fd, LINUX.SOL_SOCKET, LINUX.SO_RCVBUF, bufferOctets);
  }
}

/**
 * Has what `send` sends leave with don't-fragment, and whole or not at all, whatever the kernel has heard of the path: only
 * what exceeds the MTU of the device is refused (EMSGSIZE). What the socket does otherwise is as before then. Throws
 * SystemCallError.
 */
export function sendWhole(fd: number, ipv6: boolean, send: () => number): number {
  const level = ipv6 ? LINUX.IPPROTO_IPV6 : LINUX.IPPROTO_IP;
  const option = ipv6 ? LINUX.IPV6_MTU_DISCOVER : LINUX.IP_MTU_DISCOVER;
  const before = readInteger(fd, level, option);
  setInteger(fd, level, option, LINUX.IP_PMTUDISC_PROBE);
  try {
    return send();
  } finally {
    if (before >= 0) setInteger(fd, level, option, before);
  }
}

/** Gives everything that a socket sends from now on a firewall mark (SO_MARK). Throws SystemCallError. */
export function setMark(fd: number, mark: number): void {
  setInteger(fd, LINUX.SOL_SOCKET, LINUX.SO_MARK, mark, MARK_FIX);
}

/** Sets an option that is an integer. Throws SystemCallError. */
export function setInteger(fd: number, level: number, option: number, value: number, fix?: string): void {
  if (!trySetInteger(fd, level, option, value)) {
    throw new SystemCallError('setsockopt', libc.failure(), `option ${level}/${option}`, fix);
  }
}

/** The same. @returns false when the kernel does not take it. */
export function trySetInteger(fd: number, level: number, option: number, value: number): boolean {
  SCRATCH.view.setInt32(0, value, true);
  return libc.setsockopt(fd, level, option, SCRATCH.address, 4) === 0;
}

/** Reads an option that is an integer. @returns it, or the error number negated. */
export function readInteger(fd: number, level: number, option: number): number {
  LENGTH.view.setUint32(0, 4, true);
  const result = libc.getsockopt(fd, level, option, SCRATCH.address, LENGTH.address);
  return result === 0 ? SCRATCH.view.getInt32(0, true) : -libc.failure();
}

/** Received messages then carry the traffic class of their outer header, for its ECN field. */
function setTrafficClassReceived(fd: number, ipv6: boolean): void {
  if (ipv6) setInteger(fd, LINUX.IPPROTO_IPV6, LINUX.IPV6_RECVTCLASS, 1);
  else setInteger(fd, LINUX.IPPROTO_IP, LINUX.IP_RECVTOS, 1);
}

/** What binding or opening a socket may need. */
export const SOCKET_FIXES: ReadonlyMap<number, string> = new Map([
  [ERRNO.EADDRINUSE, 'another process uses the port: stop it or choose another port'],
  [ERRNO.EADDRNOTAVAIL, 'this machine does not have the address: assign it or correct the underlay address'],
  [ERRNO.EACCES, 'ports below 1024 need root or CAP_NET_BIND_SERVICE'],
]);
const MARK_FIX = 'setting a mark needs root or CAP_NET_ADMIN';
/** The same numbers for both families (IP_PMTUDISC_*, IPV6_PMTUDISC_*). */
const DISCOVERY: Readonly<Record<PathMtuDiscovery, number>> = {
  want: LINUX.IP_PMTUDISC_WANT,
  do: LINUX.IP_PMTUDISC_DO,
  probe: LINUX.IP_PMTUDISC_PROBE,
};
const SCRATCH: Memory = allocate(8);
const LENGTH: Memory = allocate(8);
