import type { NewApiToken } from '@weft/contracts/rest';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Clock } from '../../src/platform/clock/clock.js';
import { openPool } from '../../src/platform/database/connection-options.js';
import { Api, problemOf } from './support/api.js';
import { makeTenant, Person } from './support/people.js';

let api: Api;
let observer: ReturnType<typeof openPool>;
let tenantId: string;
let admin: Person;
beforeAll(async () => {
  api = await Api.start();
  observer = openPool({ url: api.databaseUrl }, 1);
  tenantId = await makeTenant(api, 'ours');
  admin = await Person.make(api, tenantId, { name: 'ada', role: 'admin' });
});
afterAll(async () => {
  await observer?.end();
  await api?.stop();
});

const inTenant = (rest: string) => `/api/v1/tenants/${tenantId}${rest}`;

async function tokenOf(person: Person, name: string, role: string): Promise<NewApiToken> {
  const response = await person.fetch('POST', inTenant('/api-tokens'), { name, role });
  expect(response.status).toBe(201);
  return (await response.json()) as NewApiToken;
}

function withToken(token: string, path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...init.headers };
  return fetch(`${api.controller.url}${path}`, { ...init, headers });
}

const makeSite = (token: string, name: string, headers = {}) =>
  withToken(token, inTenant('/sites'), { method: 'POST', body: JSON.stringify({ name }), headers });

