import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api, makeTopology, problemOf, rule } from './support/api.js';

let api: Api;
let made: Awaited<ReturnType<typeof makeTopology>>;
beforeAll(async () => {
  api = await Api.start();
  made = await makeTopology(api);
});
afterAll(() => api?.stop());

const remove = (path: string, ifMatch?: string) =>
  api.fetch(api.path(path), { method: 'DELETE', headers: ifMatch === undefined ? {} : { 'if-match': ifMatch } });

/** What has versions, and how one is made. */
const RESOURCES: readonly { list: string; code: string; body: (name: string) => object }[] = [
  {
    list: '/external-peers',
    code: 'external_peer_changed',
    body: (name) => ({
      name,
      siteId: made.berlin.id,
      address: '203.0.113.99',
      identity: 'gw.partner.example',
      localIdentity: 'berlin.example',
      prefixes: ['10.8.0.0/24'],
      preSharedKey: 'correct horse battery staple',
    }),
  },
  {
    list: '/address-pools',
    code: 'address_pool_changed',
    body: (name) => ({ name, siteId: made.berlin.id, prefix: '10.99.0.0/24' }),
  },
  { list: '/groups', code: 'group_changed', body: (name) => ({ name, members: [] }) },
  {
    list: '/services',
    code: 'service_changed',
    body: (name) => ({ name, services: [{ protocol: 'udp', ports: [{ first: 53, last: 53 }] }] }),
  },
  {
    list: '/profiles',
    code: 'profile_changed',
    body: (name) => ({
      name,
      esp: { encryption: 'aes-gcm-16', keyBits: 256 },
      ike: { encryption: 'aes-gcm-16', keyBits: 256, prf: 'hmac-sha2-384', keyExchange: ['X25519'] },
      childKeyExchange: [],
    }),
  },
  { list: '/policies', code: 'policy_changed', body: (name) => ({ name, rules: [] }) },
  {
    list: '/policy-tests',
    code: 'policy_test_changed',
    body: (name) => ({ ...rule('r', made.berlin.id, made.tokyo.id), action: undefined, name, expect: 'allowed' }),
  },
  {
    list: '/webhooks',
    code: 'webhook_changed',
    body: (name) => ({ name, url: 'https://hooks.example/x', types: ['revision.published'], enabled: true }),
  },
];

describe.each(RESOURCES)('a removal from $list', ({ list, code, body }) => {
  it('of a version that is no more is refused, and of the one that is carried out', async () => {
    const { id } = await api.make(list, body('a'));
    const { preSharedKey: _key, ...replaced } = body('b') as { preSharedKey?: string };
    const changed = await api.send('PUT', `${list}/${id}`, replaced, { 'if-match': '"1"' });
    expect([changed.status, changed.headers.get('etag')]).toEqual([200, '"2"']);
    const problem = await problemOf(await remove(`${list}/${id}`, '"1"'));
    expect([problem.status, problem.type]).toEqual([412, `urn:weft:problem:${code}`]);
    expect((await api.fetch(api.path(`${list}/${id}`))).status).toBe(200);
    expect((await remove(`${list}/${id}`, 'W/"2"')).status).toBe(412);
    expect((await remove(`${list}/${id}`, '"1", "2"')).status).toBe(204);
    expect((await remove(`${list}/${id}`, '"2"')).status).toBe(404);
  });

  it('needs no version', async () => {
    const { id } = await api.make(list, body('c'));
    expect((await remove(`${list}/${id}`)).status).toBe(204);
  });
});

describe('another secret of a webhook', () => {
  it('is not made for a version that is no more', async () => {
    const body = { name: 'signed', url: 'https://hooks.example/x', types: ['revision.published'], enabled: true };
    const { id } = await api.make('/webhooks', body);
    const renew = (ifMatch: string) => api.send('POST', `/webhooks/${id}/secret`, undefined, { 'if-match': ifMatch });
    const renewed = await renew('"1"');
    expect([renewed.status, renewed.headers.get('etag')]).toEqual([200, '"2"']);
    expect((await problemOf(await renew('"1"'))).type).toBe('urn:weft:problem:webhook_changed');
  });
});

/** What is changed field by field: what there is of it now, and another change each time. */
const CHANGED: readonly { what: string; code: string; make: () => Promise<string>; change: (n: number) => object }[] = [
  {
    what: 'site',
    code: 'site_changed',
    make: async () => `/sites/${(await api.make('/sites', { name: randomUUID() })).id}`,
    change: (n) => ({ description: `number ${n}` }),
  },
  {
    what: 'network',
    code: 'network_changed',
    make: async () => {
      const [name, prefix] = [randomUUID(), `10.${100 + prefixes++}.0.0/16`];
      return `/networks/${(await api.make('/networks', { siteId: made.berlin.id, name, prefix })).id}`;
    },
    change: (n) => ({ labels: { number: `n${n}` } }),
  },
  {
    what: 'edge',
    code: 'edge_changed',
    make: async () => {
      const body = { siteId: made.berlin.id, name: randomUUID(), underlayAddress: '203.0.113.77' };
      return `/edges/${(await api.make('/edges', body)).id}`;
    },
    change: (n) => ({ underlayPort: 5000 + n }),
  },
  { what: 'user', code: 'user_changed', make: async () => `/users/${await makeUser()}`, change: roleOf },
  { what: 'member', code: 'member_changed', make: async () => `/members/${await makeUser()}`, change: roleOf },
];
let prefixes = 0;
function roleOf(n: number) {
  return { role: n % 2 === 0 ? 'operator' : 'approver' };
}
const makeUser = async () =>
  (await api.make('/users', { name: randomUUID(), password: 'correct horse battery', role: 'viewer' })).id;
