import { Chain, type Delivery } from './chain.js';
import { TCP_FLAG } from './fields.js';
import { PacketFields } from './packet-fields.js';
import type { PacketMemory } from './packet-memory.js';
import { VirtioHeader } from './virtio-header.js';

/** What the device can take in one piece. */
export interface CoalescingLimits {
  readonly tcp: boolean;
  readonly udp: boolean;
}

/**
 * Puts successive packets of a flow together into one that the kernel takes in one piece: the inverse of Segmenter.
 * Packets are joined only when taking the whole apart gives the same packets again: same flow, same headers, numbers in
 * succession, correct checksums. A packet whose checksum is wrong is delivered as it came, for the receiver to judge.
 * Order within a flow is kept.
 */
export class Coalescer {
  readonly #deliver: (delivery: Delivery) => void;
  readonly #limits: CoalescingLimits;
  readonly #packet: PacketFields;
  /** A ring: the next flow to be held takes the place of the one that has been held longest. */
  readonly #chains: readonly Chain[];
  #next = 0;
  #held = 0;
  readonly #alone = {
    header: new VirtioHeader(),
    offsets: new Int32Array(1),
    lengths: new Int32Array(1),
    pieces: 1,
    length: 0,
  };

  constructor(memory: PacketMemory, limits: CoalescingLimits, deliver: (delivery: Delivery) => void) {
    this.#limits = limits;
    this.#deliver = deliver;
    this.#packet = new PacketFields(memory);
    this.#chains = Array.from({ length: FLOWS }, () => new Chain(memory));
  }

  /**
   * Takes the packet of `length` octets at `offset`, a multiple of four, of the memory. Delivers it, or holds it: until
   * `flush` its octets must stay as they are.
   */
  push(offset: number, length: number): void {
    const packet = this.#packet;
    if (!packet.parse(offset, length)) {
      // A fragment does not show its flow, and must not overtake what is held of it.
      this.flush();
      this.#deliverAlone(offset, length);
      return;
    }
    const chain = this.#held === 0 ? undefined : this.#chainOf(packet);
    const joinable = packet.joinable && (packet.tcp ? this.#limits.tcp : this.#limits.udp);
    if (chain !== undefined && joinable && chain.isContinuedBy(packet)) {
      if (!packet.isIntact()) {
        this.#release(chain);
        this.#deliverAlone(offset, length);
        return;
      }
      if (chain.pieces > 1 || chain.isHeadIntact()) {
        if (!chain.join(packet)) this.#release(chain);
        return;
      }
    }
    if (chain !== undefined) this.#release(chain);
    if (joinable && (packet.flags & ENDING) === 0) this.#hold(packet);
    else this.#deliverAlone(offset, length);
  }

  /** Delivers all that is held, the flow that was held first first. */
  flush(): void {
    for (let i = 0; this.#held > 0; i++) {
      const chain = this.#chains[(this.#next + i) % FLOWS];
      if (chain !== undefined && chain.pieces > 0) this.#release(chain);
    }
  }

  #chainOf(packet: PacketFields): Chain | undefined {
    for (let i = 0; i < FLOWS; i++) {
      const chain = this.#chains[i];
      if (chain !== undefined && chain.pieces > 0 && chain.isSameFlow(packet)) return chain;
    }
    return undefined;
  }

  #hold(packet: PacketFields): void {
    const chain = this.#chains[this.#next];
    if (chain === undefined) return;
    this.#next = (this.#next + 1) % FLOWS;
    if (chain.pieces > 0) this.#release(chain);
    chain.begin(packet);
    this.#held++;
  }

  #release(chain: Chain): void {
    chain.finish();
    this.#deliver(chain);
    chain.pieces = 0;
    this.#held--;
  }

  #deliverAlone(offset: number, length: number): void {
    const alone = this.#alone;
    alone.offsets[0] = offset;
    alone.lengths[0] = length;
    alone.length = length;
    this.#deliver(alone);
  }
}

const ENDING = TCP_FLAG.psh | TCP_FLAG.fin;
/** Flows that are held at once. */
const FLOWS = 8;
