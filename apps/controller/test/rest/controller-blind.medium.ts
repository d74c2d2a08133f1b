import type { Draft, Explanation, RevisionDiff, Tenant, Tunnel } from '@weft/contracts/rest';
import { KeyingMode } from '@weft/contracts/southbound';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeBundle } from '../../src/distribution/bundle-content.js';
import { Api, makeTopology, rule } from './support/api.js';

let api: Api;
beforeAll(async () => {
  api = await Api.start();
  const made = await makeTopology(api);
  await api.make('/policies', { name: 'all', rules: [rule('all', made.berlin.id, made.tokyo.id)] });
  await api.make('/revisions', { comment: 'with IKEv2' });
});
afterAll(() => api.stop());

const read = async <T>(path: string) => (await (await api.fetch(api.path(path))).json()) as T;
const draft = () => read<Draft>('/revisions/draft');
const settings = async (change: Partial<Tenant>) => {
  const answer = await api.send('PATCH', '', change);
  if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Tenant;
};

// In order: each step goes on from the one before it.
describe('a tenant whose edges agree on keys by messages that the controller relays', () => {
  it('says so in its draft, in which AH and transport mode cannot be', async () => {
    expect(await settings({ keyingMode: 'controller-blind' })).toMatchObject({ keyingMode: 'controller-blind' });
    expect(await draft()).toMatchObject({ problems: [], findings: [], blastRadius: { edges: 2, tunnelsChanged: 1 } });
    const { intent } = await read<RevisionDiff>('/revisions/draft/diff');
    expect(intent).toContainEqual(
      expect.objectContaining({
        noun: 'tenant',
        fields: [{ field: 'keyingMode', before: 'ikev2', after: 'controller-blind' }],
      }),
    );
    await settings({ securityProtocol: 'ah' });
    expect((await draft()).problems).toMatchObject([{ pointer: '/keyingMode', rule: 'ah_without_negotiation' }]);
    await settings({ securityProtocol: 'esp', mode: 'transport' });
    expect((await draft()).problems).toContainEqual(
      expect.objectContaining({ pointer: '/keyingMode', rule: 'transport_without_negotiation' }),
    );
    await settings({ mode: 'tunnel' });
  });

  it('has bundles that name the mode and no IKE, and is told so of its tunnels and of packets', async () => {
    await api.make('/revisions', { comment: 'by relayed messages' });
    const keying = async () => {
      const rows = await api.controller.sql<{ content: Buffer }[]>`select content from edge_bundles`;
      return rows.flatMap(({ content }) =>
        decodeBundle(content).tunnels.map(({ keyingMode, ike, controllerBlind }) => [keyingMode, ike, controllerBlind]),
      );
    };
    const lasting = { softLifetimeSeconds: 3600, hardLifetimeSeconds: 259_200, revokedSerials: [] };
    const relayed = [KeyingMode.KEYING_MODE_CONTROLLER_BLIND, undefined, lasting];
    await expect.poll(keying).toEqual([relayed, relayed]);
    const { items } = await read<{ items: Tunnel[] }>('/tunnels');
    expect(items).toMatchObject([{ keyingMode: 'controller-blind', keyExchange: null, state: 'down' }]);
    const query = new URLSearchParams({ source: '10.1.0.1', destination: '10.2.0.1', protocol: 'icmp' });
    const { hops } = await read<Explanation>(`/revisions/2/explanation?${query}`);
    expect(hops).toMatchObject([{ association: { keyingMode: 'controller-blind', ike: null } }]);
  });

  it('gets with an earlier revision the mode that it had', async () => {
    const tag = (await api.fetch(api.path('/revisions/draft'))).headers.get('etag') ?? '';
    const answer = await api.send('POST', '/revisions/1/restoration', {}, { 'if-match': tag });
    expect(answer.status).toBe(200);
    const again = (await api.fetch(api.path('/revisions/draft'))).headers.get('etag') ?? '';
    expect(await read<Tenant>('')).toMatchObject({ keyingMode: 'ikev2' });
    expect((await api.send('POST', '/revisions/2/restoration', {}, { 'if-match': again })).status).toBe(200);
    expect(await read<Tenant>('')).toMatchObject({ keyingMode: 'controller-blind' });
  });
});
