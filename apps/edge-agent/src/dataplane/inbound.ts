import { classifyEncapsulated, type DataPlane } from '@weft/ipsec-core';
import { allocate, DatagramBatch, type Memory, type Tun, type UdpSocket } from '@weft/linux-io';
import type { IkePassage } from './ike-passage.js';
import type { IoCounters } from './io-counters.js';

/** Underlay → engine → device, in batches. */
export class InboundPath {
  readonly #tun: Tun;
  readonly #dataPlane: DataPlane;
  readonly #counters: IoCounters;
  readonly #ike: IkePassage | undefined;
  readonly #batch = new DatagramBatch(BATCH_SLOTS, SLOT_OCTETS);
  readonly #packet: Memory = allocate(SLOT_OCTETS);

  /** Without a passage for IKE messages they are dropped, and counted. */
  constructor(tun: Tun, dataPlane: DataPlane, counters: IoCounters, ike: IkePassage | undefined) {
    this.#tun = tun;
    this.#dataPlane = dataPlane;
    this.#counters = counters;
    this.#ike = ike;
  }

  /** Moves up to `budget` datagrams, rounded up to a batch. @returns how many came from the underlay. */
  run(socket: UdpSocket, budget: number, now: number): number {
    let taken = 0;
    while (taken < budget) {
      const count = socket.receive(this.#batch);
      if (count <= 0) break;
      for (let slot = 0; slot < count; slot++) this.#accept(slot, now);
      taken += count;
      if (count < BATCH_SLOTS) break;
    }
    return taken;
  }

  #accept(slot: number, now: number): void {
    const offset = this.#batch.offset(slot);
    const length = this.#batch.length(slot);
    if (this.#batch.truncated(slot)) {
      this.#counters.drop('underlay_truncated');
      return;
    }
    switch (classifyEncapsulated(this.#batch.bytes, offset, length)) {
      case 'esp':
        this.#deliver(offset, length, now);
        return;
      case 'keepalive':
        this.#counters.keepalives++;
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
    else if (!this.#ike.pass(this.#batch.bytes.slice(offset + MARKER_OCTETS, offset + length), source)) {
      this.#counters.drop('ike_backlog');
    }
  }

  #deliver(offset: number, length: number, now: number): void {
    const result = this.#dataPlane.open(this.#batch.bytes, offset, length, this.#packet.bytes, 0, now);
    // The engine has counted what it discards.
    if (result.verdict === 'discard') return;
    if (this.#tun.write(this.#packet, 0, result.length) !== result.length) this.#counters.drop('device_write_failed');
  }
}

/** The non-ESP marker, four zero octets (RFC 3948 section 2.2). */
const MARKER_OCTETS = 4;
/** The largest UDP payload is 65,507 octets, so nothing can be truncated; the flag is looked at all the same. */
const SLOT_OCTETS = 65_536;
const BATCH_SLOTS = 32;
