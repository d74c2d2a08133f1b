import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IntentRepository } from '../../src/modules/revisions/intent.repository.js';
import { Api, cookieOf, logIn, makeTopology, problemOf, rule } from './support/api.js';

let api: Api;
let made: Awaited<ReturnType<typeof makeTopology>>;
beforeAll(async () => {
  api = await Api.start();
  made = await makeTopology(api);
});
afterAll(() => api.stop());

describe('sites', () => {
  it('are made, read, changed and removed', async () => {
    const path = { tenantId: api.tenantId };
    const { data: site } = await api.client.POST('/api/v1/tenants/{tenantId}/sites', {
      params: { path },
      body: { name: 'oslo', description: 'branch' },
    });
    const params = { params: { path: { ...path, siteId: site?.id ?? '' } } };
    expect((await api.client.GET('/api/v1/tenants/{tenantId}/sites/{siteId}', params)).data).toEqual(site);
    const changed = await api.client.PATCH('/api/v1/tenants/{tenantId}/sites/{siteId}', {
      ...params,
      body: { name: 'bergen' },
    });
    expect(changed.data).toMatchObject({ id: site?.id, name: 'bergen', description: 'branch' });
    const { data: list } = await api.client.GET('/api/v1/tenants/{tenantId}/sites', { params: { path } });
    expect(list?.items.map(({ name }) => name)).toEqual(['bergen', 'berlin', 'tokyo']);
    expect((await api.client.DELETE('/api/v1/tenants/{tenantId}/sites/{siteId}', params)).response.status).toBe(204);
    expect((await api.client.GET('/api/v1/tenants/{tenantId}/sites/{siteId}', params)).error?.type).toBe(
      'urn:weft:problem:unknown_site',
    );
  });

  it('have a name of their own', async () => {
    const taken = await problemOf(await api.send('POST', '/sites', { name: 'berlin' }));
    expect(taken).toMatchObject({ status: 409, errors: [{ pointer: '/name', rule: 'name_taken' }] });
    const renamed = await problemOf(await api.send('PATCH', `/sites/${made.tokyo.id}`, { name: 'berlin' }));
    expect(renamed).toMatchObject({ status: 409, errors: [{ pointer: '/name', rule: 'name_taken' }] });
  });

  it('stay while something refers to them, and the refusal names what', async () => {
    const problem = await problemOf(await api.fetch(api.path(`/sites/${made.berlin.id}`), { method: 'DELETE' }));
    expect(problem.status).toBe(409);
    expect(problem.detail).toContain('the network "lan", the edge "berlin-1"');
  });
});

describe('networks', () => {
  it('that overlap are refused, naming both', async () => {
    const body = { siteId: made.tokyo.id, name: 'lab', prefix: '10.1.128.0/17' };
    const problem = await problemOf(await api.send('POST', '/networks', body));
    expect(problem).toMatchObject({ status: 409, errors: [{ pointer: '/prefix', rule: 'overlapping_networks' }] });
    for (const part of ['10.1.128.0/17', '"lab"', '10.1.0.0/16', '"lan"', '"berlin"'])
      expect(problem.detail).toContain(part);
  });

  it('that overlap never get in together, however many try at once', async () => {
    const prefixes = ['10.9.0.0/16', '10.9.1.0/24', '10.8.0.0/15', '10.9.1.128/25'];
    const answers = await Promise.all(
      prefixes.map((prefix, index) =>
        api.send('POST', '/networks', { siteId: made.tokyo.id, name: `race-${index}`, prefix }),
      ),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.every((status) => status === 201 || status === 409)).toBe(true);
    expect(statuses).toContain(201);
    const { sql } = api.controller;
    const overlaps = await sql`
      select from networks a join networks b on a.id < b.id and a.tenant_id = b.tenant_id and a.prefix && b.prefix`;
    expect(overlaps).toHaveLength(0);
  });

  it('have a name of their own at their site, and a site that is there', async () => {
    const lan = { name: 'lan', prefix: '10.77.0.0/16' };
    const taken = await problemOf(await api.send('POST', '/networks', { siteId: made.berlin.id, ...lan }));
    expect(taken).toMatchObject({ status: 409, errors: [{ pointer: '/name', rule: 'name_taken' }] });
    const lost = await problemOf(await api.send('POST', '/networks', { siteId: randomUUID(), ...lan }));
    expect(lost).toMatchObject({ status: 422, errors: [{ pointer: '/siteId', rule: 'unknown_site' }] });
  });

  it('have canonical text', async () => {
    const network = await api.make<{ prefix: string; id: string }>('/networks', {
      siteId: made.berlin.id,
      name: 'six',
      prefix: '2001:DB8:0001:0:0::/48',
    });
    expect(network.prefix).toBe('2001:db8:1::/48');
    const removed = await api.fetch(api.path(`/networks/${network.id}`), { method: 'DELETE' });
    expect(removed.status).toBe(204);
  });

  it.each([
    ['10.1.2.3/16', 'prefix_host_bits'],
    ['2001:db8::1/64', 'prefix_host_bits'],
    ['10.0.0.0/33', 'prefix_format'],
    ['10.0.0.0', 'prefix_format'],
    ['10.0.0.0/8/8', 'prefix_format'],
    ['fe80::%eth0/64', 'prefix_format'],
    ['10.0.0.0/08', 'prefix_format'],
    ['x', 'prefix_format'],
  ])('with the prefix %s break the rule %s', async (prefix, rule) => {
    const problem = await problemOf(
      await api.send('POST', '/networks', { siteId: made.berlin.id, name: 'bad', prefix }),
    );
    expect(problem).toMatchObject({ status: 422, errors: [{ pointer: '/prefix', rule }] });
  });

  it('stay while a rule names them', async () => {
    const body = {
      ...rule('to-lan', made.berlin.id, made.tokyo.id),
      sources: [{ kind: 'network', networkId: made.berlinLan.id }],
    };
    const policy = await api.make('/policies', { name: 'uses-lan', rules: [body] });
    const problem = await problemOf(await api.fetch(api.path(`/networks/${made.berlinLan.id}`), { method: 'DELETE' }));
    expect(problem.status).toBe(409);
    expect(problem.detail).toContain('the rule "to-lan" of the policy "uses-lan"');
    await api.fetch(api.path(`/policies/${policy.id}`), { method: 'DELETE' });
  });
});

