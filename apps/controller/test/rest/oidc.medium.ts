import { createHmac } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { AuditLog, MemberList, Session, User } from '@weft/contracts/rest';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { Clock } from '../../src/platform/clock/clock.js';
import { type Misbehaviour, makeKey, OpenIdProvider } from '../support/openid-provider.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { Api, logIn, problemOf } from './support/api.js';
import { Browser, PUBLIC_ORIGIN } from './support/browser.js';
import { makeTenant, PASSWORD } from './support/people.js';

let provider: OpenIdProvider;
let directory: { readonly path: string; remove(): Promise<void> };
let api: Api;
let lab: string;

beforeAll(async () => {
  provider = await OpenIdProvider.start();
  directory = await temporaryDirectory('oidc');
  const secretFile = join(directory.path, 'secret');
  await writeFile(secretFile, `${provider.clientSecret}\n`);
  api = await Api.start({
    WEFT_OIDC_ISSUER: provider.issuer,
    WEFT_OIDC_CLIENT_ID: provider.clientId,
    WEFT_OIDC_CLIENT_SECRET_FILE: secretFile,
    WEFT_OIDC_REDIRECT_URI: `${PUBLIC_ORIGIN}/api/v1/session/oidc/callback`,
    WEFT_OIDC_DISPLAY_NAME: 'Example ID',
    WEFT_OIDC_ROLES: 'net-read=viewer@default; net-admin=admin@default; lab=operator@lab; moon=viewer@moon',
    WEFT_OIDC_PROVIDER_ROLES: 'root=admin',
  });
  lab = await makeTenant(api, 'lab');
});
afterAll(async () => {
  await api?.stop();
  await provider?.stop();
  await directory?.remove();
});
afterEach(() => {
  provider.misbehaviour = {};
  vi.restoreAllMocks();
});

const browser = (): Browser => new Browser(api.controller.url);

/** Logs somebody in who has these groups. */
async function arrive(sub: string, groups: readonly string[], who: Browser = browser()): Promise<Browser> {
  provider.person = { sub, preferred_username: sub, groups };
  expect(await who.logIn()).toBe('/');
  return who;
}

const sessionOf = async (who: Browser): Promise<Session> => (await (await who.go('/api/v1/session')).json()) as Session;

async function deeds(tenantId = api.tenantId, count = 10) {
  const response = await api.fetch(`/api/v1/tenants/${tenantId}/audit-entries?limit=${count}`);
  return ((await response.json()) as AuditLog).items;
}

async function users(tenantId = api.tenantId): Promise<User[]> {
  const response = await api.fetch(`/api/v1/tenants/${tenantId}/users`);
  return ((await response.json()) as { items: User[] }).items;
}

describe('the way to the provider', () => {
  it('is offered to who is not logged in', async () => {
    const response = await fetch(`${api.controller.url}/api/v1/session/methods`);
    expect(await response.json()).toEqual({ oidc: { displayName: 'Example ID' } });
  });

  it('has state, nonce and PKCE, and a cookie that no other site and no script sees', async () => {
    const response = await browser().go('/api/v1/session/oidc');
    const url = new URL(response.headers.get('location') ?? '');
    expect(`${url.origin}${url.pathname}`).toBe(`${provider.issuer}/authorize`);
    expect(Object.fromEntries(url.searchParams)).toEqual({
      response_type: 'code',
      client_id: provider.clientId,
      redirect_uri: `${PUBLIC_ORIGIN}/api/v1/session/oidc/callback`,
      scope: 'openid profile',
      state: expect.stringMatching(/^[\w-]{43}$/),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
    });
    expect(response.headers.getSetCookie()).toEqual([
      expect.stringMatching(
        /^__Host-weft_login=[\w.-]+; Max-Age=600; Path=\/; Expires=[^;]+; HttpOnly; Secure; SameSite=Lax$/,
      ),
    ]);
    expect(response.headers.get('cache-control')).toBe('no-store');
  });

  it('leads back to where the reader wanted to go, and never to another site', async () => {
    provider.person = { sub: 'reader', groups: ['net-read'] };
    expect(await browser().logIn('/revisions?number=7')).toBe('/revisions?number=7');
    expect(await browser().logIn('//evil.example')).toBe('/');
  });
});

