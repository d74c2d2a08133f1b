import type {
  AuditLog,
  Draft,
  Finding,
  Policy,
  PolicyTest,
  PublishResult,
  Revision,
  RevisionDetail,
} from '@weft/contracts/rest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api, makeTopology, problemOf, rule } from './support/api.js';

let api: Api;
let made: Awaited<ReturnType<typeof makeTopology>>;
let policy: Policy;
beforeAll(async () => {
  api = await Api.start();
  made = await makeTopology(api);
  policy = await api.make<Policy>('/policies', { name: 'all', rules: [rule('all', made.berlin.id, made.tokyo.id)] });
});
afterAll(() => api.stop());

const read = async <T>(path: string) => (await (await api.fetch(api.path(path))).json()) as T;
const draft = () => read<Draft>('/revisions/draft');
const revisions = async () => (await read<{ items: Revision[] }>('/revisions')).items;
const audit = () => read<AuditLog>('/audit-entries');
const sql = () => api.controller.sql;
const publish = (body: object = {}, headers: Record<string, string> = {}) =>
  api.send('POST', '/revisions', body, headers);
const published = async (body: object = {}, headers: Record<string, string> = {}) => {
  const answer = await publish(body, headers);
  if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`);
  return (await answer.json()) as PublishResult;
};
const replaceRules = async (rules: readonly object[]) => {
  const answer = await api.send('PUT', `/policies/${policy.id}`, { name: policy.name, rules }, { 'if-match': '*' });
  expect(answer.status).toBe(200);
  policy = (await answer.json()) as Policy;
};
const tagOf = async () => (await api.fetch(api.path('/revisions/draft'))).headers.get('etag') ?? '';
const REASON = 'The test goes with the next change.';

// In order: each step goes on from the one before it.
describe('the way into force', () => {
  let test: PolicyTest;

  it('is open for a draft whose proof holds, and its blast radius is told in numbers', async () => {
    test = await api.make<PolicyTest>('/policy-tests', {
      name: 'berlin reaches the database of tokyo',
      sources: [{ kind: 'site', siteId: made.berlin.id }],
      destinations: [{ kind: 'prefix', prefix: '10.2.0.7/32' }],
      services: [{ protocol: 'tcp', ports: [{ first: 5432, last: 5432 }] }],
      expect: 'allowed',
    });
    expect(await draft()).toMatchObject({
      findings: [],
      blastRadius: {
        edges: 2,
        tunnelsAdded: 1,
        tunnelsRemoved: 0,
        tunnelsChanged: 0,
        sitePairsAllowed: 1,
        sitePairsDenied: 0,
        sitePairsOtherProfile: 0,
        complete: true,
      },
    });
    const result = await published({ comment: 'first' });
    expect(result).toMatchObject({ revision: { number: 1, overrideReason: null, restoredFrom: null }, findings: [] });
    expect(await audit()).toMatchObject({
      items: [
        { sequence: 1, actor: 'admin', action: 'revision_published', details: { revision: 1, comment: 'first' } },
      ],
      brokenAt: null,
    });
  });

  it('is closed by a policy test that fails: with the packet, the policy line and a fix', async () => {
    const [all] = policy.rules;
    await replaceRules([
      { ...rule('no database', made.berlin.id, made.tokyo.id, 'DISCARD'), services: [DATABASE] },
      all as object,
    ]);
    const { findings } = await draft();
    expect(findings).toMatchObject([
      {
        kind: 'policy_test_failed',
        pointer: '/policyTests/0',
        policyTestId: test.id,
        policyLine: { policyId: policy.id, policyName: 'all', ruleId: policy.rules[0]?.id, ruleName: 'no database' },
        counterexample: { source: '10.1.0.0', destination: '10.2.0.7', protocol: 6, destinationPort: 5432 },
      },
    ]);
    const refused = await problemOf(await publish({ comment: 'closed' }));
    expect(refused).toMatchObject({
      status: 422,
      type: 'urn:weft:problem:proof_failed',
      errors: [{ pointer: '/policyTests/0', rule: 'policy_test_failed', fix: expect.stringMatching(/rule/) }],
    });
    expect((await problemOf(await publish({ dryRun: true }))).type).toBe('urn:weft:problem:proof_failed');
    expect(await revisions()).toHaveLength(1);
    expect((await audit()).items).toHaveLength(1);
  });

  it('opens by an override only for who says why, and names the draft whose findings they saw', async () => {
    const short = await problemOf(await publish({ override: { reason: 'because' } }, { 'if-match': await tagOf() }));
    expect(short).toMatchObject({ status: 422, errors: [{ pointer: '/override/reason' }] });
    for (const headers of [{}, { 'if-match': '*' }]) {
      const blind = await problemOf(await publish({ override: { reason: REASON } }, headers));
      expect(blind).toMatchObject({ status: 428, type: 'urn:weft:problem:if_match_required' });
    }
    const seen = await tagOf();
    await replaceRules(policy.rules.map((each) => ({ ...each, name: `${each.name}, renamed` })));
    const stale = await problemOf(await publish({ override: { reason: REASON } }, { 'if-match': seen }));
    expect(stale).toMatchObject({ status: 412, type: 'urn:weft:problem:draft_changed' });
    expect(stale.detail).toContain(await tagOf());
    expect(await revisions()).toHaveLength(1);
  });

  it('keeps what was overridden, why and by whom, with the revision and in the audit log', async () => {
    const result = await published(
      { comment: 'all the same', override: { reason: REASON } },
      { 'if-match': await tagOf() },
    );
    expect(result.revision).toMatchObject({ number: 2, overrideReason: REASON });
    const detail = await read<RevisionDetail>('/revisions/2');
    expect(detail.findings).toEqual(result.findings);
    expect(detail.findings.map(({ kind }: Finding) => kind)).toEqual(['policy_test_failed']);
    const { items, brokenAt } = await audit();
    expect(items.map(({ sequence, action }) => [sequence, action])).toEqual([
      [3, 'revision_published'],
      [2, 'proof_overridden'],
      [1, 'revision_published'],
    ]);
    expect(items[1]?.details).toMatchObject({
      revision: 2,
      reason: REASON,
      findings: [{ kind: 'policy_test_failed' }],
    });
    expect(brokenAt).toBeNull();
  });

  it('has no side door: the table itself refuses a failed proof without a reason', async () => {
    await expect(
      sql()`
        insert into revisions (tenant_id, number, author, intent, findings)
        select tenant_id, 99, author, intent, findings from revisions
        where tenant_id = ${api.tenantId} and number = 2`.execute(),
    ).rejects.toMatchObject({ constraint_name: 'revisions_gate' });
  });

  it('records no override where nothing had to be overridden', async () => {
    await api.fetch(api.path(`/policy-tests/${test.id}`), { method: 'DELETE' });
    const result = await published({ override: { reason: REASON } }, { 'if-match': await tagOf() });
    expect(result).toMatchObject({ revision: { number: 3, overrideReason: null }, findings: [] });
    expect(
      (await audit()).items.map(({ action }) => action).filter((action) => action === 'proof_overridden'),
    ).toHaveLength(1);
  });

  it('is taken once by two who publish the same draft at the same time', async () => {
    await replaceRules([rule('again', made.berlin.id, made.tokyo.id)]);
    const tag = await tagOf();
    const answers = await Promise.all([publish({}, { 'if-match': tag }), publish({}, { 'if-match': tag })]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412]);
    expect(await revisions()).toHaveLength(4);
  });

  it('publishes exactly what was seen, or nothing', async () => {
    const tag = await tagOf();
    await replaceRules([rule('seen by nobody', made.berlin.id, made.tokyo.id, 'DISCARD')]);
    expect((await problemOf(await publish({}, { 'if-match': tag }))).status).toBe(412);
    expect(await revisions()).toHaveLength(4);
  });

  it('is closed by a rule that can never decide anything', async () => {
    await replaceRules([rule('all', made.berlin.id, made.tokyo.id), rule('never', made.berlin.id, made.tokyo.id)]);
    const refused = await problemOf(await publish());
    expect(refused.errors).toMatchObject([{ rule: 'shadowed_rule', pointer: '/policies/0/rules/1' }]);
  });
});

describe('an earlier revision', () => {
  it('says what it changed, and what lies between two', async () => {
    const diff = await read<object>('/revisions/2/diff');
    expect(diff).toMatchObject({
      from: 1,
      to: 2,
      intent: expect.arrayContaining([expect.objectContaining({ change: 'added', noun: 'rule' })]),
      blastRadius: { edges: 2, tunnelsAdded: 0, sitePairsDenied: 1 },
      flows: [
        {
          change: 'denied',
          example: { protocol: 6, destinationPort: 5432 },
          sourceSite: { name: 'berlin' },
          destinationSite: { name: 'tokyo' },
          sitePairs: 1,
        },
      ],
    });
    expect(await read<object>('/revisions/1/diff')).toMatchObject({
      from: null,
      to: 1,
      flows: [{ change: 'allowed' }],
    });
    expect(await read<object>('/revisions/3/diff?from=1')).toMatchObject({ from: 1, to: 3 });
    expect((await problemOf(await api.fetch(api.path('/revisions/3/diff?from=77')))).status).toBe(404);
  });

  it('comes back as a new one: what it had is there again, what it had not is gone, and the draft is it', async () => {
    const oslo = await api.make('/sites', { name: 'oslo' });
    await api.make('/networks', { siteId: oslo.id, name: 'lan', prefix: '10.3.0.0/16' });
    await api.make('/edges', { siteId: oslo.id, name: 'oslo-1', underlayAddress: '203.0.113.3' });
    // Names change hands, networks and addresses move, and a site of it is gone.
    await api.send('PATCH', `/sites/${made.berlin.id}`, { name: 'elsewhere' });
    await api.send('PATCH', `/sites/${oslo.id}`, { name: 'berlin' });
    await api.send('PATCH', `/edges/${made.berlinEdge.id}`, { underlayAddress: '198.51.100.9' });
    await replaceRules([rule('oslo', made.berlin.id, oslo.id)]);
    for (const path of [`/edges/${made.tokyoEdge.id}`, `/networks/${made.tokyoLan.id}`, `/sites/${made.tokyo.id}`]) {
      expect((await api.fetch(api.path(path), { method: 'DELETE' })).status).toBe(204);
    }
    await published({ comment: 'moved' });
    const blind = await problemOf(await api.send('POST', '/revisions/1/restoration', {}));
    expect(blind).toMatchObject({ status: 428, type: 'urn:weft:problem:if_match_required' });
    const headers = { 'if-match': await tagOf() };
    const dry = await api.send('POST', '/revisions/1/restoration', { dryRun: true }, headers);
    const { affectedEdges } = (await dry.json()) as PublishResult;
    expect(affectedEdges.map(({ edgeName, change }) => [edgeName, change])).toEqual([
      ['berlin-1', 'changed'],
      ['oslo-1', 'removed'],
      ['tokyo-1', 'added'],
    ]);
    const answer = await api.send('POST', '/revisions/1/restoration', { comment: 'back' }, headers);
    expect(answer.status).toBe(200);
    const { revision } = (await answer.json()) as PublishResult;
    expect(revision).toMatchObject({ restoredFrom: 1, comment: 'back' });
    const [first, last] = await sql()<{ intent: { policyTests?: unknown } }[]>`
      select intent from revisions where tenant_id = ${api.tenantId} and number in (1, ${revision?.number ?? 0}) order by number`;
    const { policyTests: _, ...wanted } = first?.intent ?? {};
    expect(last?.intent).toEqual(wanted);
    expect(await draft()).toMatchObject({ changed: false, findings: [] });
    expect((await audit()).items[0]).toMatchObject({
      action: 'revision_restored',
      details: { revision: revision?.number, restoredFrom: 1 },
    });
  });

  it('is held against the policy tests of today', async () => {
    await api.make('/policy-tests', {
      name: 'tokyo is on its own',
      sources: [{ kind: 'any' }],
      destinations: [{ kind: 'site', siteId: made.tokyo.id }],
      services: [{ protocol: 'any', ports: [] }],
      expect: 'denied',
    });
    const headers = { 'if-match': await tagOf() };
    const refused = await problemOf(await api.send('POST', '/revisions/3/restoration', {}, headers));
    expect(refused).toMatchObject({ status: 422, type: 'urn:weft:problem:proof_failed' });
    const before = await revisions();
    const answer = await api.send('POST', '/revisions/3/restoration', { override: { reason: REASON } }, headers);
    expect(answer.status).toBe(200);
    expect((await revisions())[0]).toMatchObject({
      number: before.length + 1,
      overrideReason: REASON,
      restoredFrom: 3,
    });
  });

  it('does not come back over a draft that nobody has seen', async () => {
    const headers = { 'if-match': await tagOf() };
    await api.make('/sites', { name: 'made meanwhile' });
    expect((await problemOf(await api.send('POST', '/revisions/1/restoration', {}, headers))).status).toBe(412);
    expect(
      (await problemOf(await api.send('POST', '/revisions/99/restoration', {}, { 'if-match': await tagOf() }))).status,
    ).toBe(404);
  });
});

describe('the audit log', () => {
  it('cannot be changed', async () => {
    await expect(sql()`update audit_entries set actor = 'nobody'`.execute()).rejects.toThrow('append-only');
    await expect(sql()`delete from audit_entries`.execute()).rejects.toThrow('append-only');
    await expect(sql()`truncate audit_entries cascade`.execute()).rejects.toThrow('append-only');
  });

  it('shows where somebody got around that: an entry that is another one, is missing, or was slipped in', async () => {
    const { items } = await audit();
    const tamper = async (change: (sequence: number) => Promise<unknown>, sequence: number, expected: number) => {
      const { sql: pool } = api.controller;
      await pool`alter table audit_entries disable trigger all`.execute();
      await change(sequence);
      expect((await audit()).brokenAt).toBe(expected);
      await pool`alter table audit_entries enable trigger all`.execute();
    };
    const newest = items[0]?.sequence ?? 0;
    await tamper(
      (sequence) =>
        sql()`delete from audit_entries where tenant_id = ${api.tenantId} and sequence = ${sequence}`.execute(),
      newest - 1,
      newest,
    );
    await tamper(
      (sequence) =>
        sql()`update audit_entries set actor = 'nobody' where tenant_id = ${api.tenantId} and sequence = ${sequence}`.execute(),
      2,
      2,
    );
  });
});

const DATABASE = { protocol: 'tcp', ports: [{ first: 5432, last: 5432 }] };
