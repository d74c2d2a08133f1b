import { LINUX } from '../ffi/constants.js';
import { ERRNO, SystemCallError } from '../ffi/errno.js';
import * as libc from '../ffi/libc.js';
import { allocate, type Memory } from '../ffi/memory.js';
import { DatagramBatch } from './datagram-batch.js';
import { type DatagramSocket, datagramCalls } from './datagram-calls.js';
import type { ReceiveBatch } from './receive-batch.js';
import { AF_INET, AF_INET6 } from './socket-address.js';
import { type DatagramSocketOptions, setDatagramOptions, setInteger } from './socket-options.js';
import { acceptShareOfSpis, type SpiShare } from './spi-steering.js';

/** The protocols of IPsec that stand directly on IP: 50 and 51 (RFC 4303 section 2, RFC 4302 section 2). */
export type IpsecProtocol = 'esp' | 'ah';

/** What raw sockets are of. `any`: they send packets of whatever protocol, and receive none (raw(7), IPPROTO_RAW). */
export type RawProtocol = IpsecProtocol | 'any' | 'icmpv6';

/**
 * A raw socket of one protocol (raw(7), ipv6(7)). It sends whole IP packets, with the headers they have. It receives every
 * packet of the protocol that is for an address of this machine, put together if it came in fragments: over IPv4 with its
 * header, over IPv6 without; `restoreIpv6Header` then writes that.
 */
export interface RawSocket extends DatagramSocket {
  readonly family: 4 | 6;
  readonly protocol: RawProtocol;
  close(): void;
}

/** What `openRawSocket` wants to know beside family and protocol. */
export interface RawSocketOptions extends DatagramSocketOptions {
  /** Of several sockets of ESP, each with a copy of every packet: which SPIs are this one's. All, when left out. */
  readonly share?: SpiShare | undefined;
}

/**
 * Opens a raw socket. Throws SystemCallError: EPERM (needs CAP_NET_RAW), EAFNOSUPPORT (no IPv6), ENOPROTOOPT (Linux before
 * 4.5 has no IPV6_HDRINCL).
 */
export function openRawSocket(family: 4 | 6, protocol: IpsecProtocol | 'any', options: RawSocketOptions): RawSocket {
  const ipv6 = family === 6;
  const subject = `raw IPv${family} socket of protocol ${PROTOCOLS[protocol]}`;
  const type = LINUX.SOCK_RAW | LINUX.SOCK_NONBLOCK | LINUX.SOCK_CLOEXEC;
  const fd = libc.socket(ipv6 ? AF_INET6 : AF_INET, type, PROTOCOLS[protocol]);
  if (fd < 0) {
    const errno = libc.failure();
    throw new SystemCallError('socket', errno, subject, FIXES.get(errno));
  }
  try {
    setDatagramOptions(fd, ipv6, options);
    if (ipv6) {
      for (const option of RECEIVED_IPV6) setInteger(fd, LINUX.IPPROTO_IPV6, option, 1);
      setInteger(fd, LINUX.IPPROTO_IPV6, LINUX.IPV6_HDRINCL, 1);
    } else {
      setInteger(fd, LINUX.IPPROTO_IP, LINUX.IP_HDRINCL, 1);
    }
    if (options.share !== undefined && protocol === 'esp') {
      acceptShareOfSpis(fd, family, options.share);
      discardWaiting(fd);
    }
  } catch (error) {
    libc.close(fd);
    throw error;
  }
  return rawSocketFromDescriptor(fd, family, protocol);
}

/**
 * Opens a raw socket that receives the "packet too big" messages for this machine, and nothing else (RFC 3542 section 3.2).
 * About AH they come to no socket of AH: the kernel takes AH for an extension header, and looks for whom the next one is.
 * Throws SystemCallError as `openRawSocket` does.
 */
