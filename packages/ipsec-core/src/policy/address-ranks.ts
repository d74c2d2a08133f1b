import { readUint32 } from '../bytes/octets.js';
import type { AddressRange } from '../wire/ip/address.js';
import { compareOctets, type Interval } from './selector.js';

/**
 * Numbers the elementary intervals into which the ends of some address ranges cut one family's address space, so that
 * addresses of 32 or 128 bits become small integers with the same order as far as those ranges can tell.
 */
export class AddressRanks {
  /** Where each elementary interval starts, as words of 32 bits, most significant first. */
  readonly #starts: Uint32Array;
  readonly #words: number;

  constructor(octets: 4 | 16, ranges: readonly AddressRange[]) {
    const starts: Uint8Array[] = [new Uint8Array(octets)];
    for (const { first, last } of ranges) {
      starts.push(first);
      const next = successor(last);
      if (next !== undefined) starts.push(next);
    }
    starts.sort(compareOctets);
    const distinct = starts.filter((start, i) => i === 0 || compareOctets(start, starts[i - 1] ?? start) !== 0);
    this.#words = octets / 4;
    this.#starts = new Uint32Array(distinct.length * this.#words);
    for (const [i, start] of distinct.entries()) {
      for (let word = 0; word < this.#words; word++) this.#starts[i * this.#words + word] = readUint32(start, 4 * word);
    }
  }

  get last(): number {
    return this.#starts.length / this.#words - 1;
  }

  /** The number of the interval that contains an address given as words. */
  rank(address: Uint32Array): number {
    let low = 0;
    let high = this.last;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#isAtMost(middle, address)) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** The intervals that a range covers; the range must be one of those given at construction. */
  interval(range: AddressRange): Interval {
    return { first: this.rank(toWords(range.first)), last: this.rank(toWords(range.last)) };
  }

  #isAtMost(index: number, address: Uint32Array): boolean {
    const at = index * this.#words;
    for (let word = 0; word < this.#words; word++) {
      const start = this.#starts[at + word] ?? 0;
      const value = address[word] ?? 0;
      if (start !== value) return start < value;
    }
    return true;
  }
}

function toWords(octets: Uint8Array): Uint32Array {
  const words = new Uint32Array(4);
  for (let word = 0; word < octets.length / 4; word++) words[word] = readUint32(octets, 4 * word);
  return words;
}

function successor(octets: Uint8Array): Uint8Array | undefined {
  const next = octets.slice();
  for (let i = next.length - 1; i >= 0; i--) {
    next[i] = (next[i] ?? 0) + 1;
    if (next[i] !== 0) return next;
  }
  return undefined;
}
