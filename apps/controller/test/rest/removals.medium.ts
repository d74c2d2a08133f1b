import type { AuditLog, Draft, Policy, PublishResult } from '@weft/contracts/rest';
import { BundleManifest, type BundlePush } from '@weft/contracts/southbound';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { enrolled, ScriptedEdge } from '../southbound/scripted-edge.js';
import { eventually } from '../support/patience.js';
import { Api, problemOf, rule } from './support/api.js';

const BRANCHES = 12;

let api: Api;
let hubId: string;
let hub: ScriptedEdge;
let sites: { hub: string; branches: string[] };
let policy: Policy;

beforeAll(async () => {
  api = await Api.start();
  const site = async (name: string, index: number) => {
    const { id } = await api.make('/sites', { name });
    await api.make('/networks', { siteId: id, name: 'lan', prefix: `10.${index}.0.0/16` });
    const edge = await api.make('/edges', { siteId: id, name, underlayAddress: `203.0.113.${index}` });
    return { siteId: id, edgeId: edge.id };
  };
  const center = await site('hub', 100);
  hubId = center.edgeId;
  const branches: string[] = [];
  for (let index = 1; index <= BRANCHES; index++) branches.push((await site(`branch-${index}`, index)).siteId);
  sites = { hub: center.siteId, branches };
  policy = await api.make<Policy>('/policies', { name: 'all', rules: rulesFor(BRANCHES) });
  hub = new ScriptedEdge('hub', await enrolled(api.controller, api.tenantId, hubId));
});
afterAll(async () => {
  hub?.close();
  await api?.stop();
});

const rulesFor = (branches: number) =>
  sites.branches.slice(0, branches).map((branch, index) => rule(`branch ${index + 1}`, sites.hub, branch));
const read = async <T>(path: string) => (await (await api.fetch(api.path(path))).json()) as T;
const tag = async () => (await api.fetch(api.path('/revisions/draft'))).headers.get('etag') ?? '';
const publish = (body: object, headers: Record<string, string> = {}) => api.send('POST', '/revisions', body, headers);
const published = async (body: object, headers: Record<string, string> = {}) => {
  const answer = await publish(body, headers);
  if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`);
  return (await answer.json()) as PublishResult;
};
const allow = async (branches: number) => {
  const body = { name: policy.name, rules: rulesFor(branches) };
  const answer = await api.send('PUT', `/policies/${policy.id}`, body, { 'if-match': '*' });
  expect(answer.status).toBe(200);
};
const lastManifest = () => {
  const push = hub.messages('bundlePush').at(-1);
  return BundleManifest.decode(push?.bundle?.manifest ?? Buffer.alloc(0));
};

// In order: each step goes on from the one before it.
describe('a revision with which an edge loses much', () => {
  it('is told so before it is published, and refused until somebody agrees', async () => {
    await published({ comment: 'all' });
    hub.connect(api.controller);
    await hub.until(() => hub.bundle?.tunnels.length === BRANCHES);
    expect(lastManifest().removalAgreed).toBe(false);
    await allow(1);
    const removal = {
      tunnels: { removed: 11, before: 12 },
      securityPolicies: { removed: expect.any(Number), before: expect.any(Number) },
      needsAgreement: true,
    };
    const { affectedEdges } = await read<Draft>('/revisions/draft');
    const losing = affectedEdges.filter((edge) => edge.removal?.needsAgreement);
    expect(losing).toMatchObject([{ edgeId: hubId, edgeName: 'hub', change: 'changed', removal }]);
    expect((await published({ dryRun: true })).affectedEdges).toEqual(affectedEdges);
    const refused = await problemOf(await publish({}));
    expect(refused).toMatchObject({
      status: 422,
      type: 'urn:weft:problem:removals_not_agreed',
      errors: [{ rule: 'mass_removal', detail: expect.stringMatching(/^hub loses 11 of 12 tunnels/) }],
    });
    for (const headers of [{}, { 'if-match': '*' }]) {
      expect((await problemOf(await publish({ agreeToRemovals: true }, headers))).status).toBe(428);
    }
    expect(hub.bundle?.tunnels).toHaveLength(BRANCHES);
  });

  it('reaches the edge with the signed agreement, and the audit log with the numbers', async () => {
    const before = hub.running?.contentHash;
    const { revision } = await published({ agreeToRemovals: true }, { 'if-match': await tag() });
    await hub.until(() => hub.bundle?.tunnels.length === 1);
    expect(lastManifest()).toMatchObject({ removalAgreed: true, parentHash: before });
    const { items, brokenAt } = await read<AuditLog>('/audit-entries');
    expect(items.find(({ action }) => action === 'removals_agreed')).toMatchObject({
      actor: 'admin',
      details: {
        revision: revision?.number,
        edgeIds: expect.arrayContaining([hubId]),
        losses: expect.arrayContaining([
          expect.objectContaining({ edgeId: hubId, tunnels: { removed: 11, before: 12 } }),
        ]),
      },
    });
    expect(brokenAt).toBeNull();
  });

  it('is no agreement to what comes after it', async () => {
    await allow(2);
    await published({});
    await hub.until(() => hub.bundle?.tunnels.length === 2);
    expect(lastManifest().removalAgreed).toBe(false);
  });

  it('that an edge with a stricter limit has refused is agreed to afterwards, and then taken', async () => {
    hub.answerPush = (push: BundlePush) => {
      const { removalAgreed } = BundleManifest.decode(push.bundle?.manifest ?? Buffer.alloc(0));
      if (removalAgreed) return hub.apply(push);
      const rejection = { path: 'tunnels', rule: 'mass_removal', reason: '1 of 2 tunnels in force would be removed' };
      return { $case: 'bundleNack', value: { nonce: push.nonce, rejection, running: hub.running } };
    };
    await allow(1);
    await published({});
    await eventually(async () =>
      expect(await read(`/edges/${hubId}`)).toMatchObject({ live: { lastRejection: { rule: 'mass_removal' } } }),
    );
    expect((await problemOf(await publish({}))).type).toBe('urn:weft:problem:nothing_to_publish');
    await published({ agreeToRemovals: true }, { 'if-match': await tag() });
    await hub.until(() => hub.bundle?.tunnels.length === 1);
    await eventually(async () =>
      expect(await read(`/edges/${hubId}`)).toMatchObject({ live: { lastRejection: null, inSync: true } }),
    );
    const answer = await problemOf(await publish({ agreeToRemovals: true }, { 'if-match': await tag() }));
    expect(answer.type).toBe('urn:weft:problem:nothing_to_publish');
  });
});
