import { randomUUID } from 'node:crypto';
import type { Policy } from '@weft/contracts/rest';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Api, makeTopology, problemOf, rule } from './support/api.js';

let api: Api;
let made: Awaited<ReturnType<typeof makeTopology>>;
beforeAll(async () => {
  api = await Api.start();
  made = await makeTopology(api);
});
afterAll(() => api.stop());
beforeEach(async () => {
  await api.controller.sql`delete from policies`;
});

const list = async () => ((await (await api.fetch(api.path('/policies'))).json()) as { items: Policy[] }).items;

describe('a policy', () => {
  it('comes back as it was written, with identifiers, in the order of its parts', async () => {
    const rules = [
      {
        name: 'web',
        action: 'PROTECT',
        sources: [
          { kind: 'network', networkId: made.berlinLan.id },
          { kind: 'prefix', prefix: '10.1.7.0/24' },
        ],
        destinations: [{ kind: 'any' }],
        services: [
          {
            protocol: 'tcp',
            ports: [
              { first: 443, last: 443 },
              { first: 0, last: 65535 },
              { first: 80, last: 81 },
            ],
          },
          { protocol: 'icmp', ports: [] },
        ],
        serviceIds: [],
        profileId: null,
        tunnelStart: null,
        enabled: true,
      },
      {
        ...rule('off', made.tokyo.id, made.berlin.id, 'DISCARD'),
        serviceIds: [],
        profileId: null,
        tunnelStart: null,
        enabled: false,
      },
    ];
    const policy = await api.make<Policy>('/policies', { name: 'p', description: 'd', enabled: false, rules });
    expect(policy).toMatchObject({ name: 'p', description: 'd', enabled: false, position: 0, version: 1 });
    expect(policy.rules.map(({ id: _id, ...rest }) => rest)).toEqual(rules);
    expect(new Set(policy.rules.map(({ id }) => id)).size).toBe(2);
    expect(await list()).toEqual([policy]);
  });

  it('that names a site or network that is not there is refused whole, with a pointer to each', async () => {
    const [site, network] = [randomUUID(), randomUUID()];
    const rules = [
      rule('fine', made.berlin.id, made.tokyo.id),
      { ...rule('lost', made.berlin.id, site), sources: [{ kind: 'any' }, { kind: 'network', networkId: network }] },
    ];
    const problem = await problemOf(await api.send('POST', '/policies', { name: 'p', rules }));
    expect(problem.status).toBe(422);
    expect(problem.errors.map(({ pointer, rule }) => [pointer, rule])).toEqual([
      ['/rules/1/sources/1/networkId', 'unknown_network'],
      ['/rules/1/destinations/0/siteId', 'unknown_site'],
    ]);
    expect(problem.errors[1]?.detail).toContain(site);
    expect(await list()).toEqual([]);
  });

  it.each([
    [{ name: 'p', rules: [], colour: 'red' }, '/colour', 'unknown_field'],
    [{ rules: [] }, '/name', 'required'],
    [{ name: 'p'.repeat(101), rules: [] }, '/name', 'too_big'],
    [{ name: ' p', rules: [] }, '/name', 'characters'],
    [{ name: 'p', rules: {} }, '/rules', 'type'],
    [
      { name: 'p', rules: [{ ...rule('r', randomUUID(), randomUUID()), action: 'ALLOW' }] },
      '/rules/0/action',
      'choice',
    ],
    [{ name: 'p', rules: [{ ...rule('r', 'x', randomUUID()) }] }, '/rules/0/sources/0/siteId', 'format_uuid'],
    [
      { name: 'p', rules: [{ ...rule('r', randomUUID(), randomUUID()), sources: [] }] },
      '/rules/0/sources',
      'too_small',
    ],
    [
      { name: 'p', rules: [{ ...rule('r', randomUUID(), randomUUID()), sources: [{ kind: 'host' }] }] },
      '/rules/0/sources/0/kind',
      'choice',
    ],
    [
      {
        name: 'p',
        rules: [
          { ...rule('r', randomUUID(), randomUUID()), services: [{ protocol: 'tcp', ports: [{ first: 2, last: 1 }] }] },
        ],
      },
      '/rules/0/services/0/ports/0/last',
      'port_range_order',
    ],
    [
      {
        name: 'p',
        rules: [
          {
            ...rule('r', randomUUID(), randomUUID()),
            services: [{ protocol: 'icmp', ports: [{ first: 1, last: 1 }] }],
          },
        ],
      },
      '/rules/0/services/0/ports',
      'protocol_without_ports',
    ],
    [
      {
        name: 'p',
        rules: [
          {
            ...rule('r', randomUUID(), randomUUID()),
            services: [{ protocol: 'tcp', ports: [{ first: 1, last: 65536 }] }],
          },
        ],
      },
      '/rules/0/services/0/ports/0/last',
      'too_big',
    ],
  ])('%j breaks a rule at %s', async (body, pointer, ruleName) => {
    const problem = await problemOf(await api.send('POST', '/policies', body));
    expect(problem.status).toBe(422);
    expect(problem.errors.map((entry) => [entry.pointer, entry.rule])).toContainEqual([pointer, ruleName]);
    expect(problem.errors.every(({ detail, fix }) => detail !== '' && fix !== '')).toBe(true);
  });

  it('has a name of its own and rule identifiers of its own', async () => {
    const first = await api.make<Policy>('/policies', { name: 'p', rules: [rule('r', made.berlin.id, made.tokyo.id)] });
    const taken = await problemOf(await api.send('POST', '/policies', { name: 'p', rules: [] }));
    expect(taken).toMatchObject({ status: 409, errors: [{ pointer: '/name', rule: 'name_taken' }] });
    const copy = { name: 'copy', rules: first.rules };
    expect((await problemOf(await api.send('POST', '/policies', copy))).errors[0]?.rule).toBe('rule_id_taken');
    const twice = { name: 'twice', rules: [...first.rules, ...first.rules] };
    const duplicate = await problemOf(await api.send('POST', '/policies', twice));
    expect(duplicate).toMatchObject({ status: 422, errors: [{ pointer: '/rules/1/id', rule: 'duplicate_id' }] });
  });
});

