import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  authorityChangePause,
  conditionAt,
  LONGEST_AUTHORITY_CHANGE,
  LONGEST_PAUSE,
  renewalPause,
  renewalTime,
  SHORTEST_PAUSE,
} from './renewal-schedule.js';

const DAY = 86_400_000;
const life = fc
  .tuple(fc.integer({ min: 0, max: 2e12 }), fc.integer({ min: 3_600_000, max: 366 * DAY }))
  .map(([from, length]) => ({ notBefore: new Date(from), notAfter: new Date(from + length) }));
const draw = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('the renewal of a certificate', () => {
  it('is when two thirds of its life are over, and at three quarters at the latest', () => {
    fc.assert(
      fc.property(life, draw, (certificate, at) => {
        const share =
          (renewalTime(certificate, at) - certificate.notBefore.getTime()) /
          (certificate.notAfter.getTime() - certificate.notBefore.getTime());
        expect(share).toBeGreaterThanOrEqual(2 / 3 - 1e-9);
        expect(share).toBeLessThan(3 / 4 + 1e-9);
      }),
    );
  });

  it('for another root that issues is within ten minutes and a twelfth of its life', () => {
    fc.assert(
      fc.property(life, draw, (certificate, at) => {
        const pause = authorityChangePause(certificate, at);
        expect(pause).toBeGreaterThanOrEqual(0);
        expect(pause).toBeLessThanOrEqual(LONGEST_AUTHORITY_CHANGE);
        const length = certificate.notAfter.getTime() - certificate.notBefore.getTime();
        expect(pause).toBeLessThanOrEqual(length / 12);
      }),
    );
  });

  it('is tried again after pauses that grow and are bounded, ten times and more before the end', () => {
    fc.assert(
      fc.property(life, fc.integer({ min: 1, max: 1000 }), draw, (certificate, failures, at) => {
        const pause = renewalPause(certificate, failures, at);
        expect(pause).toBeGreaterThanOrEqual(SHORTEST_PAUSE / 2);
        expect(pause).toBeLessThanOrEqual(LONGEST_PAUSE);
        const left = (certificate.notAfter.getTime() - certificate.notBefore.getTime()) / 6;
        if (left >= 10 * SHORTEST_PAUSE) expect(pause).toBeLessThanOrEqual(Math.max(left / 6, SHORTEST_PAUSE));
      }),
    );
    const fortnight = { notBefore: new Date(0), notAfter: new Date(14 * DAY) };
    expect([1, 2, 3, 20].map((failures) => renewalPause(fortnight, failures, 0))).toEqual([5e3, 10e3, 20e3, 1_800_000]);
  });

  it.each([
    [-1, 'not_yet_valid'],
    [0, 'valid'],
    [66, 'valid'],
    [67, 'renewal_due'],
    [99, 'renewal_due'],
    [100, 'expired'],
  ])('at %i of a hundred it is %s', (now, condition) => {
    expect(conditionAt({ notBefore: new Date(0), notAfter: new Date(100) }, 67, now)).toBe(condition);
  });
});
