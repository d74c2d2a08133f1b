import type { Draft, Edge, PublishResult, RevisionDiff } from '@weft/contracts/rest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { enrolled, ScriptedEdge } from '../southbound/scripted-edge.js';
import { eventually } from '../support/patience.js';
import { Api, makeTopology, problemOf, rule } from './support/api.js';

const OTHERS = ['2001:db8:7::1', '198.51.100.7'];
const ENDPOINTS = OTHERS.map((address) => ({ address, port: 4500 }));

let api: Api;
let made: Awaited<ReturnType<typeof makeTopology>>;
let berlin: ScriptedEdge;
let tokyo: ScriptedEdge;
beforeAll(async () => {
  api = await Api.start();
  made = await makeTopology(api);
  await api.make('/policies', { name: 'all', rules: [rule('all', made.berlin.id, made.tokyo.id)] });
  await publish();
  [berlin, tokyo] = ScriptedEdge.together([
    new ScriptedEdge('berlin', await enrolled(api.controller, api.tenantId, made.berlinEdge.id)),
    new ScriptedEdge('tokyo', await enrolled(api.controller, api.tenantId, made.tokyoEdge.id)),
  ]);
});
afterAll(async () => {
  for (const edge of [berlin, tokyo]) edge?.close();
  await api?.stop();
});

const read = async <T>(path: string) => (await (await api.fetch(api.path(path))).json()) as T;
const draft = () => read<Draft>('/revisions/draft');
const publish = async () => (await api.make<PublishResult>('/revisions', {})).revision?.number ?? 0;
const change = (body: object) => api.send('PATCH', `/edges/${made.berlinEdge.id}`, body);
const edge = (id = made.berlinEdge.id) => read<Edge>(`/edges/${id}`);
const refusal = async (response: Response) => {
  const { status, errors } = await problemOf(response);
  return [status, errors[0]?.pointer, errors[0]?.rule];
};
const inSync = () =>
  eventually(async () => {
    for (const id of [made.berlinEdge.id, made.tokyoEdge.id]) expect((await edge(id)).live.inSync).toBe(true);
  });

