import { LINUX } from '../ffi/constants.js';
import * as libc from '../ffi/libc.js';
import type { DatagramBatch } from './datagram-batch.js';
import type { ReceiveBatch } from './receive-batch.js';
import type { SendBatch } from './send-batch.js';

/** A socket that moves messages in batches, and never blocks. */
export interface DatagramSocket {
  /** File descriptor, for `poll` and for handing the socket to another thread. */
  readonly fd: number;
  /**
   * Receives up to `slots` messages, by default all that the batch has room for.
   * @returns how many, or an error number negated (`-ERRNO.EAGAIN`: none).
   */
  receive(batch: DatagramBatch | ReceiveBatch, slots?: number): number;
  /**
   * Sends the prepared messages `first` to `first + count - 1`.
   * @returns how many went out, or the error number of message `first` negated; those after it were not tried. A socket
   * that reports errors may answer with one about another packet: see `SocketErrorQueue`.
   */
  send(batch: DatagramBatch | SendBatch, first: number, count: number): number;
}

/** The calls of a descriptor. */
export function datagramCalls(fd: number): DatagramSocket {
  return {
    fd,
    receive: (batch, slots = batch.slots) => {
      // Whichever socket filled them: one of another family would leave no room for the whole of an address.
      for (let slot = 0; slot < batch.filled; slot++) batch.rearm(slot);
      const count = libc.valueOrNegatedErrno(
        libc.recvmmsg(fd, batch.headersAddress(0, slots), slots, LINUX.MSG_DONTWAIT, 0),
      );
      batch.filled = Math.max(0, count);
      return count;
    },
    send: (batch, first, count) =>
      libc.valueOrNegatedErrno(libc.sendmmsg(fd, batch.headersAddress(first, count), count, LINUX.MSG_DONTWAIT)),
  };
}
