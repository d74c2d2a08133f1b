import { type DataPlane, UNPROTECTED_ICMP_OUTCOMES, type UnprotectedIcmpOutcome } from '@weft/ipsec-core';
import {
  allocate,
  type DatagramSocket,
  type Endpoint,
  encodeSocketAddress,
  IPV6_HEADER_OCTETS,
  lookUpPathMtu,
  type Memory,
  type RawSocket,
  ReceiveBatch,
  restoreIpv6Header,
  type SocketError,
  SocketErrorQueue,
} from '@weft/linux-io';
import { reasonOf, UNDERLAY_ERROR_REASONS } from './underlay-error-reason.js';
import type { WorkerMemory } from './worker-memory.js';

/** What a socket's packets begin with: the SPI, behind a UDP header, or an IP header that was written by us. */
export type UnderlayForm = 'udp' | 'packet';

/** What the engine makes of what it is told about its packets. */
export type PathMtuListener = Pick<DataPlane, 'receiveSocketError' | 'receiveQuotedPacket' | 'receiveIcmpError'>;

/**
 * The error queues of the underlay's sockets. "Too big" goes to the engine, which believes it within limits (RFC 4301
 * sections 6.1.1 and 8.2.1); everything else is counted by reason and nothing more, for anybody can send it.
 */
export class UnderlayErrors {
  /** Milliseconds of the engine's clock; whoever runs the loop keeps it. */
  now = 0;
  readonly #engine: PathMtuListener;
  readonly #mark: number | undefined;
  readonly #queue = new SocketErrorQueue();
  readonly #memory: WorkerMemory;
  /** For sockets of "packet too big"; an edge without them does without its memory. */
  #messages: ReceiveBatch | undefined;
  #form: UnderlayForm = 'udp';
  #nextLookUp = 0;
  readonly #take = (error: SocketError | undefined): void => this.#accept(error);

  /** `mark`: what the sockets mark their packets with, since their route may depend on it. `memory`: where it counts. */
  constructor(engine: PathMtuListener, mark: number | undefined, memory: WorkerMemory) {
    this.#engine = engine;
    this.#mark = mark;
    this.#memory = memory;
  }

  /**
   * Takes what waits in a socket's error queue, and no more than MESSAGES of it: the rest, if there is so much, in the next
   * turn. @returns how many were taken.
   */
  drain(socket: Pick<DatagramSocket, 'fd'>, form: UnderlayForm): number {
    this.#form = form;
    return Math.max(0, this.#queue.drain(socket.fd, MESSAGES, this.#take));
  }

  /** Takes "packet too big" messages from a socket of them, MESSAGES of them at most. */
  receive(socket: RawSocket): void {
    this.#messages ??= new ReceiveBatch(allocate(MESSAGE_SLOTS * 1280), MESSAGE_SLOTS, 1280, IPV6_HEADER_OCTETS);
    const batch = this.#messages;
    for (let taken = 0; taken < MESSAGES; ) {
      const count = socket.receive(batch);
      if (count <= 0) return;
      for (let slot = 0; slot < count; slot++) this.#acceptMessage(batch, slot);
      taken += count;
    }
  }

  /**
   * A message that the kernel did not send since it is too large for the path: asks it what would not be. `length` octets
   * of `memory` from `offset` are an ESP packet, from the SPI on, to `destination`.
   */
  datagramTooLarge(memory: Memory, offset: number, length: number, destination: Uint8Array): void {
    const mtu = this.#lookUp(destination);
    if (mtu !== undefined) this.#count(this.#engine.receiveSocketError(memory.bytes, offset, length, mtu, this.now));
  }

  /** The same for a whole IP packet. */
  packetTooLarge(memory: Memory, offset: number, length: number): void {
    const mtu = this.#lookUp(encodeSocketAddress(destinationOf(memory.bytes, offset)));
    if (mtu !== undefined) this.#count(this.#engine.receiveQuotedPacket(memory.bytes, offset, length, mtu, this.now));
  }

  #acceptMessage(batch: ReceiveBatch, slot: number): void {
    const whole = restoreIpv6Header(batch, slot, 'icmpv6') && !batch.truncated(slot);
    increment(this.#memory.underlayErrors, UNDERLAY_ERROR_REASONS.indexOf(whole ? 'too_big' : 'unreadable'));
    if (!whole) return;
    const at = batch.offset(slot) - IPV6_HEADER_OCTETS;
    const length = batch.length(slot) + IPV6_HEADER_OCTETS;
    this.#count(this.#engine.receiveIcmpError(batch.memory.bytes, at, length, this.now));
  }

  #accept(error: SocketError | undefined): void {
    const reason = error === undefined ? 'unreadable' : reasonOf(error);
    increment(this.#memory.underlayErrors, UNDERLAY_ERROR_REASONS.indexOf(reason));
    // What this machine found out itself, the call that was refused has told with the packet at hand.
    if (error === undefined || reason !== 'too_big') return;
    const { excerpt, offset, length, mtu } = error;
    this.#count(
      this.#form === 'udp'
        ? this.#engine.receiveSocketError(excerpt.bytes, offset, length, mtu, this.now)
        : this.#engine.receiveQuotedPacket(excerpt.bytes, offset, length, mtu, this.now),
    );
  }

  #count(outcome: UnprotectedIcmpOutcome): void {
    increment(this.#memory.pathMtuMessages, UNPROTECTED_ICMP_OUTCOMES.indexOf(outcome));
  }

  /** A look-up takes four system calls, so that many refusals in a row must not each have one. */
  #lookUp(destination: Uint8Array): number | undefined {
    if (this.now < this.#nextLookUp) return undefined;
    this.#nextLookUp = this.now + LOOK_UP_PAUSE_MILLISECONDS;
    return lookUpPathMtu(destination, this.#mark);
  }
}

function increment(counters: Float64Array, index: number): void {
  counters[index] = (counters[index] ?? 0) + 1;
}

function destinationOf(packet: Uint8Array, offset: number): Endpoint {
  const [at, octets] = (packet[offset] ?? 0) >>> 4 === 4 ? [16, 4] : [24, 16];
  return { address: packet.subarray(offset + at, offset + at + octets), port: 0 };
}

/** Messages taken from one queue in one turn of the loop. */
const MESSAGES = 64;
const MESSAGE_SLOTS = 4;
const LOOK_UP_PAUSE_MILLISECONDS = 10;
