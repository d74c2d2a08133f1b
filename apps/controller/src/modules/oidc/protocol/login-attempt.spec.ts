import { describe, expect, it } from 'vitest';
import { attemptOf, codeChallenge, makeAttemptSecret } from './login-attempt.js';

describe('a login attempt', () => {
  it('follows from its secret, and has nothing in common with another', () => {
    const [one, other] = [makeAttemptSecret(), makeAttemptSecret()];
    expect(attemptOf(one)).toEqual(attemptOf(one));
    const values = [one, other, ...Object.values(attemptOf(one)), ...Object.values(attemptOf(other))];
    expect(new Set(values).size).toBe(8);
    // RFC 7636 section 4.1: 43 to 128 unreserved characters.
    for (const value of values) expect(value).toMatch(/^[\w-]{43}$/);
  });

  it('has the challenge of RFC 7636 appendix B', () => {
    expect(codeChallenge('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk')).toBe(
      'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    );
  });
});
