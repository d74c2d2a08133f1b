import {
  ERRNO,
  MAXIMUM_MESSAGE_OCTETS,
  MAXIMUM_SEGMENTS,
  type PacketMemory,
  SendBatch,
  type UdpSocket,
} from '@weft/linux-io';
import type { IoCounters } from './io-counters.js';
import type { PacketSender } from './packet-sender.js';
import { dropReasonOf, sendOrSettle } from './send-or-settle.js';
import { socketFor, type Underlay } from './underlay.js';
import type { UnderlayErrors } from './underlay-errors.js';

/** Part of a packet memory. */
export interface Region {
  readonly start: number;
  readonly end: number;
}

/**
 * Protected packets on their way to the underlay. They are written one behind the other into a region of memory;
 * successive ones of one size to one peer leave as one message, which the kernel takes apart (UDP_SEGMENT). Those that are
 * whole IP packets leave by raw sockets instead.
 * When the underlay takes no more, what is there stays: `blocked` then keeps the device from being read.
 */
export class UnderlaySender {
  readonly #region: Region;
  readonly #counters: IoCounters;
  readonly #batch: SendBatch;
  /** One message of the batch, datagram by datagram, when the kernel does not take it apart itself. */
  readonly #apart: SendBatch;
  readonly #packets: PacketSender;
  readonly #errors: UnderlayErrors;
  /** By peer: the largest datagram that the kernel takes in a run. Larger ones must leave alone, to be fragmented. */
  readonly #longestInRun = new Map<Uint8Array, number>();
  #position: number;
  #sent = 0;
  /** Within `#apart`, while it holds message `#sent`. */
  #sentApart = 0;
  #takesRuns = false;
  // The run that still grows.
  #start = 0;
  #datagrams = 0;
  #size = 0;
  #closed = false;
  #remote: Uint8Array = NOBODY;
  #trafficClass = 0;
  #blockedSocket: UdpSocket | undefined;

  constructor(
    memory: PacketMemory,
    region: Region,
    counters: IoCounters,
    packets: PacketSender,
    errors: UnderlayErrors,
  ) {
    this.#region = region;
    this.#counters = counters;
    this.#batch = new SendBatch(memory, MESSAGES);
    this.#apart = new SendBatch(memory, MAXIMUM_SEGMENTS);
    this.#packets = packets;
    this.#errors = errors;
    this.#position = region.start;
  }

  /** Where the next packet is to be written. */
  get position(): number {
    return this.#position;
  }

  /** Octets that may be written there. */
  get room(): number {
    // The run that grows takes the last message.
    return this.#batch.count < MESSAGES - 1 && !this.#packets.isFull ? this.#region.end - this.#position : 0;
  }

  /** Octets that wait to be flushed. */
  get pending(): number {
    return this.#position - this.#region.start;
  }

  /** True when a flush has left something behind. */
  get blocked(): boolean {
    return this.#sent < this.#batch.count || this.#packets.blocked;
  }

  /** The socket that took no more. */
  get blockedSocket(): UdpSocket | undefined {
    return this.#sent < this.#batch.count ? this.#blockedSocket : undefined;
  }

  /** Whether the socket takes runs of datagrams; said once per socket. */
  set takesRuns(takes: boolean) {
    this.#takesRuns = takes;
    this.#longestInRun.clear();
  }

  /** Takes the packet of `length` octets that was written at `position`. */
  append(length: number, remote: Uint8Array, trafficClass: number): void {
    const at = this.#position;
    this.#position += length;
    if (this.#datagrams > 0 && this.#fits(length, at, remote, trafficClass)) {
      this.#datagrams++;
      this.#closed = length < this.#size;
      return;
    }
    this.#endRun(at);
    this.#start = at;
    this.#datagrams = 1;
    this.#size = length;
    this.#closed = !this.#takesRuns || length > this.#limitOf(remote);
    this.#remote = remote;
    this.#trafficClass = trafficClass;
  }

  /** Takes the whole IP packet of `length` octets that was written at `position`. */
  appendPacket(length: number, family: 4 | 6): void {
    this.#endRun(this.#position);
    this.#packets.add(this.#position, length, family);
    this.#position += length;
  }

