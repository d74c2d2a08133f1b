import type { Explanation, Group, NamedService, Policy, PublishResult, Site } from '@weft/contracts/rest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPool } from '../../src/platform/database/connection-options.js';
import { Api, makeTopology, rule } from './support/api.js';
import { Person } from './support/people.js';

let api: Api;
let made: Awaited<ReturnType<typeof makeTopology>>;
/** Whoever publishes next: each has a revision that is answered for. */
let person: Person;
let policy: Policy;
let group: Group;
let service: NamedService;
let oslo: Site;
beforeAll(async () => {
  api = await Api.start();
  made = await makeTopology(api);
  person = await Person.make(api, api.tenantId, { name: 'somebody else', role: 'approver' });
  group = await api.make<Group>('/groups', { name: 'talkers', members: [{ kind: 'site', siteId: made.berlin.id }] });
  service = await api.make<NamedService>('/services', { name: 'web', services: [tcp(443)] });
  const web = {
    ...rule('web', made.berlin.id, made.tokyo.id),
    sources: [{ kind: 'group', groupId: group.id }],
    services: [],
    serviceIds: [service.id],
  };
  policy = await api.make<Policy>('/policies', { name: 'web', rules: [web] });
  await publish('the rule');
});
afterAll(() => api?.stop());

const tcp = (first: number) => ({ protocol: 'tcp', ports: [{ first, last: first }] });
const change = async (method: string, path: string, body: object) => {
  const answer = await api.send(method, path, body, { 'if-match': '*' });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
};
const publish = async (comment: string) => {
  const answer = await person.fetch('POST', api.path('/revisions'), { comment });
  if (!answer.ok) throw new Error(`${comment}: ${answer.status} ${await answer.text()}`);
  return ((await answer.json()) as PublishResult).revision?.number ?? 0;
};
const since = async (revision: number) => {
  const query = new URLSearchParams({ ...PACKET, destinationPort: '443' });
  const answer = await api.fetch(api.path(`/revisions/${revision}/explanation?${query}`));
  const { rule: decides, ruleSince } = (await answer.json()) as Explanation;
  expect(decides?.ruleId).toBe(policy.rules[0]?.id);
  return ruleSince && `${ruleSince.comment}, by ${ruleSince.author}`;
};
const PACKET = { source: '10.1.0.7', destination: '10.2.0.9', protocol: 'tcp' };

describe('the revision that made a rule so', () => {
  it('is that of a group’s member that changed after the rule, with whoever published it', async () => {
    oslo = await api.make<Site>('/sites', { name: 'oslo' });
    await api.make('/networks', { siteId: oslo.id, name: 'lan', prefix: '10.3.0.0/16' });
    await api.make('/edges', { siteId: oslo.id, name: 'oslo-1', underlayAddress: '203.0.113.3' });
    const unrelated = await publish('a site that it does not name');
    expect(await since(unrelated)).toBe('the rule, by somebody else');
    const members = [made.berlin.id, oslo.id].map((siteId) => ({ kind: 'site', siteId }));
    await change('PUT', `/groups/${group.id}`, { name: 'talkers', members });
    person = await Person.make(api, api.tenantId, { name: 'whoever let oslo in', role: 'approver' });
    const grown = await publish('a member');
    expect(await since(grown)).toBe('a member, by whoever let oslo in');
    // What was so then stays what is said of it.
    expect(await since(unrelated)).toBe('the rule, by somebody else');
  });

  it.each([
    [
      'a label',
      async () => {
        const members = [
          { kind: 'site_labels', labels: { role: 'branch' } },
          { kind: 'site', siteId: made.berlin.id },
        ];
        await change('PUT', `/groups/${group.id}`, { name: 'talkers', members });
        await publish('by label, and nobody has it');
        await change('PATCH', `/sites/${made.tokyo.id}`, { labels: { role: 'branch' } });
      },
    ],
    ['a service', () => change('PUT', `/services/${service.id}`, { name: 'web', services: [tcp(443), tcp(8443)] })],
    ['a network', () => api.make('/networks', { siteId: made.tokyo.id, name: 'more', prefix: '10.4.0.0/16' })],
    ['the rule itself', () => change('PUT', `/policies/${policy.id}`, { name: 'web', rules: [withPing()] })],
  ])('is that of %s', async (what, edit) => {
    await edit();
    const number = await publish(what);
    expect(await since(number)).toBe(`${what}, by whoever let oslo in`);
    await change('PATCH', `/sites/${oslo.id}`, { name: `oslo after ${what}` });
    expect(await since(await publish('a name'))).toBe(`${what}, by whoever let oslo in`);
  });

  it('is the one in which it came back, when it was not in force meanwhile', async () => {
    await change('PUT', `/policies/${policy.id}`, { name: 'web', enabled: false, rules: [withPing()] });
    await publish('not in force');
    await change('PUT', `/policies/${policy.id}`, { name: 'web', enabled: true, rules: [withPing()] });
    expect(await since(await publish('back'))).toBe('back, by whoever let oslo in');
  });

  it('is by the words of the rule where a revision is from before meanings were kept', async () => {
    const database = openPool({ url: api.databaseUrl }, 1);
    try {
      await database.begin(async (sql) => {
        await sql`alter table revisions disable trigger revisions_immutable`;
        await sql`update revisions set rule_meanings = null where comment <> 'a service'`;
        await sql`alter table revisions enable trigger revisions_immutable`;
      });
    } finally {
      await database.end();
    }
    const revisions = await api.controller.sql<{ number: number; comment: string }[]>`
      select number, comment from revisions where tenant_id = ${api.tenantId}`;
    const numberOf = (wanted: string) => revisions.find(({ comment }) => comment === wanted)?.number ?? 0;
    expect(await since(numberOf('a network'))).toBe('the rule, by somebody else');
    expect(await since(numberOf('back'))).toBe('the rule itself, by whoever let oslo in');
    // The next one is compared by words with the last from before, and by meanings with those that follow.
    const next = await api.make<Site>('/sites', { name: 'unrelated' });
    expect(await since(await publish('the first that is kept'))).toBe('the rule itself, by whoever let oslo in');
    await change('PATCH', `/sites/${next.id}`, { labels: { role: 'branch' } });
    await api.make('/networks', { siteId: next.id, name: 'lan', prefix: '10.5.0.0/16' });
    expect(await since(await publish('another branch'))).toBe('another branch, by whoever let oslo in');
  });
});

function withPing() {
  const [written] = policy.rules;
  if (written === undefined) throw new Error('the policy has no rule');
  return { ...written, services: [{ protocol: 'icmp', ports: [] }] };
}
