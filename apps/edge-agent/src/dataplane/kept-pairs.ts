import { openPacketPair, type PacketPair, packetPairFromDescriptors } from '@weft/linux-io';

/**
 * Pairs of sockets that a thread opens and closes again, however it ends: a thread that is ended from outside closes nothing,
 * so that the one that takes its place does it first.
 */
export class KeptPairs {
  readonly #held: Int32Array;
  readonly #open: PacketPair[] = [];

  /**
   * Closes what a predecessor has left open; nothing of it runs any more. `held`: memory that outlives the thread, of
   * DESCRIPTORS_OF_PAIRS numbers: a descriptor and one each, or 0. Throws SystemCallError.
   */
  constructor(held: Int32Array) {
    this.#held = held;
    for (let index = 0; index < held.length; index += DESCRIPTORS_OF_A_PAIR) {
      const [one = 0, other = 0] = held.subarray(index, index + DESCRIPTORS_OF_A_PAIR);
      if (one > 0 && other > 0) this.#open.push(packetPairFromDescriptors(one - 1, other - 1));
    }
    this.close();
  }

  /** Throws SystemCallError, and RangeError when MAXIMUM_PAIRS are open. */
  open(): PacketPair {
    if (this.#open.length === MAXIMUM_PAIRS) throw new RangeError(`at most ${MAXIMUM_PAIRS} pairs`);
    const pair = openPacketPair();
    this.#held.set([pair.one + 1, pair.other + 1], this.#open.length * DESCRIPTORS_OF_A_PAIR);
    this.#open.push(pair);
    return pair;
  }

  /** Forgotten first: what was forgotten and stays open does less harm than what is closed twice. */
  close(): void {
    this.#held.fill(0);
    for (const pair of this.#open.splice(0)) pair.close();
  }
}

const DESCRIPTORS_OF_A_PAIR = 2;
export const MAXIMUM_PAIRS = 2;
export const DESCRIPTORS_OF_PAIRS = DESCRIPTORS_OF_A_PAIR * MAXIMUM_PAIRS;
