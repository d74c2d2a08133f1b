import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TokenBucket } from './token-bucket.js';

describe('token bucket', () => {
  it('never lets more pass in any interval than the burst and the rate allow, and all that is below the rate', () => {
    const steps = fc.array(fc.nat({ max: 400 }), { minLength: 1, maxLength: 80 });
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 10 }), (waits, rate, burst) => {
        const bucket = new TokenBucket(rate, burst);
        const passed: number[] = [];
        let now = 1e6;
        for (const wait of waits) {
          now += wait;
          if (bucket.take(now)) passed.push(now);
          else expect(wait).toBeLessThan(1000 / rate);
        }
        for (const [i, from] of passed.entries()) {
          for (const [j, to] of passed.entries()) {
            if (j >= i) expect(j - i + 1).toBeLessThanOrEqual(burst + ((to - from) * rate) / 1000 + 1e-6);
          }
        }
      }),
    );
  });

  it('earns nothing by a clock that goes backwards', () => {
    const bucket = new TokenBucket(1, 1);
    expect([bucket.take(5000), bucket.take(0), bucket.take(5000), bucket.take(5999), bucket.take(6000)]).toEqual([
      true,
      false,
      false,
      false,
      true,
    ]);
  });
});
