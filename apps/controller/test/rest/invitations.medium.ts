import { randomUUID } from 'node:crypto';
import type {
  AuditLog,
  Invitation,
  InvitationList,
  MemberList,
  OwnInvitation,
  OwnInvitationList,
} from '@weft/contracts/rest';
import type postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openPool } from '../../src/platform/database/connection-options.js';
import type { Role } from '../../src/platform/http/role.js';
import { Api, cookieOf, problemOf } from './support/api.js';
import { makeTenant, makeToken, PASSWORD, Person } from './support/people.js';

let api: Api;
let observer: postgres.Sql;
/** Two tenants with an admin each; somebody of the first is to come into the second. */
let first: string;
let second: string;
let ada: Person;
let bea: Person;
let pat: Person;
beforeAll(async () => {
  api = await Api.start();
  observer = openPool({ url: api.databaseUrl }, 1) as unknown as postgres.Sql;
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
});

const person = (tenantId: string, role: Role) => Person.make(api, tenantId, { name: `p-${randomUUID()}`, role });
const codeOf = async (answer: Response) => (await problemOf(answer)).type.replace('urn:weft:problem:', '');
const invitations = (tenantId: string) => `/api/v1/tenants/${tenantId}/invitations`;
const OWN = '/api/v1/session/invitations';
const invite = (userName: string, more: object = {}) =>
  bea.fetch('POST', invitations(second), { userName, role: 'operator', ...more });
const invited = async (userName: string) => (await (await invite(userName)).json()) as Invitation;
const waiting = async (who: Person): Promise<OwnInvitation[]> =>
  ((await (await who.fetch('GET', OWN)).json()) as OwnInvitationList).items;
const accept = (who: Person, id: string) => who.fetch('POST', `${OWN}/${id}/acceptance`);
const members = async () =>
  ((await (await bea.fetch('GET', `/api/v1/tenants/${second}/members`)).json()) as MemberList).items;
const audited = async (who: Person, tenantId: string) => {
  const answer = await who.fetch('GET', `/api/v1/tenants/${tenantId}/audit-entries`);
  return ((await answer.json()) as AuditLog).items;
};

