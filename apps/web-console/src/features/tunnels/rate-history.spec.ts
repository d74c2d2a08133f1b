import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRateHistory } from './rate-history.js';

describe('rate history', () => {
  it('keeps the newest samples in order, never more than its capacity', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.array(fc.nat(), { maxLength: 30 }), (capacity, rates) => {
        const history = createRateHistory(capacity);
        for (const [at, rate] of rates.entries()) history.record(at, new Map([['t', [rate, 0] as const]]));
        expect(history.samples('t').map(({ rates: [rate] }) => rate)).toEqual(rates.slice(-capacity));
      }),
    );
  });

  it('forgets a tunnel that is gone, and tells its listeners until they leave', () => {
    const history = createRateHistory(4);
    let told = 0;
    const leave = history.subscribe(() => told++);
    history.record(1, new Map([['a', [1, 2] as const]]));
    history.record(2, new Map());
    expect(history.samples('a')).toEqual([]);
    leave();
    history.record(3, new Map());
    expect(told).toBe(2);
  });
});
