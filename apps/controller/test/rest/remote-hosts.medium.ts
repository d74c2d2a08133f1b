import { randomUUID } from 'node:crypto';
import type {
  AddressPool,
  Configuration,
  Draft,
  ExternalPeer,
  ImportResult,
  Policy,
  RevisionDiff,
} from '@weft/contracts/rest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api, makeTopology, problemOf, rule } from './support/api.js';

let api: Api;
let made: Awaited<ReturnType<typeof makeTopology>>;
let v4: AddressPool;
let v6: AddressPool;
let ada: ExternalPeer;

beforeAll(async () => {
  api = await Api.start();
  made = await makeTopology(api);
  expect((await api.send('PATCH', '', { keyingMode: 'ikev2' })).status).toBe(200);
});
afterAll(() => api?.stop());

const read = async <T>(path: string) => (await (await api.fetch(api.path(path))).json()) as T;
const remove = (path: string) => api.fetch(api.path(path), { method: 'DELETE' });
const put = (path: string, body: object, ifMatch = '*') => api.send('PUT', path, body, { 'if-match': ifMatch });
const pool = (change: object = {}) => ({
  name: 'notebooks',
  siteId: made.berlin.id,
  prefix: '10.99.0.0/29',
  nameServers: ['10.1.0.53', '2001:db8:1::53'],
  domains: ['corp.example'],
  ...change,
});
const host = (name: string, assigned: readonly { addressPoolId: string; address?: string }[]) => ({
  name,
  siteId: made.berlin.id,
  identity: `${name}@corp.example`,
  localIdentity: 'berlin.example',
  preSharedKey: 'correct horse battery staple',
  assigned,
});
const makeHost = (name: string, assigned: Parameters<typeof host>[1]) =>
  api.make<ExternalPeer>('/external-peers', host(name, assigned));
const addressesOf = ({ assigned = [] }: ExternalPeer) => assigned.map(({ address }) => address);

// In order: each step goes on from the one before it.
describe('address pools', () => {
  it('are made, read, listed and replaced as a whole', async () => {
    v4 = await api.make<AddressPool>('/address-pools', pool());
    expect(v4).toMatchObject({ ...pool(), description: '', version: 1 });
    v6 = await api.make<AddressPool>('/address-pools', {
      name: 'notebooks, IPv6',
      siteId: made.berlin.id,
      prefix: '2001:DB8:99::/64',
    });
    expect(v6).toMatchObject({ prefix: '2001:db8:99::/64', nameServers: [], domains: [] });
    expect(await read('/address-pools')).toEqual({ items: [v4, v6], next: null });
    const answer = await put(`/address-pools/${v6.id}`, { ...pool(), name: v6.name, prefix: v6.prefix }, '"1"');
    expect([answer.status, answer.headers.get('etag')]).toEqual([200, '"2"']);
    expect(await answer.json()).toMatchObject({ domains: ['corp.example'], version: 2 });
    const same = await put(`/address-pools/${v6.id}`, { ...pool(), name: v6.name, prefix: v6.prefix }, '"2"');
    expect([same.status, same.headers.get('etag')]).toEqual([200, '"2"']);
  });

  it.each<[what: string, change: object, status: number, pointer: string, broken: string]>([
    ['the name of another', {}, 409, '/name', 'name_taken'],
    ['a site of nobody', { name: 'x', siteId: randomUUID() }, 422, '/siteId', 'unknown_site'],
    ['a prefix that overlaps', { name: 'x', prefix: '10.99.0.0/16' }, 409, '/prefix', 'overlapping_address_pools'],
    ['bits behind its length', { name: 'x', prefix: '10.98.0.1/24' }, 422, '/prefix', 'prefix_host_bits'],
    ['a name server that is none', { nameServers: ['dns'] }, 422, '/nameServers/0', 'address_format'],
    [
      'a name server twice, written in two ways',
      { name: 'x', prefix: '10.98.0.0/24', nameServers: ['2001:db8::53', '2001:DB8:0::53'] },
      422,
      '/nameServers',
      'duplicate_address',
    ],
    ['nine name servers', { nameServers: Array(9).fill('::1') }, 422, '/nameServers', 'too_big'],
    ['domains of no server', { nameServers: [] }, 422, '/domains', 'domains_without_name_servers'],
    ['a final dot', { domains: ['corp.example.'] }, 422, '/domains/0', 'domain_format'],
    ['a domain twice', { domains: ['corp.example', 'Corp.Example'] }, 422, '/domains/1', 'duplicate_domain'],
  ])('are refused with %s, naming it', async (_, change, status, pointer, broken) => {
    const problem = await problemOf(await api.send('POST', '/address-pools', pool(change)));
    expect([problem.status, problem.errors]).toMatchObject([status, [{ pointer, rule: broken }]]);
    expect(problem.errors[0]?.fix).not.toBe('');
  });
});

