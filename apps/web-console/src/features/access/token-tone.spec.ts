import { expect, it } from 'vitest';
import { tokenTone } from './token-tone.js';

it('warns two weeks before a token ends, and says when it has', () => {
  const toneAt = (time: string): string => tokenTone({ expiresAt: '2026-12-31T00:00:00Z' }, Date.parse(time));
  expect(toneAt('2026-12-17T00:00:00Z')).toBe('up');
  expect(toneAt('2026-12-17T00:00:01Z')).toBe('warning');
  expect(toneAt('2026-12-30T23:59:59Z')).toBe('warning');
  expect(toneAt('2026-12-31T00:00:00Z')).toBe('down');
});
