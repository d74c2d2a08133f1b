import type { DataPlane, OutboundResult } from '@weft/ipsec-core';
import {
  allocate,
  completeChecksum,
  MAXIMUM_SEGMENTS,
  type Memory,
  type PacketMemory,
  type RawSocket,
  Segmenter,
  type Tun,
  type UdpSocket,
  VirtioHeader,
} from '@weft/linux-io';
import type { IoCounters } from './io-counters.js';
import { PacketSender } from './packet-sender.js';
import type { RawSockets } from './raw-sockets.js';
import type { UnderlayErrors } from './underlay-errors.js';
import { UnderlaySender } from './underlay-sender.js';

/** Where protected packets go: changes with the bundle. */
export interface Underlay {
  readonly socket: UdpSocket | undefined;
  /** Socket address of the peer, by tunnel. */
  readonly remotes: ReadonlyMap<string, Uint8Array>;
}

/**
 * Device → engine → underlay. A packet that the kernel hands over in one piece (TSO, USO) is taken apart here, and its
 * segments leave in as few messages as they came. When the underlay takes no more, what is under way stays where it is
 * and the device is not read: the kernel's device queue, which is bounded, then does what a full queue does.
 */
export class OutboundPath {
  readonly #tun: Tun;
  readonly #dataPlane: DataPlane;
  readonly #counters: IoCounters;
  readonly #memory: PacketMemory;
  readonly #header = new VirtioHeader();
  readonly #segmenter: Segmenter;
  readonly #packets: PacketSender;
  readonly #sender: UnderlaySender;
  readonly #icmpError: Memory = allocate(VIRTIO_HEADER_OCTETS + ICMP_ERROR_OCTETS);
  /** Octets of virtio header in front of each packet of the device. */
  readonly #prefix: number;
  /** Segments of the packet at hand that are still to be protected; one that came whole is its only segment. */
  #next = 0;
  #count = 0;
  /** Length of a packet that came whole, 0 when the segmenter has it. */
  #whole = 0;
  /** More packets of the last one wait in the engine. */
  #more = false;

  /** `memory` has at least OUTBOUND_OCTETS. */
  constructor(
    tun: Tun,
    dataPlane: DataPlane,
    counters: IoCounters,
    memory: PacketMemory,
    sockets: RawSockets,
    errors: UnderlayErrors,
  ) {
    this.#tun = tun;
    this.#dataPlane = dataPlane;
    this.#counters = counters;
    this.#memory = memory;
    this.#segmenter = new Segmenter(memory);
    const region = { start: OUT, end: OUTBOUND_OCTETS };
    this.#packets = new PacketSender(memory, counters, sockets, errors);
    this.#sender = new UnderlaySender(memory, region, counters, this.#packets, errors);
    this.#prefix = tun.offloads.virtioHeader ? VIRTIO_HEADER_OCTETS : 0;
  }

  /** True while packets are under way that the underlay did not take. */
  get blocked(): boolean {
    return this.#sender.blocked || this.#more || this.#next < this.#count;
  }

  /** The raw socket that took no more, if that is what `blocked` is about. */
  get blockedSocket(): RawSocket | undefined {
    return this.#packets.blockedSocket;
  }

  /** Whether the socket takes runs of datagrams; said once per socket. */
  set takesRuns(takes: boolean) {
    this.#sender.takesRuns = takes;
  }

