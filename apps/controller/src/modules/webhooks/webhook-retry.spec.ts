import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ATTEMPTS_MAXIMUM, retryDelayMilliseconds } from './webhook-retry.js';

describe('the delay before the next attempt', () => {
  it('doubles at most, up to three hours, and is anything up to that', () => {
    expect([1, 2, 3].map((attempts) => retryDelayMilliseconds(attempts, 0.5))).toEqual([2_500, 5_000, 10_000]);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2_000 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (attempts, random) => {
          const delay = retryDelayMilliseconds(attempts, random);
          expect(delay).toBeGreaterThanOrEqual(0);
          expect(delay).toBeLessThan(Math.min(10_800_000, 5_000 * 2 ** (attempts - 1)) + 1);
          expect(Number.isInteger(delay)).toBe(true);
        },
      ),
    );
  });

  it('goes on for up to three hours before a webhook is given up', () => {
    const longest = Array.from({ length: ATTEMPTS_MAXIMUM - 1 }, (_, index) =>
      retryDelayMilliseconds(index + 1, 1 - 2 ** -53),
    );
    const hours = longest.reduce((sum, delay) => sum + delay, 0) / 3_600_000;
    expect(hours).toBeGreaterThan(2);
    expect(hours).toBeLessThan(3);
  });
});
