import { randomUUID } from 'node:crypto';
import type {
  AuditLog,
  Draft,
  MemberList,
  MembershipList,
  NewApiToken,
  OwnSession,
  Session,
} from '@weft/contracts/rest';
import type postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openPool } from '../../src/platform/database/connection-options.js';
import type { Role } from '../../src/platform/http/role.js';
import { Api, cookieOf, logIn, problemOf } from './support/api.js';
import { EventReader } from './support/event-reader.js';
import { join } from './support/membership.js';
import { makeTenant, PASSWORD, Person } from './support/people.js';

let api: Api;
let observer: postgres.Sql;
/** Two tenants with an admin each, and somebody who is a viewer in the first, which keeps the account, and an admin in the second. */
let first: string;
let second: string;
let ada: Person;
let bea: Person;
let pat: Person;
beforeAll(async () => {
  api = await Api.start();
  observer = openPool({ url: api.databaseUrl }, 2) as unknown as postgres.Sql;
});
afterAll(async () => {
  await observer?.end();
  await api?.stop();
});

beforeEach(async () => {
  first = await makeTenant(api, `first-${randomUUID()}`);
  second = await makeTenant(api, `second-${randomUUID()}`);
  ada = await person(first, 'admin');
  bea = await person(second, 'admin');
  pat = await person(first, 'viewer');
  await join(observer, pat, second, 'admin');
});

const person = (tenantId: string, role: Role, providerRole: Role | null = null) =>
  Person.make(api, tenantId, { name: `p-${randomUUID()}`, role, providerRole });
const codeOf = async (answer: Response) => (await problemOf(answer)).type.replace('urn:weft:problem:', '');
const sites = (tenantId: string) => `/api/v1/tenants/${tenantId}/sites`;
const members = (tenantId: string, userId = '') =>
  `/api/v1/tenants/${tenantId}/members${userId === '' ? '' : `/${userId}`}`;
const users = (tenantId: string, userId: string) => `/api/v1/tenants/${tenantId}/users/${userId}`;
const read = async <T>(who: Person, path: string) => (await (await who.fetch('GET', path)).json()) as T;
const again = (who: Person) => Person.logIn(api, who.id, who.name);
const enter = (who: Person, tenantId: string) => who.fetch('PUT', '/api/v1/session/tenant', { tenantId });
/** The same person with the session as it goes on in the tenant. */
const entered = async (who: Person, tenantId: string) => {
  const answer = await enter(who, tenantId);
  expect([answer.status, await answer.clone().text()]).toEqual([200, expect.anything()]);
  return who.withCookie(cookieOf(answer));
};
const audited = async (who: Person, tenantId: string) =>
  (await read<AuditLog>(who, `/api/v1/tenants/${tenantId}/audit-entries`)).items;
const membershipsOf = (userId: string) => observer<{ tenantId: string; role: Role }[]>`
  select tenant_id as "tenantId", role from tenant_members where user_id = ${userId}`;