describe('remote hosts', () => {
  it('have the addresses that they name, or the lowest that are free, and are shown with them', async () => {
    ada = await makeHost('ada', [{ addressPoolId: v6.id, address: '2001:DB8:99::7' }, { addressPoolId: v4.id }]);
    expect(ada.assigned).toEqual([
      { addressPoolId: v4.id, address: '10.99.0.1' },
      { addressPoolId: v6.id, address: '2001:db8:99::7' },
    ]);
    for (const field of ['address', 'port', 'prefixes']) expect(ada).not.toHaveProperty(field);
    expect(await read('/external-peers')).toEqual({ items: [ada], next: null });
    expect(addressesOf(await makeHost('bea', [{ addressPoolId: v4.id, address: '10.99.0.3' }]))).toEqual(['10.99.0.3']);
    expect(addressesOf(await makeHost('cai', [{ addressPoolId: v4.id }]))).toEqual(['10.99.0.2']);
    expect(addressesOf(await makeHost('dov', [{ addressPoolId: v4.id }, { addressPoolId: v6.id }]))).toEqual([
      '10.99.0.4',
      '2001:db8:99::1',
    ]);
  });

  it('have different ones when they are made at the same moment, until there are none left', async () => {
    const answers = await Promise.all(
      ['eli', 'fay', 'gus'].map((name) => api.send('POST', '/external-peers', host(name, [{ addressPoolId: v4.id }]))),
    );
    const bodies = (await Promise.all(answers.map((answer) => answer.json()))) as ExternalPeer[];
    const [first, second, refused] = answers.map(({ status }) => status).sort();
    expect([first, second, refused]).toEqual([201, 201, 409]);
    expect(bodies.flatMap(addressesOf).sort()).toEqual(['10.99.0.5', '10.99.0.6']);
    const full = await problemOf(await api.send('POST', '/external-peers', host('hal', [{ addressPoolId: v4.id }])));
    expect(full).toMatchObject({
      status: 409,
      errors: [{ pointer: '/assigned/0/addressPoolId', rule: 'address_pool_full' }],
    });
    expect(full.detail).toContain('shorter prefix');
    // Each pool by itself: what is free of one is not what is free of the other.
    const others = Array.from({ length: 6 }, (_, n) => `at-once-${n}`);
    const made6 = await Promise.all(others.map((name) => makeHost(name, [{ addressPoolId: v6.id }])));
    expect(new Set(made6.flatMap(addressesOf)).size).toBe(6);
    for (const { id } of made6) expect((await remove(`/external-peers/${id}`)).status).toBe(204);
  });

  it.each<[prefix: string, addresses: readonly string[]]>([
    ['10.98.0.0/30', ['10.98.0.1', '10.98.0.2']],
    ['10.98.0.0/31', ['10.98.0.0', '10.98.0.1']],
    ['10.98.0.7/32', ['10.98.0.7']],
    ['255.255.255.252/30', ['255.255.255.253', '255.255.255.254']],
    ['2001:db8:98::/127', ['2001:db8:98::1']],
    ['2001:db8:98::/128', []],
    ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128', []],
  ])('of the prefix %s are assigned %j and no others', async (prefix, addresses) => {
    const { id } = await api.make('/address-pools', pool({ name: 'small', prefix }));
    const hosts: ExternalPeer[] = [];
    for (const [n] of addresses.entries()) hosts.push(await makeHost(`small-${n}`, [{ addressPoolId: id }]));
    expect(hosts.flatMap(addressesOf)).toEqual(addresses);
    const more = await problemOf(await api.send('POST', '/external-peers', host('more', [{ addressPoolId: id }])));
    expect(more.errors).toMatchObject([{ rule: 'address_pool_full' }]);
    for (const peer of hosts) expect((await remove(`/external-peers/${peer.id}`)).status).toBe(204);
    expect((await remove(`/address-pools/${id}`)).status).toBe(204);
  });

  it('are refused with what no host has, naming it', async () => {
    const { id: elsewhere } = await api.make(
      '/address-pools',
      pool({ name: 'tokyo', siteId: made.tokyo.id, prefix: '10.97.0.0/24' }),
    );
    const other = await api.make('/address-pools', pool({ name: 'other', prefix: '10.96.0.0/24' }));
    const cases: readonly [assigned: object[], status: number, pointer: string, broken: string][] = [
      [[{ addressPoolId: randomUUID() }], 422, '/assigned/0/addressPoolId', 'unknown_address_pool'],
      [[{ addressPoolId: elsewhere }], 422, '/assigned/0/addressPoolId', 'pool_of_another_site'],
      [
        [{ addressPoolId: v4.id, address: '10.99.0.6' }, { addressPoolId: v4.id }],
        409,
        '/assigned/0/address',
        'address_assigned_twice',
      ],
      [
        [{ addressPoolId: v6.id }, { addressPoolId: v6.id }],
        422,
        '/assigned/1/addressPoolId',
        'several_addresses_of_version',
      ],
      [
        [{ addressPoolId: other.id }, { addressPoolId: v4.id }],
        422,
        '/assigned/1/addressPoolId',
        'several_addresses_of_version',
      ],
      [[{ addressPoolId: v4.id, address: '10.1.0.7' }], 422, '/assigned/0/address', 'address_outside_pool'],
      [[{ addressPoolId: v4.id, address: '10.99.0.1/32' }], 422, '/assigned/0/address', 'address_format'],
      [[], 422, '/assigned', 'too_small'],
    ];
    for (const [assigned, status, pointer, broken] of cases) {
      const body = host('bad', assigned as { addressPoolId: string }[]);
      const problem = await problemOf(await api.send('POST', '/external-peers', body));
      expect([problem.status, problem.errors], JSON.stringify(assigned)).toMatchObject([
        status,
        [{ pointer, rule: broken }],
      ]);
    }
    for (const id of [elsewhere, other.id]) expect((await remove(`/address-pools/${id}`)).status).toBe(204);
  });

  it('are no gateways, and become none', async () => {
    const { preSharedKey: _, ...described } = host('ada', [{ addressPoolId: v4.id }]);
    const gateway = { ...described, assigned: undefined, address: '203.0.113.99', prefixes: ['10.8.0.0/24'] };
    const both = await api.send('POST', '/external-peers', { ...host('x', [{ addressPoolId: v4.id }]), port: 4500 });
    expect((await problemOf(both)).errors).toMatchObject([{ pointer: '/port', rule: 'two_forms' }]);
    expect(await problemOf(await put(`/external-peers/${ada.id}`, gateway))).toMatchObject({
      status: 409,
      errors: [{ pointer: '/address', rule: 'kind_changes' }],
    });
    const other = await api.make('/external-peers', { ...gateway, name: 'gw', preSharedKey: 'x'.repeat(20) });
    expect(await problemOf(await put(`/external-peers/${other.id}`, { ...described, name: 'gw' }))).toMatchObject({
      status: 409,
      errors: [{ pointer: '/assigned', rule: 'kind_changes' }],
    });
    expect((await remove(`/external-peers/${other.id}`)).status).toBe(204);
  });

  it('keep their address when they are replaced without one, and have another that is named', async () => {
    const { preSharedKey: _, ...described } = host('ada', [{ addressPoolId: v6.id }, { addressPoolId: v4.id }]);
    const kept = (await (await put(`/external-peers/${ada.id}`, described, '"1"')).json()) as ExternalPeer;
    expect(kept).toMatchObject({ version: 2, assigned: ada.assigned });
    const moved = { ...described, assigned: [{ addressPoolId: v6.id, address: '2001:db8:99::8' }] };
    const answer = (await (await put(`/external-peers/${ada.id}`, moved, '"2"')).json()) as ExternalPeer;
    expect(addressesOf(answer)).toEqual(['2001:db8:99::8']);
    expect((await put(`/external-peers/${ada.id}`, { ...described, assigned: ada.assigned }, '"3"')).status).toBe(200);
  });

  it('keep their pool where it is, as large as they need it', async () => {
    const path = `/address-pools/${v4.id}`;
    const small = await problemOf(await put(path, pool({ prefix: '10.99.0.0/30' })));
    expect([small.status, small.errors]).toMatchObject([409, [{ pointer: '/prefix', rule: 'assigned_outside' }]]);
    expect(small.detail).toContain('10.99.0.4 of "dov"');
    const away = await problemOf(await put(path, pool({ siteId: made.tokyo.id })));
    expect([away.status, away.errors]).toMatchObject([409, [{ pointer: '/siteId', rule: 'assigned_elsewhere' }]]);
    const used = await problemOf(await remove(path));
    expect([used.status, used.type]).toEqual([409, 'urn:weft:problem:address_pool_in_use']);
    expect(used.detail).toContain('the external peer "ada"');
    const site = await problemOf(await remove(`/sites/${made.berlin.id}`));
    expect(site.type).toBe('urn:weft:problem:site_in_use');
    expect((await put(path, pool({ prefix: '10.99.0.0/24' }))).status).toBe(200);
    expect(addressesOf(await makeHost('hal', [{ addressPoolId: v4.id }]))).toEqual(['10.99.0.7']);
  });

  it('of another tenant are nobody here', async () => {
    const tenantId = randomUUID();
    await api.controller.sql`insert into tenants (id, name) values (${tenantId}, 'theirs')`;
    const [site, theirs] = [randomUUID(), randomUUID()];
    await api.controller.sql`insert into sites (id, tenant_id, name) values (${site}, ${tenantId}, 'theirs')`;
    await api.controller.sql`
      insert into address_pools (id, tenant_id, site_id, name, prefix)
      values (${theirs}, ${tenantId}, ${site}, 'theirs', '10.99.0.0/24')`;
    const problem = await problemOf(await api.send('POST', '/external-peers', host('x', [{ addressPoolId: theirs }])));
    expect(problem.errors).toMatchObject([{ rule: 'unknown_address_pool' }]);
    expect((await api.fetch(api.path(`/address-pools/${theirs}`))).status).toBe(404);
    expect((await put(`/address-pools/${theirs}`, pool())).status).toBe(404);
    expect((await remove(`/address-pools/${theirs}`)).status).toBe(404);
  });
});

