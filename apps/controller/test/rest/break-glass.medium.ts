import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeBreakGlassLogin } from '../../src/modules/break-glass/break-glass-file.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { Api, cookieOf, logIn, problemOf } from './support/api.js';
import { Person } from './support/people.js';

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let api: Api;
beforeAll(async () => {
  directory = await temporaryDirectory('break-glass');
  api = await Api.start({ WEFT_DATA_DIR: directory.path });
});
afterAll(async () => {
  await api?.stop();
  await directory?.remove();
});

const make = () => makeBreakGlassLogin({ dataDirectory: directory.path }, new Date());

describe('a login that the host of the controller made', () => {
  it('lets in once, as admin of the provider, for half an hour', async () => {
    const { password } = await make();
    const answer = await logIn(api.controller.url, 'break-glass', password);
    expect(await answer.json()).toMatchObject({
      userName: 'break-glass',
      role: 'admin',
      providerRole: 'admin',
      breakGlass: true,
    });
    expect((await logIn(api.controller.url, 'break-glass', password)).status).toBe(401);
    const headers = { cookie: cookieOf(answer), 'content-type': 'application/json' };
    const tenant = await fetch(`${api.controller.url}/api/v1/tenants`, {
      method: 'POST',
      headers,
      body: '{"name":"rescued"}',
    });
    expect(tenant.status).toBe(201);
    const sessions = await (await fetch(`${api.controller.url}/api/v1/sessions`, { headers })).json();
    const [session] = (sessions as { items: { createdAt: string; expiresAt: string }[] }).items;
    expect(Date.parse(session?.expiresAt ?? '') - Date.parse(session?.createdAt ?? '')).toBe(30 * 60_000);
  });

  it('is in the audit log and in the log, without its password', async () => {
    const { password } = await make();
    expect((await logIn(api.controller.url, 'break-glass', password)).status).toBe(200);
    expect(await (await api.fetch(api.path('/audit-entries'))).json()).toMatchObject({
      items: [{ actor: 'break-glass', action: 'break_glass_used', details: { address: '127.0.0.1' } }, {}],
    });
    const warned = api.controller.log.filter(({ component, level }) => component === 'break-glass' && level === 'warn');
    expect(warned.length).toBeGreaterThan(0);
    expect(JSON.stringify(api.controller.log)).not.toContain(password);
  });

  it('makes no admin that would stay: its user is a viewer, and its API token is one of a viewer', async () => {
    const { password } = await make();
    const cookie = cookieOf(await logIn(api.controller.url, 'break-glass', password));
    const { sql } = api.controller;
    expect(await sql`select role, provider_role from users where break_glass`).toEqual([
      { role: 'viewer', providerRole: null },
    ]);
    const made = await fetch(`${api.controller.url}${api.path('/api-tokens')}`, {
      method: 'POST',
      headers: { cookie, 'content-type': 'application/json' },
      body: '{"name":"left behind","role":"admin"}',
    });
    const { token } = (await made.json()) as { token: string };
    const asked = await fetch(`${api.controller.url}${api.path('/users')}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect((await problemOf(asked)).type).toBe('urn:weft:problem:role_required');
  });

  it('does not exist where nobody made one, whatever password is tried', async () => {
    const answer = await logIn(api.controller.url, 'break-glass', 'some password of nobody');
    expect((await problemOf(answer)).type).toBe('urn:weft:problem:wrong_credentials');
  });

  it('works beside a user who has its name', async () => {
    const { sql } = api.controller;
    await sql`delete from users where break_glass`;
    await Person.make(api, api.tenantId, { name: 'break-glass', role: 'viewer' });
    const { password } = await make();
    const answer = await logIn(api.controller.url, 'break-glass', password);
    expect(await answer.json()).toMatchObject({
      userName: expect.stringMatching(/^break-glass-[0-9a-f]{8}$/),
      providerRole: 'admin',
    });
  });
});