describe('an API token', () => {
  it('is shown once, kept as a digest, and never logged', async () => {
    const made = await tokenOf(admin, 'shown', 'viewer');
    expect(made.token).toMatch(/^weft_[0-9a-f]{72}$/);
    expect(Date.parse(made.expiresAt) - Date.parse(made.createdAt)).toBeGreaterThan(89 * 86_400_000);
    const list = await (await admin.fetch('GET', inTenant('/api-tokens'))).text();
    expect(list).toContain(made.id);
    expect(list).not.toContain(made.token);
    expect((await withToken(made.token, inTenant('/sites'))).status).toBe(200);
    expect(JSON.stringify(api.controller.log)).not.toContain(made.token);
    const sql = observer;
    const rows = await sql`select to_jsonb(t)::text as row from api_tokens t`;
    expect(JSON.stringify(rows)).not.toContain(made.token.slice(5, 69));
  });

  it('does what its role may, in its tenant alone, and the audit log says which token it was', async () => {
    const { token, id } = await tokenOf(admin, 'robot', 'approver');
    expect((await makeSite(token, 'by a robot')).status).toBe(201);
    expect((await withToken(token, api.path('/sites'))).status).toBe(404);
    expect(await (await withToken(token, '/api/v1/tenants')).json()).toMatchObject({ items: [{ id: tenantId }] });
    expect(await (await withToken(token, '/api/v1/session')).json()).toMatchObject({
      userName: 'ada',
      role: 'approver',
      providerRole: null,
    });
    const published = await withToken(token, inTenant('/revisions'), { method: 'POST', body: '{}' });
    expect(published.status).toBe(200);
    const log = await (await admin.fetch('GET', inTenant('/audit-entries'))).json();
    expect(log).toMatchObject({
      brokenAt: null,
      items: [
        { actor: 'ada', action: 'revision_published', details: { apiToken: { id, name: 'robot' } } },
        { actor: 'ada', action: 'api_token_created', details: { tokenName: 'robot', role: 'approver' } },
        {},
        {},
      ],
    });
  });

  it('of an admin of the provider has no role of the provider', async () => {
    const { token } = (await api.make('/api-tokens', { name: 'mighty', role: 'admin' })) as unknown as NewApiToken;
    expect((await withToken(token, api.path('/users'))).status).toBe(200);
    expect((await withToken(token, inTenant('/sites'))).status).toBe(404);
    const create = withToken(token, '/api/v1/tenants', { method: 'POST', body: '{"name":"more"}' });
    expect((await problemOf(await create)).type).toBe('urn:weft:problem:session_required');
  });

  it('may no more than its maker when it is made, and no more than its maker at any later time', async () => {
    const maker = await Person.make(api, tenantId, { name: 'maker', role: 'operator' });
    const exceeding = await maker.fetch('POST', inTenant('/api-tokens'), { name: 'too much', role: 'approver' });
    expect(await problemOf(exceeding)).toMatchObject({
      status: 403,
      errors: [{ pointer: '/role', rule: 'role_exceeded' }],
    });
    const { token } = await tokenOf(maker, 'just so', 'operator');
    expect((await makeSite(token, 'allowed')).status).toBe(201);
    await admin.fetch('PATCH', inTenant(`/users/${maker.id}`), { role: 'viewer' });
    expect((await problemOf(await makeSite(token, 'not any more'))).type).toBe('urn:weft:problem:role_required');
    await admin.fetch('DELETE', inTenant(`/users/${maker.id}`));
    expect((await withToken(token, inTenant('/sites'))).status).toBe(401);
  });

  it('is seen and revoked by its maker and by admins alone', async () => {
    const [one, other] = [
      await Person.make(api, tenantId, { name: 'one', role: 'viewer' }),
      await Person.make(api, tenantId, { name: 'other', role: 'approver' }),
    ];
    const { id, token } = await tokenOf(one, 'mine', 'viewer');
    const namesOf = async (person: Person) => {
      const list = (await (await person.fetch('GET', inTenant('/api-tokens'))).json()) as { items: { name: string }[] };
      return list.items.map(({ name }) => name);
    };
    expect(await namesOf(one)).toEqual(['mine']);
    expect(await namesOf(other)).toEqual([]);
    expect(await namesOf(admin)).toContain('mine');
    const path = inTenant(`/api-tokens/${id}`);
    expect((await problemOf(await other.fetch('DELETE', path))).type).toBe('urn:weft:problem:unknown_api_token');
    expect((await withToken(token, inTenant('/sites'))).status).toBe(200);
    expect((await admin.fetch('DELETE', path)).status).toBe(204);
    expect((await problemOf(await withToken(token, inTenant('/sites')))).type).toBe('urn:weft:problem:invalid_token');
  });

  it('ends when its time is over, which is at most a year and a day', async () => {
    const { token, id } = await tokenOf(admin, 'short', 'viewer');
    const sql = observer;
    await sql`
      update api_tokens set created_at = now() - interval '2 days', expires_at = now() - interval '1 second'
      where id = ${id}`;
    expect((await problemOf(await withToken(token, inTenant('/sites')))).type).toBe('urn:weft:problem:invalid_token');
    const body = { name: 'for ever', role: 'viewer', lifetimeDays: 367 };
    expect(await problemOf(await admin.fetch('POST', inTenant('/api-tokens'), body))).toMatchObject({
      status: 422,
      errors: [{ pointer: '/lifetimeDays' }],
    });
    await expect(sql`update api_tokens set expires_at = now() + interval '2 years'`).rejects.toMatchObject({
      constraint_name: 'api_tokens_lifetime',
    });
  });

  it('says when it was used last', async () => {
    const { token, id } = await tokenOf(admin, 'watched', 'viewer');
    const lastUse = async () => {
      const list = (await (await admin.fetch('GET', inTenant('/api-tokens'))).json()) as { items: NewApiToken[] };
      return list.items.find((item) => item.id === id)?.lastUsedAt;
    };
    expect(await lastUse()).toBeNull();
    await withToken(token, inTenant('/sites'));
    expect(await lastUse()).not.toBeNull();
  });

  it('needs no page of ours behind it, and no cookie makes up for a wrong one', async () => {
    const { token } = await tokenOf(admin, 'foreign', 'operator');
    const foreign = { origin: 'https://elsewhere.example', 'sec-fetch-site': 'cross-site' };
    expect((await makeSite(token, 'from elsewhere', foreign)).status).toBe(201);
    for (const wrong of ['weft_', `${token}0`, token.replace(/.$/, (last) => (last === '0' ? '1' : '0')), 'x y']) {
      const answer = await makeSite(wrong, 'never', { ...foreign, cookie: admin.cookie });
      expect((await problemOf(answer)).type).toBe('urn:weft:problem:invalid_token');
    }
    const basic = await makeSite(token, 'never', { authorization: 'Basic YWRhOng=', cookie: admin.cookie });
    expect((await problemOf(basic)).type).toBe('urn:weft:problem:invalid_token');
  });

  it('has a name of its own among those of its maker', async () => {
    await tokenOf(admin, 'twice', 'viewer');
    const again = await problemOf(
      await admin.fetch('POST', inTenant('/api-tokens'), { name: 'twice', role: 'viewer' }),
    );
    expect(again).toMatchObject({ status: 409, errors: [{ pointer: '/name', rule: 'name_taken' }] });
  });

  it('has 200 requests at once, and 50 each second from then on; others are not kept waiting', async () => {
    const [one, other] = [await tokenOf(admin, 'busy', 'viewer'), await tokenOf(admin, 'idle', 'viewer')];
    const clock = api.controller.controller.application.get(Clock);
    let now = Math.ceil(clock.monotonicMilliseconds());
    const spy = vi.spyOn(clock, 'monotonicMilliseconds').mockImplementation(() => now);
    const ask = async (times: number) => {
      const asked = Array.from({ length: times }, () => withToken(one.token, '/api/v1/session'));
      return (await Promise.all(asked)).filter(({ status }) => status === 429);
    };
    try {
      for (let batch = 0; batch < 10; batch++) expect(await ask(20)).toHaveLength(0);
      const [refused, ...more] = await ask(2);
      expect(more).toHaveLength(1);
      expect(Number(refused?.headers.get('retry-after'))).toBe(1);
      expect((await withToken(other.token, '/api/v1/session')).status).toBe(200);
      now += 1_000;
      expect(await ask(60)).toHaveLength(10);
    } finally {
      spy.mockRestore();
    }
  });

  it('that is none is refused with 429 when an address tries too many, and a good one still passes', async () => {
    const { token } = await tokenOf(admin, 'neighbour', 'viewer');
    const tries = await Promise.all(Array.from({ length: 60 }, () => withToken('weft_wrong', inTenant('/sites'))));
    const statuses = new Set(tries.map(({ status }) => status));
    expect(statuses.has(429)).toBe(true);
    const refused = tries.find(({ status }) => status === 429);
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await withToken(token, inTenant('/sites'))).status).toBe(200);
  });
});
