import type {
  Configuration,
  Draft,
  Explanation,
  ImportResult,
  Policy,
  RevisionDiff,
  Tenant,
} from '@weft/contracts/rest';
import { TunnelStart } from '@weft/contracts/southbound';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeBundle } from '../../src/distribution/bundle-content.js';
import { Api, makeTopology, problemOf, rule } from './support/api.js';

let api: Api;
let made: Awaited<ReturnType<typeof makeTopology>>;
let policy: Policy;
beforeAll(async () => {
  api = await Api.start();
  made = await makeTopology(api);
  policy = await api.make<Policy>('/policies', { name: 'all', rules: [rule('all', made.berlin.id, made.tokyo.id)] });
  await api.make('/revisions', { comment: 'at once' });
});
afterAll(() => api?.stop());

const read = async <T>(path: string) => (await (await api.fetch(api.path(path))).json()) as T;
const draft = () => read<Draft>('/revisions/draft');
const settings = async (change: Partial<Tenant>) => {
  const answer = await api.send('PATCH', '', change);
  if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Tenant;
};
const withRules = async (...starts: (Tenant['tunnelStart'] | null)[]) => {
  const rules = starts.map((tunnelStart, index) => ({
    ...rule(`rule ${index}`, made.berlin.id, made.tokyo.id),
    services: [{ protocol: 'tcp' as const, ports: [{ first: 80 + index, last: 80 + index }] }],
    tunnelStart,
  }));
  const answer = await api.send('PUT', `/policies/${policy.id}`, { name: 'all', rules }, { 'if-match': '*' });
  if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`);
  policy = (await answer.json()) as Policy;
};
const publish = (comment: string) => api.make('/revisions', { comment });
/** What both edges should run. */
const starts = async () => {
  const rows = await api.controller.sql<{ content: Buffer }[]>`select content from edge_bundles order by edge_id`;
  return rows.flatMap(({ content }) =>
    decodeBundle(content).tunnels.map(({ ike }) => [ike?.start, ike?.idleSeconds] as const),
  );
};
const IDLE = { kind: 'trap', idleSeconds: 600 } as const;
const TRAP = TunnelStart.TUNNEL_START_TRAP;
const AT_ONCE = [undefined, undefined];

// In order: each step goes on from the one before it.
describe('when tunnels start', () => {
  it('is at once for a new tenant, and a change of the draft that bundles say to both edges once it is published', async () => {
    expect((await read<Tenant>('')).tunnelStart).toEqual({ kind: 'start' });
    expect(await starts()).toEqual([AT_ONCE, AT_ONCE]);
    const answer = await api.send('PATCH', '?dryRun=true', { tunnelStart: IDLE });
    expect([answer.status, await answer.json()]).toMatchObject([200, { tunnelStart: IDLE }]);
    expect(await draft()).toMatchObject({ changed: false });
    expect((await settings({ tunnelStart: IDLE })).tunnelStart).toEqual(IDLE);
    // No tunnel is made anew for it.
    expect(await draft()).toMatchObject({
      changed: true,
      problems: [],
      findings: [],
      blastRadius: { edges: 2, tunnelsAdded: 0, tunnelsRemoved: 0, tunnelsChanged: 0 },
    });
    expect((await read<RevisionDiff>('/revisions/draft/diff')).intent).toMatchObject([
      { noun: 'tenant', change: 'changed', fields: [{ field: 'tunnelStart', before: null, after: IDLE }] },
    ]);
    await publish('waits');
    await expect.poll(starts).toEqual([
      [TRAP, 600],
      [TRAP, 600],
    ]);
    const query = new URLSearchParams({ source: '10.1.0.7', destination: '10.2.0.9', protocol: 'icmp' });
    const explained = async (revision: number) =>
      (await read<Explanation>(`/revisions/${revision}/explanation?${query}`)).hops.map(
        ({ association }) => association.tunnelStart,
      );
    expect([await explained(1), await explained(2)]).toEqual([[{ kind: 'start' }], [IDLE]]);
  });

  it('is what a rule says, and of rules of one tunnel what none of them misses anything by', async () => {
    await withRules({ kind: 'trap' });
    expect(policy.rules).toMatchObject([{ tunnelStart: { kind: 'trap' } }]);
    expect((await read<RevisionDiff>('/revisions/draft/diff')).intent).toContainEqual(
      expect.objectContaining({ noun: 'rule', change: 'added' }),
    );
    await publish('stays');
    await expect.poll(starts).toEqual([
      [TRAP, undefined],
      [TRAP, undefined],
    ]);
    await withRules({ kind: 'trap', idleSeconds: 10 }, null, { kind: 'trap', idleSeconds: 2_592_000 });
    await publish('the longest');
    await expect.poll(starts).toEqual([
      [TRAP, 2_592_000],
      [TRAP, 2_592_000],
    ]);
    await withRules({ kind: 'trap' }, { kind: 'start' });
    await publish('at once');
    await expect.poll(starts).toEqual([AT_ONCE, AT_ONCE]);
  });

  it('comes back with an earlier revision, for the tenant and for rules', async () => {
    await settings({ tunnelStart: { kind: 'start' } });
    await withRules(null);
    await publish('as it was');
    const restore = async (number: number) => {
      const { version } = await draft();
      const answer = await api.send('POST', `/revisions/${number}/restoration`, {}, { 'if-match': `"${version}"` });
      expect([answer.status, await answer.clone().text()]).toEqual([200, expect.anything()]);
    };
    await restore(4);
    expect((await read<Tenant>('')).tunnelStart).toEqual(IDLE);
    expect((await read<Policy>(`/policies/${policy.id}`)).rules.map(({ tunnelStart }) => tunnelStart)).toEqual([
      { kind: 'trap', idleSeconds: 10 },
      null,
      { kind: 'trap', idleSeconds: 2_592_000 },
    ]);
    await restore(1);
    expect((await read<Tenant>('')).tunnelStart).toEqual({ kind: 'start' });
    await restore(4);
  });

  it('is in the document of the tenant, which says it of another one, too', async () => {
    const document = await read<Configuration>('/configuration/export?format=json');
    expect(document.fabric?.tunnelStart).toEqual(IDLE);
    expect(document.policies?.[0]?.rules?.map(({ tunnelStart }) => tunnelStart)).toEqual([
      { kind: 'trap', idleSeconds: 10 },
      undefined,
      { kind: 'trap', idleSeconds: 2_592_000 },
    ]);
    const put = async (changed: object) => {
      const answer = await api.send('POST', '/configuration/import', { version: 1, ...changed });
      return (await answer.json()) as ImportResult;
    };
    expect((await put({ fabric: document.fabric, policies: document.policies })).changed).toBe(false);
    const result = await put({ fabric: { tunnelStart: { kind: 'trap' } } });
    expect(result.items).toMatchObject([{ noun: 'fabric', outcome: 'changed' }]);
    expect((await read<Tenant>('')).tunnelStart).toEqual({ kind: 'trap' });
    // What it does not name stays.
    await put({ fabric: { encapsulation: 'udp' } });
    expect((await settings({})).tunnelStart).toEqual({ kind: 'trap' });
  });

  it.each(['ike-less', 'controller-blind'] as const)('cannot be with traffic where keys are %s', async (keyingMode) => {
    await settings({ keyingMode });
    expect((await draft()).problems).toMatchObject([
      { pointer: '/tunnelStart', rule: 'trap_without_negotiation', detail: expect.stringContaining(keyingMode) },
      { pointer: '/policies/0/rules/0/tunnelStart', rule: 'trap_without_negotiation' },
      { pointer: '/policies/0/rules/2/tunnelStart', rule: 'trap_without_negotiation' },
    ]);
    expect((await api.send('POST', '/revisions', {})).status).toBe(422);
    await settings({ keyingMode: 'ikev2' });
  });

  it.each([
    ['too short a time', { kind: 'trap', idleSeconds: 9 }, '/tunnelStart/idleSeconds'],
    ['too long a time', { kind: 'trap', idleSeconds: 2_592_001 }, '/tunnelStart/idleSeconds'],
    ['part of a second', { kind: 'trap', idleSeconds: 10.5 }, '/tunnelStart/idleSeconds'],
    ['a time of what starts at once', { kind: 'start', idleSeconds: 600 }, '/tunnelStart'],
    ['another word', { kind: 'route' }, '/tunnelStart/kind'],
  ])('refuses %s, of the tenant and of a rule', async (_what, tunnelStart, pointer) => {
    const problem = await problemOf(await api.send('PATCH', '', { tunnelStart }));
    expect([problem.status, problem.errors[0]?.pointer]).toEqual([422, expect.stringMatching(`^${pointer}`)]);
    const rules = [{ ...rule('bad', made.berlin.id, made.tokyo.id), tunnelStart }];
    const bad = await problemOf(await api.send('POST', '/policies', { name: 'bad', rules }));
    expect([bad.status, bad.errors[0]?.pointer]).toEqual([422, expect.stringMatching(`^/rules/0${pointer}`)]);
  });

  it('is held to by the database, too', async () => {
    const { sql } = api.controller;
    const tenant = (start: string, idle: number | null) =>
      sql`update tenants set tunnel_start = ${start}, idle_seconds = ${idle} where id = ${api.tenantId}`;
    const rules = (start: string | null, idle: number | null) =>
      sql`update policy_rules set tunnel_start = ${start}, idle_seconds = ${idle} where tenant_id = ${api.tenantId}`;
    await expect(tenant('route', null)).rejects.toThrow('tenants_tunnel_start');
    await expect(tenant('trap', 9)).rejects.toThrow('tenants_idle_seconds_range');
    await expect(tenant('start', 600)).rejects.toThrow('tenants_idle_with_trap');
    await expect(rules('route', null)).rejects.toThrow('policy_rules_tunnel_start');
    await expect(rules('trap', 9)).rejects.toThrow('policy_rules_idle_seconds_range');
    await expect(rules(null, 600)).rejects.toThrow('policy_rules_idle_with_trap');
    await expect(rules('start', 600)).rejects.toThrow('policy_rules_idle_with_trap');
  });
});
