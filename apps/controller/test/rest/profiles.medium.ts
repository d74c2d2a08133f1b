import { randomUUID } from 'node:crypto';
import type {
  Configuration,
  Draft,
  ImportResult,
  Policy,
  Profile,
  ProfileInput,
  PublishResult,
  RevisionDiff,
} from '@weft/contracts/rest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api, makeTopology, problemOf, rule } from './support/api.js';

let api: Api;
let made: Awaited<ReturnType<typeof makeTopology>>;
beforeAll(async () => {
  api = await Api.start();
  made = await makeTopology(api);
  expect((await api.send('PATCH', '', { keyingMode: 'ikev2' })).status).toBe(200);
});
afterAll(() => api?.stop());

const read = async <T>(path: string) => (await (await api.fetch(api.path(path))).json()) as T;
const remove = (path: string) => api.fetch(api.path(path), { method: 'DELETE' });
const publish = async () => (await api.make<PublishResult>('/revisions', {})).revision?.number ?? 0;
const profile = (change: Partial<ProfileInput> = {}): ProfileInput => ({
  name: 'chacha',
  description: '',
  esp: { encryption: 'chacha20-poly1305', keyBits: 256, replayWindow: 128 },
  ike: { encryption: 'aes-gcm-16', keyBits: 128, prf: 'hmac-sha2-512', keyExchange: ['ECP-384', 'ML-KEM-768'] },
  childKeyExchange: ['X25519'],
  ikeLifetimeSeconds: 7200,
  childLifetimeSeconds: 1200,
  ...change,
});
const using = (profileId: string | null, name = 'web') => ({
  ...rule(name, made.berlin.id, made.tokyo.id),
  profileId,
});

