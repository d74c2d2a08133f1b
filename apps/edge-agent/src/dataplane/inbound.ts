import { classifyEncapsulated, type DataPlane } from '@weft/ipsec-core';
import { allocate, DatagramBatch, type Memory, type Tun, type UdpSocket } from '@weft/linux-io';
import type { IoCounters } from './io-counters.js';

/** Underlay → engine → device, in batches. */
export class InboundPath {
  readonly #tun: Tun;
  readonly #dataPlane: DataPlane;
  readonly #counters: IoCounters;
  readonly #batch = new DatagramBatch(BATCH_SLOTS, SLOT_OCTETS);
  readonly #packet: Memory = allocate(SLOT_OCTETS);

  constructor(tun: Tun, dataPlane: DataPlane, counters: IoCounters) {
    this.#tun = tun;
    this.#dataPlane = dataPlane;
    this.#counters = counters;
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
        this.#counters.drop('ike_not_offered');
        return;
      default:
        this.#counters.drop('malformed_encapsulation');
    }
  }

  #deliver(offset: number, length: number, now: number): void {
    const result = this.#dataPlane.open(this.#batch.bytes, offset, length, this.#packet.bytes, 0, now);
    // The engine has counted what it discards.
    if (result.verdict === 'discard') return;
    if (this.#tun.write(this.#packet, 0, result.length) !== result.length) this.#counters.drop('device_write_failed');
  }
}

/** The largest UDP payload is 65,507 octets, so nothing can be truncated; the flag is looked at all the same. */
const SLOT_OCTETS = 65_536;
const BATCH_SLOTS = 32;
