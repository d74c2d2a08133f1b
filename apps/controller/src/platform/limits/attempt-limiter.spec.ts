import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AttemptLimiter } from './attempt-limiter.js';

const LIMITS = { burst: 3, intervalMilliseconds: 1_000, capacity: 2 };

describe('AttemptLimiter', () => {
  it('never allows more than the burst and one each interval, whatever the order of times', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2_000), { maxLength: 60 }), (gaps) => {
        const limiter = new AttemptLimiter(LIMITS);
        const allowed: number[] = [];
        let now = 0;
        for (const gap of gaps) {
          now += gap;
          if (limiter.attempt('192.0.2.1', now) === 0) allowed.push(now);
        }
        // Oracle: in any window of length w there are at most burst + w / interval of them.
        for (const [index, from] of allowed.entries()) {
          for (const [offset, to] of allowed.slice(index).entries()) {
            expect(offset + 1).toBeLessThanOrEqual(LIMITS.burst + (to - from) / LIMITS.intervalMilliseconds + 1e-9);
          }
        }
      }),
    );
  });

  it('says when the next attempt may be made, and means it', () => {
    const limiter = new AttemptLimiter(LIMITS);
    for (let i = 0; i < 3; i += 1) expect(limiter.attempt('192.0.2.1', 0)).toBe(0);
    expect(limiter.attempt('192.0.2.1', 400)).toBe(600);
    expect(limiter.attempt('192.0.2.1', 1_000)).toBe(0);
    expect(limiter.attempt('192.0.2.1', 1_000)).toBe(1_000);
  });

  it.each([
    ['192.0.2.1', '192.0.2.2', false],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.2', false],
    ['2001:db8:1:2::1', '2001:db8:1:2:ffff::2', true],
    ['2001:db8::1', '2001:db8:0:0:1::', true],
    ['2001:db8:1:2::1', '2001:db8:1:3::1', false],
    ['fe80::1%eth0', 'fe80::2%eth0', true],
  ])('counts %s and %s together: %s', (one, other, together) => {
    const limiter = new AttemptLimiter({ ...LIMITS, burst: 1 });
    limiter.attempt(one, 0);
    expect(limiter.attempt(other, 0) > 0).toBe(together);
  });

  it('forgets the address that has been quiet longest when it knows too many', () => {
    const limiter = new AttemptLimiter({ ...LIMITS, burst: 1 });
    for (const address of ['a', 'b', 'a', 'c']) limiter.attempt(address, 0);
    expect(limiter.attempt('a', 0)).toBeGreaterThan(0);
    expect(limiter.attempt('b', 0)).toBe(0);
  });
});
