import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applyMigrations } from '../../src/db/apply-migrations.js';
import { readMigrations } from '../../src/db/migration-files.js';
import { openPool } from '../../src/platform/database/connection-options.js';
import { Api, logIn, problemOf } from './support/api.js';
import { makeTenant, PASSWORD, Person } from './support/people.js';

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

const users = (rest = '') => `/api/v1/tenants/${tenantId}/users${rest}`;

describe('users', () => {
  it('are made, read, changed and removed by an admin of their tenant, and the audit log says so', async () => {
    const params = { path: { tenantId } };
    const { data: user } = await admin.client.POST('/api/v1/tenants/{tenantId}/users', {
      params,
      body: { name: 'ben', password: PASSWORD, role: 'viewer' },
    });
    expect(user).toMatchObject({ name: 'ben', role: 'viewer', providerRole: null });
    const one = { params: { path: { tenantId, userId: user?.id ?? '' } } };
    expect((await admin.client.GET('/api/v1/tenants/{tenantId}/users/{userId}', one)).data).toEqual(user);
    const changed = await admin.client.PATCH('/api/v1/tenants/{tenantId}/users/{userId}', {
      ...one,
      body: { role: 'approver' },
    });
    expect(changed.data).toEqual({ ...user, role: 'approver', version: 2 });
    const { data: list } = await admin.client.GET('/api/v1/tenants/{tenantId}/users', { params });
    expect(list?.items.map(({ name }) => name)).toEqual(['ada', 'ben']);
    const removed = await admin.client.DELETE('/api/v1/tenants/{tenantId}/users/{userId}', one);
    expect(removed.response.status).toBe(204);
    expect((await problemOf(await admin.fetch('GET', users(`/${user?.id}`)))).type).toBe(
      'urn:weft:problem:unknown_user',
    );
    const { data: log } = await admin.client.GET('/api/v1/tenants/{tenantId}/audit-entries', { params });
    expect(log?.brokenAt).toBeNull();
    expect(log?.items.slice(0, 3)).toMatchObject([
      { actor: 'ada', action: 'user_removed', details: { userName: 'ben' } },
      { actor: 'ada', action: 'user_changed', details: { userName: 'ben', role: { from: 'viewer', to: 'approver' } } },
      { actor: 'ada', action: 'user_created', details: { userName: 'ben', role: 'viewer' } },
    ]);
    expect(JSON.stringify(log)).not.toContain(PASSWORD);
  });

  it('have a name of their own and a password of some length', async () => {
    const taken = await admin.fetch('POST', users(), { name: 'admin', password: PASSWORD, role: 'viewer' });
    expect(await problemOf(taken)).toMatchObject({ status: 409, errors: [{ pointer: '/name', rule: 'name_taken' }] });
    const short = await admin.fetch('POST', users(), { name: 'short', password: 'elevenchars', role: 'viewer' });
    expect(await problemOf(short)).toMatchObject({ status: 422, errors: [{ pointer: '/password' }] });
  });

  it('of another tenant are not to be found', async () => {
    const stranger = await Person.make(api, await makeTenant(api, 'theirs'), { name: 'stranger', role: 'viewer' });
    for (const [method, body] of [['GET'], ['PATCH', { role: 'admin' }], ['DELETE']] as const) {
      expect((await problemOf(await admin.fetch(method, users(`/${stranger.id}`), body))).type).toBe(
        'urn:weft:problem:unknown_user',
      );
    }
  });

  it('have another role with the next request', async () => {
    const user = await Person.make(api, tenantId, { name: 'climber', role: 'viewer' });
    const make = () => user.fetch('POST', `/api/v1/tenants/${tenantId}/sites`, { name: 'climbed' });
    expect((await make()).status).toBe(403);
    await admin.fetch('PATCH', users(`/${user.id}`), { role: 'operator' });
    expect((await make()).status).toBe(201);
  });

  it('are logged out when they are removed or given another password', async () => {
    const user = await Person.make(api, tenantId, { name: 'leaver', role: 'viewer' });
    expect((await admin.fetch('PATCH', users(`/${user.id}`), { password: 'another password' })).status).toBe(200);
    expect((await user.fetch('GET', '/api/v1/session')).status).toBe(401);
    expect((await logIn(api.controller.url, 'leaver', PASSWORD)).status).toBe(401);
    const again = await Person.logIn(api, user.id, 'leaver', 'another password');
    expect((await again.fetch('GET', '/api/v1/session')).status).toBe(200);
    expect((await admin.fetch('DELETE', users(`/${user.id}`))).status).toBe(204);
    expect((await again.fetch('GET', '/api/v1/session')).status).toBe(401);
  });

  it('change their own password with the one they have, which ends their other sessions', async () => {
    const here = await Person.make(api, tenantId, { name: 'careful', role: 'viewer' });
    const elsewhere = await Person.logIn(api, here.id, 'careful');
    const change = (currentPassword: string) =>
      here.fetch('PUT', '/api/v1/session/password', { currentPassword, newPassword: 'a new password' });
    expect(await problemOf(await change('a wrong one'))).toMatchObject({
      status: 422,
      errors: [{ pointer: '/currentPassword', rule: 'wrong_current_password' }],
    });
    expect((await change(PASSWORD)).status).toBe(204);
    expect((await here.fetch('GET', '/api/v1/session')).status).toBe(200);
    expect((await elsewhere.fetch('GET', '/api/v1/session')).status).toBe(401);
    expect((await logIn(api.controller.url, 'careful', 'a new password')).status).toBe(200);
  });
});

