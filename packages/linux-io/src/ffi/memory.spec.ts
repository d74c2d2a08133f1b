import { describe, expect, it } from 'vitest';
import { close, open, read } from './libc.js';
import { addressOf, addressWithin, allocate } from './memory.js';

describe('memory', () => {
  it('is what the kernel writes to, and nothing beside it', () => {
    const before = allocate(64);
    const memory = allocate(64);
    const after = allocate(64);
    const fd = open('/proc/self/comm', 0);
    const length = read(fd, addressWithin(memory, 8, 56), 56);
    close(fd);
    expect(length).toBeGreaterThan(1);
    expect(memory.bytes[8 + length - 1]).toBe('\n'.charCodeAt(0));
    const untouched = [...before.bytes, ...memory.bytes.subarray(0, 8), ...memory.bytes.subarray(8 + length)];
    expect([...untouched, ...after.bytes].every((octet) => octet === 0)).toBe(true);
  });

  it('starts every piece on a cache line and overlaps none', () => {
    const pieces = [1, 63, 64, 65, 3_000_000, 100].map((size) => allocate(size));
    for (const piece of pieces) expect(piece.address % 64).toBe(0);
    const ranges = pieces.map((piece) => [piece.address, piece.address + piece.bytes.length] as const);
    ranges.sort(([a], [b]) => a - b);
    for (let index = 1; index < ranges.length; index++) {
      expect(ranges[index]![0]).toBeGreaterThanOrEqual(ranges[index - 1]![1]);
    }
  });

  it.each([
    [-1, 1],
    [0, 11],
    [10, 1],
    [0, -1],
  ])('gives no address for %i + %i of 10 octets', (offset, length) => {
    const memory = allocate(10);
    expect(() => addressWithin(memory, offset, length)).toThrow(RangeError);
  });

  it('knows the address of octets that lie in it, and of no others', () => {
    const memory = allocate(128);
    expect(addressOf(memory.bytes)).toBe(memory.address);
    expect(addressOf(memory.bytes.subarray(17))).toBe(memory.address + 17);
    expect(addressOf(new Uint8Array(128))).toBe(0);
    expect(addressOf(Buffer.from('pooled'))).toBe(0);
  });

  it.each([0, -1, 1.5, Number.NaN])('refuses to allocate %d octets', (size) => {
    expect(() => allocate(size)).toThrow(RangeError);
  });
});