describe('edges', () => {
  it('default to the port of RFC 3948 and have no live state before they enroll', async () => {
    const { data } = await api.client.GET('/api/v1/tenants/{tenantId}/edges/{edgeId}', {
      params: { path: { tenantId: api.tenantId, edgeId: made.berlinEdge.id } },
    });
    expect(data).toMatchObject({ underlayAddress: '203.0.113.1', underlayPort: 4500 });
    expect(data?.live).toEqual({
      connected: false,
      connectedSince: null,
      agentVersion: null,
      enrolledAt: null,
      certificateNotAfter: null,
      certificateCondition: 'none',
      desired: null,
      applied: null,
      inSync: false,
      lastRejection: null,
      drops: [],
    });
  });

  it('change address and go', async () => {
    const edge = await api.make('/edges', { siteId: made.tokyo.id, name: 'spare', underlayAddress: '2001:DB8::5' });
    const changed = await api.send('PATCH', `/edges/${edge.id}`, {
      underlayAddress: '198.51.100.7',
      underlayPort: 4501,
    });
    expect(await changed.json()).toMatchObject({ name: 'spare', underlayAddress: '198.51.100.7', underlayPort: 4501 });
    expect((await api.fetch(api.path(`/edges/${edge.id}`), { method: 'DELETE' })).status).toBe(204);
    expect((await problemOf(await api.fetch(api.path(`/edges/${edge.id}`)))).type).toBe(
      'urn:weft:problem:unknown_edge',
    );
  });

  it('of one site come one after the other, as they are made or as they are told, and none has the place of another', async () => {
    const body = { siteId: made.tokyo.id, underlayAddress: '198.51.100.8' };
    const edges = [
      await api.make('/edges', { ...body, name: 'ha-1', preference: 7 }),
      await api.make('/edges', { ...body, name: 'ha-2' }),
    ];
    expect(edges).toMatchObject([{ preference: 7 }, { preference: 8 }]);
    const taken = await problemOf(await api.send('PATCH', `/edges/${edges[1]?.id}`, { preference: 7 }));
    expect(taken).toMatchObject({ status: 409, errors: [{ pointer: '/preference', rule: 'preference_taken' }] });
    const moved = await api.send('PATCH', `/edges/${edges[1]?.id}`, { preference: 3 });
    expect(await moved.json()).toMatchObject({ name: 'ha-2', preference: 3 });
    for (const { id } of edges) await api.fetch(api.path(`/edges/${id}`), { method: 'DELETE' });
  });

  it.each(['0.0.0.0', '224.0.0.1', '255.255.255.255', '::', 'ff02::1'])(
    'have no underlay address %s',
    async (underlayAddress) => {
      const problem = await problemOf(
        await api.send('POST', '/edges', { siteId: made.tokyo.id, name: 'bad', underlayAddress }),
      );
      expect(problem).toMatchObject({
        status: 422,
        errors: [{ pointer: '/underlayAddress', rule: 'address_not_unicast' }],
      });
    },
  );

  it('have a name of their own', async () => {
    const body = { siteId: made.tokyo.id, name: 'berlin-1', underlayAddress: '203.0.113.77' };
    const taken = await problemOf(await api.send('POST', '/edges', body));
    expect(taken).toMatchObject({ status: 409, errors: [{ pointer: '/name', rule: 'name_taken' }] });
    const renamed = await problemOf(await api.send('PATCH', `/edges/${made.tokyoEdge.id}`, { name: 'berlin-1' }));
    expect(renamed).toMatchObject({ status: 409, errors: [{ pointer: '/name', rule: 'name_taken' }] });
  });

  it('are refused at a site that is not there', async () => {
    const body = { siteId: randomUUID(), name: 'lost', underlayAddress: '203.0.113.9' };
    const problem = await problemOf(await api.send('POST', '/edges', body));
    expect(problem).toMatchObject({ status: 422, errors: [{ pointer: '/siteId', rule: 'unknown_site' }] });
  });

  it('get a one-time token that the database does not know in clear', async () => {
    const answer = await api.fetch(api.path(`/edges/${made.berlinEdge.id}/enrollment-tokens`), { method: 'POST' });
    expect(answer.status).toBe(201);
    const { token, command } = (await answer.json()) as { token: string; command: string };
    expect(token).toMatch(/^weft1\.[\w-]{43}\.[\w-]{43}$/);
    expect(command).toContain(`weft-edge enroll --controller 127.0.0.1:`);
    expect(command).toContain(`--token ${token}`);
    expect(JSON.stringify(api.controller.log)).not.toContain(token.split('.')[1]);
    const missing = await api.fetch(api.path(`/edges/${randomUUID()}/enrollment-tokens`), { method: 'POST' });
    expect((await problemOf(missing)).type).toBe('urn:weft:problem:unknown_edge');
  });
});

