import { LINUX } from '../ffi/constants.js';
import { SystemCallError } from '../ffi/errno.js';
import * as libc from '../ffi/libc.js';
import { allocate } from '../ffi/memory.js';

/** A datagram socket of the Unix family that speaks to one other, as a service does to its manager (sd_notify(3)). */
export interface NotifySocket {
  /** Sends one datagram. @returns octets sent, or an error number negated. */
  send(text: string): number;
  close(): void;
}

/**
 * Connects to the socket at `path`; one that begins with `@` is in the abstract namespace (unix(7)).
 * Throws SystemCallError, RangeError when the path is too long.
 */
export function openNotifySocket(path: string): NotifySocket {
  const name = Buffer.from(path);
  if (name.length < 1 || name.length > MAXIMUM_PATH_OCTETS) throw new RangeError(`${path} is no path of a socket`);
  const abstract = path.startsWith('@');
  const address = allocate(FAMILY_OCTETS + MAXIMUM_PATH_OCTETS + 1);
  address.view.setUint16(0, LINUX.AF_UNIX, true);
  address.bytes.set(name, FAMILY_OCTETS);
  if (abstract) address.bytes[FAMILY_OCTETS] = 0;
  const fd = libc.socket(LINUX.AF_UNIX, LINUX.SOCK_DGRAM | LINUX.SOCK_CLOEXEC | LINUX.SOCK_NONBLOCK, 0);
  if (fd < 0) throw new SystemCallError('socket', libc.failure(), 'Unix datagrams');
  // The length of an abstract name is what is given; another ends with a zero.
  const length = FAMILY_OCTETS + name.length + (abstract ? 0 : 1);
  if (libc.connect(fd, address.address, length) < 0) {
    const error = new SystemCallError('connect', libc.failure(), path);
    libc.close(fd);
    throw error;
  }
  const message = allocate(MAXIMUM_MESSAGE_OCTETS);
  return {
    send: (text) => {
      const { written } = new TextEncoder().encodeInto(text, message.bytes);
      return libc.uninterrupted(() => libc.write(fd, message.address, written));
    },
    close: () => void libc.close(fd),
  };
}

const FAMILY_OCTETS = 2;
/** sockaddr_un has room for 108 octets with the zero at the end. */
const MAXIMUM_PATH_OCTETS = 107;
const MAXIMUM_MESSAGE_OCTETS = 1024;
