import { expect, it } from 'vitest';
import { CHORD_MS, chordDestination, DESTINATIONS } from './shortcuts.js';

it('goes where g and a letter say, in time only', () => {
  expect(chordDestination('g', 'p', 10)?.to).toBe('/policies');
  expect(chordDestination('g', 'p', CHORD_MS + 1)).toBeUndefined();
  expect(chordDestination('x', 'p', 10)).toBeUndefined();
  expect(chordDestination('g', 'z', 10)).toBeUndefined();
});

it('gives every destination a key of its own', () => {
  expect(new Set(DESTINATIONS.map(({ key }) => key)).size).toBe(DESTINATIONS.length);
});
