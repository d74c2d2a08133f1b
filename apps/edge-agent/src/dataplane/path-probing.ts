import type { TunnelPaths } from '@weft/ipsec-core';
import { ERRNO } from '@weft/linux-io';
import type { IoCounters } from './io-counters.js';
import type { LonePackets } from './lone-packets.js';
import { dropReasonOf } from './send-or-settle.js';
import type { Underlay } from './underlay.js';

/** What the engine has to say to its peers about paths. */
export type PathPackets = Pick<TunnelPaths, 'next' | 'refuse'>;

/**
 * Probes of the path MTU and answers to them, on their way to the underlay: one by one, for the kernel must neither cut
 * them nor keep them back for what it was told about the path.
 */
export class PathProbing {
  readonly #engine: PathPackets;
  readonly #counters: IoCounters;
  readonly #packets: LonePackets;

  constructor(engine: PathPackets, counters: IoCounters, packets: LonePackets) {
    this.#engine = engine;
    this.#counters = counters;
    this.#packets = packets;
  }

  /** Sends what is due, `budget` packets at most. */
  run(underlay: Underlay, budget: number, now: number): void {
    for (let sent = 0; sent < budget; sent++) {
      const packet = this.#engine.next(this.#packets.memory.bytes, 0, now);
      if (packet === undefined) return;
      const error = this.#packets.send(packet, underlay);
      // The packet has done its work: it is known not to fit.
      if (packet.kind === 'probe' && error === ERRNO.EMSGSIZE) this.#engine.refuse(now);
      else if (error !== 0) this.#counters.drop(dropReasonOf(error));
    }
  }
}
