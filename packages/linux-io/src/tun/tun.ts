import { LINUX } from '../ffi/constants.js';
import { ERRNO, SystemCallError } from '../ffi/errno.js';
import * as libc from '../ffi/libc.js';
import { addressWithin, allocate, type Memory } from '../ffi/memory.js';
import type { GatherList } from './gather-list.js';
import {
  decodeInterfaceName,
  encodeInterfaceRequest,
  IFF_NO_PI,
  IFF_TUN,
  INTERFACE_REQUEST_OCTETS,
} from './interface-request.js';
import { enableOffloads, NO_OFFLOADS, type TunOffloads } from './tun-offloads.js';

/** A TUN device: reads and writes whole IP packets, never blocks. */
export interface Tun {
  /** Name of the network device. */
  readonly name: string;
  /** File descriptor, for `poll`, for reading, and for handing the device to another thread. */
  readonly fd: number;
  /** File descriptor for writing: the same, unless the device has several queues (see `openTunQueues`). */
  readonly writeFd: number;
  /** With a virtio header, each packet that is read or written has one in front. */
  readonly offloads: TunOffloads;
  /**
   * Takes the next packet that the kernel routed into the device.
   * @returns octets written to `memory` at `offset`, or an error number negated (`-ERRNO.EAGAIN`: none waits).
   */
  read(memory: Memory, offset: number, capacity: number): number;
  /** Hands a packet to the kernel. @returns octets taken, or an error number negated. */
  write(memory: Memory, offset: number, length: number): number;
  /** Hands over one packet that stands in pieces. @returns octets taken, or an error number negated. */
  writeGathered(list: GatherList, pieces: number): number;
  /** Closes the descriptor; the device and the routes into it vanish when nobody else holds it. */
  close(): void;
}

/** How `openTun` opens a device. */
export interface TunOptions {
  /** Take the offloads that the kernel has; false by default: plain packets of at most the device's MTU. */
  readonly offloads?: boolean;
  /** One of several queues: opening the same name again then gives another (IFF_MULTI_QUEUE). */
  readonly multiQueue?: boolean;
}

/**
 * Makes the device `name`, or takes over one that nobody holds, and opens it.
 * Throws InterfaceNameError, or SystemCallError: ENOENT (no tun module), EPERM (needs CAP_NET_ADMIN), EBUSY (held),
 * EINVAL (the device exists with other options).
 */
export function openTun(name: string, options: TunOptions = {}): Tun {
  const { offloads = false, multiQueue = false } = options;
  const request = allocate(INTERFACE_REQUEST_OCTETS);
  const flags = (offloads ? LINUX.IFF_VNET_HDR : 0) | (multiQueue ? LINUX.IFF_MULTI_QUEUE : 0);
  encodeInterfaceRequest(request.bytes, name, IFF_TUN | IFF_NO_PI | flags);
  const fd = libc.open(TUN_PATH, LINUX.O_RDWR | LINUX.O_NONBLOCK | LINUX.O_CLOEXEC);
  if (fd < 0) {
    throw new SystemCallError('open', libc.failure(), TUN_PATH, 'load the tun module and give access to the device');
  }
  try {
    if (libc.ioctl(fd, LINUX.TUNSETIFF, request.address) < 0) {
      const errno = libc.failure();
      throw new SystemCallError('ioctl', errno, `TUNSETIFF ${name}`, FIXES.get(errno));
    }
    const device = decodeInterfaceName(request.bytes);
    return tunFromDescriptor(fd, device, offloads ? enableOffloads(fd, device) : NO_OFFLOADS);
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

/** The same device in another thread of the process; whoever opened it closes it. */
export function tunFromDescriptor(fd: number, name: string, offloads: TunOffloads, writeFd = fd): Tun {
  return {
    name,
    fd,
    writeFd,
    offloads,
    read: (memory, offset, capacity) =>
      libc.valueOrNegatedErrno(libc.read(fd, addressWithin(memory, offset, capacity), capacity)),
    write: (memory, offset, length) =>
      libc.valueOrNegatedErrno(libc.write(writeFd, addressWithin(memory, offset, length), length)),
    writeGathered: (list, pieces) => libc.valueOrNegatedErrno(libc.writev(writeFd, list.address(pieces), pieces)),
    close: () => {
      if (writeFd !== fd) closeDescriptor(writeFd, name);
      closeDescriptor(fd, name);
    },
  };
}

function closeDescriptor(fd: number, name: string): void {
  if (libc.close(fd) < 0) throw new SystemCallError('close', libc.failure(), name);
}

const TUN_PATH = '/dev/net/tun';
const FIXES: ReadonlyMap<number, string> = new Map([
  [ERRNO.EPERM, 'run as root or with CAP_NET_ADMIN'],
  [ERRNO.EBUSY, 'another process holds the device: stop it or choose another name'],
  [ERRNO.EINVAL, 'the device exists with other options: delete it or choose another name'],
]);