describe('tenants', () => {
  it('are made by an administrator and share nothing', async () => {
    const { data: other } = await api.client.POST('/api/v1/tenants', { body: { name: 'other' } });
    const path = { tenantId: other?.id ?? '' };
    const inOther = (rest: string) => `/api/v1/tenants/${path.tenantId}${rest}`;
    expect((await api.client.GET('/api/v1/tenants/{tenantId}/sites', { params: { path } })).data).toEqual({
      items: [],
      next: null,
    });
    // A site of the first tenant is no site of the second, for reading and for reference.
    expect((await api.fetch(inOther(`/sites/${made.berlin.id}`))).status).toBe(404);
    const { error } = await api.client.POST('/api/v1/tenants/{tenantId}/networks', {
      params: { path },
      body: { siteId: made.berlin.id, name: 'lan', prefix: '172.16.0.0/16' },
    });
    expect(error).toMatchObject({ status: 422, errors: [{ pointer: '/siteId', rule: 'unknown_site' }] });
    // The same prefix in two tenants is no overlap.
    const { data: site } = await api.client.POST('/api/v1/tenants/{tenantId}/sites', {
      params: { path },
      body: { name: 'berlin' },
    });
    const { response } = await api.client.POST('/api/v1/tenants/{tenantId}/networks', {
      params: { path },
      body: { siteId: site?.id ?? '', name: 'lan', prefix: '10.1.0.0/16' },
    });
    expect(response.status).toBe(201);
  });

  it('choose who makes their keys, and revisions hold the choice', async () => {
    const { data: tenant } = await api.client.POST('/api/v1/tenants', { body: { name: 'chooser' } });
    expect(tenant?.keyingMode).toBe('ikev2');
    const params = { path: { tenantId: tenant?.id ?? '' } };
    const { data: changed } = await api.client.PATCH('/api/v1/tenants/{tenantId}', {
      params,
      body: { keyingMode: 'ike-less' },
    });
    expect(changed).toEqual({ ...tenant, keyingMode: 'ike-less', version: 2 });
    expect((await api.client.GET('/api/v1/tenants/{tenantId}', { params })).data).toEqual(changed);
    const { application } = api.controller.controller;
    const intent = await application.get(IntentRepository).read(api.controller.sql, tenant?.id ?? '');
    expect(intent.keyingMode).toBe('ike-less');
  });

  it('choose what ESP travels in, without touching what else they chose', async () => {
    const { data: tenant } = await api.client.POST('/api/v1/tenants', { body: { name: 'natless' } });
    expect(tenant?.encapsulation).toBe('udp');
    const params = { path: { tenantId: tenant?.id ?? '' } };
    const change = (body: { keyingMode?: 'ike-less'; encapsulation?: 'none' }) =>
      api.client.PATCH('/api/v1/tenants/{tenantId}', { params, body });
    expect((await change({ encapsulation: 'none' })).data).toEqual({ ...tenant, encapsulation: 'none', version: 2 });
    const both = { ...tenant, encapsulation: 'none', keyingMode: 'ike-less', version: 3 };
    expect((await change({ keyingMode: 'ike-less' })).data).toEqual(both);
    expect((await change({})).data).toEqual(both);
    const { application } = api.controller.controller;
    const intent = await application.get(IntentRepository).read(api.controller.sql, tenant?.id ?? '');
    expect(intent).toMatchObject({ encapsulation: 'none', keyingMode: 'ike-less' });
  });

  it('choose whether packets between their edges are encrypted, which is in the intent once they are not', async () => {
    const { data: tenant } = await api.client.POST('/api/v1/tenants', { body: { name: 'readable' } });
    expect(tenant?.securityProtocol).toBe('esp');
    const tenantId = tenant?.id ?? '';
    const intent = () => api.controller.controller.application.get(IntentRepository).read(api.controller.sql, tenantId);
    // As the intents of tenants from before there was a choice.
    expect(await intent()).not.toHaveProperty('securityProtocol');
    const change = (securityProtocol: 'esp' | 'ah') =>
      api.client.PATCH('/api/v1/tenants/{tenantId}', { params: { path: { tenantId } }, body: { securityProtocol } });
    expect((await change('ah')).data).toEqual({ ...tenant, securityProtocol: 'ah', version: 2 });
    expect(await intent()).toMatchObject({ securityProtocol: 'ah', encapsulation: 'udp' });
    expect((await change('esp')).data).toEqual({ ...tenant, version: 3 });
    expect(await intent()).not.toHaveProperty('securityProtocol');
  });

  it('choose the mode of packets between their edges, which is in the intent once it is another', async () => {
    const { data: tenant } = await api.client.POST('/api/v1/tenants', { body: { name: 'hosts' } });
    expect(tenant?.mode).toBe('tunnel');
    const tenantId = tenant?.id ?? '';
    const intent = () => api.controller.controller.application.get(IntentRepository).read(api.controller.sql, tenantId);
    expect(await intent()).not.toHaveProperty('mode');
    const change = (mode: 'tunnel' | 'transport') =>
      api.client.PATCH('/api/v1/tenants/{tenantId}', { params: { path: { tenantId } }, body: { mode } });
    expect((await change('transport')).data).toEqual({ ...tenant, mode: 'transport', version: 2 });
    expect(await intent()).toMatchObject({ mode: 'transport' });
    expect((await change('tunnel')).data).toEqual({ ...tenant, version: 3 });
    expect(await intent()).not.toHaveProperty('mode');
  });

  it('are closed to users of another one, who cannot tell them from tenants that do not exist', async () => {
    const { sql } = api.controller;
    const tenantId = randomUUID();
    await sql`insert into tenants (id, name) values (${tenantId}, 'third')`;
    await sql`
      insert into users (id, tenant_id, name, password_hash, role)
      select ${randomUUID()}, ${tenantId}, 'member', password_hash, 'admin' from users where name = 'admin'`;
    const cookie = cookieOf(await logIn(api.controller.url, 'member', 'correct horse battery staple'));
    const get = (path: string) => fetch(`${api.controller.url}${path}`, { headers: { cookie } });
    expect((await get(`/api/v1/tenants/${tenantId}/sites`)).status).toBe(200);
    const foreign = await problemOf(await get(api.path('/sites')));
    const missing = await problemOf(await get(`/api/v1/tenants/${randomUUID()}/sites`));
    expect(foreign.status).toBe(404);
    expect(missing.type).toBe(foreign.type);
    expect(await (await get('/api/v1/tenants')).json()).toMatchObject({ items: [{ id: tenantId, name: 'third' }] });
    const create = await fetch(`${api.controller.url}/api/v1/tenants`, {
      method: 'POST',
      headers: { cookie, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'mine' }),
    });
    expect((await problemOf(create)).type).toBe('urn:weft:problem:role_required');
  });

  it('are not found by a name that is no identifier', async () => {
    expect((await problemOf(await api.fetch('/api/v1/tenants/default/sites'))).status).toBe(404);
    expect((await problemOf(await api.fetch(api.path('/sites/berlin')))).status).toBe(404);
  });
});
