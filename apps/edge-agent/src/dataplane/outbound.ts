import type { DataPlane, NetworkMapper, OutboundResult } from '@weft/ipsec-core';
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
import { DatagramFragments } from './datagram-fragments.js';
import { type Handover, type Reassembled, readReassembled } from './handover.js';
import type { HandoverRing } from './handover-ring.js';
import type { IoCounters, IoDropReason } from './io-counters.js';
import { PacketSender } from './packet-sender.js';
import type { RawSockets } from './raw-sockets.js';
import type { Underlay } from './underlay.js';
import type { UnderlayErrors } from './underlay-errors.js';
import { UnderlaySender } from './underlay-sender.js';

/**
 * Device → engine → underlay. A packet that the kernel hands over in one piece (TSO, USO) is taken apart here, and its
 * segments leave in as few messages as they came. When the underlay takes no more, what is under way stays where it is
 * and the device is not read: the kernel's device queue, which is bounded, then does what a full queue does.
 *
 * With several workers each reads a queue of the device. What is another's to protect is passed on as it was read; when there
 * is no room for it, it waits a moment, and the device with it.
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
  readonly #fragments: DatagramFragments;
  readonly #icmpError: Memory = allocate(VIRTIO_HEADER_OCTETS + ICMP_ERROR_OCTETS);
  readonly #handover: Handover | undefined;
  /** Octets of virtio header in front of each packet of the device. */
  readonly #prefix: number;
  /** Where the packet at hand stands: read from the device, or passed on by another worker. */
  #at = PACKET;
  #length = 0;
  /** It was put together from fragments by the worker that has passed it on. */
  #reassembled: Reassembled | undefined;
  readonly #how: Reassembled = { largestFragment: 0, identification: 0 };
  readonly #waiting: WaitingPacket = { place: -1, offset: 0, length: 0, packets: 0, since: 0, how: undefined };
  /** Workers that did not take what waited for them: until they take something, nothing waits for them again. */
  readonly #impatient: boolean[] = [];
  /** Segments of the packet at hand that are still to be protected; one that came whole is its only segment. */
  #next = 0;
  #count = 0;
  /** Length of a packet that came whole, 0 when the segmenter has it. */
  #whole = 0;
  /** More packets of the last one wait in the engine. */
  #more = false;
  #mapper: NetworkMapper | undefined;

  /** `memory` has at least OUTBOUND_OCTETS, and PASSED_ON_OCTETS more with a handover: without one there are no other workers. */
  constructor(
    tun: Tun,
    dataPlane: DataPlane,
    counters: IoCounters,
    memory: PacketMemory,
    sockets: RawSockets,
    errors: UnderlayErrors,
    handover?: Handover,
  ) {
    this.#tun = tun;
    this.#handover = handover;
    this.#dataPlane = dataPlane;
    this.#counters = counters;
    this.#memory = memory;
    this.#segmenter = new Segmenter(memory);
    const region = { start: OUT, end: OUTBOUND_OCTETS };
    this.#packets = new PacketSender(memory, counters, sockets, errors);
    this.#sender = new UnderlaySender(memory, region, counters, this.#packets, errors);
    this.#fragments = new DatagramFragments(memory, sockets);
    this.#prefix = tun.offloads.virtioHeader ? VIRTIO_HEADER_OCTETS : 0;
  }

  /** True while packets are under way that the underlay did not take. */
  get blocked(): boolean {
    return this.#sender.blocked || this.#fragments.pending || this.#more || this.#next < this.#count;
  }

  /** True while the device is not to be read. */
  get waits(): boolean {
    return this.blocked || this.#waiting.place >= 0;
  }

  /** The raw socket that took no more, if that is what `blocked` is about. */
  get blockedSocket(): RawSocket | undefined {
    return this.#packets.blockedSocket;
  }

  /** Networks of the site that the fabric knows by other prefixes, for what comes from the device from now on; undefined: there are none. */
  set mapper(mapper: NetworkMapper | undefined) {
    this.#mapper = mapper;
  }

  /** The socket of datagrams that took no more, if that is what `blocked` is about. */
  get blockedDatagrams(): UdpSocket | undefined {
    return this.#sender.blockedSocket;
  }

  /** Whether the socket takes runs of datagrams; said once per socket. */
  set takesRuns(takes: boolean) {
    this.#sender.takesRuns = takes;
  }

  /**
   * Moves about `budget` packets. `afterPause`: the first leaves before it is looked whether there are others, which takes as
   * long as all else when nothing of it is in a cache. @returns how many came from the device, segments counted.
   */
  run(underlay: Underlay, budget: number, now: number, afterPause = false): number {
    if (!this.resume(underlay, now)) return 0;
    let taken = 0;
    let enough = afterPause ? 1 : FLUSH_OCTETS;
    while (taken < budget && this.#waiting.place < 0) {
      const octets = this.#tun.read(this.#memory, PACKET - this.#prefix, PACKET_OCTETS + this.#prefix);
      if (octets <= this.#prefix) break;
      this.#reassembled = undefined;
      this.#take(PACKET, octets - this.#prefix, this.#mapper);
      const packets = Math.max(1, this.#count);
      this.#counters.countDevice(packets);
      taken += packets;
      if (!this.#protectAll(underlay, now)) return taken;
      if (this.#sender.pending >= enough && !this.#sender.flush(underlay)) return taken;
      enough = FLUSH_OCTETS;
    }
    this.#sender.flush(underlay);
    return taken;
  }

  /** Goes on with what is under way. @returns false when the underlay still does not take all of it. */
  resume(underlay: Underlay, now: number): boolean {
    return this.#sender.flush(underlay) && this.#protectAll(underlay, now) && this.#sender.flush(underlay);
  }

  /** Protects about `budget` packets of each worker that has passed some on, unless the underlay takes no more. */
  runPassedOn(underlay: Underlay, budget: number, now: number): void {
    const handover = this.#handover;
    if (handover === undefined || this.blocked) return;
    const { clearInboxes } = handover;
    for (let place = 0; place < clearInboxes.length; place++) {
      const inbox = clearInboxes[place];
      if (inbox === undefined || inbox.isEmpty) continue;
      const taken = this.#takePassedOn(inbox, underlay, budget, now);
      handover.tellRoom(place);
      if (taken < 0) return;
      if (taken >= budget) handover.comeBack();
    }
  }

  /** Tries again to pass on what waits for another worker, and gives it up when that one has had its time. */
  passWaiting(now: number): void {
    const handover = this.#handover;
    const waiting = this.#waiting;
    if (handover === undefined || waiting.place < 0) return;
    const { place, offset, length, packets, how, since } = waiting;
    const { bytes } = this.#memory;
    handover.awaitRoom(place);
    if (handover.passClear(place, bytes, offset, length, how)) this.#counters.countPassedOn(packets);
    else if (now - since < HANDOVER_PATIENCE_MILLISECONDS) return;
    else {
      this.#impatient[place] = true;
      this.#counters.drop('handover_full', packets);
    }
    waiting.place = -1;
  }

  /** @returns how many packets were taken, segments counted; -1 when the underlay takes no more. */
  #takePassedOn(inbox: HandoverRing, underlay: Underlay, budget: number, now: number): number {
    let taken = 0;
    while (taken < budget) {
      // A record is never larger than what a device gives.
      const length = inbox.take(this.#memory.bytes, PASSED_ON - this.#prefix);
      if (length < 0) break;
      const reassembled = readReassembled(inbox, this.#how);
      this.#reassembled = reassembled ? this.#how : undefined;
      if (reassembled) this.#setWhole(PASSED_ON - this.#prefix, length);
      else this.#take(PASSED_ON, length - this.#prefix, undefined);
      taken += Math.max(1, this.#count);
      if (!this.#protectAll(underlay, now)) return -1;
      if (this.#sender.pending >= FLUSH_OCTETS && !this.#sender.flush(underlay)) return -1;
    }
    return this.#sender.flush(underlay) ? taken : -1;
  }

  /** Looks at what was read. `mapper`: none for what another worker has read, and mapped. */
  #take(offset: number, length: number, mapper: NetworkMapper | undefined): void {
    this.#setWhole(offset, length);
    const header = this.#header;
    if (this.#prefix === 0) header.clear();
    else header.read(this.#memory.bytes, offset - this.#prefix);
    if (header.gsoType === 0) {
      if (completeChecksum(this.#memory, header, offset, length) !== undefined) this.#lose('device_offload_malformed');
      // Nobody is to complete it once more.
      else if (this.#prefix > 0) this.#memory.bytes[offset - this.#prefix] = 0;
      if (this.#count > 0) this.#map(mapper, offset, length);
      return;
    }
    // Checksums of segments are computed from what their whole says, once that is mapped.
    if (!this.#map(mapper, offset, length)) return;
    if (this.#segmenter.start(header, offset, length) !== undefined) this.#lose('device_offload_malformed');
    else {
      this.#count = this.#segmenter.count;
      this.#whole = 0;
    }
  }

  /** @returns false when the packet is lost: it is not one that may go on. */
  #map(mapper: NetworkMapper | undefined, offset: number, length: number): boolean {
    const outcome = mapper?.toOverlay(this.#memory.bytes, offset, length) ?? 'kept';
    if (outcome === 'kept' || outcome === 'mapped') return true;
    this.#lose(outcome);
    return false;
  }

  #lose(reason: IoDropReason): void {
    this.#counters.drop(reason);
    this.#count = 0;
  }

  #setWhole(offset: number, length: number): void {
    this.#at = offset;
    this.#length = length;
    this.#next = 0;
    this.#count = 1;
    this.#whole = length;
  }

  /** @returns false when the underlay is full before all is protected. */
  #protectAll(underlay: Underlay, now: number): boolean {
    const sender = this.#sender;
    while (this.#fragments.pending || this.#more || this.#next < this.#count) {
      if (sender.room < ROOM && !sender.flush(underlay)) return false;
      if (this.#fragments.pending) this.#appendPacket(this.#fragments.write(sender.position));
      else if (this.#more) {
        this.#place(this.#dataPlane.protectMore(this.#memory.bytes, sender.position, now), underlay, now);
      } else this.#protectNext(underlay, now);
    }
    return true;
  }

  #protectNext(underlay: Underlay, now: number): void {
    const { bytes } = this.#memory;
    const out = this.#sender.position;
    if (this.#whole > 0) {
      this.#next++;
      this.#place(this.#protectWhole(bytes, out, now), underlay, now);
      return;
    }
    const left = this.#count - this.#next;
    const result = this.#dataPlane.protectRun(this.#segmenter, this.#next, left, bytes, out, now);
    this.#next += result.verdict === 'transmit' ? result.packets : 1;
    this.#place(result, underlay, now);
  }

  #protectWhole(bytes: Uint8Array, out: number, now: number): OutboundResult {
    const how = this.#reassembled;
    if (how === undefined) return this.#dataPlane.protect(bytes, this.#at, this.#whole, bytes, out, now);
    const { largestFragment, identification } = how;
    const length = this.#whole;
    return this.#dataPlane.protectReassembled(
      bytes,
      this.#at,
      length,
      largestFragment,
      identification,
      bytes,
      out,
      now,
    );
  }

  #place(result: OutboundResult, underlay: Underlay, now: number): void {
    this.#more = result.more;
    if (result.icmpErrorLength > 0) this.#report();
    if (result.verdict === 'elsewhere') {
      this.#passOn(result, now);
      return;
    }
    // The engine has counted what it discards; what it holds comes out with the rest of its packet.
    if (result.verdict === 'discard' || result.verdict === 'held') return;
    if (result.verdict === 'bypass') {
      this.#counters.drop('bypass_not_offered');
      return;
    }
    if (result.wholePacket) {
      this.#appendPacket(result.length);
      return;
    }
    const remote = underlay.remotes.get(result.tunnelId);
    if (remote === undefined) {
      this.#counters.drop('unknown_peer', result.packets);
      return;
    }
    const { packets, packetLength, trafficClass, cutTo } = result;
    if (cutTo > 0) {
      const { position } = this.#sender;
      const local = underlay.ways?.get(remote)?.local ?? underlay.local;
      if (this.#fragments.begin(local, remote, trafficClass, position, result.length, cutTo)) return;
    }
    for (let left = result.length, packet = 0; packet < packets; packet++, left -= packetLength) {
      this.#sender.append(Math.min(packetLength, left), remote, trafficClass);
    }
  }

  /** The packet at hand, all of it, goes to the worker that sends on its association. */
  #passOn(result: OutboundResult, now: number): void {
    const handover = this.#handover;
    const { sentBy: place, copied } = result;
    const packets = copied ? 1 : this.#count;
    const sent = this.#next - 1;
    this.#next = this.#count;
    // Its association went to another worker in the middle of it: what is left cannot be told from what has left.
    if (!copied && sent > 0) {
      this.#counters.drop('handover_full', packets - sent);
      return;
    }
    const how = copied ? this.#how : undefined;
    if (copied) {
      this.#how.largestFragment = result.largestFragment;
      this.#how.identification = result.identification;
    }
    const offset = copied ? this.#sender.position : this.#at - this.#prefix;
    const length = copied ? result.length : this.#length + this.#prefix;
    if (handover?.passClear(place, this.#memory.bytes, offset, length, how) === true) {
      this.#impatient[place] = false;
      this.#counters.countPassedOn(packets);
    } else if (handover === undefined || this.#at !== PACKET || this.#impatient[place] === true) {
      this.#counters.drop('handover_full', packets);
    } else this.#wait(place, offset, length, packets, how, now);
  }

  /** Until there is room, the packet stands where the next one would be read. */
  #wait(
    place: number,
    offset: number,
    length: number,
    packets: number,
    how: Reassembled | undefined,
    now: number,
  ): void {
    const waiting = this.#waiting;
    if (how !== undefined) this.#memory.bytes.copyWithin(PACKET, offset, offset + length);
    waiting.place = place;
    waiting.offset = how === undefined ? offset : PACKET;
    waiting.length = length;
    waiting.packets = packets;
    waiting.how = how && { ...how };
    waiting.since = now;
    // The other one may have taken something meanwhile.
    this.passWaiting(now);
  }

  /** Takes the whole IP packet that was written where the next one goes. */
  #appendPacket(length: number): void {
    const family = (this.#memory.bytes[this.#sender.position] ?? 0) >>> 4 === 4 ? 4 : 6;
    this.#sender.appendPacket(length, family);
  }

  /** Tells the source of a packet that it was too large: the message comes out of the device as the packet went in. */
  #report(): void {
    const start = VIRTIO_HEADER_OCTETS - this.#prefix;
    const { bytes } = this.#icmpError;
    const octets = this.#dataPlane.takeIcmpError(bytes, VIRTIO_HEADER_OCTETS);
    // It is about a packet that was mapped, and for whoever sent it.
    if (this.#mapper?.toSite(bytes, VIRTIO_HEADER_OCTETS, octets) === 'unmappable') {
      this.#counters.drop('unmappable');
      return;
    }
    const length = octets + this.#prefix;
    // The virtio header in front is all zeros: a packet that is complete.
    if (this.#tun.write(this.#icmpError, start, length) !== length) this.#counters.drop('device_write_failed');
  }
}

/** A packet that another worker has no room for. */
interface WaitingPacket {
  /** Of that worker; -1: nothing waits. */
  place: number;
  offset: number;
  length: number;
  packets: number;
  since: number;
  how: Reassembled | undefined;
}

/**
 * So long a full ring is waited for: longer than the turns of a worker that moves, and shorter than it takes to replace one
 * that does not. What goes elsewhere waits with it, once.
 */
export const HANDOVER_PATIENCE_MILLISECONDS = 200;
const VIRTIO_HEADER_OCTETS = 10;
/** Where the packet that was read stands, with room for its virtio header in front. */
const PACKET = 64;
/** The largest packet that a device hands over: 64 KiB, and an IPv6 header that does not count itself. */
const PACKET_OCTETS = 65_536 + 64;
/** Where protected packets begin. */
const OUT = PACKET + PACKET_OCTETS + 64;
/** The largest packet in one run of segments: each has headers of its own, and what protection adds to it. */
const ROOM = PACKET_OCTETS + MAXIMUM_SEGMENTS * 256;
/**
 * Enough for a peer that sleeps to be woken rarely, which costs more than the call, and little enough to be in the cache still.
 * Four of the largest packets of a device: what would be a short message at the end of one goes with the next.
 */
const FLUSH_OCTETS = 240 * 1024;
/** Memory that the outbound path works in. */
export const OUTBOUND_OCTETS = OUT + FLUSH_OCTETS + 2 * ROOM;
/** Where what another worker has passed on stands, behind everything else, with room for its virtio header in front. */
const PASSED_ON = OUTBOUND_OCTETS + 64;
/** More memory with other workers. */
export const PASSED_ON_OCTETS = 64 + PACKET_OCTETS;
/** The longest ICMP error (RFC 4443 section 2.4(c)). */
const ICMP_ERROR_OCTETS = 1280;
