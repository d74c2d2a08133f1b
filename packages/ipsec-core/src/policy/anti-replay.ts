import { SecurityAssociationError } from '../errors.js';

export type ReplayVerdict = 'fresh' | 'duplicate' | 'late';

/**
 * The sliding window of RFC 4303 section 3.4.3, kept as RFC 6479 proposes: a ring of 32-bit blocks of which one is
 * always spare, so that moving the window clears whole blocks instead of shifting bits. `check` before the packet is
 * authenticated changes nothing; `commit` after it marks the number. Numbers are 64 bits in two halves, so that one
 * window serves associations with and without extended sequence numbers.
 */
export class AntiReplayWindow {
  readonly size: number;
  readonly #blocks: Uint32Array;
  readonly #mask: number;
  readonly #published: Uint32Array;
  #topHigh = 0;
  #topLow = 0;

  /**
   * The right edge of the window, high and low half, is in `top` too, from before the packet that moved it is delivered.
   * With `continues`, `top` is what an earlier window left, and every number up to it counts as received: which of them were
   * not is not known any more, so that some that come late are lost, and none is accepted twice.
   *
   * Throws SecurityAssociationError unless 64 <= size <= 4096: without a window there is no replay protection.
   */
  constructor(size = DEFAULT_WINDOW, top: Uint32Array = new Uint32Array(2), continues = false) {
    if (!Number.isInteger(size) || size < MINIMUM_WINDOW || size > MAXIMUM_WINDOW) {
      throw new SecurityAssociationError(
        'REPLAY_WINDOW',
        `A replay window has ${MINIMUM_WINDOW} to ${MAXIMUM_WINDOW} packets, not ${size}.`,
      );
    }
    this.size = size;
    let blocks = 2;
    while ((blocks - 1) * BLOCK_BITS < size) blocks *= 2;
    this.#blocks = new Uint32Array(blocks);
    this.#mask = blocks - 1;
    this.#published = top;
    if (continues) this.#resume(top[0] ?? 0, top[1] ?? 0);
  }

  /** Highest number committed so far; 0 before the first. */
  get topHigh(): number {
    return this.#topHigh;
  }

  get topLow(): number {
    return this.#topLow;
  }

  check(high: number, low: number): ReplayVerdict {
    const ahead = this.#ahead(high, low);
    if (ahead > 0) return 'fresh';
    if (-ahead >= this.size) return 'late';
    const block = this.#blocks[(low >>> BLOCK_SHIFT) & this.#mask] ?? 0;
    return (block & (1 << (low & BLOCK_MASK))) === 0 ? 'fresh' : 'duplicate';
  }

  /** Marks a number as received. Does nothing unless `check` said fresh. */
  commit(high: number, low: number): void {
    if (this.check(high, low) !== 'fresh') return;
    if (this.#ahead(high, low) > 0) this.#advance(high, low);
    const at = (low >>> BLOCK_SHIFT) & this.#mask;
    this.#blocks[at] = (this.#blocks[at] ?? 0) | (1 << (low & BLOCK_MASK));
  }

  /** How far a number lies beyond the top; exact within 2^53, and of the right sign beyond. */
  #ahead(high: number, low: number): number {
    return (high - this.#topHigh) * TWO_32 + (low - this.#topLow);
  }

  #advance(high: number, low: number): void {
    const from = this.#topLow >>> BLOCK_SHIFT;
    const blocksAhead = (high - this.#topHigh) * BLOCKS_PER_HALF + ((low >>> BLOCK_SHIFT) - from);
    const clear = Math.min(blocksAhead, this.#blocks.length);
    for (let i = 1; i <= clear; i++) this.#blocks[(from + i) & this.#mask] = 0;
    // The high half first: whoever reads in between takes more for received than was, never less.
    if (high !== this.#topHigh) this.#published[0] = high;
    this.#published[1] = low;
    this.#topHigh = high;
    this.#topLow = low;
  }

  #resume(high: number, low: number): void {
    this.#topHigh = high;
    this.#topLow = low;
    this.#blocks.fill(0xffffffff);
    // Numbers beyond the edge that share its block are still to come.
    this.#blocks[(low >>> BLOCK_SHIFT) & this.#mask] = 0xffffffff >>> (BLOCK_MASK - (low & BLOCK_MASK));
  }
}

/** Reordering of a fast path exceeds the 64 that RFC 4303 section 3.4.3 prefers. */
const DEFAULT_WINDOW = 1024;
const MINIMUM_WINDOW = 64;
export const MAXIMUM_WINDOW = 4096;

const BLOCK_BITS = 32;
const BLOCK_SHIFT = 5;
const BLOCK_MASK = 31;
const BLOCKS_PER_HALF = 2 ** 27;
const TWO_32 = 2 ** 32;
