import { describe, expect, it } from 'vitest';
import { instantOfLocal, localInputOf } from './local-input.js';

describe('a time put in by a reader', () => {
  it('is of their zone', () => {
    const noon = new Date(2026, 5, 1, 12, 0, 7);
    expect(instantOfLocal('2026-06-01T12:00:07')).toBe(noon.toISOString());
    expect(localInputOf(noon.toISOString())).toBe('2026-06-01T12:00:07');
    expect(instantOfLocal('2026-06-01T12:00')).toBe(new Date(2026, 5, 1, 12).toISOString());
  });

  it('comes back as it went, to the second', () => {
    for (const hours of [0, 1, 2_000, 4_000, 8_759]) {
      const instant = new Date(Date.UTC(2026, 0, 1, hours, 59, 58)).toISOString();
      expect(instantOfLocal(localInputOf(instant))).toBe(instant);
    }
  });

  it('is none when none was put in', () => {
    expect(localInputOf(undefined)).toBe('');
    expect(instantOfLocal('')).toBeUndefined();
  });
});
