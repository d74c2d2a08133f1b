import { AssociationMemory } from './association-memory.js';

/**
 * The high half of a received sequence number (RFC 4303 appendix A2.2): the one that puts the number into the window,
 * or else above it. Returns -1 when no number of 64 bits fits, that is, before the first and after the last subspace.
 */
export function inferSequenceHigh(low: number, topHigh: number, topLow: number, window: number): number {
  if (topLow >= window - 1) {
    // The window lies within one subspace: numbers below its bottom belong to the next one.
    if (low >= topLow - window + 1) return topHigh;
    return topHigh === LAST_SUBSPACE ? -1 : topHigh + 1;
  }
  // The window spans two subspaces: its bottom lies near the end of the previous one.
  if (low >= topLow - window + 1 + TWO_32) return topHigh - 1;
  return topHigh;
}

/**
 * A sender's 64-bit counter in two halves. The first packet carries 1 (RFC 4303 section 3.3.3).
 *
 * Numbers are taken in blocks: the number of blocks that were ever taken is in the association's memory, and is raised by
 * one atomic operation before the first number of a block is used. So no number is given out twice, however often the
 * engine ends and another takes the association over, and the IVs that are made of them never repeat ("For a given key, the
 * IV MUST NOT repeat", RFC 4106 section 3.1). What is left of a block is skipped then: a receiver takes that for loss.
 */
export class SequenceCounter {
  high: number;
  low: number;
  readonly #extended: boolean;
  readonly #memory: AssociationMemory;
  /** Low half of the last number of the block at hand. */
  #last: number;

  constructor(extended: boolean, memory = new AssociationMemory()) {
    this.#extended = extended;
    this.#memory = memory;
    const [high = 0, low = 0] = memory.sequence;
    this.high = high;
    this.low = low;
    // No block is at hand yet, whatever the last number was.
    this.#last = low;
  }

  /** Steps to the next number; false, and nothing changed, when the counter would cycle. */
  advance(): boolean {
    if (this.low === this.#last) return this.#takeBlock();
    this.low++;
    this.#memory.sequence[1] = this.low;
    return true;
  }

  /** Continues after a given number. */
  restore(high: number, low: number): void {
    this.high = high >>> 0;
    this.low = low >>> 0;
    this.#last = (this.low | (SEQUENCE_BLOCK - 1)) >>> 0;
    const block = BigInt(this.high) * BigInt(BLOCKS_PER_SUBSPACE) + BigInt(Math.floor(this.low / SEQUENCE_BLOCK));
    Atomics.store(this.#memory.reserved, 0, block + 1n);
    this.#publish();
  }

  #takeBlock(): boolean {
    const block = Number(Atomics.add(this.#memory.reserved, 0, 1n));
    const high = Math.floor(block / BLOCKS_PER_SUBSPACE);
    if (high > (this.#extended ? LAST_SUBSPACE : 0)) return false;
    const first = (block % BLOCKS_PER_SUBSPACE) * SEQUENCE_BLOCK;
    this.high = high;
    this.low = block === 0 ? 1 : first;
    this.#last = first + SEQUENCE_BLOCK - 1;
    this.#publish();
    return true;
  }

  #publish(): void {
    this.#memory.sequence[0] = this.high;
    this.#memory.sequence[1] = this.low;
  }
}

/** Numbers of a block: so many are skipped at most when an engine takes over. A power of two, so that it fits 2^32. */
export const SEQUENCE_BLOCK = 1024;
const TWO_32 = 2 ** 32;
const BLOCKS_PER_SUBSPACE = TWO_32 / SEQUENCE_BLOCK;
const LAST_SUBSPACE = 0xffffffff;
