import { LINUX } from '../ffi/constants.js';
import { ERRNO, SystemCallError } from '../ffi/errno.js';
import * as libc from '../ffi/libc.js';

/** What the kernel leaves to us on the way out of a device, and takes from us on the way in. */
export interface TunOffloads {
  /** A `struct virtio_net_hdr` stands in front of each packet (IFF_VNET_HDR). All that follows needs it. */
  readonly virtioHeader: boolean;
  /** Transport checksums may be left open. */
  readonly checksum: boolean;
  /** TCP segments over IPv4 and IPv6 come in one piece of up to 64 KiB (TSO4, TSO6). */
  readonly tcp: boolean;
  /** UDP datagrams, likewise (USO4, USO6; Linux 6.2). */
  readonly udp: boolean;
}

export const NO_OFFLOADS: TunOffloads = { virtioHeader: false, checksum: false, tcp: false, udp: false };

/** Switches on as much as the kernel has, one step less at a time. The device was opened with IFF_VNET_HDR. */
export function enableOffloads(fd: number, name: string): TunOffloads {
  for (const { flags, offloads } of STEPS) {
    if (libc.ioctl(fd, LINUX.TUNSETOFFLOAD, flags) === 0) return offloads;
    const errno = libc.failure();
    // An unknown flag; anything else would fail with fewer flags too.
    if (errno !== ERRNO.EINVAL) throw new SystemCallError('ioctl', errno, `TUNSETOFFLOAD ${name}`);
  }
  return { ...NO_OFFLOADS, virtioHeader: true };
}

const TSO = LINUX.TUN_F_CSUM | LINUX.TUN_F_TSO4 | LINUX.TUN_F_TSO6 | LINUX.TUN_F_TSO_ECN;
const STEPS: readonly { readonly flags: number; readonly offloads: TunOffloads }[] = [
  {
    flags: TSO | LINUX.TUN_F_USO4 | LINUX.TUN_F_USO6,
    offloads: { virtioHeader: true, checksum: true, tcp: true, udp: true },
  },
  { flags: TSO, offloads: { virtioHeader: true, checksum: true, tcp: true, udp: false } },
  { flags: LINUX.TUN_F_CSUM, offloads: { virtioHeader: true, checksum: true, tcp: false, udp: false } },
];
