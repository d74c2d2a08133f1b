import { LINUX } from '../ffi/constants.js';
import { ERRNO, SystemCallError } from '../ffi/errno.js';
import * as libc from '../ffi/libc.js';
import { allocate, type Memory } from '../ffi/memory.js';
import { type DatagramSocket, datagramCalls } from './datagram-calls.js';
import {
  AF_INET,
  AF_INET6,
  decodeSocketAddress,
  type Endpoint,
  encodeSocketAddress,
  SOCKADDR_IN6_OCTETS,
} from './socket-address.js';
import {
  type DatagramSocketOptions,
  SOCKET_FIXES,
  setDatagramOptions,
  setInteger,
  trySetInteger,
} from './socket-options.js';

/** A bound UDP socket that never blocks. */
export interface UdpSocket extends DatagramSocket {
  /** Switches on what the kernel has: runs of datagrams in one message, and the traffic class of what is received. */
  enableOffloads(): UdpOffloads;
  /** Address and port that the socket is bound to, as the kernel tells it. */
  localEndpoint(): Endpoint;
  close(): void;
}

/** Which messages may be runs of datagrams. */
export interface UdpOffloads {
  /** UDP_SEGMENT (Linux 4.18). */
  readonly send: boolean;
  /** UDP_GRO (Linux 5.0). */
  readonly receive: boolean;
}

/** What `openUdpSocket` wants to know beside the address. */
export interface UdpSocketOptions extends DatagramSocketOptions {
  /** Other sockets of this user may be bound to the same address and port (SO_REUSEPORT): see `openUdpSocketGroup`. */
  readonly sharesPort?: boolean;
  /** The machine need not have the address (IP_FREEBIND): until it has, nothing is received, and what is sent is refused. */
  readonly mayLackAddress?: boolean;
}

/**
 * Opens and binds a socket. An IPv6 socket takes IPv6 only, so that it never collides with an IPv4 one.
 * With path MTU discovery as the kernel does it by default (`want`), ESP packets larger than a learned path MTU leave as
 * fragments.
 * Throws EndpointError, or SystemCallError: EADDRINUSE, EADDRNOTAVAIL, EACCES and what else bind(2) says.
 */
export function openUdpSocket(endpoint: Endpoint, options: UdpSocketOptions): UdpSocket {
  const address = encodeSocketAddress(endpoint);
  const subject = `UDP port ${endpoint.port}`;
  const ipv6 = endpoint.address.length === 16;
  const fd = libc.socket(ipv6 ? AF_INET6 : AF_INET, LINUX.SOCK_DGRAM | LINUX.SOCK_NONBLOCK | LINUX.SOCK_CLOEXEC, 0);
  if (fd < 0) throw new SystemCallError('socket', libc.failure(), subject);
  try {
    if (ipv6) setInteger(fd, LINUX.IPPROTO_IPV6, LINUX.IPV6_V6ONLY, 1);
    if (options.sharesPort === true) setInteger(fd, LINUX.SOL_SOCKET, LINUX.SO_REUSEPORT, 1);
    if (options.mayLackAddress === true && ipv6) setInteger(fd, LINUX.IPPROTO_IPV6, LINUX.IPV6_FREEBIND, 1);
    else if (options.mayLackAddress === true) setInteger(fd, LINUX.IPPROTO_IP, LINUX.IP_FREEBIND, 1);
    setDatagramOptions(fd, ipv6, options);
    SCRATCH.bytes.set(address);
    if (libc.bind(fd, SCRATCH.address, address.length) < 0) {
      const errno = libc.failure();
      throw new SystemCallError('bind', errno, subject, SOCKET_FIXES.get(errno));
    }
  } catch (error) {
    libc.close(fd);
    throw error;
  }
  return udpSocketFromDescriptor(fd);
}

/** The same socket in another thread of the process; whoever opened it closes it. */
export function udpSocketFromDescriptor(fd: number): UdpSocket {
  return {
    ...datagramCalls(fd),
    enableOffloads: () => ({
      // Size 0 asks for nothing, and is refused where the option is unknown.
      send: trySetInteger(fd, LINUX.IPPROTO_UDP, LINUX.UDP_SEGMENT, 0),
      receive: trySetInteger(fd, LINUX.IPPROTO_UDP, LINUX.UDP_GRO, 1),
    }),
    localEndpoint: () => readLocalEndpoint(fd),
    close: () => {
      if (libc.close(fd) < 0) throw new SystemCallError('close', libc.failure(), 'UDP socket');
    },
  };
}

function readLocalEndpoint(fd: number): Endpoint {
  LENGTH.view.setUint32(0, SOCKADDR_IN6_OCTETS, true);
  if (libc.getsockname(fd, SCRATCH.address, LENGTH.address) < 0) {
    throw new SystemCallError('getsockname', libc.failure(), 'UDP socket');
  }
  const endpoint = decodeSocketAddress(SCRATCH.bytes.subarray(0, LENGTH.view.getUint32(0, true)));
  if (endpoint === undefined) throw new SystemCallError('getsockname', ERRNO.EAFNOSUPPORT, 'UDP socket');
  return endpoint;
}

const SCRATCH: Memory = allocate(64);
const LENGTH: Memory = allocate(8);
