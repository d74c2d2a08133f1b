import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffMilliseconds, LONGEST_MILLISECONDS, SHORTEST_MILLISECONDS } from './backoff.js';

describe('backoff', () => {
  it('stays within its bounds for ever', () => {
    fc.assert(
      fc.property(fc.nat(), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (attempt, random) => {
        const pause = backoffMilliseconds(attempt, random);
        expect(pause).toBeGreaterThanOrEqual(SHORTEST_MILLISECONDS);
        expect(pause).toBeLessThanOrEqual(LONGEST_MILLISECONDS);
      }),
    );
  });

  it('doubles its ceiling with every failure, and uses all of the room below', () => {
    expect([0, 1, 2, 3, 6, 50].map((attempt) => backoffMilliseconds(attempt, 1))).toEqual([
      200, 400, 800, 1600, 10_000, 10_000,
    ]);
    expect([0, 3, 50].map((attempt) => backoffMilliseconds(attempt, 0))).toEqual([200, 200, 200]);
  });
});
