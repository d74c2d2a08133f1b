import { LINUX } from '../ffi/constants.js';
import { ERRNO, SystemCallError } from '../ffi/errno.js';
import * as libc from '../ffi/libc.js';
import { addressWithin, allocate, type Memory } from '../ffi/memory.js';
import {
  decodeInterfaceName,
  encodeInterfaceRequest,
  IFF_NO_PI,
  IFF_TUN,
  INTERFACE_REQUEST_OCTETS,
} from './interface-request.js';

/** A TUN device: reads and writes whole IP packets, never blocks. */
export interface Tun {
  /** Name of the network device. */
  readonly name: string;
  /** File descriptor, for `poll` and for handing the device to another thread. */
  readonly fd: number;
  /**
   * Takes the next packet that the kernel routed into the device.
   * @returns octets written to `memory` at `offset`, or an error number negated (`-ERRNO.EAGAIN`: none waits).
   */
  read(memory: Memory, offset: number, capacity: number): number;
  /** Hands a packet to the kernel. @returns octets taken, or an error number negated. */
  write(memory: Memory, offset: number, length: number): number;
  /** Closes the descriptor; the device and the routes into it vanish when nobody else holds it. */
  close(): void;
}

/**
 * Makes the device `name`, or takes over one that nobody holds, and opens it.
 * Throws InterfaceNameError, or SystemCallError: ENOENT (no tun module), EPERM (needs CAP_NET_ADMIN), EBUSY (held).
 */
export function openTun(name: string): Tun {
  const request = allocate(INTERFACE_REQUEST_OCTETS);
  encodeInterfaceRequest(request.bytes, name, IFF_TUN | IFF_NO_PI);
  const fd = libc.open(TUN_PATH, LINUX.O_RDWR | LINUX.O_NONBLOCK | LINUX.O_CLOEXEC);
  if (fd < 0) {
    throw new SystemCallError('open', libc.failure(), TUN_PATH, 'load the tun module and give access to the device');
  }
  if (libc.ioctl(fd, LINUX.TUNSETIFF, request.address) < 0) {
    const errno = libc.failure();
    libc.close(fd);
    throw new SystemCallError('ioctl', errno, `TUNSETIFF ${name}`, FIXES.get(errno));
  }
  return tunFromDescriptor(fd, decodeInterfaceName(request.bytes));
}

/** The same device in another thread of the process; whoever opened it closes it. */
export function tunFromDescriptor(fd: number, name: string): Tun {
  return {
    name,
    fd,
    read: (memory, offset, capacity) =>
      libc.valueOrNegatedErrno(libc.read(fd, addressWithin(memory, offset, capacity), capacity)),
    write: (memory, offset, length) =>
      libc.valueOrNegatedErrno(libc.write(fd, addressWithin(memory, offset, length), length)),
    close: () => {
      if (libc.close(fd) < 0) throw new SystemCallError('close', libc.failure(), name);
    },
  };
}

const TUN_PATH = '/dev/net/tun';
const FIXES: ReadonlyMap<number, string> = new Map([
  [ERRNO.EPERM, 'run as root or with CAP_NET_ADMIN'],
  [ERRNO.EBUSY, 'another process holds the device: stop it or choose another name'],
]);
