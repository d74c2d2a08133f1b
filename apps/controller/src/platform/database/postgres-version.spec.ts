import { describe, expect, it } from 'vitest';
import { checkServerVersion } from './postgres-version.js';

describe('the version of a Postgres that somebody else runs', () => {
  it.each([150_000, 150_018, 180_001, 1_000_000])('%i will do', (version) => {
    expect(() => checkServerVersion(version, 'DATABASE_URL')).not.toThrow();
  });

  it.each([
    [140_011, '14.11'],
    [149_999, '14.9999'],
    [90_624, '9.624'],
  ])('%i is too old, which is said by name', (version, text) => {
    expect(() => checkServerVersion(version, 'DATABASE_URL')).toThrow(
      expect.objectContaining({
        code: 'too_old',
        message: `DATABASE_URL: the server there is Postgres ${text}; version 15 or later is needed`,
      }),
    );
  });
});