  /** Sends what waits. @returns false when some of it still does. */
  flush(underlay: Underlay): boolean {
    this.#endRun(this.#position);
    const flushed = this.#flushDatagrams(underlay);
    if (!this.#packets.flush() || !flushed) return false;
    this.#position = this.#region.start;
    return true;
  }

  #flushDatagrams(underlay: Underlay): boolean {
    if (underlay.socket === undefined) {
      for (let message = this.#sent; message < this.#batch.count; message++) {
        this.#counters.drop('no_underlay_socket', this.#batch.datagrams(message));
      }
      this.#sent = this.#batch.count;
    }
    while (this.#sent < this.#batch.count) {
      const socket = this.#socketOf(underlay, this.#sent);
      if (socket === undefined) break;
      this.#blockedSocket = socket;
      if (this.#apart.count > 0) {
        if (!this.#sendApart(socket)) return false;
        continue;
      }
      const waiting = this.#together(underlay, socket);
      const result = sendOrSettle(socket, 'udp', this.#batch, this.#sent, waiting, this.#errors);
      if (result === -ERRNO.EAGAIN) return false;
      if (result > 0) this.#sent += result;
      else if (result !== -ERRNO.EINTR) this.#refused(-result);
    }
    this.#batch.clear();
    this.#sent = 0;
    return true;
  }

  #socketOf(underlay: Underlay, message: number): UdpSocket | undefined {
    if (underlay.ways === undefined || underlay.ways.size === 0) return underlay.socket;
    return socketFor(underlay, this.#batch.target(message).destination);
  }

  /** How many messages from the next one on leave by one socket. */
  #together(underlay: Underlay, socket: UdpSocket): number {
    let end = this.#batch.count;
    if (underlay.ways !== undefined && underlay.ways.size > 0) {
      end = this.#sent + 1;
      while (end < this.#batch.count && this.#socketOf(underlay, end) === socket) end++;
    }
    return end - this.#sent;
  }

  #fits(length: number, at: number, remote: Uint8Array, trafficClass: number): boolean {
    return (
      !this.#closed &&
      length <= this.#size &&
      this.#datagrams < MAXIMUM_SEGMENTS &&
      at + length - this.#start <= MAXIMUM_MESSAGE_OCTETS &&
      remote === this.#remote &&
      trafficClass === this.#trafficClass
    );
  }

  #endRun(end: number): void {
    if (this.#datagrams === 0) return;
    const segment = this.#datagrams === 1 ? 0 : this.#size;
    this.#batch.add(this.#start, end - this.#start, segment, this.#remote, this.#trafficClass);
    this.#datagrams = 0;
  }

  #limitOf(remote: Uint8Array): number {
    return this.#longestInRun.size === 0
      ? MAXIMUM_MESSAGE_OCTETS
      : (this.#longestInRun.get(remote) ?? MAXIMUM_MESSAGE_OCTETS);
  }

  /** Message `#sent` did not go: as a run it gets another chance, as single datagrams that may be fragmented. */
  #refused(errno: number): void {
    const message = this.#sent;
    const size = this.#batch.segmentOctets(message);
    const { destination, trafficClass } = this.#batch.target(message);
    if (size > 0 ? errno !== ERRNO.EIO && RUN_REFUSED.has(errno) : errno === ERRNO.EMSGSIZE) {
      const first = size > 0 ? size : this.#batch.length(message);
      this.#errors.datagramTooLarge(this.#batch.memory, this.#batch.offset(message), first, destination);
    }
    if (size > 0 && RUN_REFUSED.has(errno)) {
      const end = this.#batch.offset(message) + this.#batch.length(message);
      for (let at = this.#batch.offset(message); at < end; at += size) {
        this.#apart.add(at, Math.min(size, end - at), 0, destination, trafficClass);
      }
      // EIO says that the way out has no checksum offload: it takes no runs of any size.
      const longest = errno === ERRNO.EIO ? 0 : size - 1;
      if (this.#longestInRun.size < PEERS || this.#longestInRun.has(destination)) {
        this.#longestInRun.set(destination, Math.min(longest, this.#limitOf(destination)));
      }
      return;
    }
    this.#counters.drop(dropReasonOf(errno), this.#batch.datagrams(message));
    this.#sent++;
  }

  #sendApart(socket: UdpSocket): boolean {
    while (this.#sentApart < this.#apart.count) {
      const waiting = this.#apart.count - this.#sentApart;
      const result = sendOrSettle(socket, 'udp', this.#apart, this.#sentApart, waiting, this.#errors);
      if (result === -ERRNO.EAGAIN) return false;
      if (result > 0) this.#sentApart += result;
      else if (result !== -ERRNO.EINTR) {
        this.#counters.drop(dropReasonOf(-result));
        this.#sentApart++;
      }
    }
    this.#apart.clear();
    this.#sentApart = 0;
    this.#sent++;
    return true;
  }
}

/** A datagram of the run is larger than the path takes whole (EINVAL, later EMSGSIZE), or EIO: see above. */
const RUN_REFUSED: ReadonlySet<number> = new Set([ERRNO.EINVAL, ERRNO.EMSGSIZE, ERRNO.EIO]);
const NOBODY = new Uint8Array(0);
/** Messages of one flush. */
const MESSAGES = 64;
/** Peers whose limit is remembered; more, and their runs are tried again each time. */
const PEERS = 4096;
