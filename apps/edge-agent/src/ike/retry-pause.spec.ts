import { expect, it } from 'vitest';
import { retryPause } from './retry-pause.js';

it('doubles to a minute, with half of it left to chance', () => {
  expect([0, 1, 2, 5, 6, 7, 1000].map((failures) => retryPause(failures, 1))).toEqual([
    1000, 2000, 4000, 32_000, 60_000, 60_000, 60_000,
  ]);
  expect([0, 6].map((failures) => retryPause(failures, 0))).toEqual([500, 30_000]);
});