// In order: each step goes on from the one before it.
describe('the uplinks of an edge', () => {
  it('are one, where nobody has said more', async () => {
    expect((await edge()).otherUnderlayAddresses).toEqual([]);
    expect((await read<{ items: Edge[] }>('/edges')).items.map((each) => each.otherUnderlayAddresses)).toEqual([
      [],
      [],
    ]);
  });

  it('are refused when they are none, are too many, or stand there twice, in whatever spelling', async () => {
    const given = async (otherUnderlayAddresses: string[]) => refusal(await change({ otherUnderlayAddresses }));
    expect(await given(['224.0.0.1'])).toEqual([422, '/otherUnderlayAddresses/0', 'address_not_unicast']);
    expect(await given(['gw.example'])).toEqual([422, '/otherUnderlayAddresses/0', 'address_format']);
    expect(await given([...'12345'].map((last) => `198.51.100.${last}`))).toMatchObject([
      422,
      '/otherUnderlayAddresses',
      {},
    ]);
    const twice = [422, '/otherUnderlayAddresses', 'duplicate_endpoint'];
    expect(await given(['2001:db8::1', '2001:DB8:0::1'])).toEqual(twice);
    expect(await given(['203.0.113.1'])).toEqual(twice);
    const spare = { siteId: made.tokyo.id, name: 'spare', underlayAddress: '203.0.113.9' };
    const made409 = await api.send('POST', '/edges', { ...spare, otherUnderlayAddresses: ['203.0.113.9'] });
    expect(await refusal(made409)).toEqual(twice);
    expect((await edge()).otherUnderlayAddresses).toEqual([]);
    expect(await draft()).toMatchObject({ changed: false });
  });

  it('are kept in their order, stay when nothing is said of them, and are shown as what has changed', async () => {
    const changed = await change({ otherUnderlayAddresses: ['2001:DB8:7:0::1', '198.51.100.7'] });
    expect(((await changed.json()) as Edge).otherUnderlayAddresses).toEqual(OTHERS);
    expect(((await (await change({ underlayPort: 4500 })).json()) as Edge).otherUnderlayAddresses).toEqual(OTHERS);
    expect(await draft()).toMatchObject({ changed: true, problems: [], findings: [] });
    const { intent, blastRadius } = await read<RevisionDiff>('/revisions/draft/diff');
    expect(intent).toEqual([
      expect.objectContaining({
        noun: 'edge',
        fields: [{ field: 'otherUnderlayAddresses', before: null, after: OTHERS }],
      }),
    ]);
    // The tunnels stay what they are.
    expect(blastRadius).toMatchObject({ edges: 2, tunnelsAdded: 0, tunnelsRemoved: 0, tunnelsChanged: 0 });
  });

  it('are refused in the draft where nobody could leave a dead one', async () => {
    const setting = (body: object) =>
      api.fetch(`/api/v1/tenants/${api.tenantId}`, {
        method: 'PATCH',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      });
    for (const [there, back, problem] of [
      [{ keyingMode: 'ike-less' }, { keyingMode: 'ikev2' }, 'uplinks_without_negotiation'],
      [{ encapsulation: 'none' }, { encapsulation: 'udp' }, 'uplinks_without_udp'],
    ] as const) {
      expect((await setting(there)).status).toBe(200);
      const { problems } = await draft();
      expect(problems).toMatchObject([{ rule: problem, pointer: expect.stringContaining('/otherUnderlayAddresses') }]);
      expect(await problemOf(await api.send('POST', '/revisions', {}))).toMatchObject({ status: 422 });
      expect((await setting(back)).status).toBe(200);
    }
    const inside = await change({ otherUnderlayAddresses: ['10.2.0.1'] });
    expect(inside.status).toBe(200);
    expect((await draft()).problems).toMatchObject([{ rule: 'underlay_inside_overlay' }]);
    await change({ otherUnderlayAddresses: OTHERS });
  });

  it('reach an edge whose agent takes them, and its peers; one that does not goes on with the first, and is in sync', async () => {
    await publish();
    berlin.connect(api.controller, { severalUplinks: true });
    tokyo.connect(api.controller);
    const own = await berlin.until(() => berlin.bundle);
    const other = await tokyo.until(() => tokyo.bundle);
    expect(own.otherUnderlays?.endpoints).toEqual(ENDPOINTS);
    expect(own.pathWatch).toEqual({ probeIntervalMilliseconds: 1000, missedProbes: 3, holdDownSeconds: 30 });
    expect(other.pathWatch).toBeUndefined();
    expect(other.tunnels.map(({ remote, otherRemotes }) => [remote?.address, otherRemotes])).toEqual([
      ['203.0.113.1', undefined],
    ]);
    await inSync();
  });

  it('reach the other one as soon as its agent is one that takes them, and are withheld from an older one again', async () => {
    tokyo.close();
    tokyo.connect(api.controller, { severalUplinks: true });
    const newer = await tokyo.until(() => tokyo.messages('bundlePush').length === 1 && tokyo.bundle);
    expect(newer.tunnels.map(({ otherRemotes }) => otherRemotes?.endpoints)).toEqual([ENDPOINTS]);
    await inSync();
    tokyo.close();
    tokyo.connect(api.controller);
    const older = await tokyo.until(() => tokyo.messages('bundlePush').length === 1 && tokyo.bundle);
    expect(older.tunnels.map(({ otherRemotes }) => otherRemotes)).toEqual([undefined]);
    await inSync();
  });

  it('keep no rollout open: who goes on with the first runs what it should', async () => {
    expect((await change({ underlayPort: 4501 })).status).toBe(200);
    const revision = await publish();
    const tunnel = () => tokyo.bundle?.tunnels[0];
    await tokyo.until(() => tunnel()?.remote?.port === 4501);
    expect(tunnel()?.otherRemotes).toBeUndefined();
    await eventually(async () => {
      const rows = await api.controller.sql`select revision from fabric_events where type = 'rollout.completed'`;
      expect(rows.map((row) => row['revision'])).toContain(revision);
    });
  });

  it('stand in the document, and are taken from there', async () => {
    const { edges } = await read<{ edges: { name: string }[] }>('/configuration/export?format=json');
    const document = (otherUnderlayAddresses: readonly string[]) => ({
      version: 1,
      edges: edges.map((each) => (each.name === 'berlin-1' ? { ...each, otherUnderlayAddresses } : each)),
    });
    const imported = (otherUnderlayAddresses: readonly string[]) =>
      api.send('POST', '/configuration/import', document(otherUnderlayAddresses));
    expect(await (await imported(OTHERS)).json()).toMatchObject({ changed: false });
    expect(await (await imported(OTHERS.toReversed())).json()).toMatchObject({ counts: { changed: 1 } });
    expect((await edge()).otherUnderlayAddresses).toEqual(OTHERS.toReversed());
    const twice = await refusal(await imported(['203.0.113.1']));
    expect(twice[2]).toBe('duplicate_endpoint');
    expect(twice[1]).toMatch(/^\/edges\/\d\/otherUnderlayAddresses$/);
  });

  it('come and go with an earlier revision', async () => {
    const restore = async (number: number) => {
      const etag = { 'if-match': `"${(await draft()).version}"` };
      expect((await api.send('POST', `/revisions/${number}/restoration`, {}, etag)).status).toBe(200);
      expect(await draft()).toMatchObject({ changed: false });
      return (await edge()).otherUnderlayAddresses;
    };
    expect(await restore(1)).toEqual([]);
    expect(await restore(2)).toEqual(OTHERS);
  });
});
