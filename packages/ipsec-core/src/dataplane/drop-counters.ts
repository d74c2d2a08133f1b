import { addToCounter, countEntryDrop, countTunnelDrop } from '../policy/counter-memory.js';
import { DROP_REASON_INDEX, DROP_REASONS, type DropReason } from '../policy/drop-reason.js';

/** Every packet that is discarded is counted here, and with what it belonged to as far as that was known. */
export class DropCounters {
  readonly #packets: Float64Array;

  /** One double for each of DROP_REASONS, in their order. */
  constructor(packets: Float64Array = new Float64Array(DROP_REASONS.length)) {
    this.#packets = packets;
  }

  /** `tunnel`, `entry`: the counters of those that are known by then. */
  count(reason: DropReason, packets = 1, tunnel?: Float64Array, entry?: Float64Array): void {
    addToCounter(this.#packets, DROP_REASON_INDEX[reason], packets);
    if (tunnel !== undefined) countTunnelDrop(tunnel, reason, packets);
    if (entry !== undefined) countEntryDrop(entry, reason, packets);
  }

  snapshot(): readonly { readonly reason: DropReason; readonly packets: bigint }[] {
    return DROP_REASONS.map((reason, index) => ({ reason, packets: BigInt(this.#packets[index] ?? 0) }));
  }
}
