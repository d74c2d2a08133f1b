import {
  classifyEncapsulated,
  type DataPlane,
  type InboundResult,
  type NetworkMapper,
  RUN_ALIGNMENT,
} from '@weft/ipsec-core';
import {
  allocate,
  Coalescer,
  type Delivery,
  type Endpoint,
  GatherList,
  IPV6_HEADER_OCTETS,
  MAXIMUM_PIECES,
  MAXIMUM_SEGMENTS,
  type Memory,
  type PacketMemory,
  type RawSocket,
  ReceiveBatch,
  restoreIpv6Header,
  type Tun,
  type UdpSocket,
} from '@weft/linux-io';
import { EarlyPackets } from './early-packets.js';
import { type Handover, sourceInNote } from './handover.js';
import type { HandoverRing } from './handover-ring.js';
import type { IkePassage } from './ike-passage.js';
import type { IoCounters } from './io-counters.js';
import { sourceOfPacket, spiAt, spiOfPacket } from './outer-packet.js';
import { UnknownSpis } from './unknown-spis.js';

/**
 * Underlay → engine → device. What arrives in one message is opened datagram by datagram, and successive packets of a
 * flow go to the kernel in one piece where the device takes that.
 */
export class InboundPath {
  readonly #tun: Tun;
  readonly #dataPlane: DataPlane;
  readonly #counters: IoCounters;
  readonly #ike: IkePassage | undefined;
  readonly #handover: Handover | undefined;
  /** What another worker has passed on; without others there is none. */
  readonly #passedOn: Memory | undefined;
  readonly #unknownSpi: (spi: number, source: Endpoint) => void;
  readonly #unknownSpis = new UnknownSpis();
  readonly #batch: ReceiveBatch;
  readonly #early: EarlyPackets;
  readonly #clear: PacketMemory;
  readonly #coalescer: Coalescer;
  readonly #header: Memory = allocate(VIRTIO_HEADER_OCTETS);
  readonly #list = new GatherList(MAXIMUM_PIECES + 1);
  /** For raw sockets; an edge without them does without its memory. */
  #packets: ReceiveBatch | undefined;
  /** Where in the clear memory the next packet goes. */
  #position = 0;
  #delivered = false;
  #mapper: NetworkMapper | undefined;
  /** Of the socket that is read. */
  #local: Endpoint | undefined;

  /**
   * `clear` has at least INBOUND_OCTETS. Without a passage for IKE messages they are dropped, and counted. Without a
   * handover there are no other workers. `unknownSpi` is told of packets on SPIs that no association has, a few only.
   */
  constructor(
    tun: Tun,
    dataPlane: DataPlane,
    counters: IoCounters,
    clear: PacketMemory,
    ike: IkePassage | undefined,
    handover?: Handover,
    unknownSpi: (spi: number, source: Endpoint) => void = () => undefined,
  ) {
    this.#tun = tun;
    this.#dataPlane = dataPlane;
    this.#counters = counters;
    this.#ike = ike;
    this.#handover = handover;
    this.#passedOn = handover && allocate(SLOT_OCTETS);
    this.#unknownSpi = unknownSpi;
    this.#clear = clear;
    this.#early = new EarlyPackets(counters);
    this.#batch = new ReceiveBatch(allocate(SLOTS * SLOT_OCTETS), SLOTS, SLOT_OCTETS);
    this.#coalescer = new Coalescer(clear, tun.offloads, (delivery) => this.#write(delivery));
  }

  /** Networks of the site that the fabric knows by other prefixes, for what is opened from now on; undefined: there are none. */
  set mapper(mapper: NetworkMapper | undefined) {
    this.#mapper = mapper;
  }

  /** Moves about `budget` datagrams, which came to `local`. @returns how many came from the underlay. */
  run(socket: UdpSocket, budget: number, now: number, local?: Endpoint): number {
    this.#local = local;
    let taken = 0;
    while (taken < budget) {
      const count = socket.receive(this.#batch);
      if (count <= 0) break;
      for (let slot = 0; slot < count; slot++) taken += this.#acceptMessage(slot, now);
      this.#flush();
      if (count < SLOTS) break;
    }
    return taken;
  }

  /** Whether the device was given something since the last call: what answers it may be there by now. */
  takeDelivered(): boolean {
    const delivered = this.#delivered;
    this.#delivered = false;
    return delivered;
  }

  /** Moves about `budget` packets of ESP or AH that came directly on IP. @returns how many came from the underlay. */
  runRaw(socket: RawSocket, budget: number, now: number): number {
    this.#packets ??= new ReceiveBatch(
      allocate(SLOTS * PACKET_SLOT_OCTETS),
      SLOTS,
      PACKET_SLOT_OCTETS,
      IPV6_HEADER_OCTETS,
    );
    const batch = this.#packets;
    let taken = 0;
    while (taken < budget) {
      const count = socket.receive(batch);
      if (count <= 0) break;
      for (let slot = 0; slot < count; slot++) this.#acceptPacket(batch, socket, slot, now);
      taken += count;
      this.#flush();
      if (count < SLOTS) break;
    }
    return taken;
  }

