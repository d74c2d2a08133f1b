import { describe, expect, it } from 'vitest';
import { certificateCondition } from './certificate-condition.js';

describe('the certificate of an edge', () => {
  it.each([
    [0, 'valid'],
    [399, 'valid'],
    [499, 'valid'],
    [500, 'expiring'],
    [599, 'expiring'],
    [600, 'expired'],
  ])('is at %i of six hundred %s', (now, condition) => {
    expect(certificateCondition({ notBefore: new Date(0), notAfter: new Date(600) }, new Date(now))).toBe(condition);
  });

  it('is none of an edge that has not enrolled', () => {
    expect(certificateCondition(undefined, new Date())).toBe('none');
  });
});