describe('roles of the provider', () => {
  it('are given, taken and touched by admins of the provider alone', async () => {
    const ours = await Person.make(api, tenantId, { name: 'support', role: 'viewer', providerRole: 'viewer' });
    const tries = [
      admin.fetch('POST', users(), { name: 'mole', password: PASSWORD, role: 'viewer', providerRole: 'viewer' }),
      admin.fetch('PATCH', users(`/${admin.id}`), { providerRole: 'admin' }),
      admin.fetch('PATCH', users(`/${ours.id}`), { password: 'mine now, thank you' }),
      admin.fetch('PATCH', users(`/${ours.id}`), { providerRole: null }),
      admin.fetch('DELETE', users(`/${ours.id}`)),
    ];
    for (const answer of await Promise.all(tries)) {
      expect((await problemOf(answer)).type).toBe('urn:weft:problem:provider_admin_required');
    }
  });

  it('leave the installation an admin, however many try at once to be rid of the others', async () => {
    const [first, second] = [await providerAdmin('first'), await providerAdmin('second')];
    const home = `/api/v1/tenants/${api.tenantId}/users`;
    const { data: session } = await api.client.GET('/api/v1/tenants/{tenantId}/users', {
      params: { path: { tenantId: api.tenantId } },
    });
    const original = session?.items.find(({ name }) => name === 'admin')?.id ?? '';
    const outcomes = await Promise.all([
      first.fetch('DELETE', `${home}/${second.id}`),
      second.fetch('DELETE', `${home}/${original}`),
      api.fetch(`${home}/${first.id}`, {
        method: 'PATCH',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ providerRole: null }),
      }),
    ]);
    for (const outcome of outcomes) expect([200, 204, 401, 403, 409]).toContain(outcome.status);
    const sql = observer;
    const left = await sql<{ id: string }[]>`select id from users where provider_role = 'admin'`;
    expect(left.length).toBeGreaterThan(0);
    await expect(sql`delete from users where provider_role = 'admin'`).rejects.toMatchObject({
      constraint_name: 'users_provider_admin_remains',
    });
    await expect(sql`update users set provider_role = 'approver'`).rejects.toMatchObject({
      constraint_name: 'users_provider_admin_remains',
    });
  });

  it('cannot be left by the last admin through the API either', async () => {
    const sql = observer;
    const [last] = await sql<{ id: string; name: string; tenantId: string }[]>`
      select id, name, tenant_id from users where provider_role = 'admin'`;
    await sql`update users set provider_role = null where provider_role = 'admin' and id <> ${last?.id ?? ''}`;
    const password = last?.name === 'admin' ? 'correct horse battery staple' : PASSWORD;
    const person = await Person.logIn(api, last?.id ?? '', last?.name ?? '', password);
    const path = `/api/v1/tenants/${last?.tenantId}/users/${last?.id}`;
    for (const [method, body] of [['DELETE'], ['PATCH', { providerRole: 'viewer' }]] as const) {
      expect((await problemOf(await person.fetch(method, path, body))).type).toBe(
        'urn:weft:problem:last_provider_admin',
      );
    }
  });
});

describe('an installation from before there were roles', () => {
  it('keeps its administrator, and every user what the user could do', async () => {
    const pool = openPool({ url: await api.postgres.createDatabase() }, 2);
    try {
      const migrations = await readMigrations();
      const tenant = randomUUID();
      await applyMigrations(
        pool,
        migrations.filter(({ version }) => version < 60),
      );
      await pool`insert into tenants (id, name) values (${tenant}, 'default')`;
      await pool`
        insert into users (id, tenant_id, name, password_hash, administrator) values
          (${randomUUID()}, ${tenant}, 'admin', '$argon2id$', true),
          (${randomUUID()}, ${tenant}, 'member', '$argon2id$', false)`;
      await applyMigrations(pool, migrations);
      expect(await pool`select name, role, provider_role, administrator from users order by name`).toEqual([
        { name: 'admin', role: 'admin', providerRole: 'admin', administrator: true },
        { name: 'member', role: 'admin', providerRole: null, administrator: false },
      ]);
    } finally {
      await pool.end();
    }
  });
});

function providerAdmin(name: string): Promise<Person> {
  return Person.make(api, api.tenantId, { name, role: 'viewer', providerRole: 'admin' });
}
