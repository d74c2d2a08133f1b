import type { OwnSession } from '@weft/contracts/rest';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Clock } from '../../src/platform/clock/clock.js';
import { TEST_ADMIN_PASSWORD } from '../support/test-controller.js';
import { Api, cookieOf, logIn, problemOf } from './support/api.js';
import { PASSWORD, Person } from './support/people.js';

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

  it('is listed to its user alone, with where it comes from, and ended by them alone', async () => {
    const people = await Promise.all(
      ['ann', 'ben'].map((name) => Person.make(api, api.tenantId, { name, role: 'viewer' })),
    );
    const [ann, ben] = people as [Person, Person];
    const elsewhere = await fetch(`${api.controller.url}/api/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': 'A browser', 'x-forwarded-for': '192.0.2.7' },
      body: JSON.stringify({ userName: 'ann', password: PASSWORD }),
    });
    const listed = async (person: Person) =>
      ((await (await person.fetch('GET', '/api/v1/sessions')).json()) as { items: OwnSession[] }).items;
    const [newest, own, ...more] = await listed(ann);
    expect(newest).toMatchObject({ address: '192.0.2.7', userAgent: 'A browser', current: false });
    expect(own).toMatchObject({ current: true });
    expect(more).toEqual([]);
    expect((await listed(ben)).map(({ current }) => current)).toEqual([true]);
    const end = (person: Person) => person.fetch('DELETE', `/api/v1/sessions/${newest?.id}`);
    expect((await problemOf(await end(ben))).type).toBe('urn:weft:problem:unknown_session');
    expect((await end(ann)).status).toBe(204);
    const headers = { cookie: cookieOf(elsewhere) };
    expect((await fetch(`${api.controller.url}/api/v1/session`, { headers })).status).toBe(401);
    expect(await listed(ann)).toMatchObject([{ id: own?.id }]);
  });

  it('that is the fifty-first of a user ends the oldest', async () => {
    const { sql } = api.controller;
    const person = await Person.make(api, api.tenantId, { name: 'often', role: 'viewer' });
    await sql`
      insert into http_sessions (secret_hash, user_id, created_at, expires_at)
      select sha256(n::text::bytea), ${person.id}, now() + n * interval '1 second', now() + interval '1 hour'
      from generate_series(1, 49) n`;
    expect((await person.fetch('GET', '/api/v1/session')).status).toBe(200);
    await sql`update http_sessions set created_at = created_at - interval '1 hour' where user_id = ${person.id}`;
    await Person.logIn(api, person.id, 'often');
    expect((await person.fetch('GET', '/api/v1/session')).status).toBe(401);
    expect(await sql`select from http_sessions where user_id = ${person.id}`).toHaveLength(50);
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

describe('a name that is tried from everywhere', () => {
  it('is refused with 429 after 30 failures within a minute, and let in again after it; other names always', async () => {
    const clock = api.controller.controller.application.get(Clock);
    // Whatever was tried before is forgotten.
    let now = Math.ceil(clock.monotonicMilliseconds()) + 60_000;
    const spy = vi.spyOn(clock, 'monotonicMilliseconds').mockImplementation(() => now);
    const tryFrom = (address: string, userName: string, password: string) =>
      fetch(`${api.controller.url}/api/v1/session`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-forwarded-for': address },
        body: JSON.stringify({ userName, password }),
      });
    try {
      for (let host = 1; host <= 30; host++) {
        expect((await tryFrom(`192.0.2.${host}`, 'admin', 'a wrong password')).status).toBe(401);
      }
      const refused = await tryFrom('198.51.100.1', 'admin', TEST_ADMIN_PASSWORD);
      expect(refused.status).toBe(429);
      expect(Number(refused.headers.get('retry-after'))).toBe(60);
      expect((await tryFrom('198.51.100.1', 'ann', PASSWORD)).status).toBe(200);
      now += 60_000;
      expect((await tryFrom('198.51.100.1', 'admin', TEST_ADMIN_PASSWORD)).status).toBe(200);
    } finally {
      spy.mockRestore();
    }
  });
});

function adminSession() {
  return {
    userName: 'admin',
    tenantId: api.tenantId,
    role: 'admin',
    providerRole: 'admin',
    oidc: false,
    breakGlass: false,
  };
}