describe('a first login', () => {
  it('makes the user with the role that the claim gives, and begins a session', async () => {
    const who = await arrive('ada', ['net-read', 'other']);
    expect([...who.cookies.keys()]).toEqual(['weft_session']);
    expect(await sessionOf(who)).toEqual({
      userName: 'ada',
      tenantId: api.tenantId,
      role: 'viewer',
      providerRole: null,
      oidc: true,
      breakGlass: false,
    });
    expect((await users()).find(({ name }) => name === 'ada')).toMatchObject({
      role: 'viewer',
      oidc: { issuer: provider.issuer, subject: 'ada' },
      totp: false,
    });
    const [login, made] = await deeds();
    expect(login).toMatchObject({ actor: 'ada', action: 'oidc_login', details: { userAgent: 'A browser' } });
    expect(made).toMatchObject({ actor: 'ada', action: 'user_created', details: { role: 'viewer', subject: 'ada' } });
  });

  it('makes nobody without a role, and says so to the admins', async () => {
    for (const groups of [undefined, [], ['NET-READ'], ['root']]) {
      provider.person = { sub: 'stranger', preferred_username: 'stranger', groups };
      expect(await browser().logIn()).toBe('/login?refused=no_role');
    }
    expect((await users()).map(({ name }) => name)).not.toContain('stranger');
    expect((await deeds())[0]).toMatchObject({
      actor: 'oidc',
      action: 'oidc_login_refused',
      details: { reason: 'no_role', subject: 'stranger', called: 'stranger' },
    });
  });

  it('makes nobody in a tenant that there is not', async () => {
    provider.person = { sub: 'astronaut', groups: ['moon'] };
    expect(await browser().logIn()).toBe('/login?refused=no_role');
  });

  it('never makes anybody a user that there is already, whatever name or address the provider tells', async () => {
    provider.person = { sub: 'impostor', preferred_username: 'admin', email: 'ada@example.net', groups: ['net-read'] };
    const who = browser();
    await who.logIn();
    expect(await sessionOf(who)).toMatchObject({
      userName: expect.stringMatching(/^admin-[0-9a-f]{12}$/),
      role: 'viewer',
    });
    provider.person = { sub: 'other ada', preferred_username: 'ada', groups: ['net-admin'] };
    await who.logIn();
    expect((await sessionOf(who)).userName).toMatch(/^ada-[0-9a-f]{12}$/);
    expect((await users()).find(({ name }) => name === 'ada')?.role).toBe('viewer');
  });

  it('that two browsers make at once makes one user', async () => {
    provider.person = { sub: 'twin', groups: ['net-read'] };
    const pairs = [browser(), browser(), browser()];
    const answers = await Promise.all(pairs.map((each) => each.answerOfProvider()));
    await Promise.all(pairs.map(async (each, index) => expect(await each.step(answers[index] ?? '')).toBe('/')));
    expect((await users()).filter(({ oidc }) => oidc?.subject === 'twin')).toHaveLength(1);
  });
});

