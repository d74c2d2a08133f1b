/** Linux error numbers (asm-generic/errno-base.h, asm-generic/errno.h): the same on x86-64 and arm64. */
export type ErrnoName = keyof typeof ERRNO;

/** System calls and library functions of this package, as they are named in errors. */
export type SystemCall =
  | 'open'
  | 'close'
  | 'ioctl'
  | 'mmap'
  | 'read'
  | 'write'
  | 'writev'
  | 'poll'
  | 'eventfd'
  | 'socket'
  | 'socketpair'
  | 'setsockopt'
  | 'getsockopt'
  | 'bind'
  | 'connect'
  | 'getsockname'
  | 'recvmmsg'
  | 'sendmmsg'
  | 'prctl'
  | 'execve'
  | 'memfd_create'
  | 'posix_spawn'
  | 'waitpid';

/** A system call that failed: which one, on what, and the name of its error number. */
export class SystemCallError extends Error {
  override readonly name = 'SystemCallError';
  readonly code: ErrnoName;
  readonly call: SystemCall;
  readonly subject: string;

  constructor(call: SystemCall, errno: number, subject: string, fix?: string) {
    const code = errnoName(errno);
    super(`${call} ${subject}: ${code} (${errno})${fix === undefined ? '' : `; ${fix}`}`);
    this.code = code;
    this.call = call;
    this.subject = subject;
  }
}

/** Name of an error number; `EUNKNOWN` for one that Linux does not define. */
export function errnoName(errno: number): ErrnoName {
  return NAMES.get(errno) ?? 'EUNKNOWN';
}

/** Error numbers by name. Several names of one number (EWOULDBLOCK, EDEADLOCK) are left out: one number, one name. */
export const ERRNO = {
  EUNKNOWN: 0,
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  EIO: 5,
  ENXIO: 6,
  E2BIG: 7,
  ENOEXEC: 8,
  EBADF: 9,
  ECHILD: 10,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  ENOTBLK: 15,
  EBUSY: 16,
  EEXIST: 17,
  EXDEV: 18,
  ENODEV: 19,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  ENFILE: 23,
  EMFILE: 24,
  ENOTTY: 25,
  ETXTBSY: 26,
  EFBIG: 27,
  ENOSPC: 28,
  ESPIPE: 29,
  EROFS: 30,
  EMLINK: 31,
  EPIPE: 32,
  EDOM: 33,
  ERANGE: 34,
  EDEADLK: 35,
  ENAMETOOLONG: 36,
  ENOLCK: 37,
  ENOSYS: 38,
  ENOTEMPTY: 39,
  ELOOP: 40,
  ENOMSG: 42,
  EIDRM: 43,
  ENODATA: 61,
  ETIME: 62,
  ENONET: 64,
  ENOLINK: 67,
  ECOMM: 70,
  EPROTO: 71,
  EBADMSG: 74,
  EOVERFLOW: 75,
  ENOTUNIQ: 76,
  EBADFD: 77,
  EREMCHG: 78,
  EILSEQ: 84,
  EUSERS: 87,
  ENOTSOCK: 88,
  EDESTADDRREQ: 89,
  EMSGSIZE: 90,
  EPROTOTYPE: 91,
  ENOPROTOOPT: 92,
  EPROTONOSUPPORT: 93,
  ESOCKTNOSUPPORT: 94,
  EOPNOTSUPP: 95,
  EPFNOSUPPORT: 96,
  EAFNOSUPPORT: 97,
  EADDRINUSE: 98,
  EADDRNOTAVAIL: 99,
  ENETDOWN: 100,
  ENETUNREACH: 101,
  ENETRESET: 102,
  ECONNABORTED: 103,
  ECONNRESET: 104,
  ENOBUFS: 105,
  EISCONN: 106,
  ENOTCONN: 107,
  ESHUTDOWN: 108,
  ETOOMANYREFS: 109,
  ETIMEDOUT: 110,
  ECONNREFUSED: 111,
  EHOSTDOWN: 112,
  EHOSTUNREACH: 113,
  EALREADY: 114,
  EINPROGRESS: 115,
  ESTALE: 116,
  EUCLEAN: 117,
  ENOTNAM: 118,
  ENAVAIL: 119,
  EISNAM: 120,
  EREMOTEIO: 121,
  EDQUOT: 122,
  ECANCELED: 125,
  EOWNERDEAD: 130,
  ENOTRECOVERABLE: 131,
  ERFKILL: 132,
} as const;

const NAMES: ReadonlyMap<number, ErrnoName> = new Map(
  (Object.entries(ERRNO) as [ErrnoName, number][]).map(([name, number]) => [number, name]),
);
