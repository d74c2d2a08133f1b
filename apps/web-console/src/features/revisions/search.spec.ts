import { describe, expect, it } from 'vitest';
import { pageText, revisionSearch } from './search.js';

const from = (first: number, last: number) =>
  Array.from({ length: first - last + 1 }, (_, index) => ({ number: first - index }));

describe('the address of the page of revisions', () => {
  it('says which revision is shown, and below which one the list begins', () => {
    expect(revisionSearch({ number: 7, before: 51 })).toEqual({ number: 7, before: 51 });
    expect(revisionSearch({})).toEqual({});
  });

  it.each([0, -1, 1.5, '7', null])('says nothing by %j', (value) => {
    expect(revisionSearch({ number: value, before: value })).toEqual({});
  });
});

describe('what is listed of revisions', () => {
  it.each([
    [from(1, 1), 1, '1 revision'],
    [from(7, 1), 7, '7 revisions'],
    [from(180, 131), 180, 'The newest 50 of 180 revisions'],
    [from(130, 81), 180, 'Revisions 130 to 81 of 180'],
    [from(30, 1), 180, 'Revisions 30 to 1 of 180'],
    [[], 180, 'None of 180 revisions'],
  ])('is said: case %#', (listed, newest, text) => {
    expect(pageText(listed, newest)).toBe(text);
  });
});
