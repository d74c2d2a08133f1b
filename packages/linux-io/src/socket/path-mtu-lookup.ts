import { LINUX } from '../ffi/constants.js';
import * as libc from '../ffi/libc.js';
import { allocate, type Memory } from '../ffi/memory.js';
import { AF_INET, AF_INET6 } from './socket-address.js';
import { readInteger, trySetInteger } from './socket-options.js';

/**
 * The path MTU towards `destination` (from `encodeSocketAddress`) as the kernel knows it, in octets of IP packet (IP_MTU,
 * ip(7); IPV6_MTU, ipv6(7)); undefined when there is no way there. A socket is connected for the purpose, which sends
 * nothing. For packets with the firewall mark `mark`.
 */
export function lookUpPathMtu(destination: Uint8Array, mark: number | undefined): number | undefined {
  const ipv6 = destination[0] === AF_INET6;
  const fd = libc.socket(ipv6 ? AF_INET6 : AF_INET, LINUX.SOCK_DGRAM | LINUX.SOCK_CLOEXEC, 0);
  if (fd < 0) return undefined;
  try {
    if (mark !== undefined && !trySetInteger(fd, LINUX.SOL_SOCKET, LINUX.SO_MARK, mark)) return undefined;
    ADDRESS.bytes.set(destination);
    if (libc.connect(fd, ADDRESS.address, destination.length) < 0) return undefined;
    const mtu = ipv6
      ? readInteger(fd, LINUX.IPPROTO_IPV6, LINUX.IPV6_MTU)
      : readInteger(fd, LINUX.IPPROTO_IP, LINUX.IP_MTU);
    return mtu > 0 ? mtu : undefined;
  } finally {
    libc.close(fd);
  }
}

const ADDRESS: Memory = allocate(32);
