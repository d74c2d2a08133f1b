import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressOf } from '../ffi/memory.js';
import { createChecksumMemory } from './checksum-module.js';
import { allocatePacketMemory, foldSum, networkOrder } from './packet-memory.js';

const SIZE = 1 << 17;
const KINDS = [
  ['with vector instructions', allocatePacketMemory(SIZE)],
  ['without', allocatePacketMemory(SIZE, false)],
] as const;

/** RFC 1071 section 1, literally. */
function slowSum(octets: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < octets.length; i += 2) sum += ((octets[i] ?? 0) << 8) | (octets[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return sum;
}

describe.each(KINDS)('packet memory %s', (_, memory) => {
  const place = fc.record({
    offset: fc.nat(200).map((half) => 2 * half),
    length: fc.oneof(fc.nat(80), fc.nat(1500), fc.integer({ min: 65_000, max: 65_536 })),
    seed: fc.nat(0xffff),
    to: fc.nat(40).map((half) => 66_000 + 2 * half),
  });

  it('adds up as RFC 1071 does, and copies what it adds up', () => {
    fc.assert(
      fc.property(place, ({ offset, length, seed, to }) => {
        for (let i = 0; i < length + 64; i++) memory.bytes[offset + i] = Math.imul(seed + i, 0x9e3779b1) >>> 24;
        const octets = memory.bytes.slice(offset, offset + length);
        expect(networkOrder(foldSum(memory.sum(offset, length)))).toBe(slowSum(octets));
        const behind = memory.bytes.slice(to + length, to + length + 64);
        const before = memory.bytes.slice(to - 64, to);
        const room = Math.min(length, SIZE - to - 64);
        expect(networkOrder(foldSum(memory.copySum(offset, room, to)))).toBe(slowSum(octets.subarray(0, room)));
        expect(Buffer.compare(memory.bytes.subarray(to, to + room), octets.subarray(0, room))).toBe(0);
        if (room === length) expect(memory.bytes.slice(to + length, to + length + 64)).toEqual(behind);
        expect(memory.bytes.slice(to - 64, to)).toEqual(before);
      }),
      { numRuns: 150 },
    );
  });

  it('does not overflow on the largest values', () => {
    memory.bytes.fill(0xff);
    expect(memory.sum(0, 65_536)).toBe(32_768 * 0xffff);
    expect(foldSum(memory.sum(0, 65_535))).toBe(foldSum(32_767 * 0xffff + 0xff));
  });

  it('has an address, so that the kernel can read and write it', () => {
    expect(addressOf(memory.bytes)).toBe(memory.address);
    expect(memory.address % 4).toBe(0);
    expect(memory.words.buffer).toBe(memory.bytes.buffer);
  });
});

it('has vector instructions in every Node that we support', () => {
  expect(createChecksumMemory(1)?.buffer.byteLength).toBe(65_536);
});
