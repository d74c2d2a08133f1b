import { describe, expect, it } from 'vitest';
import { ElapsedClock } from './elapsed-clock.js';

describe('time that has passed for a tunnel', () => {
  it('grows with the wall clock, and stands still when that is set back', () => {
    const clock = new ElapsedClock(100, 5_000);
    clock.advance(5_600);
    expect(clock.elapsed).toBe(700);
    clock.advance(1_000);
    expect(clock.elapsed).toBe(700);
    clock.advance(1_300);
    expect(clock.elapsed).toBe(1_000);
    expect(clock.wallTimeOf(1_500)).toBe(1_800);
  });

  it('never names a time that is too early, so that who waits for it does not wait again for nothing', () => {
    for (let i = 1; i < 1_000; i++) {
      const clock = new ElapsedClock(i / 7, 1_000 / 3);
      clock.advance(1_000 + i / 11);
      const due = clock.elapsed + i / 13;
      clock.advance(clock.wallTimeOf(due));
      expect(clock.elapsed).toBeGreaterThanOrEqual(due);
    }
  });
});