describe('a profile', () => {
  it('is what the bundles of the edges say whose rules name it, and a change of it is one of the draft', async () => {
    const chacha = await api.make<Profile>('/profiles', profile());
    expect(chacha).toMatchObject({ ...profile(), version: 1 });
    const policy = await api.make<Policy>('/policies', { name: 'web', rules: [using(chacha.id)] });
    expect(policy.rules).toMatchObject([{ profileId: chacha.id }]);
    const first = await publish();
    const path = `/revisions/${first}/explanation?source=10.1.0.7&destination=10.2.0.9&protocol=tcp&destinationPort=1`;
    expect(JSON.stringify(await read(path))).toContain('"encryption":"chacha20-poly1305"');
    const changed = profile({ childLifetimeSeconds: 900, childKeyExchange: [] });
    const answer = await api.send('PUT', `/profiles/${chacha.id}`, changed, { 'if-match': '"1"' });
    expect([answer.status, answer.headers.get('etag'), await answer.json()]).toMatchObject([200, '"2"', changed]);
    const { intent } = await read<RevisionDiff>('/revisions/draft/diff');
    expect(intent).toMatchObject([
      { change: 'changed', noun: 'profile', id: chacha.id, name: 'chacha', fields: [{ field: 'ike' }] },
    ]);
    expect(await publish()).toBe(first + 1);
    // What people write about it is in no intent.
    const described = { ...changed, description: 'for sites without AES in hardware' };
    expect((await api.send('PUT', `/profiles/${chacha.id}`, described, { 'if-match': '*' })).status).toBe(200);
    expect(await read<Draft>('/revisions/draft')).toMatchObject({ changed: false });
  });

  it('comes back with an earlier revision, and so does which rules name it', async () => {
    const [chacha] = (await read<{ items: Profile[] }>('/profiles')).items;
    const [policy] = (await read<{ items: Policy[] }>('/policies')).items;
    const number = (await read<Draft>('/revisions/draft')).baseRevision ?? 0;
    const without = { name: 'web', rules: [using(null)] };
    expect((await api.send('PUT', `/policies/${policy?.id}`, without, { 'if-match': '*' })).status).toBe(200);
    expect((await remove(`/profiles/${chacha?.id}`)).status).toBe(204);
    // Has the name meanwhile.
    await api.make<Profile>('/profiles', profile({ childLifetimeSeconds: 60 }));
    await publish();
    const { version } = await read<Draft>('/revisions/draft');
    const answer = await api.send('POST', `/revisions/${number}/restoration`, {}, { 'if-match': `"${version}"` });
    expect([answer.status, await answer.clone().text()]).toEqual([200, expect.anything()]);
    const { items } = await read<{ items: Profile[] }>('/profiles');
    expect(items).toMatchObject([
      {
        id: chacha?.id,
        name: 'chacha',
        esp: chacha?.esp,
        ike: chacha?.ike,
        childKeyExchange: [],
        childLifetimeSeconds: 900,
      },
    ]);
    expect((await read<Policy>(`/policies/${policy?.id}`)).rules).toEqual(policy?.rules);
    expect(await read<Draft>('/revisions/draft')).toMatchObject({ changed: false });
  });

  it('stays while a rule names it', async () => {
    const short = await api.make<Profile>('/profiles', profile({ name: 'short' }));
    const policy = await api.make<Policy>('/policies', { name: 'names it', enabled: false, rules: [using(short.id)] });
    expect(await problemOf(await remove(`/profiles/${short.id}`))).toMatchObject({
      status: 409,
      type: 'urn:weft:problem:profile_in_use',
      detail: expect.stringContaining('the rule "web" of the policy "names it"'),
    });
    expect((await remove(`/policies/${policy.id}`)).status).toBe(204);
    expect((await remove(`/profiles/${short.id}`)).status).toBe(204);
    expect(await problemOf(await api.fetch(api.path(`/profiles/${short.id}`)))).toMatchObject({
      status: 404,
      type: 'urn:weft:problem:unknown_profile',
    });
  });

  it('that rules of one tunnel disagree about, or edges do not negotiate, is a problem of the draft', async () => {
    const problems = async () => (await problemOf(await api.send('POST', '/revisions', {}))).errors;
    const other = await api.make<Policy>('/policies', { name: 'other', rules: [using(null, 'without')] });
    expect(await problems()).toMatchObject([
      {
        pointer: '/policies/1/rules/0/profileId',
        rule: 'several_profiles',
        detail: expect.stringContaining('"chacha"'),
      },
    ]);
    expect((await remove(`/policies/${other.id}`)).status).toBe(204);
    expect((await api.send('PATCH', '', { keyingMode: 'ike-less' })).status).toBe(200);
    expect(await problems()).toMatchObject([{ pointer: '/policies/0/rules/0/profileId', rule: 'not_deliverable' }]);
    expect((await api.send('PATCH', '', { keyingMode: 'ikev2' })).status).toBe(200);
  });

  it('has a name of its own, is changed as it was read, and is one that there is', async () => {
    const taken = await problemOf(await api.send('POST', '/profiles', profile()));
    expect(taken).toMatchObject({ status: 409, errors: [{ pointer: '/name', rule: 'name_taken' }] });
    const lost = { name: 'lost', rules: [using(null), using(randomUUID())] };
    expect(await problemOf(await api.send('POST', '/policies', lost))).toMatchObject({
      status: 422,
      errors: [{ pointer: '/rules/1/profileId', rule: 'unknown_profile' }],
    });
    const [chacha] = (await read<{ items: Profile[] }>('/profiles')).items;
    const put = (id: string | undefined, headers: Record<string, string>) =>
      api.send('PUT', `/profiles/${id}`, profile(), headers);
    expect((await put(chacha?.id, { 'if-match': '"999"' })).status).toBe(412);
    expect((await put(chacha?.id, {})).status).toBe(428);
    expect((await put(randomUUID(), { 'if-match': '"1"' })).status).toBe(404);
  });

  it('is in the document of the tenant, by name, and goes into another', async () => {
    const { fabric: _, ...document } = await read<Configuration>('/configuration/export?format=json');
    const [item] = document.profiles ?? [];
    expect(item).toMatchObject({ name: 'chacha', childLifetimeSeconds: 900 });
    expect(document.policies?.[0]?.rules).toMatchObject([{ profile: 'chacha' }]);
    const put = (changed: object, prune = false) =>
      api.send('POST', `/configuration/import${prune ? '?prune=true' : ''}`, { version: 1, ...changed });
    const same = (await (await put(document)).json()) as ImportResult;
    expect(same.changed).toBe(false);
    const edited = { profiles: [{ ...item, name: 'second' }], policies: document.policies };
    expect(await problemOf(await put(edited, true))).toMatchObject({
      errors: [{ pointer: '/policies/0/rules/0/profile', rule: 'unknown_profile' }],
    });
    expect(await problemOf(await put({ profiles: [] }, true))).toMatchObject({
      errors: [{ rule: 'still_used', detail: expect.stringContaining('the policy "web"') }],
    });
    const policies = document.policies?.map((policy) => ({
      ...policy,
      rules: policy.rules.map((one) => ({ ...one, profile: 'second' })),
    }));
    const result = (await (await put({ ...edited, policies }, true)).json()) as ImportResult;
    expect(result.items.filter(({ noun }) => noun === 'profile')).toMatchObject([
      { name: 'second', outcome: 'created' },
      { name: 'chacha', outcome: 'removed' },
    ]);
    const { items } = await read<{ items: Policy[] }>('/policies');
    const [second] = (await read<{ items: Profile[] }>('/profiles')).items;
    expect([second?.name, items[0]?.rules[0]?.profileId]).toEqual(['second', second?.id]);
  });

  const { esp, ike } = profile();
  it.each<readonly [what: string, change: object, pointer: string, broken: string, said: RegExp]>([
    ['3DES', { esp: { ...esp, encryption: '3DES' } }, '/esp/encryption', 'deprecated_algorithm', /RFC 8221/],
    ['DES', { ike: { ...ike, encryption: 'des-cbc' } }, '/ike/encryption', 'deprecated_algorithm', /MUST NOT/],
    ['HMAC-SHA1', { ike: { ...ike, prf: 'hmac-sha1' } }, '/ike/prf', 'deprecated_algorithm', /RFC 8247 section 2.2/],
    [
      'MODP-1024',
      { ike: { ...ike, keyExchange: ['MODP-1024'] } },
      '/ike/keyExchange/0',
      'deprecated_algorithm',
      /RFC 8247 section 2.4/,
    ],
    ['what nobody knows', { esp: { ...esp, encryption: 'rot13' } }, '/esp/encryption', 'choice', /none of the choices/],
    ['ChaCha20 with 128 bits', { esp: { ...esp, keyBits: 128 } }, '/esp/keyBits', 'key_length', /256/],
    [
      'ML-KEM alone',
      { ike: { ...ike, keyExchange: ['ML-KEM-768'] } },
      '/ike/keyExchange/0',
      'key_exchange_order',
      /does not come first/,
    ],
    ['a method twice', { childKeyExchange: ['X448', 'X448'] }, '/childKeyExchange', 'duplicate_method', /twice/],
    ['no method', { ike: { ...ike, keyExchange: [] } }, '/ike/keyExchange', 'too_small', /below 1/],
    ['a window of 32', { esp: { ...esp, replayWindow: 32 } }, '/esp/replayWindow', 'too_small', /below 64/],
    ['59 seconds', { childLifetimeSeconds: 59 }, '/childLifetimeSeconds', 'too_small', /below 60/],
  ])('refuses %s', async (_what, change, pointer, broken, said) => {
    const problem = await problemOf(await api.send('POST', '/profiles', { ...profile({ name: 'bad' }), ...change }));
    const [first] = problem.errors;
    expect([problem.status, first?.pointer, first?.rule]).toEqual([422, pointer, broken]);
    expect(first?.detail).toMatch(said);
    expect(first?.fix).not.toBe('');
  });

  it('is refused by the database, too', async () => {
    const { sql } = api.controller;
    const insert = (change: Record<string, unknown>) => sql`
      insert into profiles ${sql({
        id: randomUUID(),
        tenant_id: api.tenantId,
        name: randomUUID(),
        esp_encryption: 'aes-gcm-16',
        esp_key_bits: 256,
        replay_window: 64,
        ike_encryption: 'aes-gcm-16',
        ike_key_bits: 256,
        ike_prf: 'hmac-sha2-256',
        ike_key_exchange: [19],
        child_key_exchange: [],
        ike_lifetime_seconds: 60,
        child_lifetime_seconds: 60,
        ...change,
      } as never)}`;
    await expect(insert({ esp_encryption: '3des' })).rejects.toThrow('profiles_esp_cipher');
    await expect(insert({ esp_encryption: 'chacha20-poly1305', esp_key_bits: 128 })).rejects.toThrow(
      'profiles_esp_cipher',
    );
    await expect(insert({ ike_key_bits: 192 })).rejects.toThrow('profiles_ike_cipher');
    await expect(insert({ ike_prf: 'hmac-sha1' })).rejects.toThrow('profiles_ike_prf');
    await expect(insert({ ike_key_exchange: [2] })).rejects.toThrow('profiles_ike_key_exchange');
    await expect(insert({ ike_key_exchange: [36] })).rejects.toThrow('profiles_ike_key_exchange');
    await expect(insert({ child_key_exchange: [14] })).rejects.toThrow('profiles_child_key_exchange');
    await expect(insert({ replay_window: 63 })).rejects.toThrow('profiles_replay_window_range');
    await expect(insert({ child_lifetime_seconds: 59 })).rejects.toThrow('profiles_child_lifetime_range');
  });
});