describe('an invitation', () => {
  it('makes a member of who accepts it, with its role, and is used up', async () => {
    const { id } = await invited(pat.name);
    expect(await waiting(pat)).toMatchObject([{ id, tenantId: second, role: 'operator', invitedBy: bea.name }]);
    expect((await members()).map(({ userName }) => userName)).toEqual([bea.name]);
    expect((await accept(pat, id)).status).toBe(204);
    expect((await members()).find(({ userId }) => userId === pat.id)).toMatchObject({ role: 'operator' });
    expect(await waiting(pat)).toEqual([]);
    expect(await codeOf(await accept(pat, id))).toBe('unknown_invitation');
    const entered = await pat.fetch('PUT', '/api/v1/session/tenant', { tenantId: second });
    const there = pat.withCookie(cookieOf(entered));
    expect((await there.fetch('POST', `/api/v1/tenants/${second}/sites`, { name: 'made' })).status).toBe(201);
    expect((await audited(bea, second)).map(({ actor, action }) => [actor, action])).toEqual(
      expect.arrayContaining([
        [bea.name, 'member_invited'],
        [pat.name, 'invitation_accepted'],
        [pat.name, 'tenant_entered'],
      ]),
    );
    expect(JSON.stringify(await audited(ada, first))).not.toContain(second);
  });

  it('tells nobody whether there is such a login: it is made for any name in the same words', async () => {
    const shape = async (answer: Response) => {
      const {
        id: _id,
        userName: _name,
        createdAt: _created,
        expiresAt: _expires,
        ...rest
      } = (await answer.json()) as Invitation;
      return [answer.status, rest];
    };
    expect(await shape(await invite(`nobody-${randomUUID()}`))).toEqual(await shape(await invite(pat.name)));
    const list = (await (await bea.fetch('GET', invitations(second))).json()) as InvitationList;
    expect(new Set(list.items.map((item) => Object.keys(item).join()))).toHaveProperty('size', 1);
  });

  it('is for one person: nobody else sees or takes it', async () => {
    const { id } = await invited(pat.name);
    for (const other of [ada, bea, await person(first, 'viewer')]) {
      expect(await waiting(other)).toEqual([]);
      expect(await codeOf(await accept(other, id))).toBe('unknown_invitation');
      expect(await codeOf(await other.fetch('DELETE', `${OWN}/${id}`))).toBe('unknown_invitation');
    }
    expect(await codeOf(await ada.fetch('GET', invitations(second)))).toBe('unknown_tenant');
    expect(await codeOf(await ada.fetch('DELETE', `${invitations(first)}/${id}`))).toBe('unknown_invitation');
    expect(await waiting(pat)).toHaveLength(1);
  });

  it('is not for who gets the name, or into the account, only after it was made', async () => {
    const name = `later-${randomUUID()}`;
    const early = await invited(name);
    const late = await Person.make(api, first, { name, role: 'viewer' });
    expect(await waiting(late)).toEqual([]);
    expect(await codeOf(await accept(late, early.id))).toBe('unknown_invitation');
    const { id } = await invited(pat.name);
    const password = 'a password of the admin';
    expect((await ada.fetch('PATCH', `/api/v1/tenants/${first}/users/${pat.id}`, { password })).status).toBe(200);
    const taken = await Person.logIn(api, pat.id, pat.name, password);
    expect(await waiting(taken)).toEqual([]);
    expect(await codeOf(await accept(taken, id))).toBe('unknown_invitation');
    await bea.fetch('DELETE', `${invitations(second)}/${id}`);
    expect((await accept(taken, (await invited(pat.name)).id)).status).toBe(204);
  });

  it('goes on when its person has changed the password', async () => {
    const { id } = await invited(pat.name);
    const change = { currentPassword: PASSWORD, newPassword: 'a password of my own' };
    expect((await pat.fetch('PUT', '/api/v1/session/password', change)).status).toBe(204);
    expect((await accept(pat, id)).status).toBe(204);
  });

  it('ends with its time, with a no, and when it is withdrawn', async () => {
    const { id: expired } = await invited(pat.name);
    await observer`
      update tenant_invitations set created_at = now() - interval '2 days', expires_at = now() - interval '1 second'
      where id = ${expired}`;
    await observer`update users set opened_at = now() - interval '3 days' where id = ${pat.id}`;
    expect(await waiting(pat)).toEqual([]);
    expect(await codeOf(await accept(pat, expired))).toBe('unknown_invitation');
    // It does not stand in the way of the next.
    const { id: declined } = await invited(pat.name);
    expect((await pat.fetch('DELETE', `${OWN}/${declined}`)).status).toBe(204);
    expect(await codeOf(await accept(pat, declined))).toBe('unknown_invitation');
    const { id: withdrawn } = await invited(pat.name);
    expect((await bea.fetch('DELETE', `${invitations(second)}/${withdrawn}`)).status).toBe(204);
    expect(await codeOf(await accept(pat, withdrawn))).toBe('unknown_invitation');
    expect((await audited(bea, second)).map(({ action }) => action).slice(0, 2)).toEqual([
      'invitation_withdrawn',
      'member_invited',
    ]);
    expect((await audited(bea, second)).map(({ action }) => action)).toContain('invitation_declined');
  });

  it('is made once for each name, not for members, by admins in person, and not without end', async () => {
    await invited(pat.name);
    expect(await codeOf(await invite(pat.name))).toBe('invited_already');
    expect(await codeOf(await invite(bea.name))).toBe('member_already');
    expect(await codeOf(await invite('somebody', { lifetimeDays: 32 }))).toBe('invalid_request');
    expect(await codeOf(await pat.fetch('POST', invitations(first), { userName: 'x', role: 'viewer' }))).toBe(
      'role_required',
    );
    const { token } = await makeToken(api, api.tenantId, { name: `t-${randomUUID()}`, role: 'admin' });
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const body = JSON.stringify({ userName: 'x', role: 'viewer' });
    const byToken = await fetch(`${api.controller.url}${invitations(api.tenantId)}`, { method: 'POST', headers, body });
    expect(await codeOf(byToken)).toBe('session_required');
    await observer`
      insert into tenant_invitations (id, tenant_id, tenant_name, user_name, role, invited_by, expires_at)
      select gen_random_uuid(), ${second}, 'second', 'n' || n, 'viewer', 'x', now() + interval '1 day'
      from generate_series(1, 99) n`;
    expect(await codeOf(await invite('one too many'))).toBe('too_many_invitations');
  });

  it('is taken once, however often it is accepted at the same time', async () => {
    const { id } = await invited(pat.name);
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => accept(pat, id)));
    expect(outcomes.map(({ status }) => status).sort()).toEqual([204, 404, 404, 404, 404]);
    expect((await members()).filter(({ userId }) => userId === pat.id)).toHaveLength(1);
  });
});
