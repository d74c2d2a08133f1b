import { LINUX } from '../ffi/constants.js';
import * as libc from '../ffi/libc.js';
import { allocate } from '../ffi/memory.js';
import { ReceiveBatch } from './receive-batch.js';
import { SocketError } from './socket-error.js';

/**
 * Reads the error queues of sockets that were opened with `reportErrors` (MSG_ERRQUEUE, recv(2)). While such a queue holds
 * something, `poll` reports POLLERR for its socket. One object serves any number of sockets.
 */
export class SocketErrorQueue {
  readonly #batch = new ReceiveBatch(allocate(SLOTS * EXCERPT_OCTETS), SLOTS, EXCERPT_OCTETS);
  readonly #error = new SocketError(this.#batch);

  /**
   * Takes at most `limit` messages from the queue of a socket and hands each over; the value is reused.
   * @returns how many were taken, those included that were none of ours to read, or an error number negated.
   */
  drain(fd: number, limit: number, take: (error: SocketError | undefined) => void): number {
    const batch = this.#batch;
    let taken = 0;
    while (taken < limit) {
      const slots = Math.min(SLOTS, limit - taken);
      for (let slot = 0; slot < slots; slot++) batch.rearm(slot);
      const flags = LINUX.MSG_ERRQUEUE | LINUX.MSG_DONTWAIT;
      const count = libc.valueOrNegatedErrno(libc.recvmmsg(fd, batch.headersAddress(0, slots), slots, flags, 0));
      if (count < 0) return taken > 0 ? taken : count;
      for (let slot = 0; slot < count; slot++) take(this.#error.read(slot) ? this.#error : undefined);
      taken += count;
      if (count < slots) return taken;
    }
    return taken;
  }
}

const SLOTS = 8;
/** An IP header with all its options, or some extension headers, and more than the start of what follows. */
const EXCERPT_OCTETS = 256;
