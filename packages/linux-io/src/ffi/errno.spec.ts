import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { ERRNO, errnoName, SystemCallError } from './errno.js';

describe('errno', () => {
  it('agrees with the names that Node knows', () => {
    const known = Object.entries(constants.errno).filter(([name]) => name in ERRNO);
    expect(known.length).toBeGreaterThan(60);
    for (const [name, number] of known) expect(ERRNO[name as keyof typeof ERRNO]).toBe(number);
  });

  it('has one name for a number and none for nonsense', () => {
    const numbers = Object.values(ERRNO);
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(errnoName(11)).toBe('EAGAIN');
    expect(errnoName(9999)).toBe('EUNKNOWN');
  });

  it('tells the call, the subject, the name and what to do', () => {
    const error = new SystemCallError('bind', 98, 'UDP port 4500', 'choose another port');
    expect(error).toMatchObject({ code: 'EADDRINUSE', call: 'bind', subject: 'UDP port 4500' });
    expect(error.message).toBe('bind UDP port 4500: EADDRINUSE (98); choose another port');
  });
});