describe('the tenant in force', () => {
  it('is the only one from the login on, and none for who has several until they enter one', async () => {
    expect(await read<Session>(ada, '/api/v1/session')).toMatchObject({ tenantId: first, role: 'admin' });
    const answer = await logIn(api.controller.url, pat.name, PASSWORD);
    expect(await answer.json()).toMatchObject({ tenantId: null, role: null, providerRole: null });
    const undecided = pat.withCookie(cookieOf(answer));
    for (const tenantId of [first, second]) {
      expect(await codeOf(await undecided.fetch('GET', sites(tenantId)))).toBe('tenant_not_in_force');
    }
    const session = (await (await enter(undecided, second)).json()) as Session;
    expect(session).toMatchObject({ userName: pat.name, tenantId: second, role: 'admin' });
  });

  it('is the only one that a member works in, with the role that they have there', async () => {
    const make = (who: Person, tenantId: string) => who.fetch('POST', sites(tenantId), { name: randomUUID() });
    const atFirst = await entered(pat, first);
    expect((await atFirst.fetch('GET', sites(first))).status).toBe(200);
    expect(await codeOf(await make(atFirst, first))).toBe('role_required');
    expect(await codeOf(await make(atFirst, second))).toBe('tenant_not_in_force');
    const atSecond = await entered(atFirst, second);
    expect((await make(atSecond, second)).status).toBe(201);
    expect(await codeOf(await atSecond.fetch('GET', sites(first)))).toBe('tenant_not_in_force');
    // What is none of theirs is not to be told from what there is not.
    for (const tenantId of [await makeTenant(api, `third-${randomUUID()}`), randomUUID()]) {
      expect(await codeOf(await atSecond.fetch('GET', sites(tenantId)))).toBe('unknown_tenant');
      expect(await codeOf(await enter(atSecond, tenantId))).toBe('unknown_tenant');
    }
    expect((await atSecond.fetch('GET', sites(second))).status).toBe(200);
  });

  it('changes with the secret of the session: what was sent with the one before is refused', async () => {
    const before = await again(pat);
    const after = await entered(before, second);
    expect(after.cookie).not.toBe(before.cookie);
    expect(await codeOf(await before.fetch('GET', '/api/v1/session'))).toBe('login_required');
    expect(await codeOf(await enter(before, first))).toBe('login_required');
    const { items } = await read<{ items: OwnSession[] }>(after, '/api/v1/sessions');
    expect(items.filter(({ current }) => current)).toHaveLength(1);
    expect(await read<Session>(after, '/api/v1/session')).toMatchObject({ tenantId: second });
    const foreign = await fetch(`${api.controller.url}/api/v1/session/tenant`, {
      method: 'PUT',
      headers: { cookie: after.cookie, origin: 'https://evil.example', 'content-type': 'application/json' },
      body: JSON.stringify({ tenantId: first }),
    });
    expect(await codeOf(foreign)).toBe('foreign_origin');
  });

  it('is entered on record there, and nowhere else', async () => {
    await entered(await again(pat), second);
    expect((await audited(bea, second))[0]).toMatchObject({ actor: pat.name, action: 'tenant_entered' });
    expect((await audited(ada, first)).map(({ action }) => action)).not.toContain('tenant_entered');
  });

  it('is asked of each person alone: own memberships, and no others', async () => {
    const { items } = await read<MembershipList>(pat, '/api/v1/session/memberships');
    expect(items.map(({ tenantId, role }) => [tenantId, role])).toEqual([
      [first, 'viewer'],
      [second, 'admin'],
    ]);
    const { items: tenants } = await read<{ items: { id: string }[] }>(pat, '/api/v1/tenants');
    expect(tenants.map(({ id }) => id)).toEqual([first, second]);
    const { items: own } = await read<MembershipList>(ada, '/api/v1/session/memberships');
    expect(own.map(({ tenantId }) => tenantId)).toEqual([first]);
  });

  it('ends event streams that were open in the one before', async () => {
    const atFirst = await entered(pat, first);
    const stream = await EventReader.open(`${pat.url}/api/v1/tenants/${first}/events/stream`, {
      cookie: atFirst.cookie,
    });
    await entered(atFirst, second);
    expect(await stream.next()).toMatchObject({ name: 'end', data: { reason: 'login_required' } });
  });

  it('may be any for people of the provider, who go by the path as well', async () => {
    const support = await person(api.tenantId, 'viewer', 'operator');
    expect((await support.fetch('GET', sites(first))).status).toBe(200);
    const there = await entered(support, first);
    expect(await read<Session>(there, '/api/v1/session')).toMatchObject({ tenantId: first, role: null });
    expect((await there.fetch('POST', sites(second), { name: 'by path' })).status).toBe(201);
    await api.controller.sql`update users set provider_role = null where id = ${support.id}`;
    expect(await read<Session>(there, '/api/v1/session')).toMatchObject({ tenantId: null, role: null });
    expect(await codeOf(await there.fetch('GET', sites(first)))).toBe('unknown_tenant');
  });
});

