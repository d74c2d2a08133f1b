import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inferSequenceHigh, SequenceCounter } from './extended-sequence.js';

const TOP = (1n << 64n) - 1n;

describe('extended sequence numbers (RFC 4303 appendix A)', () => {
  it('finds the high half of every number in the window or less than 2^32 - window above the top', () => {
    const top = fc.oneof(
      fc.bigInt({ min: 0n, max: TOP }),
      fc.bigInt({ min: 0n, max: 10_000n }),
      fc.bigInt({ min: (1n << 32n) - 5000n, max: (1n << 32n) + 5000n }),
      fc.bigInt({ min: TOP - 5000n, max: TOP }),
    );
    fc.assert(
      fc.property(
        top,
        fc.integer({ min: 64, max: 4096 }),
        fc.bigInt({ min: 0n, max: (1n << 32n) - 1n }),
        (t, window, at) => {
          const sequence = t - BigInt(window) + 1n + at;
          fc.pre(sequence >= 0n && sequence <= TOP);
          const inferred = inferSequenceHigh(
            Number(sequence & 0xffffffffn),
            Number(t >> 32n),
            Number(t & 0xffffffffn),
            window,
          );
          expect(inferred).toBe(Number(sequence >> 32n));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('finds nothing before the first and after the last subspace', () => {
    expect(inferSequenceHigh(0xfffffff0, 0, 10, 64)).toBe(-1);
    expect(inferSequenceHigh(3, 0xffffffff, 0xfffffff0, 64)).toBe(-1);
  });

  it('starts at 1 and stops instead of cycling', () => {
    const short = new SequenceCounter(false);
    expect(short.advance()).toBe(true);
    expect(short.low).toBe(1);
    short.restore(0, 0xfffffffe);
    expect(short.advance()).toBe(true);
    expect(short.advance()).toBe(false);
    expect([short.high, short.low]).toEqual([0, 0xffffffff]);

    const long = new SequenceCounter(true);
    long.restore(0, 0xffffffff);
    expect(long.advance()).toBe(true);
    expect([long.high, long.low]).toEqual([1, 0]);
    long.restore(0xffffffff, 0xffffffff);
    expect(long.advance()).toBe(false);
  });
});
