import { writeUint32 } from '../bytes/octets.js';
import type { Prefix } from '../wire/ip/address.js';

/** A prefix, and the one as long that takes its place; what follows the prefix in an address stays. */
export interface PrefixPair {
  readonly from: Prefix;
  readonly to: Prefix;
}

/** Pairs of one family, to be looked up and carried out in packets without allocation. */
export class PrefixTable {
  /** Of an address: 1 in IPv4, 4 in IPv6. */
  readonly #words: number;
  readonly #count: number;
  readonly #from: Int32Array;
  readonly #masks: Int32Array;
  readonly #to: Int32Array;
  readonly #adjustments: Uint16Array;

  /** No two of the `from` may overlap. */
  constructor(pairs: readonly PrefixPair[], family: 4 | 6) {
    const sorted = pairs
      .filter(({ from }) => from.address.length === (family === 4 ? 4 : 16))
      .sort((left, right) => compareOctets(left.from.address, right.from.address));
    this.#words = family === 4 ? 1 : 4;
    this.#count = sorted.length;
    const words = (prefix: (pair: PrefixPair) => Uint8Array) =>
      Int32Array.from(
        sorted.flatMap((pair) => Array.from({ length: this.#words }, (_, i) => readWord(prefix(pair), 4 * i))),
      );
    this.#from = words(({ from }) => from.address);
    this.#to = words(({ to }) => to.address);
    this.#masks = words(({ from }) => maskOf(from));
    this.#adjustments = Uint16Array.from(sorted.map(adjustmentOf));
  }

  /** Entry of the address that stands at `at`, or -1. */
  find(packet: Uint8Array, at: number): number {
    let low = 0;
    let high = this.#count - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const order = this.#compare(middle, packet, at);
      if (order === 0) return middle;
      if (order < 0) high = middle - 1;
      else low = middle + 1;
    }
    return -1;
  }

  /** Carries out an entry on the address that stands at `at`, which `find` has found there. */
  rewrite(entry: number, packet: Uint8Array, at: number): void {
    const words = this.#words;
    for (let word = 0; word < words; word++) {
      const index = entry * words + word;
      const host = readWord(packet, at + 4 * word) & ~(this.#masks[index] ?? 0);
      writeUint32(packet, at + 4 * word, host | (this.#to[index] ?? 0));
    }
  }

  /**
   * What a sum of 16-bit words (RFC 1071) grows by when an entry is carried out on an address under it, modulo 2^16-1: the same
   * for all addresses, since what is added and what is taken away are the bits of the prefixes. 0: the sum stays as it was.
   */
  adjustment(entry: number): number {
    return this.#adjustments[entry] ?? 0;
  }

  /** Entries are apart: an address before one is before it also without the bits behind its prefix. */
  #compare(entry: number, packet: Uint8Array, at: number): number {
    const words = this.#words;
    for (let word = 0; word < words; word++) {
      const index = entry * words + word;
      const masked = readWord(packet, at + 4 * word) & (this.#masks[index] ?? 0);
      const from = this.#from[index] ?? 0;
      // As unsigned numbers.
      if (masked !== from) return (masked ^ SIGN) < (from ^ SIGN) ? -1 : 1;
    }
    return 0;
  }
}

function adjustmentOf({ from, to }: PrefixPair): number {
  let sum = 0;
  for (let i = 0; i < from.address.length; i++) {
    const weight = i % 2 === 0 ? 256 : 1;
    sum += ((to.address[i] ?? 0) - (from.address[i] ?? 0)) * weight;
  }
  return ((sum % MODULUS) + MODULUS) % MODULUS;
}

function maskOf({ address, length }: Prefix): Uint8Array {
  return address.map((_, i) => ~(0xff >> Math.min(8, Math.max(0, length - 8 * i))) & 0xff);
}

function compareOctets(left: Uint8Array, right: Uint8Array): number {
  for (let i = 0; i < left.length; i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Signed: half of the unsigned words do not fit what a small integer is, and would be objects wherever they are passed. */
function readWord(octets: Uint8Array, offset: number): number {
  return (
    ((octets[offset] ?? 0) << 24) |
    ((octets[offset + 1] ?? 0) << 16) |
    ((octets[offset + 2] ?? 0) << 8) |
    (octets[offset + 3] ?? 0)
  );
}

const SIGN = 1 << 31;
/** Of ones' complement arithmetic on 16-bit words. */
const MODULUS = 0xffff;
