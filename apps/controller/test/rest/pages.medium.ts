import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openApiText } from '../../src/openapi/document.js';
import { TEST_ADMIN_PASSWORD } from '../support/test-controller.js';
import { Api, logIn, makeTopology, problemOf, rule } from './support/api.js';
import { join } from './support/membership.js';
import { makeTenant, Person } from './support/people.js';

interface Page {
  readonly items: readonly Readonly<Record<string, unknown>>[];
  readonly next: string | number | null;
}

/** Of each list as many as lead over two pages, at least. */
const ENTRIES = 3;
/** On a machine that does other things, too. */
const FILLING_MILLISECONDS = 400_000;
const document = JSON.parse(await openApiText()) as {
  paths: Record<string, { get?: { parameters?: readonly { name: string }[] } }>;
};
/** Every path with a limit, and what the next page is asked for by. */
const lists = Object.entries(document.paths).flatMap(([path, { get }]) => {
  const names = (get?.parameters ?? []).map(({ name }) => name);
  return names.includes('limit') ? [{ path, cursor: names.includes('after') ? 'after' : 'before' }] : [];
});
/** What edges tell: there is none here. Its pages are those of the southbound test. */
const EMPTY: ReadonlySet<string> = new Set(['/api/v1/tenants/{tenantId}/events']);

let api: Api;
let webhookId: string;
beforeAll(async () => {
  api = await Api.start();
  webhookId = await fill(api);
}, FILLING_MILLISECONDS);
afterAll(() => api?.stop());

const read = async (path: string, query: Record<string, string> = {}): Promise<Page> => {
  const target = path.replace('{tenantId}', api.tenantId).replace('{webhookId}', webhookId);
  const response = await api.fetch(`${target}?${new URLSearchParams(query)}`);
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Page;
};
/** Of an entry what stays the same when it is read again. */
const keyOf = (item: Readonly<Record<string, unknown>>) =>
  item['id'] ?? item['userId'] ?? item['number'] ?? item['sequence'] ?? item['tenantId'];

describe('a list', () => {
  it.each(lists)('$path is the same page by page as at once', async ({ path, cursor }) => {
    const whole = await read(path, { limit: '200' });
    expect(whole.next).toBeNull();
    if (!EMPTY.has(path)) expect(whole.items.length).toBeGreaterThanOrEqual(path.endsWith('/tunnels') ? 1 : ENTRIES);
    for (const limit of [1, 2, whole.items.length]) {
      const keys: unknown[] = [];
      let next: string | number | null | undefined;
      while (next !== null) {
        const page = await read(path, { limit: String(Math.max(limit, 1)), ...(next && { [cursor]: String(next) }) });
        expect(page.items.length).toBeLessThanOrEqual(Math.max(limit, 1));
        keys.push(...page.items.map(keyOf));
        expect(keys.length).toBeLessThanOrEqual(whole.items.length + 1);
        ({ next } = page);
      }
      expect(keys).toEqual(whole.items.map(keyOf));
    }
  });

  it('goes on behind an entry that is gone meanwhile, and shows one that comes in front of it to nobody twice', async () => {
    const { items } = await read('/api/v1/tenants/{tenantId}/sites', { limit: '200' });
    const doomed = await api.make('/sites', { name: 'a doomed site' });
    const first = await read('/api/v1/tenants/{tenantId}/sites', { limit: '1' });
    expect(first.items.map(keyOf)).toEqual([doomed.id]);
    const gone = await api.fetch(api.path(`/sites/${doomed.id}`), { method: 'DELETE' });
    expect(gone.status).toBe(204);
    const before = await api.make('/sites', { name: 'a' });
    const rest = await read('/api/v1/tenants/{tenantId}/sites', { after: String(first.next) });
    expect(rest.items.map(keyOf)).toEqual(items.map(keyOf));
    await api.fetch(api.path(`/sites/${before.id}`), { method: 'DELETE' });
  });

  it('takes no place of another list, no more than its limit, and no field that it does not know', async () => {
    const { next } = await read('/api/v1/tenants/{tenantId}/sites', { limit: '1' });
    for (const [query, pointer, name] of [
      [`after=${next}`, '?after', 'cursor'],
      ['after=bnVsbA', '?after', 'cursor'],
      ['after=%20', '?after', 'characters'],
      ['limit=1001', '?limit', 'too_big'],
      ['limit=0', '?limit', 'too_small'],
      ['offset=3', '?offset', 'unknown_field'],
    ]) {
      const problem = await problemOf(await api.fetch(api.path(`/networks?${query}`)));
      expect(problem.status, query).toBe(422);
      expect(problem.errors, query).toMatchObject([{ pointer, rule: name }]);
    }
  });
});

