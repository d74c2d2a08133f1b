import { LINUX } from '../ffi/constants.js';
import { ERRNO, SystemCallError } from '../ffi/errno.js';
import * as libc from '../ffi/libc.js';
import { allocate, type Memory } from '../ffi/memory.js';
import type { DatagramBatch } from './datagram-batch.js';
import type { ReceiveBatch } from './receive-batch.js';
import type { SendBatch } from './send-batch.js';
import {
  AF_INET,
  AF_INET6,
  decodeSocketAddress,
  type Endpoint,
  encodeSocketAddress,
  SOCKADDR_IN6_OCTETS,
} from './socket-address.js';

/** A bound UDP socket that never blocks. */
export interface UdpSocket {
  /** File descriptor, for `poll` and for handing the socket to another thread. */
  readonly fd: number;
  /**
   * Receives up to `slots` messages, by default all that the batch has room for.
   * @returns how many, or an error number negated (`-ERRNO.EAGAIN`: none).
   */
  receive(batch: DatagramBatch | ReceiveBatch, slots?: number): number;
  /**
   * Sends the prepared messages `first` to `first + count - 1`.
   * @returns how many went out, or the error number of message `first` negated; those after it were not tried.
   */
  send(batch: DatagramBatch | SendBatch, first: number, count: number): number;
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
export interface UdpSocketOptions {
  /** Octets of send and of receive buffer to ask for. The kernel caps them at net.core.[rw]mem_max unless we are root. */
  readonly bufferOctets: number;
  /**
   * Firewall mark of what is sent (SO_MARK; needs CAP_NET_ADMIN), so that a routing rule can keep the tunnel's own packets
   * out of the tunnel.
   */
  readonly mark?: number;
}

/**
 * Opens and binds a socket. An IPv6 socket takes IPv6 only, so that it never collides with an IPv4 one.
 * Path MTU discovery stays at the kernel's default: ESP packets larger than a learned path MTU leave as fragments.
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
    setTrafficClassReceived(fd, ipv6);
    if (options.mark !== undefined) setInteger(fd, LINUX.SOL_SOCKET, LINUX.SO_MARK, options.mark, MARK_FIX);
    // The FORCE variants ignore the system-wide cap but need CAP_NET_ADMIN; without it the capped value has to do.
    if (!trySetInteger(fd, LINUX.SOL_SOCKET, LINUX.SO_SNDBUFFORCE, options.bufferOctets)) {
      setInteger(fd, LINUX.SOL_SOCKET, LINUX.SO_SNDBUF, options.bufferOctets);
    }
    if (!trySetInteger(fd, LINUX.SOL_SOCKET, LINUX.SO_RCVBUFFORCE, options.bufferOctets)) {
      setInteger(fd, LINUX.SOL_SOCKET, LINUX.SO_RCVBUF, options.bufferOctets);
    }
    SCRATCH.bytes.set(address);
    if (libc.bind(fd, SCRATCH.address, address.length) < 0) {
      const errno = libc.failure();
      throw new SystemCallError('bind', errno, subject, FIXES.get(errno));
    }
  } catch (error) {
    libc.close(fd);
    throw error;
  }
  return udpSocketFromDescriptor(fd);
}

/** The same socket in another thread of the process; whoever opened it closes it. */
export function udpSocketFromDescriptor(fd: number): UdpSocket {
  let received = 0;
  return {
    fd,
    receive: (batch, slots = batch.slots) => {
      for (let slot = 0; slot < received; slot++) batch.rearm(slot);
      const count = libc.valueOrNegatedErrno(
        libc.recvmmsg(fd, batch.headersAddress(0, slots), slots, LINUX.MSG_DONTWAIT, 0),
      );
      received = Math.max(0, count);
      return count;
    },
    enableOffloads: () => ({
      // Size 0 asks for nothing, and is refused where the option is unknown.
      send: trySetInteger(fd, LINUX.IPPROTO_UDP, LINUX.UDP_SEGMENT, 0),
      receive: trySetInteger(fd, LINUX.IPPROTO_UDP, LINUX.UDP_GRO, 1),
    }),
    send: (batch, first, count) =>
      libc.valueOrNegatedErrno(libc.sendmmsg(fd, batch.headersAddress(first, count), count, LINUX.MSG_DONTWAIT)),
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

/** Received messages then carry the traffic class of their outer header, for its ECN field. */
function setTrafficClassReceived(fd: number, ipv6: boolean): void {
  if (ipv6) setInteger(fd, LINUX.IPPROTO_IPV6, LINUX.IPV6_RECVTCLASS, 1);
  else setInteger(fd, LINUX.IPPROTO_IP, LINUX.IP_RECVTOS, 1);
}

function setInteger(fd: number, level: number, option: number, value: number, fix?: string): void {
  if (!trySetInteger(fd, level, option, value)) {
    throw new SystemCallError('setsockopt', libc.failure(), `option ${level}/${option}`, fix);
  }
}

function trySetInteger(fd: number, level: number, option: number, value: number): boolean {
  SCRATCH.view.setInt32(0, value, true);
  return libc.setsockopt(fd, level, option, SCRATCH.address, 4) === 0;
}

const MARK_FIX = 'setting a mark needs root or CAP_NET_ADMIN';
const SCRATCH: Memory = allocate(64);
const LENGTH: Memory = allocate(8);

const FIXES: ReadonlyMap<number, string> = new Map([
  [ERRNO.EADDRINUSE, 'another process uses the port: stop it or choose another port'],
  [ERRNO.EADDRNOTAVAIL, 'this machine does not have the address: assign it or correct the underlay address'],
  [ERRNO.EACCES, 'ports below 1024 need root or CAP_NET_BIND_SERVICE'],
]);
