import type { Draft, Policy, PublishResult, Revision, RevisionDetail, Tunnel } from '@weft/contracts/rest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api, makeTopology, problemOf, rule } from './support/api.js';

let api: Api;
let made: Awaited<ReturnType<typeof makeTopology>>;
let policy: Policy;
beforeAll(async () => {
  api = await Api.start();
  made = await makeTopology(api);
});
afterAll(() => api.stop());

const read = async <T>(path: string) => (await (await api.fetch(api.path(path))).json()) as T;
const publish = (body: object = {}) => api.send('POST', '/revisions', body);
const replace = async (change: object) => {
  const answer = await api.send(
    'PUT',
    `/policies/${policy.id}`,
    { name: policy.name, rules: policy.rules, ...change },
    { 'if-match': '*' },
  );
  expect(answer.status).toBe(200);
  policy = (await answer.json()) as Policy;
};

// In order: each step goes on from the one before it.
describe('revisions', () => {
  it('begin with a draft that would give every edge its first bundle', async () => {
    policy = await api.make<Policy>('/policies', { name: 'all', rules: [rule('all', made.berlin.id, made.tokyo.id)] });
    const draft = await read<Draft>('/revisions/draft');
    expect(draft).toMatchObject({
      changed: true,
      baseRevision: null,
      problems: [],
      findings: [],
      affectedEdges: [
        { edgeId: made.berlinEdge.id, edgeName: 'berlin-1', change: 'added' },
        { edgeId: made.tokyoEdge.id, edgeName: 'tokyo-1', change: 'added' },
      ],
    });
  });

  it('are not made by a dry run', async () => {
    const dry = (await (await publish({ dryRun: true })).json()) as PublishResult;
    expect(dry).toMatchObject({ dryRun: true, revision: null });
    expect(dry.affectedEdges).toHaveLength(2);
    expect(await read('/revisions')).toEqual({ items: [], next: null });
  });

  it('are numbered, say who and why, and reach the edges they affect', async () => {
    const answer = await publish({ comment: 'first' });
    expect(answer.status).toBe(200);
    const result = (await answer.json()) as PublishResult;
    expect(result.revision).toMatchObject({ number: 1, author: 'admin', comment: 'first' });
    expect(result.affectedEdges.map(({ change }) => change)).toEqual(['added', 'added']);
    expect(await read<{ items: Revision[] }>('/revisions')).toEqual({ items: [result.revision], next: null });
    const { items } = await read<{ items: Tunnel[] }>('/tunnels');
    expect(items.map(({ state, edges }) => [state, edges.map(({ siteName }) => siteName).sort()])).toEqual([
      ['down', ['berlin', 'tokyo']],
    ]);
    const detail = await read<RevisionDetail>('/revisions/1');
    expect(detail.edges.map(({ edgeName, state }) => [edgeName, state])).toEqual([
      ['berlin-1', 'offline'],
      ['tokyo-1', 'offline'],
    ]);
    const edge = await read<{ live: { desired: { revision: number } } }>(`/edges/${made.berlinEdge.id}`);
    expect(edge.live.desired.revision).toBe(1);
  });

  it('are refused when nothing has changed', async () => {
    expect((await problemOf(await publish())).type).toBe('urn:weft:problem:nothing_to_publish');
    expect(await read<Draft>('/revisions/draft')).toMatchObject({ changed: false, problems: [], affectedEdges: [] });
  });

  it('affect the edges whose bundle changes and no others', async () => {
    const oslo = await api.make('/sites', { name: 'oslo' });
    await api.make('/networks', { siteId: oslo.id, name: 'lan', prefix: '10.3.0.0/16' });
    await api.make('/edges', { siteId: oslo.id, name: 'oslo-1', underlayAddress: '203.0.113.3' });
    expect((await publish({ comment: 'oslo' })).status).toBe(200);
    await replace({ description: 'the words change, the bundles do not' });
    expect(await read<Draft>('/revisions/draft')).toMatchObject({ changed: false, problems: [], affectedEdges: [] });
    await replace({ rules: policy.rules.map((each) => ({ ...each, action: 'DISCARD' })) });
    const draft = await read<Draft>('/revisions/draft');
    expect(draft.affectedEdges.map(({ edgeName, change }) => [edgeName, change])).toEqual([
      ['berlin-1', 'changed'],
      ['tokyo-1', 'changed'],
    ]);
  });

  it('are refused with every problem of the draft, pointing into the order of policies and rules', async () => {
    const good = policy.rules;
    const lonely = await api.make('/sites', { name: 'lonely' });
    await replace({ rules: [...good, rule('nowhere', made.berlin.id, lonely.id)] });
    const { problems } = await read<Draft>('/revisions/draft');
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.every(({ pointer }) => pointer.startsWith('/policies/0/rules/1'))).toBe(true);
    const refused = await problemOf(await publish());
    expect(refused).toMatchObject({ status: 422, type: 'urn:weft:problem:draft_does_not_compile', errors: problems });
    const dry = await problemOf(await publish({ dryRun: true }));
    expect(dry.errors).toEqual(problems);
    expect((await read<{ items: Revision[] }>('/revisions')).items).toHaveLength(2);
    await replace({ rules: good });
  });

  it('come one after the other however many publish at once', async () => {
    const answers = await Promise.all([publish(), publish(), publish()]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
    const { items } = await read<{ items: Revision[] }>('/revisions');
    expect(items.map(({ number }) => number)).toEqual([3, 2, 1]);
    expect(
      (await read<{ items: Revision[] }>('/revisions?limit=1&before=3')).items.map(({ number }) => number),
    ).toEqual([2]);
  });

  it('are superseded by the next and never changed', async () => {
    const detail = await read<RevisionDetail>('/revisions/1');
    expect(detail.edges.map(({ state }) => state)).toEqual(['superseded', 'superseded']);
    for (const number of ['99', '0', '1.5', 'x', '2147483648', '99999999999999999999']) {
      expect((await problemOf(await api.fetch(api.path(`/revisions/${number}`)))).status).toBe(404);
    }
    const { sql } = api.controller;
    await expect(sql`update revisions set comment = 'rewritten'`.execute()).rejects.toThrow('revisions are immutable');
    await expect(sql`delete from revisions`.execute()).rejects.toThrow('revisions are immutable');
  });

  it('name an edge that was removed as affected', async () => {
    await api.fetch(api.path(`/edges/${made.tokyoEdge.id}`), { method: 'DELETE' });
    const { affectedEdges } = await read<Draft>('/revisions/draft');
    expect(affectedEdges).toContainEqual({
      edgeId: made.tokyoEdge.id,
      edgeName: 'tokyo-1',
      change: 'removed',
      removal: null,
    });
  });
});