describe('every login', () => {
  it('brings the role up to date, for the sessions that there are, too', async () => {
    const before = await arrive('bea', ['net-read']);
    await arrive('bea', ['net-admin']);
    expect((await sessionOf(before)).role).toBe('admin');
    expect((await deeds()).find(({ action }) => action === 'member_role_changed')).toMatchObject({
      actor: 'bea',
      details: { userName: 'bea', role: { from: 'viewer', to: 'admin' } },
    });
  });

  it('ends sessions and tokens of who has no role any more', async () => {
    const before = await arrive('cleo', ['net-admin']);
    const made = await fetch(`${api.controller.url}${api.path('/api-tokens')}`, {
      method: 'POST',
      headers: { cookie: `weft_session=${before.cookies.get('weft_session')}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'tool', role: 'admin', lifetimeDays: 1 }),
    });
    const { token } = (await made.json()) as { token: string };
    const withToken = () =>
      fetch(`${api.controller.url}/api/v1/session`, { headers: { authorization: `Bearer ${token}` } });
    expect((await withToken()).status).toBe(200);
    provider.person = { sub: 'cleo', groups: [] };
    expect(await browser().logIn()).toBe('/login?refused=no_role');
    expect((await before.go('/api/v1/session')).status).toBe(401);
    expect((await withToken()).status).toBe(401);
    expect((await deeds()).map(({ action }) => action).slice(0, 2)).toEqual(['oidc_login_refused', 'user_removed']);
  });

  it('takes who is of another tenant now there, with the account and without a way back', async () => {
    const before = await arrive('dora', ['net-admin']);
    const now = await arrive('dora', ['lab']);
    expect(await sessionOf(now)).toMatchObject({ userName: 'dora', tenantId: lab, role: 'operator' });
    expect((await before.go('/api/v1/session')).status).toBe(401);
    expect((await now.go(api.path('/sites'))).status).toBe(404);
    expect((await deeds(lab)).map(({ action }) => action)).toEqual(['oidc_login', 'member_joined']);
    expect((await deeds(api.tenantId, 1))[0]).toMatchObject({
      action: 'member_removed',
      details: { userName: 'dora' },
    });
    const { sql } = api.controller;
    expect(await sql`select tenant_id from users where name = 'dora'`).toEqual([{ tenantId: lab }]);
  });

  it('makes somebody a member of every tenant that the mapping names for them, and of no other any more', async () => {
    const rolesOf = async () => {
      const { sql } = api.controller;
      return sql`
        select t.name, m.role, u.tenant_id = t.id as home from users u join tenant_members m on m.user_id = u.id
          join tenants t on t.id = m.tenant_id where u.name = 'gil' order by t.name`;
    };
    const who = await arrive('gil', ['lab', 'net-read', 'moon']);
    expect(await rolesOf()).toEqual([
      { name: 'default', role: 'viewer', home: true },
      { name: 'lab', role: 'operator', home: false },
    ]);
    expect((await deeds(api.tenantId, 1))[0]).toMatchObject({
      action: 'oidc_login',
      details: { unknownTenants: ['moon'] },
    });
    expect((await deeds(lab, 1))[0]).toMatchObject({ actor: 'gil', action: 'member_joined' });
    expect(await sessionOf(who)).toMatchObject({ tenantId: null });
    const enter = (tenantId: string) =>
      fetch(`${api.controller.url}/api/v1/session/tenant`, {
        method: 'PUT',
        headers: { cookie: `weft_session=${who.cookies.get('weft_session')}`, 'content-type': 'application/json' },
        body: JSON.stringify({ tenantId }),
      });
    expect((await enter(lab)).status).toBe(200);
    await arrive('gil', ['lab', 'net-admin']);
    expect(await rolesOf()).toMatchObject([{ role: 'admin' }, { role: 'operator' }]);
    await arrive('gil', ['lab']);
    expect(await rolesOf()).toEqual([{ name: 'lab', role: 'operator', home: true }]);
    await arrive('gil', ['net-read', 'lab']);
    expect(await rolesOf()).toMatchObject([
      { name: 'default', home: true },
      { name: 'lab', home: false },
    ]);
    provider.person = { sub: 'gil', groups: [] };
    expect(await browser().logIn()).toBe('/login?refused=no_role');
    expect(await rolesOf()).toEqual([]);
    expect((await deeds(lab, 1))[0]).toMatchObject({ action: 'member_removed', details: { userName: 'gil' } });
  });

  it('makes members of two browsers at once as of one after the other', async () => {
    provider.person = { sub: 'hal', preferred_username: 'hal', groups: ['net-read', 'lab'] };
    const pairs = [browser(), browser(), browser()];
    const answers = await Promise.all(pairs.map((each) => each.answerOfProvider()));
    await Promise.all(pairs.map(async (each, index) => expect(await each.step(answers[index] ?? '')).toBe('/')));
    expect(await api.controller.sql`select from tenant_members where user_name = 'hal'`).toHaveLength(2);
    expect(
      (await deeds(lab)).filter(({ action, actor }) => action === 'member_joined' && actor === 'hal'),
    ).toHaveLength(1);
  });

  it('asks for no invitation, and takes none', async () => {
    await arrive('ivy', ['net-read']);
    const invite = await api.fetch(`/api/v1/tenants/${lab}/invitations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ userName: 'ivy', role: 'admin' }),
    });
    expect(invite.status).toBe(201);
    const who = await arrive('ivy', ['net-read']);
    expect(await (await who.go('/api/v1/session/invitations')).json()).toEqual({ items: [], next: null });
  });

  it('gives a role of the provider to whom its own mapping names, and takes it, but from the last who has it', async () => {
    const who = await arrive('eve', ['net-read', 'root']);
    expect(await sessionOf(who)).toMatchObject({ role: 'viewer', providerRole: 'admin' });
    await arrive('eve', ['net-read'], who);
    expect((await sessionOf(who)).providerRole).toBeNull();
    await arrive('eve', ['net-read', 'root'], who);
    const { sql } = api.controller;
    await sql`update users set provider_role = null where name = 'admin'`;
    try {
      for (const groups of [['net-read'], ['lab'], []]) {
        provider.person = { sub: 'eve', groups };
        expect(await browser().logIn()).toBe('/login?refused=last_provider_admin');
      }
      expect((await sessionOf(who)).providerRole).toBe('admin');
    } finally {
      await sql`update users set provider_role = 'admin' where name = 'admin'`;
    }
  });
});

