import { randomUUID } from 'node:crypto';
import type {
  Configuration,
  Draft,
  Explanation,
  ImportResult,
  Profile,
  PublishResult,
  RevisionDiff,
  Tenant,
} from '@weft/contracts/rest';
import { EncryptionAlgorithm } from '@weft/contracts/southbound';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeBundle } from '../../src/distribution/bundle-content.js';
import { Api, makeTopology, problemOf, rule } from './support/api.js';

let api: Api;
let made: Awaited<ReturnType<typeof makeTopology>>;
let chacha: Profile;
beforeAll(async () => {
  api = await Api.start();
  made = await makeTopology(api);
  await api.make('/policies', { name: 'all', rules: [rule('all', made.berlin.id, made.tokyo.id)] });
  chacha = await api.make<Profile>('/profiles', profile('chacha'));
  await publish();
});
afterAll(() => api?.stop());

const profile = (name: string) => ({
  name,
  esp: { encryption: 'chacha20-poly1305', keyBits: 256, replayWindow: 128 },
  ike: { encryption: 'aes-gcm-16', keyBits: 128, prf: 'hmac-sha2-512', keyExchange: ['ECP-384'] },
  childKeyExchange: [],
});
const read = async <T>(path: string) => (await (await api.fetch(api.path(path))).json()) as T;
const publish = async () => (await api.make<PublishResult>('/revisions', {})).revision?.number ?? 0;
const choose = (defaultProfileId: string | null) => api.send('PATCH', '', { defaultProfileId });
const chosen = async () => (await read<Tenant>('')).defaultProfileId;
const importing = (document: object, query = '') =>
  api.send('POST', `/configuration/import${query}`, { version: 1, ...document });
