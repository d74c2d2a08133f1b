import { randomUUID } from 'node:crypto';
import type { Draft, Explanation, PublishResult, RevisionDiff, Site, Topology } from '@weft/contracts/rest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeBundle } from '../../src/distribution/bundle-content.js';
import { Api, makeTopology, problemOf, rule } from './support/api.js';

let api: Api;
let made: Awaited<ReturnType<typeof makeTopology>>;
let oslo: Site;
beforeAll(async () => {
  api = await Api.start();
  made = await makeTopology(api);
  oslo = await api.make<Site>('/sites', { name: 'oslo' });
  await api.make('/networks', { siteId: oslo.id, name: 'lan', prefix: '10.3.0.0/16' });
  await api.make('/edges', { siteId: oslo.id, name: 'oslo-1', underlayAddress: '203.0.113.3' });
  const denial = { ...rule('no telnet', made.berlin.id, made.tokyo.id), action: 'DISCARD' };
  const telnet = [{ protocol: 'tcp', ports: [{ first: 23, last: 23 }] }];
  await api.make('/policies', {
    name: 'all',
    rules: [{ ...denial, services: telnet }, rule('between the ends', made.berlin.id, made.tokyo.id)],
  });
  await publish();
});
afterAll(() => api?.stop());

const read = async <T>(path: string) => (await (await api.fetch(api.path(path))).json()) as T;
const draft = () => read<Draft>('/revisions/draft');
const put = (topology: object, ifMatch = '*') => api.send('PUT', '/topology', topology, { 'if-match': ifMatch });
const publish = async () => (await api.make<PublishResult>('/revisions', {})).revision?.number ?? 0;
const explained = (destinationPort: string) => {
  const packet = { source: '10.1.0.7', destination: '10.2.0.9', protocol: 'tcp', destinationPort };
  return read<Explanation>(`/revisions/draft/explanation?${new URLSearchParams(packet)}`);
};
const hub = () => ({ kind: 'hub_and_spoke', hubSiteIds: [oslo.id], homes: [] });
const imported = (topology: object) => api.send('POST', '/configuration/import', { version: 1, fabric: { topology } });
/** What the edges should run: the names of those that each has a tunnel with, and its entries, by its own underlay address. */
const delivered = async () => {
  const rows = await api.controller.sql<{ content: Buffer }[]>`select content from edge_bundles`;
  const bundles = rows.map(({ content }) => decodeBundle(content));
  return new Map(
    bundles.map(({ underlay, tunnels, securityPolicies }) => [
      underlay?.address ?? '',
      { peers: tunnels.map(({ peerName }) => peerName).sort(), entries: securityPolicies.length },
    ]),
  );
};