describe('replacing a policy', () => {
  const ifMatch = (etag: string) => ({ 'if-match': etag });

  it('keeps the identifiers of rules that it names, and says the new ETag', async () => {
    const policy = await api.make<Policy>('/policies', {
      name: 'p',
      rules: [rule('r', made.berlin.id, made.tokyo.id)],
    });
    const read = await api.fetch(api.path(`/policies/${policy.id}`));
    expect(read.headers.get('etag')).toBe('"1"');
    const rules = [rule('new', made.tokyo.id, made.berlin.id), { ...policy.rules[0], action: 'DISCARD' }];
    const answer = await api.send('PUT', `/policies/${policy.id}`, { name: 'q', rules }, ifMatch('"1"'));
    expect(answer.headers.get('etag')).toBe('"2"');
    const replaced = (await answer.json()) as Policy;
    expect(replaced).toMatchObject({ id: policy.id, name: 'q', version: 2, enabled: true, description: '' });
    expect(replaced.rules.map(({ name, action }) => [name, action])).toEqual([
      ['new', 'PROTECT'],
      ['r', 'DISCARD'],
    ]);
    expect(replaced.rules[1]?.id).toBe(policy.rules[0]?.id);
  });

  it('needs If-Match, and the right one', async () => {
    const policy = await api.make<Policy>('/policies', { name: 'p', rules: [] });
    const put = (headers: Record<string, string>) =>
      api.send('PUT', `/policies/${policy.id}`, { name: 'q', rules: [] }, headers);
    expect((await problemOf(await put({}))).status).toBe(428);
    expect((await problemOf(await put(ifMatch('"7"')))).status).toBe(412);
    expect((await problemOf(await put(ifMatch('W/"1"')))).status).toBe(412);
    expect((await list())[0]?.name).toBe('p');
    expect((await put(ifMatch('"7", "1"'))).status).toBe(200);
    expect((await put(ifMatch('*'))).status).toBe(200);
    expect(
      (await problemOf(await api.send('PUT', `/policies/${randomUUID()}`, { name: 'q', rules: [] }, ifMatch('*'))))
        .status,
    ).toBe(404);
  });

  it('lets one of two people win and tells the other', async () => {
    const policy = await api.make<Policy>('/policies', { name: 'p', rules: [] });
    const answers = await Promise.all(
      ['a', 'b', 'c'].map((name) => api.send('PUT', `/policies/${policy.id}`, { name, rules: [] }, ifMatch('"1"'))),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412]);
  });
});

describe('the order of policies', () => {
  it('is the order of making, then what it is put into, without gaps', async () => {
    const ids: string[] = [];
    for (const name of ['a', 'b', 'c']) ids.push((await api.make('/policies', { name, rules: [] })).id);
    const [a = '', b = '', c = ''] = ids;
    const ordered = await api.send('PUT', '/policies/order', { policyIds: [c, a, b] }, { 'if-match': '*' });
    expect(ordered.status).toBe(200);
    expect((await list()).map(({ name, position }) => `${name}${position}`)).toEqual(['c0', 'a1', 'b2']);
    expect((await api.fetch(api.path(`/policies/${a}`), { method: 'DELETE' })).status).toBe(204);
    expect((await list()).map(({ name, position }) => `${name}${position}`)).toEqual(['c0', 'b1']);
  });

  it('names every policy once', async () => {
    const { id } = await api.make('/policies', { name: 'a', rules: [] });
    const other = await api.make('/policies', { name: 'b', rules: [] });
    const stranger = randomUUID();
    const problem = await problemOf(
      await api.send('PUT', '/policies/order', { policyIds: [id, stranger, id] }, { 'if-match': '*' }),
    );
    expect(problem.status).toBe(422);
    expect(problem.errors.map(({ pointer, rule }) => [pointer, rule])).toEqual([
      ['/policyIds/1', 'unknown_policy'],
      ['/policyIds/2', 'duplicate_id'],
      ['/policyIds', 'missing_policy'],
    ]);
    expect(problem.errors[2]?.detail).toContain(other.id);
  });

  it('survives many people who add at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) => api.send('POST', '/policies', { name: `p${index}`, rules: [] })),
    );
    expect(answers.map(({ status }) => status)).toEqual(new Array(8).fill(201));
    expect((await list()).map(({ position }) => position)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });
});