describe('rules', () => {
  let policy: Policy;

  it('name pools, and hosts, and keep them', async () => {
    const rules = [
      { ...rule('travel', made.tokyo.id, made.berlin.id), sources: [{ kind: 'address_pool', addressPoolId: v4.id }] },
    ];
    policy = await api.make<Policy>('/policies', { name: 'travel', rules });
    expect(policy.rules).toMatchObject(rules);
    expect((await problemOf(await remove(`/address-pools/${v4.id}`))).detail).toContain('the rule "travel"');
    const lost = {
      name: 'lost',
      rules: [{ ...rules[0], sources: [{ kind: 'address_pool', addressPoolId: randomUUID() }] }],
    };
    expect((await problemOf(await api.send('POST', '/policies', lost))).errors).toMatchObject([
      { pointer: '/rules/0/sources/0/addressPoolId', rule: 'unknown_address_pool' },
    ]);
  });

  it('and so do policy tests, which hold them against the draft and name them in the document', async () => {
    const [services, sources] = [[{ protocol: 'any', ports: [] }], [{ kind: 'address_pool', addressPoolId: v4.id }]];
    const reaches = (expect: 'allowed' | 'denied') => {
      const destinations = [{ kind: 'site', siteId: made.berlin.id }];
      return { name: `hosts ${expect}`, sources, destinations, services, expect };
    };
    const right = await api.make('/policy-tests', reaches('allowed'));
    expect(await read<Draft>('/revisions/draft')).toMatchObject({ problems: [], findings: [] });
    const wrong = await api.make('/policy-tests', reaches('denied'));
    expect((await read<Draft>('/revisions/draft')).findings).toMatchObject([
      { kind: 'policy_test_failed', policyTestId: wrong.id },
    ]);
    const { policyTests } = await read<Configuration>('/configuration/export?format=json');
    expect(policyTests?.[0]?.sources).toEqual([{ kind: 'address_pool', addressPool: 'notebooks' }]);
    for (const { id } of [right, wrong]) expect((await remove(`/policy-tests/${id}`)).status).toBe(204);
  });

  it('and all of it is in the difference of the draft, by name', async () => {
    expect(await read<Draft>('/revisions/draft')).toMatchObject({ problems: [] });
    const { intent, names } = await read<RevisionDiff>('/revisions/draft/diff');
    expect(intent).toContainEqual(
      expect.objectContaining({ change: 'added', noun: 'address_pool', id: v4.id, name: 'notebooks' }),
    );
    expect(intent).toContainEqual(expect.objectContaining({ noun: 'external_peer', name: 'ada' }));
    expect(names).toContainEqual({ id: v4.id, name: 'notebooks' });
  });

  it('and is in the document of the tenant, which changes nothing the second time', async () => {
    const document = await read<Configuration>('/configuration/export?format=json');
    expect(document.addressPools).toEqual([
      {
        name: 'notebooks',
        description: '',
        site: 'berlin',
        prefix: '10.99.0.0/24',
        nameServers: ['10.1.0.53', '2001:db8:1::53'],
        domains: ['corp.example'],
      },
      expect.objectContaining({ name: 'notebooks, IPv6', site: 'berlin' }),
    ]);
    const [first] = document.externalPeers ?? [];
    expect(first).toMatchObject({
      name: 'ada',
      assigned: [
        { addressPool: 'notebooks', address: '10.99.0.1' },
        { addressPool: 'notebooks, IPv6', address: '2001:db8:99::7' },
      ],
    });
    expect(document.policies?.[0]?.rules[0]?.sources).toEqual([{ kind: 'address_pool', addressPool: 'notebooks' }]);
    const load = async (body: object, query = '') =>
      api.send('POST', `/configuration/import${query}`, { version: 1, ...body });
    expect(((await (await load(document)).json()) as ImportResult).changed).toBe(false);
    // Hosts change addresses with each other, the pool moves away from under them, and one goes.
    const [a, b, ...rest] = document.externalPeers ?? [];
    const at = (peer: typeof a, address: string) => ({ ...peer, assigned: [{ addressPool: 'notebooks', address }] });
    const edited = {
      addressPools: document.addressPools?.map((one) =>
        one.name === 'notebooks' ? { ...one, prefix: '10.94.0.0/24' } : one,
      ),
      externalPeers: [at(b, '10.94.0.1'), at(a, '10.94.0.3')],
    };
    const answer = await load(edited, '?prune=true');
    const result = (await answer.json()) as ImportResult;
    expect([answer.status, result]).toMatchObject([200, { counts: { changed: 3, removed: rest.length } }]);
    expect(((await (await load(edited, '?prune=true')).json()) as ImportResult).changed).toBe(false);
    const { items } = await read<{ items: ExternalPeer[] }>('/external-peers');
    expect(items.map((peer) => [peer.name, addressesOf(peer)])).toEqual([
      ['ada', ['10.94.0.3']],
      ['bea', ['10.94.0.1']],
    ]);
    expect(items[0]?.id).toBe(ada.id);
  });

  it('and comes back with an earlier revision', async () => {
    const before = await read<Draft>('/revisions/draft');
    const published = await api.send('POST', '/revisions', { comment: 'with hosts' });
    expect([published.status, await published.clone().text()]).toEqual([200, expect.anything()]);
    const number = before.baseRevision === null ? 1 : before.baseRevision + 1;
    const pools = await read<{ items: AddressPool[] }>('/address-pools');
    const peers = await read<{ items: ExternalPeer[] }>('/external-peers');
    expect((await remove(`/policies/${policy.id}`)).status).toBe(204);
    for (const { id } of peers.items) expect((await remove(`/external-peers/${id}`)).status).toBe(204);
    expect((await remove(`/address-pools/${v4.id}`)).status).toBe(204);
    // Both have the name and the place meanwhile.
    await api.make('/address-pools', pool({ prefix: '10.94.0.0/16', siteId: made.tokyo.id }));
    await api.make('/revisions', {});
    const { version } = await read<Draft>('/revisions/draft');
    const answer = await api.send('POST', `/revisions/${number}/restoration`, {}, { 'if-match': `"${version}"` });
    expect([answer.status, await answer.clone().text()]).toEqual([200, expect.anything()]);
    const after = await read<{ items: ExternalPeer[] }>('/external-peers');
    expect(after.items.map(({ id, name, assigned }) => ({ id, name, assigned }))).toEqual(
      peers.items.map(({ id, name, assigned }) => ({ id, name, assigned })),
    );
    const restored = await read<{ items: AddressPool[] }>('/address-pools');
    expect(
      restored.items.map(({ id, name, prefix, siteId, nameServers, domains }) => [
        id,
        name,
        prefix,
        siteId,
        nameServers,
        domains,
      ]),
    ).toEqual(
      pools.items.map(({ id, name, prefix, siteId, nameServers, domains }) => [
        id,
        name,
        prefix,
        siteId,
        nameServers,
        domains,
      ]),
    );
    expect(await read<Draft>('/revisions/draft')).toMatchObject({ changed: false });
  });
});
