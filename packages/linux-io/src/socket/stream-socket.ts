import { LINUX } from '../ffi/constants.js';
import { SystemCallError } from '../ffi/errno.js';
import * as libc from '../ffi/libc.js';
import { AF_INET, AF_INET6 } from './socket-address.js';
import { setMark } from './socket-options.js';

/**
 * Opens a TCP socket whose packets carry a firewall mark (SO_MARK), and leaves the rest to Node:
 * `new Socket({ fd }).connect(…)` connects it and closes it in the end. Throws SystemCallError: EPERM (needs CAP_NET_ADMIN),
 * EAFNOSUPPORT.
 */
export function openMarkedStreamSocket(family: 4 | 6, mark: number): number {
  const type = LINUX.SOCK_STREAM | LINUX.SOCK_NONBLOCK | LINUX.SOCK_CLOEXEC;
  const fd = libc.socket(family === 4 ? AF_INET : AF_INET6, type, 0);
  if (fd < 0) throw new SystemCallError('socket', libc.failure(), `TCP over IPv${family}`);
  try {
    setMark(fd, mark);
    return fd;
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}
