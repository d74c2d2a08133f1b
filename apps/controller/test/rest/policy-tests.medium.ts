import type { Draft, PolicyTest } from '@weft/contracts/rest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api, makeTopology, problemOf, rule } from './support/api.js';

let api: Api;
let made: Awaited<ReturnType<typeof makeTopology>>;
beforeAll(async () => {
  api = await Api.start();
  made = await makeTopology(api);
  await api.make('/policies', { name: 'all', rules: [rule('all', made.berlin.id, made.tokyo.id)] });
});
afterAll(() => api.stop());

const read = async <T>(path: string) => (await (await api.fetch(api.path(path))).json()) as T;
const input = (change: object = {}) => ({
  name: 'guest cannot reach anything',
  sources: [{ kind: 'prefix', prefix: '10.1.9.0/24' }],
  destinations: [{ kind: 'any' }],
  services: [{ protocol: 'any', ports: [] }],
  expect: 'denied',
  ...change,
});

// In order: each step goes on from the one before it.
describe('policy tests', () => {
  let test: PolicyTest;

  it('are made, read and listed', async () => {
    const answer = await api.send('POST', '/policy-tests', input());
    expect([answer.status, answer.headers.get('etag')]).toEqual([201, '"1"']);
    test = (await answer.json()) as PolicyTest;
    expect(test).toMatchObject(input({ description: '', version: 1 }));
    expect(await read<PolicyTest>(`/policy-tests/${test.id}`)).toEqual(test);
    expect(await read('/policy-tests')).toEqual({ items: [test], next: null });
  });

  it('count at once: a draft that breaks one says which, and with which packet', async () => {
    const { findings } = await read<Draft>('/revisions/draft');
    expect(findings).toMatchObject([
      {
        kind: 'policy_test_failed',
        policyTestId: test.id,
        policyLine: { ruleName: 'all' },
        counterexample: { source: '10.1.9.0' },
      },
    ]);
  });

  it.each([
    [
      'a site of nobody',
      { sources: [{ kind: 'site', siteId: crypto.randomUUID() }] },
      '/sources/0/siteId',
      'unknown_site',
    ],
    ['no destination', { destinations: [] }, '/destinations', 'too_small'],
    ['a verdict that there is not', { expect: 'maybe' }, '/expect', 'choice'],
    [
      'ports of a protocol without',
      { services: [{ protocol: 'icmp', ports: [{ first: 1, last: 2 }] }] },
      '/services/0/ports',
      'protocol_without_ports',
    ],
    ['a field that is none', { severity: 'high' }, '/severity', 'unknown_field'],
  ])('are refused with %s, naming it', async (_, change, pointer, name) => {
    const refused = await problemOf(await api.send('POST', '/policy-tests', input({ name: 'wrong', ...change })));
    expect(refused).toMatchObject({ status: 422, errors: [{ pointer, rule: name }] });
  });

  it('have names of their own', async () => {
    expect((await problemOf(await api.send('POST', '/policy-tests', input()))).type).toBe(
      'urn:weft:problem:name_taken',
    );
  });

  it('are replaced by whoever has seen them: of two at once one is told', async () => {
    const path = `/policy-tests/${test.id}`;
    expect((await problemOf(await api.send('PUT', path, input()))).status).toBe(428);
    const replace = (name: string) => api.send('PUT', path, input({ name, expect: 'allowed' }), { 'if-match': '"1"' });
    const answers = await Promise.all([replace('one'), replace('other')]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412]);
    expect(await read<PolicyTest>(path)).toMatchObject({ version: 2, expect: 'allowed' });
    expect(await read<Draft>('/revisions/draft')).toMatchObject({ findings: [] });
  });

  it('fail, and stay, when a site that they name is removed', async () => {
    const lonely = await api.make('/sites', { name: 'lonely' });
    const named = await api.make<PolicyTest>(
      '/policy-tests',
      input({ name: 'lonely reaches tokyo', sources: [{ kind: 'site', siteId: lonely.id }], expect: 'allowed' }),
    );
    expect((await api.fetch(api.path(`/sites/${lonely.id}`), { method: 'DELETE' })).status).toBe(204);
    const { findings } = await read<Draft>('/revisions/draft');
    expect(findings).toMatchObject([{ policyTestId: named.id, detail: expect.stringContaining(lonely.id) }]);
  });

  it('belong to their tenant, and end when they are removed', async () => {
    const { items } = await read<{ items: PolicyTest[] }>('/policy-tests');
    for (const { id } of items) {
      expect((await api.fetch(api.path(`/policy-tests/${id}`), { method: 'DELETE' })).status).toBe(204);
      expect((await api.fetch(api.path(`/policy-tests/${id}`), { method: 'DELETE' })).status).toBe(404);
    }
    expect(await read('/policy-tests')).toEqual({ items: [], next: null });
    const stranger = `/api/v1/tenants/${crypto.randomUUID()}/policy-tests`;
    expect((await problemOf(await api.fetch(stranger))).status).toBe(404);
  });
});