// In order: each step goes on from the one before it.
describe('the topology of a tenant', () => {
  it('is a full mesh at first, and another after who has read it says so', async () => {
    const answer = await api.fetch(api.path('/topology'));
    expect(await answer.json()).toEqual({ topology: { kind: 'full_mesh' }, version: 1 });
    expect(answer.headers.get('etag')).toBe('"1"');
    expect((await problemOf(await api.send('PUT', '/topology', hub()))).status).toBe(428);
    expect((await put(hub(), '"7"')).status).toBe(412);
    const chosen = await put({ kind: 'hub_and_spoke', hubSiteIds: [oslo.id] }, '"1"');
    expect(await chosen.json()).toEqual({ topology: hub(), version: 2 });
    expect(chosen.headers.get('etag')).toBe('"2"');
    // What it is already is no change.
    expect(await (await put(hub(), '"2"')).json()).toMatchObject({ version: 2 });
    expect(await read<Topology>('/topology')).toEqual({ topology: hub(), version: 2 });
  });

  it('is shown as what changes, and as what comes of it', async () => {
    const { intent, tunnels } = await read<RevisionDiff>('/revisions/draft/diff');
    expect(intent).toContainEqual(
      expect.objectContaining({ noun: 'tenant', fields: [{ field: 'topology', before: null, after: hub() }] }),
    );
    const ends = ({ change, ends: pair }: (typeof tunnels)[number]) =>
      [change, ...pair.map(({ name }) => name)].join(' ');
    expect(tunnels.map(ends).sort()).toEqual([
      'added berlin-1 oslo-1',
      'added oslo-1 tokyo-1',
      'removed berlin-1 tokyo-1',
    ]);
    expect(await draft()).toMatchObject({ problems: [], findings: [], blastRadius: { edges: 3 } });
  });

  it('is told hop by hop to who asks for a packet', async () => {
    const allowed = await explained('443');
    expect(allowed).toMatchObject({
      verdict: 'protected',
      detail: 'The rule "between the ends" allows it; 2 tunnels carry it by way of oslo-1.',
      hops: [
        { from: { name: 'berlin-1' }, to: { name: 'oslo-1' } },
        { from: { name: 'oslo-1' }, to: { name: 'tokyo-1' } },
      ],
    });
    expect(await explained('23')).toMatchObject({ verdict: 'discarded', hops: [] });
  });

  it('is what the edges are to run, once it is published', async () => {
    await publish();
    const edges = await delivered();
    expect(edges.get('203.0.113.1')?.peers).toEqual(['oslo-1']);
    expect(edges.get('203.0.113.2')?.peers).toEqual(['oslo-1']);
    expect(edges.get('203.0.113.3')?.peers).toEqual(['berlin-1', 'tokyo-1']);
    // The relay has what both of its neighbours have.
    expect(edges.get('203.0.113.3')?.entries).toBe(2 * (edges.get('203.0.113.1')?.entries ?? 0));
  });

  it('stands in the document by name, and is taken from there', async () => {
    const written = await read<{ fabric: object }>('/configuration/export?format=json');
    expect(written.fabric).toMatchObject({ topology: { kind: 'hub_and_spoke', hubs: ['oslo'], homes: [] } });
    const same = await (await imported({ kind: 'hub_and_spoke', hubs: ['oslo'] })).json();
    expect(same).toMatchObject({ changed: false });
    const links = {
      kind: 'custom_links',
      links: [{ sites: ['berlin', 'oslo'] }, { sites: ['oslo', 'tokyo'] }],
      relays: [],
    };
    expect(await (await imported(links)).json()).toMatchObject({
      changed: true,
      items: [{ noun: 'fabric', outcome: 'changed', differences: expect.arrayContaining([]) }],
    });
    expect((await read<Topology>('/topology')).topology).toEqual({
      kind: 'custom_links',
      links: [{ siteIds: [made.berlin.id, oslo.id] }, { siteIds: [oslo.id, made.tokyo.id] }],
      relaySiteIds: [],
    });
    // Nobody passes anything on.
    expect((await explained('443')).verdict).not.toBe('protected');
    const unknown = await problemOf(await imported({ kind: 'hub_and_spoke', hubs: ['rome'] }));
    expect(unknown.errors).toMatchObject([{ pointer: '/fabric/topology/hubs/0', rule: 'unknown_site' }]);
    const noHub = { kind: 'hub_and_spoke', hubs: ['oslo'], homes: [{ site: 'berlin', hub: 'tokyo' }] };
    expect((await problemOf(await imported(noHub))).errors).toMatchObject([
      { pointer: '/fabric/topology/homes/0/hub', rule: 'not_a_hub' },
    ]);
  });

  it('comes back with an earlier revision', async () => {
    const restore = async (number: number) => {
      const etag = { 'if-match': `"${(await draft()).version}"` };
      expect((await api.send('POST', `/revisions/${number}/restoration`, {}, etag)).status).toBe(200);
      return (await read<Topology>('/topology')).topology;
    };
    expect(await restore(1)).toEqual({ kind: 'full_mesh' });
    expect((await delivered()).get('203.0.113.1')?.peers).toEqual(['tokyo-1']);
    expect(await restore(2)).toEqual(hub());
    expect(await draft()).toMatchObject({ changed: false });
  });

  it.each([
    [
      'partial_mesh',
      () => ({
        kind: 'partial_mesh',
        meshes: [
          [made.berlin.id, oslo.id],
          [oslo.id, made.tokyo.id],
        ],
      }),
    ],
    [
      'hub_and_spoke with homes',
      () => ({
        kind: 'hub_and_spoke',
        hubSiteIds: [oslo.id, made.berlin.id],
        homes: [{ siteId: made.tokyo.id, hubSiteId: made.berlin.id }],
      }),
    ],
    [
      'custom_links',
      () => ({ kind: 'custom_links', links: [{ siteIds: [made.tokyo.id, oslo.id] }], relaySiteIds: [oslo.id] }),
    ],
    ['full_mesh', () => ({ kind: 'full_mesh' })],
  ])('is kept as it was given: %s', async (_kind, topology) => {
    expect((await put(topology())).status).toBe(200);
    expect((await read<Topology>('/topology')).topology).toEqual(topology());
  });

  it('keeps the sites that it names', async () => {
    const lone = await api.make<Site>('/sites', { name: 'lone' });
    await put({ kind: 'custom_links', links: [{ siteIds: [oslo.id, lone.id] }], relaySiteIds: [] });
    const refused = await problemOf(await api.fetch(api.path(`/sites/${lone.id}`), { method: 'DELETE' }));
    expect([refused.status, refused.type, refused.detail]).toEqual([
      409,
      'urn:weft:problem:site_in_use',
      expect.stringContaining('the topology'),
    ]);
    expect((await put({ kind: 'full_mesh' })).status).toBe(200);
    expect((await api.fetch(api.path(`/sites/${lone.id}`), { method: 'DELETE' })).status).toBe(204);
  });

  it.each([
    ['no hub', () => ({ ...hub(), hubSiteIds: [] }), '/hubSiteIds', 'too_small'],
    ['a hub twice', () => ({ ...hub(), hubSiteIds: [oslo.id, oslo.id] }), '/hubSiteIds/1', 'duplicate_site'],
    [
      'a home that is no hub',
      () => ({ ...hub(), homes: [{ siteId: made.berlin.id, hubSiteId: made.tokyo.id }] }),
      '/homes/0/hubSiteId',
      'not_a_hub',
    ],
    [
      'a hub with a home',
      () => ({ ...hub(), homes: [{ siteId: oslo.id, hubSiteId: oslo.id }] }),
      '/homes/0/siteId',
      'same_site',
    ],
    [
      'a link the other way round',
      () => ({
        kind: 'custom_links',
        links: [{ siteIds: [oslo.id, made.berlin.id] }, { siteIds: [made.berlin.id, oslo.id] }],
      }),
      '/links/1/siteIds',
      'duplicate_link',
    ],
    [
      'a link with itself',
      () => ({ kind: 'custom_links', links: [{ siteIds: [oslo.id, oslo.id] }] }),
      '/links/0/siteIds',
      'same_site',
    ],
    [
      'a site that is not there',
      () => ({ kind: 'partial_mesh', meshes: [[oslo.id], [oslo.id, randomUUID()]] }),
      '/meshes/1/1',
      'unknown_site',
    ],
  ])('refuses %s', async (_what, topology, pointer, broken) => {
    const { status, errors } = await problemOf(await put(topology()));
    expect([status, errors]).toEqual([422, [expect.objectContaining({ pointer, rule: broken })]]);
  });

  it('is refused by the database, too, when it is none', async () => {
    const { sql } = api.controller;
    await put(hub());
    const insert = (topology: string, kind: string, site: string, other: string | null) => sql`
      insert into topology_members (tenant_id, topology, position, kind, site_id, other_site_id)
      values (${api.tenantId}, ${topology}, 99, ${kind}, ${site}, ${other})`;
    const { berlin } = made;
    await expect(insert('hub_and_spoke', 'hub', oslo.id, null)).rejects.toThrow('topology_members_once');
    await expect(insert('hub_and_spoke', 'hub', berlin.id, oslo.id)).rejects.toThrow('topology_members_kind');
    await expect(insert('hub_and_spoke', 'home', berlin.id, berlin.id)).rejects.toThrow('topology_members_two_sites');
    await expect(insert('hub_and_spoke', 'link', berlin.id, oslo.id)).rejects.toThrow('topology_members_kind');
    await expect(insert('custom_links', 'relay', berlin.id, null)).rejects.toThrow('topology_members_topology_fkey');
    await expect(insert('hub_and_spoke', 'home', berlin.id, randomUUID())).rejects.toThrow(
      'topology_members_other_site_fkey',
    );
  });
});
