import type {
  AddressPool,
  Draft,
  Explanation,
  ExternalPeer,
  ExternalPeerSnippet,
  PublishResult,
  Tunnel,
} from '@weft/contracts/rest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeBundle } from '../../src/distribution/bundle-content.js';
import { ProtectedNetworksRepository } from '../../src/distribution/protected-networks.repository.js';
import { Api, makeTopology, rule } from './support/api.js';

let api: Api;
let made: Awaited<ReturnType<typeof makeTopology>>;
let pool: AddressPool;
let ada: ExternalPeer;

beforeAll(async () => {
  api = await Api.start();
  made = await makeTopology(api);
  pool = await api.make<AddressPool>('/address-pools', {
    name: 'notebooks',
    siteId: made.berlin.id,
    prefix: '10.99.0.0/24',
    nameServers: ['10.1.0.53'],
    domains: ['corp.example'],
  });
  ada = await api.make<ExternalPeer>('/external-peers', {
    name: 'ada',
    siteId: made.berlin.id,
    identity: 'ada@corp.example',
    localIdentity: 'berlin.example',
    preSharedKey: 'correct horse battery staple',
    assigned: [{ addressPoolId: pool.id }],
  });
  await api.make('/policies', {
    name: 'remote access',
    rules: [
      {
        ...rule('notebooks reach tokyo', '', made.tokyo.id),
        sources: [{ kind: 'address_pool', addressPoolId: pool.id }],
        services: [{ protocol: 'tcp', ports: [{ first: 443, last: 443 }] }],
      },
    ],
  });
});
afterAll(() => api?.stop());

const read = async <T>(path: string) => (await (await api.fetch(api.path(path))).json()) as T;
const ADDRESS = Buffer.from([10, 99, 0, 1]);

// In order: each step goes on from the one before it.
describe('a remote host', () => {
  it('is proven with the site that it reaches through the edge of another', async () => {
    expect(await read<Draft>('/revisions/draft')).toMatchObject({ problems: [], findings: [] });
  });

  it('has its packets explained, from where it calls on', async () => {
    const packet = { source: '10.99.0.1', destination: '10.2.0.9', protocol: 'tcp', destinationPort: '443' };
    const answer = await read<Explanation>(`/revisions/draft/explanation?${new URLSearchParams(packet)}`);
    expect(answer).toMatchObject({
      verdict: 'protected',
      source: { name: 'ada' },
      destination: { name: 'tokyo' },
      rule: { ruleName: 'notebooks reach tokyo' },
      hops: [
        { from: { name: 'ada' }, to: { name: 'berlin-1' }, outbound: null, association: { local: null } },
        { from: { name: 'berlin-1' }, to: { name: 'tokyo-1' } },
      ],
    });
    const nobody = new URLSearchParams({ ...packet, source: '10.99.0.2' });
    expect(await read<Explanation>(`/revisions/draft/explanation?${nobody}`)).toMatchObject({
      verdict: 'not_in_fabric',
    });
  });

  it('is what the edge of its pool is to take in, and everybody routes the whole pool into the fabric', async () => {
    expect((await api.make<PublishResult>('/revisions', {})).revision?.number).toBe(1);
    const rows = await api.controller.sql<{ content: Buffer }[]>`select content from edge_bundles`;
    const bundles = rows.map(({ content }) => decodeBundle(content));
    for (const { routes } of bundles) expect(routes).toContain('10.99.0.0/24');
    const hosts = bundles.flatMap(({ tunnels, underlay }) =>
      tunnels.filter(({ remote }) => remote === undefined).map((tunnel) => ({ tunnel, at: underlay?.address })),
    );
    expect(hosts).toMatchObject([
      {
        at: '203.0.113.1',
        tunnel: {
          peerName: 'ada',
          externalPeer: {
            remoteAddresses: [{ first: ADDRESS, last: ADDRESS }],
            remoteAccess: {
              addresses: [ADDRESS],
              nameServers: [Buffer.from([10, 1, 0, 53])],
              domains: ['corp.example'],
            },
          },
        },
      },
    ]);
  });

  it('is among the tunnels, and nowhere', async () => {
    const { items } = await read<{ items: Tunnel[] }>('/tunnels');
    expect(items.filter(({ externalPeer }) => externalPeer !== null)).toMatchObject([
      { externalPeer: { name: 'ada', address: null, port: null } },
    ]);
  });

  it('is configured by what strongSwan reads, and asks for its address', async () => {
    const { text } = await read<ExternalPeerSnippet>(`/external-peers/${ada.id}/snippet`);
    for (const line of ['vips = 0.0.0.0', 'remote_addrs = 203.0.113.1', 'remote_ts = 10.1.0.0-10.2.255.255']) {
      expect(text).toContain(line);
    }
  });

  it('keeps its pool in from the enrollment of any edge on', async () => {
    for (const edge of [made.berlinEdge, made.tokyoEdge]) {
      const closed = await new ProtectedNetworksRepository().of(api.controller.sql, {
        tenantId: api.tenantId,
        edgeId: edge.id,
      });
      expect(closed?.routes).toContain('10.99.0.0/24');
      expect(closed?.localNetworks).not.toContain('10.99.0.0/24');
    }
  });
});
