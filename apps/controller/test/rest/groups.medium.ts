import { randomUUID } from 'node:crypto';
import type { Draft, Explanation, Group, Policy, PublishResult, RevisionDiff, Site } from '@weft/contracts/rest';
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
const draft = () => read<Draft>('/revisions/draft');
const label = (siteId: string, labels: object) => api.send('PATCH', `/sites/${siteId}`, { labels });
const verdict = async (source: string, destination: string, of = 'draft') => {
  const query = new URLSearchParams({ source, destination, protocol: 'tcp', destinationPort: '443' });
  return (await read<Explanation>(`/revisions/${of}/explanation?${query}`)).verdict;
};
const publish = async () => (await api.make<PublishResult>('/revisions', {})).revision?.number ?? 0;
const named = (group: string) => ({
  ...rule('branches', made.berlin.id, made.tokyo.id),
  sources: [{ kind: 'site', siteId: made.berlin.id }],
  destinations: [{ kind: 'group', groupId: group }],
});

describe('a group', () => {
  it('is what carries its labels, now and later, in force and in what is explained', async () => {
    const group = await api.make<Group>('/groups', {
      name: 'branches',
      members: [{ kind: 'site_labels', labels: { role: 'branch' } }],
    });
    await api.make<Policy>('/policies', { name: 'to branches', rules: [named(group.id)] });
    // Nobody is in it yet: the rule waits for sites to come.
    expect(await verdict('10.1.0.7', '10.2.0.9')).not.toBe('protected');
    expect((await label(made.tokyo.id, { role: 'branch', region: 'apac' })).status).toBe(200);
    expect(await verdict('10.1.0.7', '10.2.0.9')).toBe('protected');
    const first = await publish();
    const oslo = await api.make<Site>('/sites', { name: 'oslo', labels: { role: 'branch' } });
    await api.make('/networks', { siteId: oslo.id, name: 'lan', prefix: '10.3.0.0/16' });
    await api.make('/edges', { siteId: oslo.id, name: 'oslo-1', underlayAddress: '203.0.113.3' });
    expect(await verdict('10.1.0.7', '10.3.0.9')).toBe('protected');
    const { intent } = await read<RevisionDiff>('/revisions/draft/diff');
    expect(intent).toContainEqual(
      expect.objectContaining({
        noun: 'site',
        name: 'oslo',
        fields: expect.arrayContaining([{ field: 'labels', before: null, after: { role: 'branch' } }]),
      }),
    );
    expect(await publish()).toBe(first + 1);
    // Of the revision before it is still said what was so then.
    expect(await verdict('10.1.0.7', '10.3.0.9', String(first))).not.toBe('protected');
  });

  it('comes back with an earlier revision, and so do labels', async () => {
    const [group] = (await read<{ items: Group[] }>('/groups')).items;
    const before = await draft();
    const number = before.baseRevision ?? 0;
    const etag = { 'if-match': '*' };
    const other = { name: 'others', members: [{ kind: 'prefix', prefix: '10.3.0.0/16' }] };
    expect((await api.send('PUT', `/groups/${group?.id}`, other, etag)).status).toBe(200);
    expect((await label(made.tokyo.id, {})).status).toBe(200);
    expect(await verdict('10.1.0.7', '10.2.0.9')).not.toBe('protected');
    await publish();
    const { version } = await draft();
    const answer = await api.send('POST', `/revisions/${number}/restoration`, {}, { 'if-match': `"${version}"` });
    expect([answer.status, await answer.clone().text()]).toEqual([200, expect.anything()]);
    const [restored] = (await read<{ items: Group[] }>('/groups')).items;
    expect(restored).toMatchObject({ id: group?.id, name: 'branches', members: group?.members });
    expect((await read<Site>(`/sites/${made.tokyo.id}`)).labels).toEqual({ role: 'branch', region: 'apac' });
    expect(await draft()).toMatchObject({ changed: false });
  });

  it('stays while a rule names it, as what it names stays', async () => {
    const members = [
      { kind: 'site', siteId: made.berlin.id },
      { kind: 'network', networkId: made.tokyoLan.id },
    ];
    const group = await api.make<Group>('/groups', { name: 'named', members });
    const policy = await api.make<Policy>('/policies', { name: 'names it', rules: [named(group.id)] });
    const refused = async (path: string) => {
      const problem = await problemOf(await api.fetch(api.path(path), { method: 'DELETE' }));
      return [problem.status, problem.type, problem.detail];
    };
    expect(await refused(`/groups/${group.id}`)).toEqual([
      409,
      'urn:weft:problem:group_in_use',
      expect.stringContaining('the rule "branches" of the policy "names it"'),
    ]);
    const network = await refused(`/networks/${made.tokyoLan.id}`);
    expect(network).toEqual([409, 'urn:weft:problem:network_in_use', expect.stringContaining('the group "named"')]);
    expect((await refused(`/sites/${made.berlin.id}`))[2]).toContain('the group "named"');
    for (const path of [`/policies/${policy.id}`, `/groups/${group.id}`]) {
      expect((await api.fetch(api.path(path), { method: 'DELETE' })).status).toBe(204);
    }
    expect((await problemOf(await api.fetch(api.path(`/groups/${group.id}`)))).type).toBe(
      'urn:weft:problem:unknown_group',
    );
  });

  it('names what there is, and says where it does not', async () => {
    const members = [
      { kind: 'site_labels', labels: { a: 'b' } },
      { kind: 'site', siteId: randomUUID() },
    ];
    const lost = await problemOf(await api.send('POST', '/groups', { name: 'lost', members }));
    expect(lost).toMatchObject({ status: 422, errors: [{ pointer: '/members/1/siteId', rule: 'unknown_site' }] });
    const taken = await problemOf(await api.send('POST', '/groups', { name: 'branches', members: [] }));
    expect(taken).toMatchObject({ status: 409, errors: [{ pointer: '/name', rule: 'name_taken' }] });
    const policy = { name: 'nobody', rules: [named(randomUUID())] };
    const unknown = await problemOf(await api.send('POST', '/policies', policy));
    expect(unknown.errors).toMatchObject([{ pointer: '/rules/0/destinations/0/groupId', rule: 'unknown_group' }]);
    const stale = await problemOf(
      await api.send('PUT', `/groups/${randomUUID()}`, { name: 'x', members: [] }, { 'if-match': '"1"' }),
    );
    expect(stale.status).toBe(404);
  });

  it.each([
    ['no label', {}, 'too_small'],
    ['a label that is no text', { role: 1 }, 'type'],
    ['a name with a space', { 'a b': 'c' }, 'invalid_key'],
    ['too many', Object.fromEntries(Array.from({ length: 33 }, (_, n) => [`l${n}`, 'x'])), 'too_big'],
  ])('refuses %s', async (_what, labels, broken) => {
    const body = { name: 'bad', members: [{ kind: 'site_labels', labels }] };
    const problem = await problemOf(await api.send('POST', '/groups', body));
    expect([problem.status, problem.errors[0]?.rule]).toEqual([422, broken]);
  });

  it('is refused by the database, too, when a member is nothing or two things', async () => {
    const { sql } = api.controller;
    const [group] = (await read<{ items: Group[] }>('/groups')).items;
    const insert = (kind: string, labels: object | null, prefix: string | null) => sql`
      insert into group_members (tenant_id, group_id, position, kind, labels, prefix)
      values (${api.tenantId}, ${group?.id ?? ''}, 99, ${kind}, ${labels && JSON.stringify(labels)}::text::jsonb, ${prefix})`;
    await expect(insert('site_labels', {}, null)).rejects.toThrow('group_members_kind');
    await expect(insert('site_labels', { a: ['b'] }, null)).rejects.toThrow('group_members_kind');
    await expect(insert('prefix', { a: 'b' }, '10.0.0.0/8')).rejects.toThrow('group_members_one');
    await expect(insert('site', null, '10.0.0.0/8')).rejects.toThrow('group_members_kind');
  });
});

describe('labels of a network', () => {
  it('are replaced as a whole, and its name changes without them', async () => {
    const path = `/networks/${made.berlinLan.id}`;
    const change = async (body: object) => (await api.send('PATCH', path, body)).json();
    expect(await change({ labels: { use: 'office', floor: '2' } })).toMatchObject({
      labels: { use: 'office', floor: '2' },
    });
    expect(await change({ name: 'office' })).toMatchObject({ name: 'office', labels: { use: 'office', floor: '2' } });
    expect(await change({ labels: { use: 'guests' } })).toMatchObject({
      prefix: '10.1.0.0/16',
      labels: { use: 'guests' },
    });
    await api.make<Group>('/groups', {
      name: 'guests',
      members: [{ kind: 'network_labels', labels: { use: 'guests' } }],
    });
    expect((await problemOf(await api.send('PATCH', `/networks/${randomUUID()}`, { name: 'x' }))).status).toBe(404);
  });
});