export function openPacketTooBigSocket(options: DatagramSocketOptions): RawSocket {
  const type = LINUX.SOCK_RAW | LINUX.SOCK_NONBLOCK | LINUX.SOCK_CLOEXEC;
  const fd = libc.socket(AF_INET6, type, PROTOCOLS.icmpv6);
  if (fd < 0) {
    const errno = libc.failure();
    throw new SystemCallError('socket', errno, 'raw ICMPv6 socket', FIXES.get(errno));
  }
  try {
    setDatagramOptions(fd, true, options);
    for (const option of RECEIVED_IPV6) setInteger(fd, LINUX.IPPROTO_IPV6, option, 1);
    // One bit for each type; those that are set are blocked.
    FILTER.bytes.fill(0xff);
    FILTER.view.setUint32(0, ~(1 << PACKET_TOO_BIG) >>> 0, true);
    if (libc.setsockopt(fd, PROTOCOLS.icmpv6, LINUX.ICMP6_FILTER, FILTER.address, FILTER.bytes.length) < 0) {
      throw new SystemCallError('setsockopt', libc.failure(), 'ICMP6_FILTER');
    }
    return rawSocketFromDescriptor(fd, 6, 'icmpv6');
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

/** The same socket in another thread of the process. */
export function rawSocketFromDescriptor(fd: number, family: 4 | 6, protocol: RawProtocol): RawSocket {
  return {
    ...datagramCalls(fd),
    family,
    protocol,
    close: () => {
      if (libc.close(fd) < 0) throw new SystemCallError('close', libc.failure(), `raw socket of ${protocol}`);
    },
  };
}

/**
 * Writes the IPv6 header that a raw socket has kept to itself in front of what it received: the batch has IPV6_HEADER_OCTETS
 * free there. The flow label, which the kernel does not tell, is 0: nothing of IPsec covers it (RFC 4302 section 3.3.3.1.2).
 * @returns false when the packet cannot be restored, for it had extension headers that are gone.
 */
export function restoreIpv6Header(batch: ReceiveBatch, slot: number, protocol: RawProtocol): boolean {
  const { trafficClass, hopLimit, destination, extensionHeaders } = batch.control(slot);
  if (destination < 0 || extensionHeaders || batch.controlTruncated(slot)) return false;
  const { bytes } = batch.memory;
  const at = batch.offset(slot) - IPV6_HEADER_OCTETS;
  const length = batch.length(slot);
  bytes[at] = 0x60 | (trafficClass >>> 4);
  bytes[at + 1] = (trafficClass & 0x0f) << 4;
  bytes[at + 2] = 0;
  bytes[at + 3] = 0;
  bytes[at + 4] = length >>> 8;
  bytes[at + 5] = length & 0xff;
  bytes[at + 6] = PROTOCOLS[protocol];
  bytes[at + 7] = hopLimit;
  batch.copyIpv6Source(slot, bytes, at + 8);
  const control = batch.controls.bytes;
  for (let i = 0; i < 16; i++) bytes[at + 24 + i] = control[destination + i] ?? 0;
  return true;
}

/**
 * A raw socket receives from the moment on that it is there: what came before its filter is another's, or came before
 * anybody was there to receive it.
 */
function discardWaiting(fd: number): void {
  const calls = datagramCalls(fd);
  const batch = new DatagramBatch(32, 64);
  // What the filter lets through meanwhile comes in the same queue: a flood of it must not keep us here.
  for (let rounds = 0; rounds < 256 && calls.receive(batch) > 0; rounds++);
}

/** RFC 8200 section 3. */
export const IPV6_HEADER_OCTETS = 40;

const PROTOCOLS: Readonly<Record<RawProtocol, number>> = {
  esp: LINUX.IPPROTO_ESP,
  ah: LINUX.IPPROTO_AH,
  any: LINUX.IPPROTO_RAW,
  icmpv6: LINUX.IPPROTO_ICMPV6,
};
/** RFC 4443 section 3.2. */
const PACKET_TOO_BIG = 2;
/** struct icmp6_filter: 256 bits. */
const FILTER: Memory = allocate(32);
/** What the header says that is not received, and whether there were others behind it. */
const RECEIVED_IPV6: readonly number[] = [
  LINUX.IPV6_RECVPKTINFO,
  LINUX.IPV6_RECVHOPLIMIT,
  LINUX.IPV6_RECVHOPOPTS,
  LINUX.IPV6_RECVRTHDR,
  LINUX.IPV6_RECVDSTOPTS,
];
const FIXES: ReadonlyMap<number, string> = new Map([
  [ERRNO.EPERM, 'run as root or with CAP_NET_RAW'],
  [ERRNO.EAFNOSUPPORT, 'this kernel has no IPv6: use an IPv4 underlay'],
]);
