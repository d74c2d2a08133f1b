import { ERRNO, type PacketMemory, type RawSocket, SendBatch } from '@weft/linux-io';
import type { IoCounters } from './io-counters.js';
import type { RawSockets } from './raw-sockets.js';
import { dropReasonOf, sendOrSettle } from './send-or-settle.js';
import type { UnderlayErrors } from './underlay-errors.js';

/** Whole IP packets on their way to the underlay: those of associations that do without UDP. */
export class PacketSender {
  readonly #counters: IoCounters;
  readonly #sockets: RawSockets;
  readonly #errors: UnderlayErrors;
  readonly #ipv4: Queue;
  readonly #ipv6: Queue;

  constructor(memory: PacketMemory, counters: IoCounters, sockets: RawSockets, errors: UnderlayErrors) {
    this.#counters = counters;
    this.#sockets = sockets;
    this.#errors = errors;
    this.#ipv4 = { family: 4, batch: new SendBatch(memory, MESSAGES), sent: 0 };
    this.#ipv6 = { family: 6, batch: new SendBatch(memory, MESSAGES), sent: 0 };
  }

  /** True when no more packets can be taken before a flush. */
  get isFull(): boolean {
    return this.#ipv4.batch.isFull || this.#ipv6.batch.isFull;
  }

  /** True when a flush has left something behind. */
  get blocked(): boolean {
    return isBlocked(this.#ipv4) || isBlocked(this.#ipv6);
  }

  /** The socket that took no more, to wait for. */
  get blockedSocket(): RawSocket | undefined {
    if (isBlocked(this.#ipv4)) return this.#sockets.sender(4);
    return isBlocked(this.#ipv6) ? this.#sockets.sender(6) : undefined;
  }

  /** Takes the packet of `length` octets at `offset` of the memory; it stays there until a flush has sent all. */
  add(offset: number, length: number, family: 4 | 6): void {
    (family === 4 ? this.#ipv4 : this.#ipv6).batch.addPacket(offset, length);
  }

  /** Sends what waits. @returns false when some of it still does. */
  flush(): boolean {
    const flushed = this.#ipv4.batch.count === 0 || this.#flush(this.#ipv4);
    return (this.#ipv6.batch.count === 0 || this.#flush(this.#ipv6)) && flushed;
  }

  #flush(queue: Queue): boolean {
    const { batch, family } = queue;
    const socket = this.#sockets.sender(family);
    if (socket === undefined) {
      this.#counters.drop('no_raw_socket', batch.count - queue.sent);
      queue.sent = batch.count;
    }
    while (socket !== undefined && queue.sent < batch.count) {
      const result = sendOrSettle(socket, 'packet', batch, queue.sent, batch.count - queue.sent, this.#errors);
      if (result === -ERRNO.EAGAIN) return false;
      if (result > 0) queue.sent += result;
      else if (result !== -ERRNO.EINTR) this.#refused(queue, -result);
    }
    batch.clear();
    queue.sent = 0;
    return true;
  }

  #refused(queue: Queue, errno: number): void {
    const { batch, sent } = queue;
    if (errno === ERRNO.EMSGSIZE) this.#errors.packetTooLarge(batch.memory, batch.offset(sent), batch.length(sent));
    this.#counters.drop(dropReasonOf(errno));
    queue.sent++;
  }
}

interface Queue {
  readonly family: 4 | 6;
  readonly batch: SendBatch;
  sent: number;
}

/** When a flush has ended: whether it has left something behind. */
function isBlocked({ batch, sent }: Queue): boolean {
  return sent < batch.count;
}

/** Messages of one flush. */
const MESSAGES = 64;
