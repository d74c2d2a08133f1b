import { describe, expect, it } from 'vitest';
import type { TrustedItem } from '../../api/index.js';
import { endingOf, endText } from './wording.js';

function item(kind: TrustedItem['kind'], condition: TrustedItem['condition'], daysLeft: number | null): TrustedItem {
  return {
    kind,
    condition,
    daysLeft,
    fingerprint: null,
    notBefore: null,
    notAfter: null,
    alarmFrom: null,
    raisedAt: null,
    dependents: [],
    dependentCount: 0,
    remedy: null,
  };
}

describe('what is about to end', () => {
  it('is what is not valid, the most urgent first', () => {
    const items = [
      item('root', 'expiring', 80),
      item('signing_key', 'valid', null),
      item('intermediate', 'expiring', 12),
      item('server', 'expired', 0),
    ];
    expect(endingOf(items).map(({ kind }) => kind)).toEqual(['server', 'intermediate', 'root']);
  });

  it.each([
    ['expiring', 12, 'Root: ends in 12 days.'],
    ['expiring', 1, 'Root: ends in 1 day.'],
    ['expiring', 0, 'Root: ends in less than a day.'],
    ['expired', 0, 'Root: expired.'],
  ] as const)('%s with %i days left is a sentence', (condition, days, text) => {
    expect(endText(item('root', condition, days))).toBe(text);
  });
});
