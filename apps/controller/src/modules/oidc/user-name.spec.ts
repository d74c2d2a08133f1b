import { describe, expect, it } from 'vitest';
import { Name } from '../../platform/http/schemas.js';
import { userNames } from './user-name.js';

const IDENTITY = { issuer: 'https://id.example', subject: '248289761001' };

describe('userNames', () => {
  it('are what the provider says, and then something of their own', () => {
    const [called, apart] = userNames(IDENTITY, 'ada');
    expect(called).toBe('ada');
    expect(apart).toMatch(/^ada-[0-9a-f]{12}$/);
    expect(userNames({ ...IDENTITY, subject: '248289761002' }, 'ada')[1]).not.toBe(apart);
  });

  it.each(['break-glass', 'oidc', undefined, null, 7, '', ' ada', 'a\u0000', 'x'.repeat(88)])(
    'for %j is none that others have',
    (claim) => {
      for (const name of userNames(IDENTITY, claim)) {
        expect(name).toMatch(/^(?:break-glass|oidc)-[0-9a-f]{12}$/);
      }
    },
  );

  it('are names', () => {
    for (const name of userNames(IDENTITY, 'x'.repeat(87))) expect(Name.safeParse(name).success).toBe(true);
  });
});
