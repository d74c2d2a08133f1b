import { randomUUID } from 'node:crypto';
import type { Draft, Explanation, NamedService, Policy, PublishResult, RevisionDiff } from '@weft/contracts/rest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api, makeTopology, problemOf, rule } from './support/api.js';

let api: Api;
let made: Awaited<ReturnType<typeof makeTopology>>;
beforeAll(async () => {
  api = await Api.start();
  made = await makeTopology(api);
});
afterAll(() => api?.stop());

const read = async <T>(path: string) => (await (await api.fetch(api.path(path))).json()) as T;
const port = (first: number, last = first) => ({ protocol: 'tcp', ports: [{ first, last }] });
const explained = (destinationPort: number, of = 'draft') => {
  const ends = { source: '10.1.0.7', destination: '10.2.0.9', protocol: 'tcp', destinationPort: `${destinationPort}` };
  return read<Explanation>(`/revisions/${of}/explanation?${new URLSearchParams(ends)}`);
};
const publish = async () => (await api.make<PublishResult>('/revisions', {})).revision?.number ?? 0;
const naming = (services: object[], ...serviceIds: string[]) => ({
  ...rule('web', made.berlin.id, made.tokyo.id),
  services,
  serviceIds,
});

describe('a named service', () => {
  it('is what the rules mean that name it, in force and in what is explained', async () => {
    const https = await api.make<NamedService>('/services', { name: 'https', services: [port(443)] });
    expect(https).toMatchObject({ description: '', services: [port(443)], version: 1 });
    const policy = await api.make<Policy>('/policies', { name: 'web', rules: [naming([port(80)], https.id)] });
    expect(policy.rules).toMatchObject([{ services: [port(80)], serviceIds: [https.id] }]);
    expect(await explained(443)).toMatchObject({
      verdict: 'protected',
      detail: 'The rule "web" allows it as "https"; one tunnel carries it.',
      rule: { ruleName: 'web', namedServices: [{ id: https.id, name: 'https' }] },
    });
    expect(await explained(80)).toMatchObject({ verdict: 'protected', rule: { namedServices: [] } });
    expect(await explained(8443)).toMatchObject({ verdict: 'discarded', rule: null });
    const first = await publish();
    const change = { name: 'https', description: 'and what is behind it', services: [port(443), port(8443, 8444)] };
    const answer = await api.send('PUT', `/services/${https.id}`, change, { 'if-match': '"1"' });
    expect([answer.status, answer.headers.get('etag')]).toEqual([200, '"2"']);
    const { intent, effect } = await read<RevisionDiff & { effect?: unknown }>('/revisions/draft/diff');
    expect(effect).toBeUndefined();
    expect(intent).toEqual([
      {
        change: 'changed',
        noun: 'service',
        id: https.id,
        name: 'https',
        fields: [{ field: 'services', before: [port(443)], after: change.services }],
      },
    ]);
    expect((await explained(8443)).verdict).toBe('protected');
    expect(await publish()).toBe(first + 1);
    // Of the revision before it is still said what was so then.
    expect((await explained(8443, String(first))).verdict).toBe('discarded');
    expect((await explained(8443, String(first + 1))).verdict).toBe('protected');
  });

  it('alone is enough for a rule, which names one at least', async () => {
    const [https] = (await read<{ items: NamedService[] }>('/services')).items;
    const alone = await api.make<Policy>('/policies', { name: 'alone', rules: [naming([], https?.id ?? '')] });
    expect(alone.rules).toMatchObject([{ services: [], serviceIds: [https?.id] }]);
    const refused = await problemOf(await api.send('POST', '/policies', { name: 'none', rules: [naming([])] }));
    expect(refused).toMatchObject({ status: 422, errors: [{ pointer: '/rules/0/services', rule: 'too_small' }] });
    expect((await api.fetch(api.path(`/policies/${alone.id}`), { method: 'DELETE' })).status).toBe(204);
  });

  it('comes back with an earlier revision, and so does what rules name', async () => {
    const [https] = (await read<{ items: NamedService[] }>('/services')).items;
    const [policy] = (await read<{ items: Policy[] }>('/policies')).items;
    const number = (await read<Draft>('/revisions/draft')).baseRevision ?? 0;
    const any = { 'if-match': '*' };
    const without = { name: 'web', rules: [naming([port(22)])] };
    expect((await api.send('PUT', `/policies/${policy?.id}`, without, any)).status).toBe(200);
    expect((await api.fetch(api.path(`/services/${https?.id}`), { method: 'DELETE' })).status).toBe(204);
    // Has the name meanwhile.
    await api.make<NamedService>('/services', { name: 'https', services: [{ protocol: 'any', ports: [] }] });
    await publish();
    const { version } = await read<Draft>('/revisions/draft');
    const answer = await api.send('POST', `/revisions/${number}/restoration`, {}, { 'if-match': `"${version}"` });
    expect([answer.status, await answer.clone().text()]).toEqual([200, expect.anything()]);
    const { items } = await read<{ items: NamedService[] }>('/services');
    expect(items).toMatchObject([{ id: https?.id, name: 'https', services: https?.services }]);
    expect((await read<Policy>(`/policies/${policy?.id}`)).rules).toEqual(policy?.rules);
    expect(await read<Draft>('/revisions/draft')).toMatchObject({ changed: false });
  });

  it('stays while a rule names it', async () => {
    const ssh = await api.make<NamedService>('/services', { name: 'ssh', services: [port(22)] });
    const policy = await api.make<Policy>('/policies', { name: 'names it', rules: [naming([], ssh.id)] });
    const remove = (path: string) => api.fetch(api.path(path), { method: 'DELETE' });
    expect(await problemOf(await remove(`/services/${ssh.id}`))).toMatchObject({
      status: 409,
      type: 'urn:weft:problem:service_in_use',
      detail: expect.stringContaining('the rule "web" of the policy "names it"'),
    });
    expect((await remove(`/policies/${policy.id}`)).status).toBe(204);
    expect((await remove(`/services/${ssh.id}`)).status).toBe(204);
    expect(await problemOf(await api.fetch(api.path(`/services/${ssh.id}`)))).toMatchObject({
      status: 404,
      type: 'urn:weft:problem:unknown_service',
    });
  });

  it('has a name of its own, is changed as it was read, and is one that there is', async () => {
    const taken = await problemOf(await api.send('POST', '/services', { name: 'https', services: [port(1)] }));
    expect(taken).toMatchObject({ status: 409, errors: [{ pointer: '/name', rule: 'name_taken' }] });
    const lost = { name: 'lost', rules: [naming([port(1)]), naming([], randomUUID())] };
    expect(await problemOf(await api.send('POST', '/policies', lost))).toMatchObject({
      status: 422,
      errors: [{ pointer: '/rules/1/serviceIds/0', rule: 'unknown_service' }],
    });
    const [https] = (await read<{ items: NamedService[] }>('/services')).items;
    const put = (id: string | undefined, headers: Record<string, string>) =>
      api.send('PUT', `/services/${id}`, { name: 'x', services: [port(1)] }, headers);
    expect((await put(https?.id, { 'if-match': '"999"' })).status).toBe(412);
    expect((await put(https?.id, {})).status).toBe(428);
    expect((await put(randomUUID(), { 'if-match': '"1"' })).status).toBe(404);
  });

  it.each([
    ['no protocol', [], '/services', 'too_small'],
    [
      'a protocol that has no ports with some',
      [{ ...port(1), protocol: 'icmp' }],
      '/services/0/ports',
      'protocol_without_ports',
    ],
    ['ports the wrong way round', [port(2, 1)], '/services/0/ports/0/last', 'port_range_order'],
    ['a port that there is not', [port(1, 65_536)], '/services/0/ports/0/last', 'too_big'],
    ['too many', Array.from({ length: 51 }, (_, n) => port(n)), '/services', 'too_big'],
  ])('refuses %s', async (_what, services, pointer, broken) => {
    const problem = await problemOf(await api.send('POST', '/services', { name: 'bad', services }));
    expect([problem.status, problem.errors[0]?.pointer, problem.errors[0]?.rule]).toEqual([422, pointer, broken]);
  });

  it('is refused by the database, too', async () => {
    const { sql } = api.controller;
    const [https] = (await read<{ items: NamedService[] }>('/services')).items;
    const insert = (protocol: string, ports: string) => sql`
      insert into service_protocols (tenant_id, service_id, position, protocol, ports)
      values (${api.tenantId}, ${https?.id ?? ''}, 99, ${protocol}, ${ports})`;
    await expect(insert('icmp', '{"[1,2)"}')).rejects.toThrow('service_protocols_ports_protocol');
    await expect(insert('tcp', '{"[65535,65537)"}')).rejects.toThrow('service_protocols_ports_range');
    await expect(insert('gre', '{}')).rejects.toThrow('service_protocols_protocol');
  });
});
