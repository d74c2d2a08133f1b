import { addToCounter } from '../policy/counter-memory.js';
import { DROP_REASON_INDEX, DROP_REASONS, type DropReason } from '../policy/drop-reason.js';

export class DropCounters {
  readonly #packets: Float64Array;

  /** One double for each of DROP_REASONS, in their order. */
  constructor(packets: Float64Array = new Float64Array(DROP_REASONS.length)) {
    this.#packets = packets;
  }

  count(reason: DropReason, packets = 1): void {
    addToCounter(this.#packets, DROP_REASON_INDEX[reason], packets);
  }

  snapshot(): readonly { readonly reason: DropReason; readonly packets: bigint }[] {
    return DROP_REASONS.map((reason, index) => ({ reason, packets: BigInt(this.#packets[index] ?? 0) }));
  }
}
