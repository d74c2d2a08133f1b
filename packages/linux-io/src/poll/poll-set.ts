import { LINUX } from '../ffi/constants.js';
import { SystemCallError } from '../ffi/errno.js';
import { POLLFD } from '../ffi/layouts.js';
import * as libc from '../ffi/libc.js';
import { allocate, type Memory } from '../ffi/memory.js';

/**
 * A fixed number of descriptors to wait for.
 * A slot whose descriptor is negative, or whose interest is 0, is skipped (but errors are always reported).
 */
export class PollSet {
  readonly #entries: Memory;
  readonly #slots: number;

  constructor(slots: number) {
    this.#slots = slots;
    this.#entries = allocate(slots * POLLFD.size);
    for (let slot = 0; slot < slots; slot++) this.watch(slot, -1, 0);
  }

  /** Waits for `events` (POLLIN, POLLOUT) of `fd` in this slot from now on. */
  watch(slot: number, fd: number, events: number): void {
    this.#entries.view.setInt32(slot * POLLFD.size + POLLFD.fd, fd, true);
    this.#entries.view.setInt16(slot * POLLFD.size + POLLFD.events, events, true);
  }

  /**
   * Blocks the thread until a descriptor is ready or `timeoutMilliseconds` have passed.
   * @returns how many slots are ready. Throws SystemCallError.
   */
  wait(timeoutMilliseconds: number): number {
    const ready = libc.uninterrupted(() => libc.poll(this.#entries.address, this.#slots, timeoutMilliseconds));
    if (ready < 0) throw new SystemCallError('poll', -ready, `${this.#slots} descriptors`);
    return ready;
  }

  /** What the last `wait` found in a slot, as a mask. */
  ready(slot: number): number {
    return this.#entries.view.getInt16(slot * POLLFD.size + POLLFD.revents, true);
  }
}

export const { POLLIN, POLLOUT, POLLERR, POLLHUP, POLLNVAL } = LINUX;
