import { describe, expect, it } from 'vitest';
import { LoginThrottle } from './login-throttle.js';

const WINDOW = 1_000;

describe('LoginThrottle', () => {
  it('lets a key fail up to its limit, then makes it wait for its oldest failure', () => {
    const throttle = new LoginThrottle(2, WINDOW, 10);
    throttle.failed('a', 0);
    expect(throttle.waitMilliseconds('a', 10)).toBe(0);
    throttle.failed('a', 400);
    expect(throttle.waitMilliseconds('a', 500)).toBe(500);
    expect(throttle.waitMilliseconds('a', 1_000)).toBe(0);
  });

  it('counts keys apart and forgets on success', () => {
    const throttle = new LoginThrottle(1, WINDOW, 10);
    throttle.failed('a', 0);
    expect(throttle.waitMilliseconds('b', 0)).toBe(0);
    throttle.succeeded('a');
    expect(throttle.waitMilliseconds('a', 0)).toBe(0);
  });

  it('takes back one failure, and no other', () => {
    const throttle = new LoginThrottle(2, WINDOW, 10);
    throttle.failed('a', 0);
    throttle.failed('a', 100);
    throttle.withdrawn('a', 0);
    throttle.withdrawn('a', 50);
    throttle.withdrawn('b', 100);
    expect(throttle.waitMilliseconds('a', 200)).toBe(0);
    throttle.failed('a', 300);
    expect(throttle.waitMilliseconds('a', 300)).toBe(800);
  });

  it('keeps no more keys than it may, dropping the one that failed longest ago', () => {
    const throttle = new LoginThrottle(1, WINDOW, 2);
    throttle.failed('a', 0);
    throttle.failed('b', 1);
    throttle.failed('a', 2);
    throttle.failed('c', 3);
    expect(throttle.waitMilliseconds('b', 4)).toBe(0);
    expect(throttle.waitMilliseconds('a', 4)).toBeGreaterThan(0);
    expect(throttle.waitMilliseconds('c', 4)).toBeGreaterThan(0);
  });
});
