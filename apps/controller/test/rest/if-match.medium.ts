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