describe('members', () => {
  it('are seen by the admins of each tenant as what they are there', async () => {
    const { items } = await read<MemberList>(ada, members(first));
    expect(new Map(items.map(({ userName, role }) => [userName, role]))).toEqual(
      new Map([
        [ada.name, 'admin'],
        [pat.name, 'viewer'],
      ]),
    );
    const there = await read<MemberList>(bea, members(second));
    expect(there.items.find(({ userId }) => userId === pat.id)).toMatchObject({ role: 'admin' });
    expect(await codeOf(await ada.fetch('GET', members(second)))).toBe('unknown_tenant');
    expect(await codeOf(await ada.fetch('PATCH', members(first, bea.id), { role: 'viewer' }))).toBe('unknown_member');
    expect(await codeOf(await ada.fetch('DELETE', members(first, bea.id)))).toBe('unknown_member');
    const viewer = await entered(pat, first);
    expect(await codeOf(await viewer.fetch('GET', members(first)))).toBe('role_required');
  });

  it('have another role with the next request, there alone', async () => {
    const atSecond = await entered(pat, second);
    expect((await bea.fetch('PATCH', members(second, pat.id), { role: 'operator' })).status).toBe(200);
    expect(await read<Session>(atSecond, '/api/v1/session')).toMatchObject({ tenantId: second, role: 'operator' });
    expect((await ada.fetch('PATCH', members(first, pat.id), { role: 'approver' })).status).toBe(200);
    expect(new Map((await membershipsOf(pat.id)).map(({ tenantId, role }) => [tenantId, role]))).toEqual(
      new Map([
        [first, 'approver'],
        [second, 'operator'],
      ]),
    );
    // The two ways to the role in the tenant that keeps the account are one.
    expect(await read(ada, users(first, pat.id))).toMatchObject({ role: 'approver' });
    expect((await ada.fetch('PATCH', users(first, pat.id), { role: 'viewer' })).status).toBe(200);
    expect((await read<MemberList>(ada, members(first))).items.find(({ userId }) => userId === pat.id)?.role).toBe(
      'viewer',
    );
    expect((await audited(bea, second))[0]).toMatchObject({
      actor: bea.name,
      action: 'member_role_changed',
      details: { userName: pat.name, role: { from: 'admin', to: 'operator' } },
    });
  });

  it('who are removed are out at once, with their tokens, and elsewhere nothing changes', async () => {
    const atFirst = await entered(pat, first);
    const atSecond = await entered(await again(pat), second);
    const token = async (who: Person, tenantId: string) => {
      const answer = await who.fetch('POST', `/api/v1/tenants/${tenantId}/api-tokens`, { name: 't', role: 'viewer' });
      const { token: text } = (await answer.json()) as NewApiToken;
      return (tenant: string) => fetch(`${who.url}${sites(tenant)}`, { headers: { authorization: `Bearer ${text}` } });
    };
    const [ofFirst, ofSecond] = [await token(atFirst, first), await token(atSecond, second)];
    expect((await ofSecond(second)).status).toBe(200);
    expect(await codeOf(await ofSecond(first))).toBe('unknown_tenant');
    expect((await ada.fetch('DELETE', members(first, pat.id))).status).toBe(204);
    expect(await codeOf(await atFirst.fetch('GET', '/api/v1/session'))).toBe('login_required');
    expect(await codeOf(await ofFirst(first))).toBe('invalid_token');
    expect((await ofSecond(second)).status).toBe(200);
    expect((await atSecond.fetch('GET', sites(second))).status).toBe(200);
    expect(await codeOf(await enter(atSecond, first))).toBe('unknown_tenant');
    expect((await audited(ada, first))[0]).toMatchObject({ action: 'member_removed', details: { userName: pat.name } });
    // Another tenant keeps the account now.
    expect((await bea.fetch('GET', users(second, pat.id))).status).toBe(200);
    expect(await codeOf(await ada.fetch('GET', users(first, pat.id)))).toBe('unknown_user');
    expect(await read<Session>(await again(pat), '/api/v1/session')).toMatchObject({ tenantId: second });
  });

  it('are no users any more with their last membership, whoever removes it first', async () => {
    const outcomes = await Promise.all([
      ada.fetch('DELETE', members(first, pat.id)),
      bea.fetch('DELETE', members(second, pat.id)),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual([204, 204]);
    expect(await observer`select from users where id = ${pat.id}`).toHaveLength(0);
    expect((await logIn(api.controller.url, pat.name, PASSWORD)).status).toBe(401);
  });

  it('who are removed as users stay members elsewhere', async () => {
    expect((await ada.fetch('DELETE', users(first, pat.id))).status).toBe(204);
    expect(await membershipsOf(pat.id)).toEqual([{ tenantId: second, role: 'admin' }]);
    expect(await read<Session>(await again(pat), '/api/v1/session')).toMatchObject({ tenantId: second });
  });

  it('of the provider are for its admins to change', async () => {
    const support = await person(first, 'viewer', 'viewer');
    await join(observer, support, second, 'viewer');
    for (const [method, body] of [['PATCH', { role: 'admin' }], ['DELETE']] as const) {
      expect(await codeOf(await bea.fetch(method, members(second, support.id), body))).toBe('provider_admin_required');
    }
  });
});

describe('an account of several tenants', () => {
  it('is opened by nobody for one of them', async () => {
    const [password, otherPassword] = [{ password: 'another password' }, { password: 'a third password' }];
    await observer`
      insert into totp_factors (user_id, sealed_secret, confirmed_at) values (${pat.id}, ${Buffer.alloc(52)}, now())`;
    expect(await codeOf(await ada.fetch('PATCH', users(first, pat.id), password))).toBe('shared_account');
    expect(await codeOf(await ada.fetch('DELETE', `${users(first, pat.id)}/totp`))).toBe('shared_account');
    const provider = (method: string, path: string, body?: unknown) =>
      api.fetch(path, {
        method,
        headers: { 'content-type': 'application/json' },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
    expect((await provider('DELETE', `${users(first, pat.id)}/totp`)).status).toBe(204);
    expect((await provider('PATCH', users(first, pat.id), password)).status).toBe(200);
    expect((await bea.fetch('DELETE', members(second, pat.id))).status).toBe(204);
    expect((await ada.fetch('PATCH', users(first, pat.id), otherPassword)).status).toBe(200);
  });

  it('is changed by its person, in whichever tenant they are', async () => {
    const here = await entered(pat, second);
    const change = { currentPassword: PASSWORD, newPassword: 'a password of my own' };
    expect((await here.fetch('PUT', '/api/v1/session/password', change)).status).toBe(204);
    expect((await audited(ada, first))[0]).toMatchObject({ actor: pat.name, action: 'password_changed' });
  });
});

describe('a second person', () => {
  const draft = (who: Person, tenantId: string) =>
    read<Draft>(who, `/api/v1/tenants/${tenantId}/revisions/draft`).then(({ version }) => version);
  const approve = async (who: Person, tenantId: string) =>
    fetch(`${who.url}/api/v1/tenants/${tenantId}/revisions/draft/approvals`, {
      method: 'POST',
      headers: {
        cookie: who.cookie,
        'content-type': 'application/json',
        'if-match': `"${await draft(who, tenantId)}"`,
      },
      body: '{}',
    });
  const open = (tenantId: string) => observer`
    select from draft_approvals where tenant_id = ${tenantId} and voided_at is null`;

  it('is another person, not another membership or session of the same one', async () => {
    let author = await entered(pat, second);
    expect((await author.fetch('POST', sites(second), { name: 'drafted' })).status).toBe(201);
    author = await entered(await entered(author, first), second);
    expect(await codeOf(await approve(author, second))).toBe('own_change');
    expect((await approve(bea, second)).status).toBe(201);
  });

  it('who becomes something else in one tenant has approved in the other all the same', async () => {
    await join(observer, bea, first, 'approver');
    const author = await entered(pat, second);
    expect((await author.fetch('POST', sites(second), { name: 'drafted' })).status).toBe(201);
    expect((await ada.fetch('POST', sites(first), { name: 'drafted' })).status).toBe(201);
    const atSecond = await entered(bea, second);
    expect((await approve(atSecond, second)).status).toBe(201);
    const atFirst = await entered(atSecond, first);
    expect((await approve(atFirst, first)).status).toBe(201);
    expect((await ada.fetch('PATCH', members(first, bea.id), { role: 'viewer' })).status).toBe(200);
    expect(await open(first)).toHaveLength(0);
    expect(await open(second)).toHaveLength(1);
    expect((await ada.fetch('DELETE', members(first, bea.id))).status).toBe(204);
    expect(await open(second)).toHaveLength(1);
    await author.fetch('DELETE', members(second, bea.id));
    expect(await open(second)).toHaveLength(0);
  });
});
