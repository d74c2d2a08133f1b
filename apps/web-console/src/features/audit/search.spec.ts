import { describe, expect, it } from 'vitest';
import type { AuditEntry } from '../../api/index.js';
import { auditSearch, conditionsOf, isNarrowed, pageText } from './search.js';

const page = (next: number | null, ...sequences: number[]) => ({
  items: sequences.map((sequence) => ({ sequence }) as AuditEntry),
  next,
});

describe('the search of the audit log', () => {
  it('is read from the URL', () => {
    const search = {
      actor: 'ada',
      action: 'edge_revoked',
      object: 'berlin-1',
      since: '2026-11-01T00:00:00.000Z',
      until: '2026-11-02T00:00:00.000Z',
      before: 131,
    };
    expect(auditSearch(search)).toEqual(search);
    expect(conditionsOf(auditSearch(search))).toEqual({ ...search, before: undefined });
    expect(Object.keys(conditionsOf(auditSearch(search)))).not.toContain('before');
  });

  it('takes a name or a number of a revision that the router has read as a number', () => {
    expect(auditSearch({ object: 7, actor: 42 })).toEqual({ object: '7', actor: '42' });
  });

  it('says each time in UTC', () => {
    expect(auditSearch({ since: '2026-11-01T02:00:00+02:00' })).toEqual({ since: '2026-11-01T00:00:00.000Z' });
  });

  it.each([
    { actor: '' },
    { actor: '  ' },
    { actor: ['ada'] },
    { action: 'edge_painted' },
    { since: 'yesterday' },
    { until: 7 },
    { before: 0 },
    { before: -3 },
    { before: 1.5 },
    { before: '7' },
    { colour: 'red' },
  ])('leaves out what nothing can be asked with: %j', (search) => {
    expect(auditSearch(search)).toEqual({});
    expect(isNarrowed(auditSearch(search))).toBe(false);
  });

  it('is of a part of the log with a condition, and not with a page', () => {
    expect(isNarrowed(conditionsOf({ before: 7 }))).toBe(false);
    expect(isNarrowed(conditionsOf({ before: 7, actor: 'ada' }))).toBe(true);
  });
});

describe('the text about a page', () => {
  it('numbers what has no gap, and counts what has', () => {
    expect(pageText(page(131, 230, 229, 131), {})).toBe('Entries 230 to 131');
    expect(pageText(page(null, 1), {})).toBe('1 entry');
    expect(pageText(page(null, 30, 7), { actor: 'grace' })).toBe('2 entries');
    expect(pageText(page(7, 30, 7), { actor: 'grace' })).toBe('2 entries, and older ones');
  });
});
