import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TEST_ADMIN_PASSWORD } from '../support/test-controller.js';
import { Api, cookieOf, logIn, problemOf } from './support/api.js';

let api: Api;
beforeAll(async () => {
  api = await Api.start();
});
afterAll(() => api.stop());

describe('a session', () => {
  it('begins with the right password and a cookie that scripts and other sites never see', async () => {
    const response = await logIn(api.controller.url, 'admin', TEST_ADMIN_PASSWORD);
    expect(response.status).toBe(200);
    expect(response.headers.getSetCookie()[0]).toMatch(/^weft_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
    expect(await response.json()).toEqual(adminSession());
  });

  it('has a Secure cookie behind a proxy that speaks TLS', async () => {
    const response = await fetch(`${api.controller.url}/api/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-proto': 'https' },
      body: JSON.stringify({ userName: 'admin', password: TEST_ADMIN_PASSWORD }),
    });
    expect(response.headers.getSetCookie()[0]).toContain('; Secure');
  });

  it('says who is logged in, and ends', async () => {
    const cookie = cookieOf(await logIn(api.controller.url, 'admin', TEST_ADMIN_PASSWORD));
    const session = () => fetch(`${api.controller.url}/api/v1/session`, { headers: { cookie } });
    expect(await (await session()).json()).toEqual(adminSession());
    const ended = await fetch(`${api.controller.url}/api/v1/session`, { method: 'DELETE', headers: { cookie } });
    expect(ended.status).toBe(204);
    expect((await problemOf(await session())).type).toBe('urn:weft:problem:login_required');
  });

  it('ends when its time is over', async () => {
    const cookie = cookieOf(await logIn(api.controller.url, 'admin', TEST_ADMIN_PASSWORD));
    const { sql } = api.controller;
    await sql`update http_sessions set expires_at = now() - interval '1 second'`;
    const response = await fetch(`${api.controller.url}/api/v1/session`, { headers: { cookie } });
    expect(response.status).toBe(401);
  });

  it('is kept as a digest, and the password as argon2id', async () => {
    const cookie = cookieOf(await logIn(api.controller.url, 'admin', TEST_ADMIN_PASSWORD));
    const { sql } = api.controller;
    const rows = await sql`select secret_hash from http_sessions`;
    const secret = cookie.slice('weft_session='.length);
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.some((row) => String(row['secretHash']).includes(secret))).toBe(false);
    const [user] = await sql`select password_hash from users`;
    expect(user?.['passwordHash']).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  });

  it('is refused alike for a wrong password and an unknown user, and never logged', async () => {
    const wrong = await problemOf(await logIn(api.controller.url, 'admin', 'a wrong password'));
    const unknown = await problemOf(await logIn(api.controller.url, 'nobody', TEST_ADMIN_PASSWORD));
    expect(wrong.status).toBe(401);
    expect({ ...unknown, requestId: '' }).toEqual({ ...wrong, requestId: '' });
    const log = JSON.stringify(api.controller.log);
    expect(log).toContain('"component":"http"');
    expect(log).not.toContain('a wrong password');
    expect(log).not.toContain(TEST_ADMIN_PASSWORD);
    expect(log).not.toContain(api.cookie.slice('weft_session='.length));
  });

  it.each(['admin\u0000', 'admin\ud800', ' admin', 'a'.repeat(101)])(
    'is refused for what can be no user name: %j',
    async (userName) => {
      const problem = await problemOf(await logIn(api.controller.url, userName, TEST_ADMIN_PASSWORD));
      expect(problem).toMatchObject({ status: 422, errors: [{ pointer: '/userName' }] });
    },
  );

  it('is refused with 429 and Retry-After once an address has failed too often, also with the right password', async () => {
    const attempts = Array.from({ length: 12 }, () => logIn(api.controller.url, 'admin', 'wrong'));
    const statuses = (await Promise.all(attempts)).map(({ status }) => status);
    expect(statuses).toContain(429);
    const refused = await logIn(api.controller.url, 'admin', TEST_ADMIN_PASSWORD);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await problemOf(refused)).type).toBe('urn:weft:problem:too_many_attempts');
  });
});

function adminSession() {
  return { userName: 'admin', tenantId: api.tenantId, role: 'admin', providerRole: 'admin' };
}