describe('a user of the provider', () => {
  it('has no password and no second factor here, and gets none', async () => {
    const who = await arrive('fay', ['net-admin']);
    expect((await logIn(api.controller.url, 'fay', PASSWORD)).status).toBe(401);
    const send = (
      method: string,
      path: string,
      body: unknown,
      cookie = `weft_session=${who.cookies.get('weft_session')}`,
    ) =>
      fetch(`${api.controller.url}${path}`, {
        method,
        headers: { cookie, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    const password = { currentPassword: PASSWORD, newPassword: PASSWORD };
    const changed = await problemOf(await send('PUT', '/api/v1/session/password', password));
    expect(changed.type).toBe('urn:weft:problem:no_password');
    const enrolled = await problemOf(await send('POST', '/api/v1/session/totp', { currentPassword: PASSWORD }));
    expect(enrolled.type).toBe('urn:weft:problem:no_password');
    const { id } = (await users()).find(({ name }) => name === 'fay') ?? {};
    for (const change of [{ role: 'viewer' }, { password: PASSWORD }, { providerRole: 'admin' }]) {
      const refused = await problemOf(await send('PATCH', api.path(`/users/${id}`), change, api.cookie));
      expect(refused.type).toBe('urn:weft:problem:user_from_oidc');
    }
    const members = (await (await api.fetch(api.path('/members'))).json()) as MemberList;
    const oidcOf = (name: string) => members.items.find(({ userName }) => userName === name)?.oidc;
    expect([oidcOf('fay'), oidcOf('admin')]).toEqual([true, false]);
    const moved = await problemOf(await send('PATCH', api.path(`/members/${id}`), { role: 'viewer' }, api.cookie));
    expect(moved.type).toBe('urn:weft:problem:user_from_oidc');
    const { sql } = api.controller;
    await expect(sql`update users set password_hash = '$argon2id$x' where name = 'fay'`).rejects.toThrow('one_way_in');
  });
});

describe('an answer of the provider', () => {
  it('counts for the browser that asked, once, and for no other', async () => {
    provider.person = { sub: 'mallory', groups: ['net-admin'] };
    const attacker = browser();
    const answer = await attacker.answerOfProvider();
    const victim = browser();
    expect(await victim.step(answer)).toBe('/login?refused=login_expired');
    await victim.step('/api/v1/session/oidc');
    expect(await victim.step(answer)).toBe('/login?refused=login_expired');
    expect([...victim.cookies]).toEqual([]);
    const cookies = new Map(attacker.cookies);
    expect(await attacker.step(answer)).toBe('/');
    for (const [name, value] of cookies) attacker.cookies.set(name, value);
    expect(await attacker.step(answer)).toBe('/login?refused=login_expired');
  });

  it('begins a session with a secret of its own, whatever cookie the browser had', async () => {
    const who = browser();
    who.cookies.set('weft_session', 'x'.repeat(43));
    await arrive('gil', ['net-read'], who);
    const first = who.cookies.get('weft_session');
    await arrive('gil', ['net-read'], who);
    expect(new Set(['x'.repeat(43), first, who.cookies.get('weft_session')]).size).toBe(3);
  });

  it('counts for ten minutes, with a cookie as it was', async () => {
    const who = browser();
    const answer = await who.answerOfProvider();
    const cookie = who.cookies.get('__Host-weft_login') ?? '';
    who.cookies.set(
      '__Host-weft_login',
      cookie.replace(/^./, (first) => (first === 'W' ? 'X' : 'W')),
    );
    expect(await who.step(answer)).toBe('/login?refused=login_expired');
    const late = browser();
    const lateAnswer = await late.answerOfProvider();
    const clock = api.controller.controller.application.get(Clock);
    vi.spyOn(clock, 'now').mockReturnValue(new Date(Date.now() + 600_001));
    expect(await late.step(lateAnswer)).toBe('/login?refused=login_expired');
  });

  it('that says no is said to the reader', async () => {
    const who = browser();
    const answer = new URL(await who.answerOfProvider());
    answer.searchParams.delete('code');
    answer.searchParams.set('error', 'access_denied');
    expect(await who.step(answer.href)).toBe('/login?refused=refused_by_provider');
  });

  it('of another issuer is refused (RFC 9207)', async () => {
    for (const iss of ['https://evil.example', undefined]) {
      const who = browser();
      const answer = new URL(await who.answerOfProvider());
      if (iss === undefined) answer.searchParams.delete('iss');
      else answer.searchParams.set('iss', iss);
      expect(await who.step(answer.href)).toBe('/login?refused=token_refused');
    }
  });

  it('with a code for another challenge is refused', async () => {
    provider.person = { sub: 'hal', groups: ['net-read'] };
    const [one, other] = [browser(), browser()];
    const stolen = new URL(await one.answerOfProvider()).searchParams.get('code') ?? '';
    const answer = new URL(await other.answerOfProvider());
    answer.searchParams.set('code', stolen);
    expect(await other.step(answer.href)).toBe('/login?refused=login_expired');
  });
});

const foreignKey = makeKey();
const unsigned = (header: object, claims: object): string =>
  [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');

describe('an ID Token', () => {
  const now = () => Math.floor(Date.now() / 1000);
  const wrong: readonly (readonly [string, string, Misbehaviour])[] = [
    ['with the nonce of another login', 'nonce', { claims: (claims) => ({ ...claims, nonce: 'x'.repeat(43) }) }],
    ['without a nonce', 'claims', { claims: ({ nonce: _, ...claims }) => claims }],
    ['for another client', 'audience', { claims: (claims) => ({ ...claims, aud: 'other' }) }],
    ['for another client, too', 'audience', { claims: (claims) => ({ ...claims, aud: [claims['aud'], 'other'] }) }],
    ['of another issuer', 'issuer', { claims: (claims) => ({ ...claims, iss: 'https://evil.example' }) }],
    ['that has expired', 'expired', { claims: (claims) => ({ ...claims, iat: now() - 400, exp: now() - 60 }) }],
    ['of tomorrow', 'not_yet_valid', { claims: (claims) => ({ ...claims, iat: now() + 86_400, exp: now() + 90_000 }) }],
    ['of yesterday', 'stale', { claims: (claims) => ({ ...claims, iat: now() - 86_400 }) }],
    ['that nobody signed', 'algorithm', { token: (claims) => `${unsigned({ alg: 'none' }, claims)}.` }],
    [
      'with a public key for a shared secret',
      'algorithm',
      {
        token: (claims) => {
          const secret = provider.keys[0]?.publicKey.export({ format: 'pem', type: 'spki' }) ?? '';
          const signed = unsigned({ alg: 'HS256', kid: provider.keys[0]?.kid }, claims);
          return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
        },
        metadata: (metadata) => ({ ...metadata, id_token_signing_alg_values_supported: ['RS256', 'HS256', 'none'] }),
      },
    ],
    ['of a key that the provider does not show', 'key', { token: (claims) => provider.sign(claims, foreignKey) }],
    [
      'of another key under the name of one that it shows',
      'signature',
      { token: (claims) => provider.sign(claims, foreignKey, { kid: provider.keys[0]?.kid }) },
    ],
    [
      'with a header that must be understood',
      'critical_header',
      { token: (claims) => provider.sign(claims, undefined, { crit: ['exp'] }) },
    ],
    ['that is none', 'malformed', { token: () => 'a.b' }],
  ];

  it.each(wrong)('%s is refused (%s), and admins hear of it', async (_, fault, misbehaviour) => {
    provider.person = { sub: 'ivan', preferred_username: 'ivan', groups: ['net-admin'] };
    provider.misbehaviour = misbehaviour;
    expect(await browser().logIn()).toBe('/login?refused=token_refused');
    expect((await deeds())[0]).toMatchObject({
      actor: 'oidc',
      action: 'oidc_login_refused',
      details: { reason: 'token_refused', fault },
    });
    expect((await users()).map(({ name }) => name)).not.toContain('ivan');
  });

  it('is taken with another key as soon as the provider shows that, and with the one before no more', async () => {
    const [before] = provider.keys;
    await arrive('jo', ['net-read']);
    provider.rotateKey();
    await arrive('jo', ['net-read']);
    provider.misbehaviour = { token: (claims) => provider.sign(claims, before) };
    expect(await browser().logIn()).toBe('/login?refused=token_refused');
  });
});

/** Octet by octet, for as long as anybody listens. */
function drip(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  const timer = setInterval(() => response.write(' '), 100);
  response.on('close', () => clearInterval(timer));
}

/** Without end, as fast as it is read. */
function flood(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  const pour = (): void => {
    while (!response.destroyed && response.write(' '.repeat(65_536)));
  };
  response.on('drain', pour);
  pour();
}

describe('a provider', () => {
  const answers = (path: string, answer: (response: ServerResponse) => void): Misbehaviour => ({
    answers: { [path]: answer },
  });
  const troubles: readonly (readonly [string, Misbehaviour])[] = [
    ['floods with its keys', answers('/keys', flood)],
    [
      'leads elsewhere for its token',
      answers('/token', (to) => to.writeHead(307, { location: `${provider.issuer}/keys` }).end('{}')),
    ],
    ['does not know us', answers('/token', (to) => to.writeHead(401).end('{"error":"invalid_client"}'))],
    ['breaks off', answers('/token', (to) => to.destroy())],
    ['answers a page for its keys', answers('/keys', (to) => to.writeHead(200).end('<html>'))],
    [
      'answers something else for its token',
      answers('/token', (to) => to.writeHead(200).end('{"token_type":"Bearer"}')),
    ],
  ];

  it.each(troubles)('that %s lets nobody in, and the reader is told', async (_, misbehaviour) => {
    provider.person = { sub: 'kim', groups: ['net-read'] };
    provider.misbehaviour = misbehaviour;
    expect(await browser().logIn()).toBe('/login?refused=provider_unavailable');
  });

  it('that drips its token is listened to for ten seconds', async () => {
    const who = browser();
    const answer = await who.answerOfProvider();
    const timeout = AbortSignal.timeout.bind(AbortSignal);
    // As if they were over soon.
    const asked = vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => timeout(500));
    provider.misbehaviour = answers('/token', drip);
    expect(await who.step(answer)).toBe('/login?refused=provider_unavailable');
    expect(new Set(asked.mock.calls.flat())).toEqual(new Set([10_000]));
  });

  it('that is away is no reason for a login with a password to fail, and is asked anew when it is back', async () => {
    const clock = api.controller.controller.application.get(Clock);
    // What is known of the provider is forgotten.
    const later = clock.monotonicMilliseconds() + 3_600_000;
    vi.spyOn(clock, 'monotonicMilliseconds').mockReturnValue(later);
    for (const metadata of [{ issuer: 'https://evil.example' }, { token_endpoint: 'http://weft.example/' }]) {
      provider.misbehaviour = { metadata: (good) => ({ ...good, ...metadata }) };
      expect(await browser().logIn('/tunnels')).toBe('/login?refused=provider_unavailable&next=%2Ftunnels');
    }
    expect((await logIn(api.controller.url, 'admin', 'wrong')).status).toBe(401);
    provider.misbehaviour = {};
    await arrive('kim', ['net-read']);
  });

  it('is not asked as often as an address likes', async () => {
    const who = browser();
    const clock = api.controller.controller.application.get(Clock);
    vi.spyOn(clock, 'monotonicMilliseconds').mockReturnValue(clock.monotonicMilliseconds());
    const targets = await Promise.all(Array.from({ length: 40 }, () => who.step('/api/v1/session/oidc')));
    expect(targets).toContain('/login?refused=too_many_attempts');
  });
});

it('leaves no code, token or client secret in the log', () => {
  const log = JSON.stringify(api.controller.log);
  expect(log).toContain('OpenID login refused');
  expect(log).not.toContain(provider.clientSecret);
  expect(log).not.toMatch(/eyJ[\w-]{20}|[?&]code=/);
});