const restore = async (number: number) => {
  const tag = (await api.fetch(api.path('/revisions/draft'))).headers.get('etag') ?? '';
  const answer = await api.send('POST', `/revisions/${number}/restoration`, {}, { 'if-match': tag });
  if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`);
};
/** By what the two bundles say protects packets. */
const suites = async () => {
  const rows = await api.controller.sql<{ content: Buffer }[]>`select content from edge_bundles`;
  return rows.flatMap(({ content }) => decodeBundle(content).tunnels.map((tunnel) => tunnel.profile?.encryption));
};
const { ENCRYPTION_ALGORITHM_AES_GCM_16: AES, ENCRYPTION_ALGORITHM_CHACHA20_POLY1305: CHACHA } = EncryptionAlgorithm;
const explained = async (number: number) => {
  const query = new URLSearchParams({ source: '10.1.0.7', destination: '10.2.0.9', protocol: 'icmp' });
  return read<Explanation>(`/revisions/${number}/explanation?${query}`);
};

// In order: each step goes on from the one before it.
describe('the default profile of a tenant', () => {
  it('is what the bundles of edges say whose rules name none, and a change of the draft until then', async () => {
    expect([await chosen(), await suites()]).toEqual([null, [AES, AES]]);
    expect((await explained(1)).hops[0]?.association.profile).toBeNull();
    const answer = await choose(chacha.id);
    expect([answer.status, await answer.json()]).toMatchObject([200, { defaultProfileId: chacha.id }]);
    const { intent, names, blastRadius } = await read<RevisionDiff>('/revisions/draft/diff');
    expect(names).toEqual([{ id: chacha.id, name: 'chacha' }]);
    expect(intent).toMatchObject([
      { noun: 'tenant', fields: [{ field: 'defaultProfileId', before: null, after: chacha.id }] },
    ]);
    expect(blastRadius).toMatchObject({ edges: 2, tunnelsAdded: 1, tunnelsRemoved: 1, sitePairsOtherProfile: 1 });
    expect(await suites()).toEqual([AES, AES]);
    expect(await publish()).toBe(2);
    await expect.poll(suites).toEqual([CHACHA, CHACHA]);
    const { hops, ruleSince } = await explained(2);
    expect(hops[0]?.association).toMatchObject({
      profile: { id: chacha.id, name: 'chacha' },
      esp: { encryption: 'chacha20-poly1305' },
    });
    // Who wrote the rule wrote it before, and it says what it said.
    expect(ruleSince).toMatchObject({ number: 1 });
  });

  it('stays as it is when another setting changes, and when it is chosen only to see what would come of it', async () => {
    expect((await api.send('PATCH', '', { encapsulation: 'udp' })).status).toBe(200);
    const dry = await api.send('PATCH', '?dryRun=true', { defaultProfileId: null });
    expect([dry.status, await dry.json()]).toMatchObject([200, { defaultProfileId: null }]);
    expect(await chosen()).toBe(chacha.id);
    expect(await read<Draft>('/revisions/draft')).toMatchObject({ changed: false });
  });

  it('cannot be deleted, and is one that there is', async () => {
    expect(await problemOf(await api.fetch(api.path(`/profiles/${chacha.id}`), { method: 'DELETE' }))).toMatchObject({
      status: 409,
      type: 'urn:weft:problem:profile_in_use',
      errors: [
        {
          pointer: '',
          rule: 'profile_in_use',
          detail: 'The profile is used by the tenant, as its default',
          fix: expect.stringContaining('first'),
        },
      ],
    });
    expect(await problemOf(await choose(randomUUID()))).toMatchObject({
      status: 422,
      errors: [{ pointer: '/defaultProfileId', rule: 'unknown_profile', fix: expect.stringContaining('null') }],
    });
    expect(await problemOf(await api.send('PATCH', '', { defaultProfileId: 'chacha' }))).toMatchObject({
      status: 422,
      errors: [{ pointer: '/defaultProfileId' }],
    });
    expect(await chosen()).toBe(chacha.id);
  });

  it('takes edges that negotiate, and agrees with rules that name it', async () => {
    const { draft, problems } = {
      draft: () => read<Draft>('/revisions/draft'),
      problems: async () => (await read<Draft>('/revisions/draft')).problems,
    };
    const named = { ...rule('named', made.berlin.id, made.tokyo.id), profileId: chacha.id };
    const { id } = await api.make('/policies', { name: 'named', rules: [named] });
    expect(await draft()).toMatchObject({ problems: [] });
    await choose(null);
    expect(await problems()).toMatchObject([{ rule: 'several_profiles' }]);
    await choose(chacha.id);
    expect((await api.fetch(api.path(`/policies/${id}`), { method: 'DELETE' })).status).toBe(204);
    await api.send('PATCH', '', { keyingMode: 'ike-less' });
    expect(await problems()).toMatchObject([{ pointer: '/defaultProfileId', rule: 'not_deliverable' }]);
    await api.send('PATCH', '', { keyingMode: 'ikev2' });
    expect(await draft()).toMatchObject({ changed: false, problems: [] });
  });

  it('goes and comes back with revisions, and with the profile itself', async () => {
    await choose(null);
    expect((await api.fetch(api.path(`/profiles/${chacha.id}`), { method: 'DELETE' })).status).toBe(204);
    expect(await publish()).toBe(3);
    await restore(2);
    expect(await chosen()).toBe(chacha.id);
    await expect.poll(suites).toEqual([CHACHA, CHACHA]);
    await restore(1);
    expect(await chosen()).toBeNull();
    await restore(2);
    expect(await read<Draft>('/revisions/draft')).toMatchObject({ changed: false });
  });

  it('is in the document of the tenant by name, and goes with its profile and comes before it', async () => {
    const { fabric, profiles = [] } = await read<Configuration>('/configuration/export?format=json');
    expect(fabric).toMatchObject({ defaultProfile: 'chacha' });
    expect(await (await importing({ fabric })).json()).toMatchObject({ changed: false });
    expect(await problemOf(await importing({ fabric: { defaultProfile: 'gone' } }))).toMatchObject({
      status: 422,
      errors: [{ pointer: '/fabric/defaultProfile', rule: 'unknown_profile' }],
    });
    expect(await problemOf(await importing({ profiles: [] }, '?prune=true'))).toMatchObject({
      errors: [{ rule: 'still_used', detail: expect.stringContaining('as its default profile') }],
    });
    const other = { ...profiles[0], name: 'other' };
    const answer = await importing({ fabric: { defaultProfile: 'other' }, profiles: [other] }, '?prune=true');
    const result = (await answer.json()) as ImportResult;
    expect(result.items).toMatchObject([
      { noun: 'fabric', differences: [{ pointer: '/defaultProfile', before: 'chacha', after: 'other' }] },
      { noun: 'profile', name: 'other', outcome: 'created' },
      { noun: 'profile', name: 'chacha', outcome: 'removed' },
    ]);
    const { items } = await read<{ items: Profile[] }>('/profiles');
    expect([items.map(({ name }) => name), await chosen()]).toEqual([['other'], items[0]?.id]);
    const none = await importing({ fabric: { defaultProfile: null }, profiles: [] }, '?prune=true');
    expect([none.status, await chosen()]).toEqual([200, null]);
  });

  it('is a profile of the same tenant, or the database refuses it', async () => {
    const { sql } = api.controller;
    const theirs = randomUUID();
    await sql`insert into tenants (id, name) values (${theirs}, 'theirs')`;
    const { id } = await api.make('/profiles', profile('ours'));
    await expect(sql`update tenants set default_profile_id = ${id} where id = ${theirs}`).rejects.toMatchObject({
      constraint_name: 'tenants_default_profile_fkey',
    });
  });
});