  #acceptPacket(batch: ReceiveBatch, { family, protocol }: RawSocket, slot: number, now: number): void {
    const length = batch.length(slot);
    const offset = batch.offset(slot);
    if (batch.truncated(slot)) this.#counters.drop('underlay_truncated');
    else if (family === 4) this.#openOrHoldPacket(batch.memory.bytes, offset, length, now);
    else if (restoreIpv6Header(batch, slot, protocol)) {
      this.#openOrHoldPacket(batch.memory.bytes, offset - IPV6_HEADER_OCTETS, length + IPV6_HEADER_OCTETS, now);
    } else this.#counters.drop('underlay_extension_headers');
  }

  /** What comes on this SPI waits until it is installed. */
  expect(spi: number, now: number): void {
    this.#early.expect(spi, now);
  }

  /** An inbound association is installed: what came before it goes its way. */
  installed(spi: number, now: number): void {
    this.#early.release(spi, (memory, offset, length, ecn, whole) => {
      if (whole) this.#openPacket(memory, offset, length, now);
      else this.#open(memory, offset, length, ecn, now);
    });
    this.#flush();
  }

  expire(now: number): void {
    this.#early.expire(now);
  }

  /** Opens about `budget` packets that other workers have passed on. */
  runHandedOver(budget: number, now: number): void {
    const handover = this.#handover;
    const memory = this.#passedOn;
    if (handover === undefined || memory === undefined) return;
    const { protectedInboxes } = handover;
    for (let place = 0; place < protectedInboxes.length; place++) {
      const inbox = protectedInboxes[place];
      if (inbox === undefined || inbox.isEmpty) continue;
      let taken = 0;
      for (; taken < budget; taken++) {
        const length = inbox.take(memory.bytes, 0);
        if (length < 0) break;
        const reason = this.#openOrHold(memory.bytes, 0, length, inbox.tag, now);
        if (reason === 'unknown_spi') this.#tellUnknownPassedOn(inbox, memory.bytes, now);
      }
      if (taken === budget) handover.comeBack();
    }
    this.#flush();
  }

  #acceptMessage(slot: number, now: number): number {
    const start = this.#batch.offset(slot);
    const length = this.#batch.length(slot);
    if (this.#batch.truncated(slot)) {
      this.#counters.drop('underlay_truncated');
      return 1;
    }
    const { segmentOctets, trafficClass } = this.#batch.control(slot);
    const size = segmentOctets === 0 ? length : segmentOctets;
    const ecn = trafficClass & 3;
    let datagrams = 0;
    // An empty datagram is one too.
    for (let at = 0; at < length || datagrams === 0; ) {
      let taken = length - at > size ? this.#openRun(start + at, size, length - at, ecn, now) : 0;
      if (taken === 0) {
        this.#accept(slot, start + at, Math.min(size, length - at), ecn, now);
        taken = 1;
      }
      at += taken * size;
      datagrams += taken;
    }
    return datagrams;
  }

  /** Opens datagrams that came in one message and are of one association. @returns how many; 0: the first is for #accept. */
  #openRun(offset: number, size: number, length: number, ecn: number, now: number): number {
    const { bytes } = this.#batch.memory;
    // What other workers have, or what is waited for, is looked at packet by packet.
    if (this.#early.expecting || !this.#isOurs(offset, size)) return 0;
    // What the last message has brought stays if it can: a packet of 64 KiB comes in two messages, and is to be one piece again.
    const room = length + Math.ceil(length / size) * RUN_ALIGNMENT;
    if (this.#position + room > this.#clear.bytes.length) this.#flush();
    const { bytes: clear } = this.#clear;
    const run = this.#dataPlane.openRun(bytes, offset, size, length, clear, this.#position, now, ecn);
    for (let packet = 0; packet < run.delivered; packet++) {
      this.#deliver(run.offsets[packet] ?? 0, run.lengths[packet] ?? 0);
    }
    return run.packets;
  }

  /** Whether a packet that begins with an SPI is this worker's. */
  #isOurs(offset: number, length: number): boolean {
    const handover = this.#handover;
    // What has no SPI is refused by whoever has it.
    return handover === undefined || length < SPI_OCTETS || handover.isOurs(this.#batch.memory.view.getUint32(offset));
  }

  #accept(slot: number, offset: number, length: number, ecn: number, now: number): void {
    switch (classifyEncapsulated(this.#batch.memory.bytes, offset, length)) {
      case 'esp':
        this.#acceptEsp(slot, offset, length, ecn, now);
        return;
      case 'keepalive':
        this.#counters.countKeepalive();
        return;
      case 'ike':
        this.#passIke(slot, offset, length);
        return;
      default:
        this.#counters.drop('malformed_encapsulation');
    }
  }

  #passIke(slot: number, offset: number, length: number): void {
    const source = this.#ike === undefined ? undefined : this.#batch.source(slot);
    if (this.#ike === undefined || source === undefined) this.#counters.drop('ike_not_offered');
    else if (
      !this.#ike.pass(this.#batch.memory.bytes.slice(offset + MARKER_OCTETS, offset + length), source, this.#local)
    ) {
      this.#counters.drop('ike_backlog');
    }
  }

  #openOrHoldPacket(packet: Uint8Array, offset: number, length: number, now: number): void {
    if (this.#early.expecting && this.#early.holdPacket(packet, offset, length)) return;
    this.#openPacket(packet, offset, length, now);
  }

  #openPacket(packet: Uint8Array, offset: number, length: number, now: number): void {
    if (this.#position + length > this.#clear.bytes.length) this.#flush();
    const at = this.#position;
    const result = this.#dataPlane.openIp(packet, offset, length, this.#clear.bytes, at, now);
    this.#take(at, result);
    if (result.reason !== 'unknown_spi') return;
    const spi = spiOfPacket(packet, offset, length);
    if (spi !== undefined && this.#unknownSpis.take(spi, now)) this.#unknownSpi(spi, sourceOfPacket(packet, offset));
  }

  #acceptEsp(slot: number, offset: number, length: number, ecn: number, now: number): void {
    const { bytes, view } = this.#batch.memory;
    if (this.#isOurs(offset, length)) {
      const reason = this.#openOrHold(bytes, offset, length, ecn, now);
      if (reason === 'unknown_spi') this.#tellUnknown(slot, offset, now);
      return;
    }
    const spi = view.getUint32(offset);
    const note = this.#handover?.noteOf(spi);
    if (note !== undefined) this.#batch.copySource(slot, note, 0);
    if (this.#handover?.pass(spi, bytes, offset, length, ecn) !== true) this.#counters.drop('handover_full');
  }

  /** Returns why the packet was discarded. */
  #openOrHold(bytes: Uint8Array, offset: number, length: number, ecn: number, now: number): InboundResult['reason'] {
    if (this.#early.expecting && this.#early.hold(bytes, offset, length, ecn)) return undefined;
    return this.#open(bytes, offset, length, ecn, now);
  }

  /** Returns why the packet was discarded. */
  #open(bytes: Uint8Array, offset: number, length: number, ecn: number, now: number): InboundResult['reason'] {
    if (this.#position + length > this.#clear.bytes.length) this.#flush();
    const at = this.#position;
    const result = this.#dataPlane.open(bytes, offset, length, this.#clear.bytes, at, now, ecn);
    this.#take(at, result);
    return result.reason;
  }

  #take(at: number, result: InboundResult): void {
    // The engine has counted what it discards.
    if (result.verdict === 'deliver') this.#deliver(at, result.length);
  }

  #deliver(at: number, length: number): void {
    if (this.#mapper?.toSite(this.#clear.bytes, at, length) === 'unmappable') {
      this.#counters.drop('unmappable');
      return;
    }
    this.#position = at + Math.ceil(length / RUN_ALIGNMENT) * RUN_ALIGNMENT;
    this.#coalescer.push(at, length);
  }

  #tellUnknown(slot: number, offset: number, now: number): void {
    const spi = spiAt(this.#batch.memory.bytes, offset, SPI_OCTETS) ?? 0;
    if (!this.#unknownSpis.take(spi, now)) return;
    const source = this.#batch.source(slot);
    if (source !== undefined) this.#unknownSpi(spi, source);
  }

  /** The kernel gave it to another worker, which has passed it on with where it came from. */
  #tellUnknownPassedOn(inbox: HandoverRing, bytes: Uint8Array, now: number): void {
    const spi = spiAt(bytes, 0, SPI_OCTETS) ?? 0;
    const source = this.#unknownSpis.take(spi, now) ? sourceInNote(inbox) : undefined;
    if (source !== undefined) this.#unknownSpi(spi, source);
  }

  #flush(): void {
    this.#coalescer.flush();
    this.#position = 0;
  }

  #write({ header, offsets, lengths, pieces, length }: Delivery): void {
    let total = length;
    let first = 0;
    if (this.#tun.offloads.virtioHeader) {
      header.write(this.#header.bytes, 0);
      this.#list.set(0, this.#header, 0, VIRTIO_HEADER_OCTETS);
      total += VIRTIO_HEADER_OCTETS;
      first = 1;
    }
    for (let piece = 0; piece < pieces; piece++) {
      this.#list.set(first + piece, this.#clear, offsets[piece] ?? 0, lengths[piece] ?? 0);
    }
    const written = this.#tun.writeGathered(this.#list, first + pieces);
    this.#delivered = true;
    if (written !== total) this.#counters.drop('device_write_failed', pieces);
  }
}

const SPI_OCTETS = 4;
/** The non-ESP marker, four zero octets (RFC 3948 section 2.2). */
const MARKER_OCTETS = 4;
const VIRTIO_HEADER_OCTETS = 10;
/** The largest UDP payload is 65,507 octets, so nothing can be truncated; the flag is looked at all the same. */
const SLOT_OCTETS = 65_536;
/** The largest IP packet behind an IPv6 header that is written in front of it. */
const PACKET_SLOT_OCTETS = SLOT_OCTETS + 64;
const SLOTS = 8;
/** Memory for opened packets: what two messages hold. */
export const INBOUND_OCTETS = 2 * (SLOT_OCTETS + MAXIMUM_SEGMENTS * RUN_ALIGNMENT);
