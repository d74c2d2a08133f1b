import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatBitRate,
  formatBytes,
  formatCount,
  formatPackets,
  formatPacketsShort,
  plural,
} from './format-quantity.js';

describe('formatBitRate', () => {
  it.each([
    [0, '0 b/s'],
    [1, '8.00 b/s'],
    [124, '992 b/s'],
    [125, '1.00 kb/s'],
    [1_550_000, '12.4 Mb/s'],
    [124_999, '1.00 Mb/s'],
    [125_000_000, '1.00 Gb/s'],
    [-4, '0 b/s'],
    [Number.NaN, '0 b/s'],
    [Number.POSITIVE_INFINITY, '0 b/s'],
  ])('%d octets per second reads %s', (rate, text) => {
    expect(formatBitRate(rate)).toBe(text);
  });

  it('stays within one part in a hundred of the true rate, for every rate', () => {
    const factor: Record<string, number> = { 'b/s': 1, 'kb/s': 1e3, 'Mb/s': 1e6, 'Gb/s': 1e9, 'Tb/s': 1e12 };
    fc.assert(
      fc.property(fc.double({ min: 0.125, max: 1e12, noNaN: true }), (rate) => {
        const [digits = '', unit = ''] = formatBitRate(rate).split(' ');
        const read = Number(digits.replaceAll(',', '')) * (factor[unit] ?? Number.NaN);
        expect(Math.abs(read - rate * 8) / (rate * 8)).toBeLessThan(0.01);
        expect(digits.length).toBeLessThanOrEqual(6);
      }),
    );
  });
});

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1023, '1,023 B'],
    [1024, '1.00 KiB'],
    [64 * 1024 * 1024, '64.0 MiB'],
    [1024 ** 3 - 1, '1.00 GiB'],
  ])('%d reads %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe('counts', () => {
  it('names the unit in the right number', () => {
    expect(formatPackets(1)).toBe('1 packet');
    expect(formatPackets(1_234_567)).toBe('1,234,567 packets');
    expect(formatPacketsShort(950)).toBe('950 packets');
    expect(formatPacketsShort(1_234_567)).toBe('1.23 M packets');
    expect(formatCount(20_000)).toBe('20,000');
    expect(plural(0, 'edge')).toBe('0 edges');
    expect(plural(1, 'policy', 'policies')).toBe('1 policy');
    expect(plural(2, 'policy', 'policies')).toBe('2 policies');
  });
});