const tagOf = async (path: string) => (await api.fetch(api.path(path))).headers.get('etag') ?? '';
const tagged = (tag: string) => ({ 'if-match': tag });

describe.each(CHANGED)('a $what', ({ code, make, change }) => {
  it('is changed as it was seen, or not at all', async () => {
    const path = await make();
    const first = await tagOf(path);
    const changed = await api.send('PATCH', path, change(1), tagged(first));
    const second = changed.headers.get('etag') ?? '';
    expect([first, changed.status, second]).toEqual(['"1"', 200, '"2"']);
    expect(await changed.json()).toMatchObject({ ...change(1), version: 2 });
    const problem = await problemOf(await api.send('PATCH', path, change(2), tagged(first)));
    expect([problem.status, problem.type]).toEqual([412, `urn:weft:problem:${code}`]);
    expect(await (await api.fetch(api.path(path))).json()).toMatchObject({ ...change(1), version: 2 });
    expect((await problemOf(await remove(path, first))).type).toBe(`urn:weft:problem:${code}`);
    expect((await remove(path, second)).status).toBe(204);
    expect((await api.send('PATCH', path, change(2), tagged(second))).status).toBe(404);
  });

  it('is changed and removed without a version, and stays the same one when nothing changes', async () => {
    const path = await make();
    for (const again of [1, 2]) {
      const answer = await api.send('PATCH', path, change(1));
      expect([again, answer.status, answer.headers.get('etag')]).toEqual([again, 200, '"2"']);
    }
    expect((await remove(path)).status).toBe(204);
  });
});

describe('the tenant', () => {
  it('is changed as it was seen, and counts neither its topology nor the order of its policies', async () => {
    const first = await tagOf('');
    await api.make('/policies', { name: 'counted elsewhere', rules: [] });
    await api.send('PUT', '/topology', { kind: 'hub_and_spoke', hubSiteIds: [made.berlin.id] }, tagged('*'));
    expect(await tagOf('')).toBe(first);
    const changed = await api.send('PATCH', '', { keyingMode: 'ike-less' }, tagged(first));
    expect(changed.status).toBe(200);
    expect(await tagOf('')).toBe(changed.headers.get('etag'));
    const problem = await problemOf(await api.send('PATCH', '', { keyingMode: 'ikev2' }, tagged(first)));
    expect([problem.status, problem.type]).toEqual([412, 'urn:weft:problem:tenant_changed']);
    expect((await api.send('PATCH', '', { keyingMode: 'ikev2' })).status).toBe(200);
  });
});

describe('an edge', () => {
  it('is revoked as it was seen, and is another one then', async () => {
    const path = `/edges/${made.tokyoEdge.id}`;
    const first = await tagOf(path);
    await api.send('PATCH', path, { underlayPort: 4600 });
    const revoke = (tag: string) => api.send('POST', `${path}/revocation`, { reason: 'stolen' }, tagged(tag));
    expect((await problemOf(await revoke(first))).type).toBe('urn:weft:problem:edge_changed');
    const second = await tagOf(path);
    const revoked = await revoke(second);
    expect([revoked.status, await tagOf(path)]).toEqual([200, revoked.headers.get('etag')]);
    expect(await tagOf(path)).not.toBe(second);
  });
});

describe('a password that somebody else has set', () => {
  it('is not overwritten unseen', async () => {
    const path = `/users/${await makeUser()}`;
    const first = await tagOf(path);
    expect((await api.send('PATCH', path, { password: 'another horse battery' }, tagged(first))).status).toBe(200);
    const late = await api.send('PATCH', path, { password: 'a third horse battery' }, tagged(first));
    expect((await problemOf(late)).type).toBe('urn:weft:problem:user_changed');
  });
});

describe('a role that the tenant gives to a member', () => {
  it('is another version of the account that it keeps, too', async () => {
    const id = await makeUser();
    await api.send('PATCH', `/members/${id}`, { role: 'operator' }, tagged('"1"'));
    const late = await api.send('PATCH', `/users/${id}`, { role: 'admin' }, tagged('"1"'));
    expect((await problemOf(late)).type).toBe('urn:weft:problem:user_changed');
  });
});

describe('the order of the policies', () => {
  const order = async () => (await (await api.fetch(api.path('/policies/order'))).json()) as { policyIds: string[] };
  const put = (policyIds: string[], headers = {}) => api.send('PUT', '/policies/order', { policyIds }, headers);

  it('is replaced as it was read, and only so', async () => {
    for (const name of ['x', 'y', 'z']) await api.make('/policies', { name, rules: [] });
    const { policyIds } = await order();
    const reversed = policyIds.toReversed();
    const tag = await tagOf('/policies/order');
    const without = await problemOf(await put(reversed));
    expect([without.status, without.type]).toEqual([428, 'urn:weft:problem:if_match_required']);
    const ordered = await put(reversed, tagged(tag));
    expect([ordered.status, (await order()).policyIds]).toEqual([200, reversed]);
    expect(ordered.headers.get('etag')).toBe(await tagOf('/policies/order'));
    const late = await problemOf(await put(policyIds, tagged(tag)));
    expect([late.status, late.type]).toEqual([412, 'urn:weft:problem:policy_order_changed']);
    expect((await order()).policyIds).toEqual(reversed);
  });

  it('is another one when a policy comes or goes, and not when one changes', async () => {
    const before = await tagOf('/policies/order');
    const { id } = await api.make('/policies', { name: 'new', rules: [] });
    const grown = await tagOf('/policies/order');
    expect(grown).not.toBe(before);
    await api.send('PUT', `/policies/${id}`, { name: 'renamed', rules: [] }, tagged('"1"'));
    expect(await tagOf('/policies/order')).toBe(grown);
    await remove(`/policies/${id}`);
    expect(await tagOf('/policies/order')).not.toBe(grown);
  });
});
