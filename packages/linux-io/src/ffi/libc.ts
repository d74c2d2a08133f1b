import koffi from 'koffi';
import { ERRNO } from './errno.js';

/**
 * The libc functions that this package calls. Pointers are addresses made by memory.ts, passed as `int64_t`, which
 * is an order of magnitude cheaper than letting koffi convert a buffer. Every function answers what libc answers;
 * `failure()` then gives the error number. koffi 3 has no ssize_t: `long` is the same on 64-bit Linux.
 */
const LIBC = koffi.load(null);

export const open: (path: string, flags: number) => number = LIBC.func('int open(const char *, int)');
export const close: (fd: number) => number = LIBC.func('int close(int)');
export const ioctl: (fd: number, request: number, argument: number) => number = LIBC.func(
  'int ioctl(int, unsigned long, int64_t)',
);
export const read: (fd: number, address: number, length: number) => number = LIBC.func(
  'long read(int, int64_t, size_t)',
);
export const write: (fd: number, address: number, length: number) => number = LIBC.func(
  'long write(int, int64_t, size_t)',
);
export const writev: (fd: number, address: number, count: number) => number = LIBC.func(
  'long writev(int, int64_t, int)',
);
export const poll: (address: number, count: number, timeoutMilliseconds: number) => number = LIBC.func(
  'int poll(int64_t, unsigned long, int)',
);
export const eventfd: (initial: number, flags: number) => number = LIBC.func('int eventfd(unsigned int, int)');
export const socket: (domain: number, type: number, protocol: number) => number =
  LIBC.func('int socket(int, int, int)');
export const socketpair: (domain: number, type: number, protocol: number, address: number) => number = LIBC.func(
  'int socketpair(int, int, int, int64_t)',
);
export const setsockopt: (fd: number, level: number, option: number, address: number, length: number) => number =
  LIBC.func('int setsockopt(int, int, int, int64_t, unsigned int)');
export const getsockopt: (fd: number, level: number, option: number, address: number, length: number) => number =
  LIBC.func('int getsockopt(int, int, int, int64_t, int64_t)');
export const bind: (fd: number, address: number, length: number) => number = LIBC.func(
  'int bind(int, int64_t, unsigned int)',
);
export const connect: (fd: number, address: number, length: number) => number = LIBC.func(
  'int connect(int, int64_t, unsigned int)',
);
export const getsockname: (fd: number, address: number, lengthAddress: number) => number = LIBC.func(
  'int getsockname(int, int64_t, int64_t)',
);
export const recvmmsg: (fd: number, address: number, count: number, flags: number, timeout: number) => number =
  LIBC.func('int recvmmsg(int, int64_t, unsigned int, int, int64_t)');
export const sendmmsg: (fd: number, address: number, count: number, flags: number) => number = LIBC.func(
  'int sendmmsg(int, int64_t, unsigned int, int)',
);

/** Answers an address, or -1: user space has no address that high. */
export const mmap: (
  hint: number,
  length: number,
  protection: number,
  flags: number,
  fd: number,
  offset: number,
) => number = LIBC.func('int64_t mmap(int64_t, size_t, int, int, int, long)');

export const mprotect: (address: number, length: number, protection: number) => number = LIBC.func(
  'int mprotect(int64_t, size_t, int)',
);
/** For commands that take an integer. */
export const fcntl: (fd: number, command: number, argument: number) => number = LIBC.func('int fcntl(int, int, long)');
/** For options whose other arguments do not count. */
export const prctl: (option: number, argument: number) => number = LIBC.func('int prctl(int, unsigned long)');
/** Answers an address, or 0. `library` 0 is RTLD_DEFAULT: the whole process. */
export const dlsym: (library: number, name: string) => number = LIBC.func('int64_t dlsym(int64_t, const char *)');

/** Error number of the call that just failed. Call it before anything else. */
export function failure(): number {
  return koffi.errno();
}

/** Result of a call that may be interrupted or would block: its value, or the error number negated. */
export function valueOrNegatedErrno(result: number): number {
  return result >= 0 ? result : -failure();
}

/** Repeats a call while a signal interrupts it (EINTR): no caller of ours wants to know. */
export function uninterrupted(call: () => number): number {
  for (;;) {
    const result = valueOrNegatedErrno(call());
    if (result !== -ERRNO.EINTR) return result;
  }
}
