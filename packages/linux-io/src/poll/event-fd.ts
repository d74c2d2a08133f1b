import { LINUX } from '../ffi/constants.js';
import { ERRNO, SystemCallError } from '../ffi/errno.js';
import * as libc from '../ffi/libc.js';
import { allocate, type Memory } from '../ffi/memory.js';

/** A counter that another thread raises to end a `poll` (eventfd(2)). */
export interface EventFd {
  readonly fd: number;
  /** Makes the descriptor readable until the next `clear`. Many signals count as one. */
  signal(): void;
  /** Makes it unreadable again. @returns true when it had been signalled. */
  clear(): boolean;
  close(): void;
}

/** Makes an unsignalled counter. Throws SystemCallError. */
export function openEventFd(): EventFd {
  const fd = libc.eventfd(0, LINUX.EFD_NONBLOCK | LINUX.EFD_CLOEXEC);
  if (fd < 0) throw new SystemCallError('eventfd', libc.failure(), 'wake-up');
  return eventFdFromDescriptor(fd);
}

/** The same counter in another thread of the process; whoever opened it closes it. */
export function eventFdFromDescriptor(fd: number): EventFd {
  const value: Memory = allocate(8);
  return {
    fd,
    signal: () => {
      value.view.setBigUint64(0, 1n, true);
      const result = libc.valueOrNegatedErrno(libc.write(fd, value.address, 8));
      // EAGAIN: the counter is at its maximum, so it is signalled already.
      if (result < 0 && result !== -ERRNO.EAGAIN) throw new SystemCallError('write', -result, 'wake-up');
    },
    clear: () => {
      const result = libc.valueOrNegatedErrno(libc.read(fd, value.address, 8));
      if (result === -ERRNO.EAGAIN) return false;
      if (result < 0) throw new SystemCallError('read', -result, 'wake-up');
      return true;
    },
    close: () => {
      if (libc.close(fd) < 0) throw new SystemCallError('close', libc.failure(), 'wake-up');
    },
  };
}