  /** Moves about `budget` packets. @returns how many came from the device, segments counted. */
  run(underlay: Underlay, budget: number, now: number): number {
    if (!this.resume(underlay, now)) return 0;
    let taken = 0;
    while (taken < budget) {
      const octets = this.#tun.read(this.#memory, PACKET - this.#prefix, PACKET_OCTETS + this.#prefix);
      if (octets <= this.#prefix) break;
      this.#take(octets - this.#prefix);
      taken += Math.max(1, this.#count);
      if (!this.#protectAll(underlay, now)) return taken;
      if (this.#sender.pending >= FLUSH_OCTETS && !this.#sender.flush(underlay.socket)) return taken;
    }
    this.#sender.flush(underlay.socket);
    return taken;
  }

  /** Goes on with what is under way. @returns false when the underlay still does not take all of it. */
  resume(underlay: Underlay, now: number): boolean {
    const { socket } = underlay;
    return this.#sender.flush(socket) && this.#protectAll(underlay, now) && this.#sender.flush(socket);
  }

  /** Looks at what was read. */
  #take(length: number): void {
    this.#next = 0;
    this.#count = 1;
    this.#whole = length;
    if (this.#prefix === 0) return;
    const header = this.#header;
    header.read(this.#memory.bytes, PACKET - this.#prefix);
    const whole = header.gsoType === 0;
    const problem = whole
      ? completeChecksum(this.#memory, header, PACKET, length)
      : this.#segmenter.start(header, PACKET, length);
    if (problem !== undefined) {
      this.#counters.drop('device_offload_malformed');
      this.#count = 0;
    } else if (!whole) {
      this.#count = this.#segmenter.count;
      this.#whole = 0;
    }
  }

  /** @returns false when the underlay is full before all is protected. */
  #protectAll(underlay: Underlay, now: number): boolean {
    const sender = this.#sender;
    while (this.#more || this.#next < this.#count) {
      if (sender.room < ROOM && !sender.flush(underlay.socket)) return false;
      if (this.#more) {
        this.#place(this.#dataPlane.protectMore(this.#memory.bytes, sender.position, now), underlay);
      } else this.#protectNext(underlay, now);
    }
    return true;
  }

  #protectNext(underlay: Underlay, now: number): void {
    const { bytes } = this.#memory;
    const out = this.#sender.position;
    if (this.#whole > 0) {
      this.#next++;
      this.#place(this.#dataPlane.protect(bytes, PACKET, this.#whole, bytes, out, now), underlay);
      return;
    }
    const left = this.#count - this.#next;
    const result = this.#dataPlane.protectRun(this.#segmenter, this.#next, left, bytes, out, now);
    this.#next += result.verdict === 'transmit' ? result.packets : 1;
    this.#place(result, underlay);
  }

  #place(result: OutboundResult, underlay: Underlay): void {
    this.#more = result.more;
    if (result.icmpErrorLength > 0) this.#report();
    // The engine has counted what it discards; what it holds comes out with the rest of its packet.
    if (result.verdict === 'discard' || result.verdict === 'held') return;
    if (result.verdict === 'bypass') {
      this.#counters.drop('bypass_not_offered');
      return;
    }
    if (result.wholePacket) {
      const family = (this.#memory.bytes[this.#sender.position] ?? 0) >>> 4 === 4 ? 4 : 6;
      this.#sender.appendPacket(result.length, family);
      return;
    }
    const remote = underlay.remotes.get(result.tunnelId);
    if (remote === undefined) {
      this.#counters.drop('unknown_peer', result.packets);
      return;
    }
    const { packets, packetLength, trafficClass } = result;
    for (let left = result.length, packet = 0; packet < packets; packet++, left -= packetLength) {
      this.#sender.append(Math.min(packetLength, left), remote, trafficClass);
    }
  }

  /** Tells the source of a packet that it was too large: the message comes out of the device as the packet went in. */
  #report(): void {
    const start = VIRTIO_HEADER_OCTETS - this.#prefix;
    const length = this.#dataPlane.takeIcmpError(this.#icmpError.bytes, VIRTIO_HEADER_OCTETS) + this.#prefix;
    // The virtio header in front is all zeros: a packet that is complete.
    if (this.#tun.write(this.#icmpError, start, length) !== length) this.#counters.drop('device_write_failed');
  }
}

const VIRTIO_HEADER_OCTETS = 10;
/** Where the packet that was read stands, with room for its virtio header in front. */
const PACKET = 64;
/** The largest packet that a device hands over: 64 KiB, and an IPv6 header that does not count itself. */
const PACKET_OCTETS = 65_536 + 64;
/** Where protected packets begin. */
const OUT = PACKET + PACKET_OCTETS + 64;
/** The largest packet in one run of segments: each has headers of its own, and what protection adds to it. */
const ROOM = PACKET_OCTETS + MAXIMUM_SEGMENTS * 256;
/** Enough waits for a system call to be cheap, and little enough to be in the cache still. */
const FLUSH_OCTETS = 48 * 1024;
/** Memory that the outbound path works in. */
export const OUTBOUND_OCTETS = OUT + FLUSH_OCTETS + 2 * ROOM;
/** The longest ICMP error (RFC 4443 section 2.4(c)). */
const ICMP_ERROR_OCTETS = 1280;
