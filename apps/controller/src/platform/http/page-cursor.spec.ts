import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SortType } from '../database/page-request.js';
import { pageOf, pageQuery } from './page.js';
import { decodeCursor, encodeCursor } from './page-cursor.js';

const VALUES: Readonly<Record<SortType, fc.Arbitrary<string>>> = {
  text: fc.string({ unit: 'grapheme', maxLength: 100 }).filter((text) => !text.includes('\0')),
  uuid: fc.uuid(),
  cidr: fc.constantFrom('10.1.0.0/16', '2001:db8::/32'),
  timestamptz: fc
    .date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) })
    .map((date) => date.toISOString()),
  integer: fc.nat(999_999_999).map(String),
};
const keys = fc
  .array(fc.constantFrom(...(Object.keys(VALUES) as SortType[])), { minLength: 1, maxLength: 3 })
  .chain((types) => fc.tuple(fc.constant(types), fc.tuple(...types.map((type) => VALUES[type]))));

describe('a cursor', () => {
  it('says again what the last entry of a page is sorted by, and is taken by the query of that list', () => {
    fc.assert(
      fc.property(keys, ([types, values]) => {
        const wanted = values.map((value, index) => ({ type: types[index], value }));
        const cursor = encodeCursor(values);
        expect(decodeCursor(cursor, types)).toEqual(wanted);
        expect(pageQuery(...types).parse({ after: cursor })).toEqual({ after: wanted, limit: 100 });
      }),
    );
  });

  it('of another list is refused, and so is what is none', () => {
    const id = '8e03978e-40d5-43e8-bc93-6894a57f9324';
    const refused = (cursor: string) => decodeCursor(cursor, ['text', 'uuid']) === undefined;
    expect(refused(encodeCursor(['berlin', id]))).toBe(false);
    for (const values of [['berlin'], ['berlin', id, id], [id, 'berlin'], ['ber\0lin', id]]) {
      expect(refused(encodeCursor(values)), JSON.stringify(values)).toBe(true);
    }
    for (const text of ['', '[]', 'e30', 'bnVsbA', 'WzEsMl0', '____']) expect(refused(text), text).toBe(true);
    expect(() => pageQuery('text', 'uuid').parse({ after: 'bnVsbA' })).toThrow('No page of this list begins there');
  });

  it('leads through all of a list, each entry once, however long the pages are', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(1000)), fc.integer({ min: 1, max: 20 }), (numbers, limit) => {
        const all = numbers.toSorted((left, right) => left - right);
        const read: number[] = [];
        let after = -1;
        for (;;) {
          const behind = all.filter((number) => number > after).slice(0, limit + 1);
          const { items, next } = pageOf({ limit }, { items: behind, keyOf: (number) => [number] });
          read.push(...items);
          expect(items.length).toBeLessThanOrEqual(limit);
          if (next === null) break;
          after = Number(decodeCursor(next, ['integer'])?.[0]?.value);
        }
        expect(read).toEqual(all);
      }),
    );
  });
});