/** Makes enough of everything that there is a list of; answers with the webhook that has deliveries. */
async function fill(filled: Api): Promise<string> {
  const { berlin, tokyo } = await makeTopology(filled);
  const numbers = Array.from({ length: ENTRIES }, (_, index) => index);
  const webhooks: string[] = [];
  for (const n of numbers) {
    const rules = [rule('r', berlin.id, tokyo.id)];
    await filled.make('/sites', { name: `site ${n}` });
    await filled.make('/networks', {
      siteId: berlin.id,
      name: `n${n}`,
      prefix: n % 2 ? `10.${20 + n}.0.0/16` : `2001:db8:${n}::/48`,
    });
    await filled.make('/edges', { siteId: berlin.id, name: `edge ${n}`, underlayAddress: `203.0.113.${20 + n}` });
    await filled.make('/external-peers', externalPeer(n, tokyo.id));
    await filled.make('/address-pools', { name: `pool ${n}`, siteId: tokyo.id, prefix: `10.9${n}.0.0/24` });
    await filled.make('/groups', { name: `group ${n}`, members: [] });
    await filled.make('/services', {
      name: `s${n}`,
      services: [{ protocol: 'udp', ports: [{ first: 53, last: 53 }] }],
    });
    await filled.make('/profiles', {
      name: `profile ${n}`,
      esp: { encryption: 'aes-gcm-16', keyBits: 256 },
      ike: { encryption: 'aes-gcm-16', keyBits: 256, prf: 'hmac-sha2-384', keyExchange: ['X25519'] },
      childKeyExchange: [],
    });
    await filled.make('/policies', { name: `policy ${9 - n}`, rules: n === 0 ? rules : [] });
    await filled.make('/policy-tests', { ...rules[0], action: undefined, name: `test ${n}`, expect: 'allowed' });
    await filled.make('/api-tokens', { name: `token ${n}`, role: 'viewer', lifetimeDays: 1 });
    const webhook = { name: `w${n}`, url: `https://hooks.example/${n}`, types: ['revision.published'], enabled: true };
    webhooks.push((await filled.make('/webhooks', webhook)).id);
    await logIn(filled.controller.url, 'admin', TEST_ADMIN_PASSWORD);
    await filled.make('/revisions', { comment: `number ${n}` });
    await filled.send('PATCH', `/sites/${berlin.id}`, { description: `number ${n}` });
    await meetAnotherTenant(filled, n);
  }
  const [first = ''] = webhooks;
  for (const _ of numbers) await filled.make(`/webhooks/${first}/test`, {});
  // Postgres tells their times apart, and an answer does not.
  await filled.controller.sql`
    update webhook_deliveries d set created_at = timestamptz '2026-03-14T09:26:53.589Z' + n * interval '10 microseconds'
    from (select id, row_number() over (order by created_at desc) as n from webhook_deliveries) as numbered
    where numbered.id = d.id`;
  return first;
}

/** The admin is a member of one more tenant and invited into another, from which somebody is invited here. */
async function meetAnotherTenant(filled: Api, n: number): Promise<void> {
  const { sql } = filled.controller;
  const [admin] = await sql<{ id: string }[]>`select id from users where name = 'admin'`;
  await join(sql, { id: admin?.id ?? '', name: 'admin' }, await makeTenant(filled, `joined ${n}`), 'viewer');
  await addUser(filled, filled.tenantId, `user-${n}`);
  const tenantId = await makeTenant(filled, `tenant ${n}`);
  const hostId = await addUser(filled, tenantId, `host-${n}`);
  const host = await Person.logIn(filled, hostId, `host-${n}`, TEST_ADMIN_PASSWORD);
  const body = { userName: 'admin', role: 'viewer' };
  expect((await host.fetch('POST', `/api/v1/tenants/${tenantId}/invitations`, body)).status).toBe(201);
  await filled.make('/invitations', { userName: host.name, role: 'viewer' });
}

/** An admin with the password of the first one, which is not derived again. */
async function addUser({ controller }: Api, tenantId: string, name: string): Promise<string> {
  const id = randomUUID();
  await controller.sql`
    insert into users (id, tenant_id, name, password_hash, role)
    select ${id}, ${tenantId}, ${name}, password_hash, 'admin' from users where name = 'admin'`;
  return id;
}

function externalPeer(n: number, siteId: string) {
  return {
    name: `peer ${n}`,
    siteId,
    address: `198.51.100.${20 + n}`,
    identity: `gw${n}.partner.example`,
    localIdentity: 'weft.example',
    preSharedKey: 'a key that is long enough for this',
    prefixes: [`192.168.${n}.0/24`],
  };
}
