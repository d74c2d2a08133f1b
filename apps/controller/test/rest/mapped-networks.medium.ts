import type { Draft, Explanation, Network, PublishResult, RevisionDiff } from '@weft/contracts/rest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeBundle } from '../../src/distribution/bundle-content.js';
import { ProtectedNetworksRepository } from '../../src/distribution/protected-networks.repository.js';
import { Api, makeTopology, problemOf, rule } from './support/api.js';

let api: Api;
let made: Awaited<ReturnType<typeof makeTopology>>;
beforeAll(async () => {
  api = await Api.start();
  made = await makeTopology(api);
  await api.make('/policies', { name: 'all', rules: [rule('all', made.berlin.id, made.tokyo.id)] });
  await publish();
});
afterAll(() => api?.stop());

const OWN = '192.168.0.0/24';
const read = async <T>(path: string) => (await (await api.fetch(api.path(path))).json()) as T;
const draft = () => read<Draft>('/revisions/draft');
const publish = async () => (await api.make<PublishResult>('/revisions', {})).revision?.number ?? 0;
const add = (siteId: string, more: object) =>
  api.send('POST', '/networks', { siteId, name: 'shop', prefix: OWN, ...more });
const change = (network: Network, body: object) => api.send('PATCH', `/networks/${network.id}`, body);
const shops = async () => (await read<{ items: Network[] }>('/networks')).items.filter(({ name }) => name === 'shop');
const exported = async () => {
  const { networks } = await read<{ networks: { name: string }[] }>('/configuration/export?format=json');
  return networks.filter(({ name }) => name === 'shop');
};
const imported = (networks: readonly object[]) => api.send('POST', '/configuration/import', { version: 1, networks });
/** What the edges should run, by underlay address. */
const delivered = async () => {
  const rows = await api.controller.sql<{ content: Buffer }[]>`select content from edge_bundles`;
  const bundles = rows.map(({ content }) => decodeBundle(content));
  return new Map(bundles.map((bundle) => [bundle.underlay?.address ?? '', bundle]));
};

