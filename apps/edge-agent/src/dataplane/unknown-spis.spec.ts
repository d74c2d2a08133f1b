import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UnknownSpis } from './unknown-spis.js';

describe('Unknown SPIs', () => {
  it('are told of once in ten seconds each', () => {
    const spis = new UnknownSpis();
    expect([0, 1, 9_999, 10_000, 10_001].map((now) => spis.take(300, now))).toEqual([true, false, false, true, false]);
    expect(spis.take(301, 10_001)).toBe(true);
  });

  it.each([256, 0x7fffffff, 0x80000000, 0xfedcba98, 0xffffffff])('are known again, also %i', (spi) => {
    const spis = new UnknownSpis();
    expect([spis.take(spi, 0), spis.take(spi, 1)]).toEqual([true, false]);
  });

  it('are told of no more than ten at once and ten a second, whatever comes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 256, max: 0xffffffff }), fc.nat(50)), { maxLength: 500 }),
        (packets) => {
          const spis = new UnknownSpis();
          let now = 0;
          let told = 0;
          for (const [spi, pause] of packets) {
            now += pause;
            if (spis.take(spi, now)) told++;
          }
          expect(told).toBeLessThanOrEqual(10 + now / 100 + 1);
        },
      ),
    );
  });

  it('are not kept back by the flood of before', () => {
    const spis = new UnknownSpis();
    for (let spi = 256; spi < 10_000; spi++) spis.take(spi, 0);
    expect(spis.take(20_000, 1)).toBe(false);
    expect(spis.take(20_000, 200)).toBe(true);
  });
});
