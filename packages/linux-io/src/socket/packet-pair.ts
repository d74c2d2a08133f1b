import { LINUX } from '../ffi/constants.js';
import { SystemCallError } from '../ffi/errno.js';
import * as libc from '../ffi/libc.js';
import { allocate } from '../ffi/memory.js';

/** Two sockets that are joined: what is written to one is read from the other, packet by packet. Neither ever blocks. */
export interface PacketPair {
  /** Descriptors: what they are taken for, a device or a socket of an underlay, is the caller's to say. */
  readonly one: number;
  readonly other: number;
  close(): void;
}

/**
 * Opens a pair that nobody else can reach (socketpair(2)). Addresses that messages are sent to do not count. Throws
 * SystemCallError.
 */
export function openPacketPair(): PacketPair {
  const pair = allocate(2 * DESCRIPTOR_OCTETS);
  const type = LINUX.SOCK_SEQPACKET | LINUX.SOCK_NONBLOCK | LINUX.SOCK_CLOEXEC;
  if (libc.socketpair(LINUX.AF_UNIX, type, 0, pair.address) < 0) {
    throw new SystemCallError('socketpair', libc.failure(), 'packets');
  }
  return packetPairFromDescriptors(pair.view.getInt32(0, true), pair.view.getInt32(DESCRIPTOR_OCTETS, true));
}

/** A pair that another thread has opened, which no longer uses it. */
export function packetPairFromDescriptors(one: number, other: number): PacketPair {
  return {
    one,
    other,
    close: () => {
      for (const fd of [one, other]) {
        if (libc.close(fd) < 0) throw new SystemCallError('close', libc.failure(), 'packets');
      }
    },
  };
}

const DESCRIPTOR_OCTETS = 4;