// In order: each step goes on from the one before it.
describe('two sites with the same network', () => {
  it('are refused as they are, and told what to do', async () => {
    expect((await add(made.berlin.id, {})).status).toBe(201);
    const problem = await problemOf(await add(made.tokyo.id, {}));
    expect(problem).toMatchObject({
      status: 409,
      errors: [{ pointer: '/prefix', rule: 'overlapping_networks', fix: expect.stringContaining('mappedPrefix') }],
    });
  });

  it('are refused in the draft as long as one of them keeps its prefix: its address would mean two things at the other', async () => {
    expect((await add(made.tokyo.id, { mappedPrefix: '172.20.2.0/24' })).status).toBe(201);
    const { problems } = await draft();
    expect(problems).toMatchObject([{ rule: 'ambiguous_network' }]);
    expect(await problemOf(await api.send('POST', '/revisions', {}))).toMatchObject({ status: 422 });
  });

  it('are refused a mapping that is none', async () => {
    const [berlin] = (await shops()).filter(({ siteId }) => siteId === made.berlin.id);
    if (berlin === undefined) throw new Error('there is no such network');
    const refusal = async (mappedPrefix: string) => {
      const { status, errors } = await problemOf(await change(berlin, { mappedPrefix }));
      return [status, errors[0]?.pointer, errors[0]?.rule];
    };
    expect(await refusal('172.20.1.0/25')).toEqual([422, '/mappedPrefix', 'mapping_length']);
    expect(await refusal('fd00::/24')).toEqual([422, '/mappedPrefix', 'mapping_length']);
    expect(await refusal(OWN)).toEqual([422, '/mappedPrefix', 'ambiguous_network']);
    expect(await refusal('172.20.2.0/24')).toEqual([409, '/mappedPrefix', 'overlapping_networks']);
    expect(await refusal('172.20.1.1/24')).toEqual([422, '/mappedPrefix', 'prefix_host_bits']);
  });

  it('live together when each is mapped, and what is new is shown', async () => {
    const [berlin] = (await shops()).filter(({ siteId }) => siteId === made.berlin.id);
    if (berlin === undefined) throw new Error('there is no such network');
    const mapped = await change(berlin, { mappedPrefix: '172.20.1.0/24' });
    expect(await mapped.json()).toEqual({ ...berlin, mappedPrefix: '172.20.1.0/24', version: 2 });
    // What is not said stays.
    expect(await (await change(berlin, { labels: {} })).json()).toEqual({
      ...berlin,
      mappedPrefix: '172.20.1.0/24',
      version: 2,
    });
    expect(await draft()).toMatchObject({ problems: [], findings: [] });
    const { intent } = await read<RevisionDiff>('/revisions/draft/diff');
    expect(intent).toContainEqual(
      expect.objectContaining({
        noun: 'network',
        fields: expect.arrayContaining([{ field: 'mappedPrefix', before: null, after: '172.20.1.0/24' }]),
      }),
    );
  });

  it('are told of by both addresses when somebody asks for a packet', async () => {
    const packet = { source: '172.20.1.7', destination: '172.20.2.9', protocol: 'tcp', destinationPort: '443' };
    const answer = await read<Explanation>(`/revisions/draft/explanation?${new URLSearchParams(packet)}`);
    expect(answer).toMatchObject({
      verdict: 'protected',
      source: { name: 'berlin', siteAddress: '192.168.0.7' },
      destination: { name: 'tokyo', siteAddress: '192.168.0.9' },
    });
  });

  it('are what the edges are to run, once it is published: each with its own mapping and the other one’s prefix', async () => {
    await publish();
    const bundles = await delivered();
    for (const [underlay, overlay, other] of [
      ['203.0.113.1', '172.20.1.0/24', '172.20.2.0/24'],
      ['203.0.113.2', '172.20.2.0/24', '172.20.1.0/24'],
    ] as const) {
      const bundle = bundles.get(underlay);
      expect(bundle?.networkMappings).toEqual([{ local: OWN, overlay }]);
      expect(bundle?.localNetworks).toContain(overlay);
      expect(bundle?.routes).toContain(other);
      expect([...(bundle?.localNetworks ?? []), ...(bundle?.routes ?? [])]).not.toContain(OWN);
    }
  });

  it('are kept in from the enrollment on by what the fabric knows them by, and left alone by what their sites do', async () => {
    const closed = await new ProtectedNetworksRepository().of(api.controller.sql, {
      tenantId: api.tenantId,
      edgeId: made.berlinEdge.id,
    });
    expect(closed?.routes.toSorted()).toEqual(['10.2.0.0/16', '172.20.1.0/24', '172.20.2.0/24']);
    expect(closed?.localNetworks.toSorted()).toEqual(['10.1.0.0/16', OWN]);
  });

  it('stand in the document, and are taken from there', async () => {
    const [berlin, tokyo] = await exported();
    expect([berlin, tokyo]).toMatchObject([
      { site: 'berlin', prefix: OWN, mappedPrefix: '172.20.1.0/24' },
      { site: 'tokyo', prefix: OWN, mappedPrefix: '172.20.2.0/24' },
    ]);
    expect(await (await imported([berlin ?? {}, tokyo ?? {}])).json()).toMatchObject({ changed: false });
    // They change places.
    const swapped = [
      { ...berlin, mappedPrefix: '172.20.2.0/24' },
      { ...tokyo, mappedPrefix: '172.20.1.0/24' },
    ];
    expect(await (await imported(swapped)).json()).toMatchObject({ counts: { changed: 2 } });
    expect(await exported()).toEqual(swapped);
    const refusal = async (network: object) => (await problemOf(await imported([network]))).errors;
    expect(await refusal({ ...berlin, mappedPrefix: '172.20.3.0/25' })).toMatchObject([
      { pointer: '/networks/0/mappedPrefix', rule: 'mapping_length' },
    ]);
    expect(await refusal({ ...berlin, mappedPrefix: '172.20.1.0/24' })).toMatchObject([
      { rule: 'overlapping_networks' },
    ]);
    const unmapped = { site: 'berlin', name: 'shop', prefix: OWN };
    expect(await (await imported([unmapped])).json()).toMatchObject({ counts: { changed: 1 } });
    expect((await draft()).problems).toMatchObject([{ rule: 'ambiguous_network' }]);
  });

  it('come back with an earlier revision', async () => {
    const restore = async (number: number) => {
      const etag = { 'if-match': `"${(await draft()).version}"` };
      expect((await api.send('POST', `/revisions/${number}/restoration`, {}, etag)).status).toBe(200);
      return (await shops()).map(({ mappedPrefix }) => mappedPrefix);
    };
    expect(await restore(1)).toEqual([]);
    expect((await delivered()).get('203.0.113.1')?.networkMappings).toEqual([]);
    expect((await restore(2)).sort()).toEqual(['172.20.1.0/24', '172.20.2.0/24']);
    expect(await draft()).toMatchObject({ changed: false });
  });
});
