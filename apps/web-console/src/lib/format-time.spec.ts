import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatCountdown, formatDuration, formatExact, formatRelative } from './format-time.js';

const NOW = Date.UTC(2026, 10, 24, 4, 7, 47);

describe('formatRelative', () => {
  it.each([
    [0, 'just now'],
    [-1999, 'just now'],
    [1999, 'just now'],
    [-12_000, '12 s ago'],
    [-59_999, '59 s ago'],
    [-60_000, '1 min ago'],
    [-3_600_000, '1 h ago'],
    [-47 * 3_600_000, '47 h ago'],
    [29.5 * 86_400_000, 'in 29 d'],
  ])('%d ms from now reads %s', (offset, text) => {
    expect(formatRelative(NOW + offset, NOW)).toBe(text);
  });
});

describe('formatDuration', () => {
  it('never reads zero of a unit above seconds', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1000, max: 400 * 86_400_000 }), (length) => {
        expect(formatDuration(length)).toMatch(/^[1-9]\d* (s|min|h|d)$/);
      }),
    );
  });
});

describe('formatCountdown', () => {
  it.each([
    [3_600_000, '1:00:00'],
    [3_599_001, '1:00:00'],
    [3_572_000, '59:32'],
    [9_000, '0:09'],
    [1, '0:01'],
    [0, '0:00'],
    [-5000, '0:00'],
  ])('%d ms left reads %s', (left, text) => {
    expect(formatCountdown(left)).toBe(text);
  });
});

describe('formatExact', () => {
  it('gives date, time and zone', () => {
    expect(formatExact(NOW, 'UTC')).toBe('2026-11-24 04:07:47 UTC');
    expect(formatExact(NOW, 'Europe/Berlin')).toBe('2026-11-24 05:07:47 CET');
  });
});
