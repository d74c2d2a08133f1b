import type { Flow } from '../wire/ip/flow.js';

/**
 * Remembers the answer for recent flows in a fixed number of slots; a flow that falls on a taken slot replaces what was
 * there. It belongs to one immutable database, so nothing ever has to be invalidated.
 */
export class FlowCache {
  readonly #slots = new Uint32Array(SLOTS * STRIDE);
  #at = 0;

  /** The answer stored for the flow, or undefined; a miss leaves the slot for `store` to fill. */
  find(flow: Flow, inbound: boolean): number | undefined {
    const key = keyOf(flow, inbound);
    this.#at = slotOf(flow, key) * STRIDE;
    const slots = this.#slots;
    const at = this.#at;
    if (slots[at] !== key || slots[at + 1] !== flow.sourcePort || slots[at + 2] !== flow.destinationPort) {
      return undefined;
    }
    for (let word = 0; word < 4; word++) {
      if (slots[at + 3 + word] !== flow.source[word]) return undefined;
      if (slots[at + 7 + word] !== flow.destination[word]) return undefined;
    }
    return (slots[at + 11] ?? 0) + LEAST_ANSWER;
  }

  /** Stores the answer, -2 or more, for the flow that `find` has just missed. */
  store(flow: Flow, inbound: boolean, answer: number): void {
    const slots = this.#slots;
    const at = this.#at;
    slots[at] = keyOf(flow, inbound);
    slots[at + 1] = flow.sourcePort;
    slots[at + 2] = flow.destinationPort;
    for (let word = 0; word < 4; word++) {
      slots[at + 3 + word] = flow.source[word] ?? 0;
      slots[at + 7 + word] = flow.destination[word] ?? 0;
    }
    slots[at + 11] = answer - LEAST_ANSWER;
  }
}

/** Never 0, which is what an empty slot holds. */
function keyOf(flow: Flow, inbound: boolean): number {
  return (flow.protocol << 5) | (flow.fragment === 'later' ? 16 : 0) | (inbound ? 8 : 0) | flow.family;
}

function slotOf(flow: Flow, key: number): number {
  let hash = Math.imul(key ^ (flow.sourcePort << 8) ^ flow.destinationPort, 0x9e3779b1);
  for (let word = 0; word < 4; word++) {
    hash = Math.imul(hash ^ (flow.source[word] ?? 0), 0x85ebca6b);
    hash = Math.imul((hash ^ (hash >>> 15)) + (flow.destination[word] ?? 0), 0xc2b2ae35);
  }
  return (hash ^ (hash >>> 16)) & (SLOTS - 1);
}

const SLOTS = 4096;
const LEAST_ANSWER = -2;
/** Key, ports, two addresses, answer. */
const STRIDE = 12;
