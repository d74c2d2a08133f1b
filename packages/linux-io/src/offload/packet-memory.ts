import { adopt, allocate, type Memory } from '../ffi/memory.js';
import { createChecksumMemory } from './checksum-module.js';

/** Memory that packets are taken apart and put together in. */
export interface PacketMemory extends Memory {
  /** The same octets as 32-bit words, in the order of the machine, to compare four octets at once. */
  readonly words: Uint32Array;
  /**
   * Ones' complement sum (RFC 1071) of `length` octets from an even `offset`, not folded, over 16-bit words in the order
   * of the machine: "the sum of 16-bit integers can be computed in either byte order" (section 2 (B)). At most 2^31.
   */
  sum(offset: number, length: number): number;
  /** The same, and copies the octets to `to`, which is even and lies away from them. */
  copySum(offset: number, length: number, to: number): number;
}

/** Makes packet memory. `vectors` false: without vector instructions, as where there are none. */
export function allocatePacketMemory(size: number, vectors = true): PacketMemory {
  const made = vectors ? createChecksumMemory(size) : undefined;
  const memory = made === undefined ? allocate(Math.ceil(size / 4) * 4) : adopt(made.buffer);
  const { buffer, byteOffset, length } = memory.bytes;
  const views = { ...memory, words: new Uint32Array(buffer, byteOffset, length / 4) };
  if (made !== undefined) {
    const { sum, copySum } = made.functions;
    return {
      ...views,
      sum: (offset, octets) => sum(offset, octets) >>> 0,
      copySum: (offset, octets, to) => copySum(offset, octets, to) >>> 0,
    };
  }
  const halves = new Uint16Array(buffer, byteOffset, length / 2);
  return {
    ...views,
    sum: (offset, octets) => sumOctets(halves, memory.bytes, offset, octets),
    copySum: (offset, octets, to) => {
      memory.bytes.copyWithin(to, offset, offset + octets);
      return sumOctets(halves, memory.bytes, to, octets);
    },
  };
}

/** Folds a sum below 2^32 to 16 bits; not complemented. */
export function foldSum(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
}

/** A 16-bit value as it counts in a sum over words in the order of the machine, which is little-endian. */
export function networkOrder(value: number): number {
  return ((value & 0xff) << 8) | (value >>> 8);
}

/** Four sums side by side, because an addition that waits for the one before is slow. */
function sumOctets(halves: Uint16Array, bytes: Uint8Array, offset: number, length: number): number {
  let at = offset >>> 1;
  const end = at + (length >>> 1);
  let [a, b, c, d] = [0, 0, 0, 0];
  for (; at + 4 <= end; at += 4) {
    a += halves[at] ?? 0;
    b += halves[at + 1] ?? 0;
    c += halves[at + 2] ?? 0;
    d += halves[at + 3] ?? 0;
  }
  for (; at < end; at++) a += halves[at] ?? 0;
  // RFC 1071 section 1: an odd octet counts as if a zero octet stood behind it.
  return a + b + c + d + ((length & 1) === 0 ? 0 : (bytes[offset + length - 1] ?? 0));
}
