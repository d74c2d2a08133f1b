import { expect, it } from 'vitest';
import { compareNames, matchesFilter } from './compare.js';

it('sorts numbers inside names by value', () => {
  expect(['edge-10', 'Edge-2', 'edge-1'].sort(compareNames)).toEqual(['edge-1', 'Edge-2', 'edge-10']);
});

it('needs every word of the filter, in any text and any order', () => {
  expect(matchesFilter('ber up', ['Amsterdam', 'Berlin', 'up'])).toBe(true);
  expect(matchesFilter('ber down', ['Amsterdam', 'Berlin', 'up'])).toBe(false);
  expect(matchesFilter('  ', [])).toBe(true);
});
