import type { Draft, Explanation, Revision, RevisionDiff, Tenant, Tunnel } from '@weft/contracts/rest';
import { type Bundle, Encapsulation, IpsecMode } from '@weft/contracts/southbound';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeBundle } from '../../src/distribution/bundle-content.js';
import { Api, makeTopology, problemOf, rule } from './support/api.js';

let api: Api;
let made: Awaited<ReturnType<typeof makeTopology>>;
beforeAll(async () => {
  api = await Api.start();
  made = await makeTopology(api);
  await api.make('/policies', { name: 'all', rules: [rule('all', made.berlin.id, made.tokyo.id)] });
  await api.make('/revisions', { comment: 'from site to site' });
});
afterAll(() => api.stop());

const read = async <T>(path: string) => (await (await api.fetch(api.path(path))).json()) as T;
const draft = () => read<Draft>('/revisions/draft');
const settings = async (change: Partial<Tenant>) => {
  const answer = await api.send('PATCH', '', change);
  if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`);
};
/** The site has the underlay address of its edge in the place of its network. */
const becomesHost = async (network: string, siteId: string, prefix: string) => {
  const { status } = await api.fetch(api.path(`/networks/${network}`), { method: 'DELETE' });
  if (status !== 204) throw new Error(`DELETE: ${status}`);
  await api.make('/networks', { siteId, name: 'host', prefix });
};
/** What the edges should run, by underlay address. */
const bundles = async (): Promise<readonly Bundle[]> => {
  const rows = await api.controller.sql<{ content: Buffer }[]>`select content from edge_bundles`;
  const decoded = rows.map(({ content }) => decodeBundle(content));
  return decoded.sort((one, other) => ((one.underlay?.address ?? '') < (other.underlay?.address ?? '') ? -1 : 1));
};

// In order: each step goes on from the one before it.
describe('a tenant whose sites are hosts', () => {
  it('cannot have transport mode for networks behind its edges, and keeps what is in force', async () => {
    await settings({ mode: 'transport' });
    expect((await draft()).problems).toMatchObject([
      { pointer: '/networks/0/prefix', rule: 'transport_beyond_host' },
      { pointer: '/networks/1/prefix', rule: 'transport_beyond_host' },
    ]);
    const refused = await problemOf(await api.send('POST', '/revisions', {}));
    expect(refused.errors).toMatchObject([{ rule: 'transport_beyond_host' }, { rule: 'transport_beyond_host' }]);
    const modes = (await bundles()).flatMap(({ tunnels }) => tunnels.map(({ profile }) => profile?.mode));
    expect(modes).toEqual([undefined, undefined]);
  });

  it('has transport mode for the addresses of the hosts, and is told what comes of it', async () => {
    await becomesHost(made.berlinLan.id, made.berlin.id, '203.0.113.1/32');
    await becomesHost(made.tokyoLan.id, made.tokyo.id, '203.0.113.2/32');
    expect(await draft()).toMatchObject({ problems: [], findings: [], blastRadius: { edges: 2, tunnelsChanged: 1 } });
    const { intent } = await read<RevisionDiff>('/revisions/draft/diff');
    expect(intent).toContainEqual(
      expect.objectContaining({ noun: 'tenant', fields: [{ field: 'mode', before: null, after: 'transport' }] }),
    );
  });

  it('cannot have the controller make the keys, nor tunnel mode for these addresses', async () => {
    await settings({ keyingMode: 'ike-less' });
    expect((await draft()).problems).toMatchObject([{ pointer: '/keyingMode', rule: 'transport_without_negotiation' }]);
    await settings({ keyingMode: 'ikev2', mode: 'tunnel' });
    const rules = (await draft()).problems.map((problem) => problem.rule);
    expect(rules).toEqual(['underlay_inside_overlay', 'underlay_inside_overlay']);
    await settings({ mode: 'transport' });
  });

  it('has bundles for the two addresses and nothing else, and is told so of every packet and every tunnel', async () => {
    await api.make('/revisions', { comment: 'from host to host' });
    const profile = { mode: IpsecMode.IPSEC_MODE_TRANSPORT, encapsulation: Encapsulation.ENCAPSULATION_NONE };
    await expect.poll(bundles).toMatchObject([
      { tunnels: [{ profile }], device: { mtu: 1466 } },
      { tunnels: [{ profile }], device: { mtu: 1466 } },
    ]);
    const [berlin, tokyo] = await bundles();
    for (const [here, there] of [
      [berlin, tokyo],
      [tokyo, berlin],
    ]) {
      expect(here?.routes).toEqual([`${there?.underlay?.address}/32`]);
      expect(here?.localNetworks).toEqual([`${here?.underlay?.address}/32`]);
      const listAt = (place: number | undefined) =>
        (here?.addressSets[place ?? -1]?.ranges ?? []).map(
          ({ first, last }) => `${[...first].join('.')}-${[...last].join('.')}`,
        );
      const only = (bundle: Bundle | undefined) => `${bundle?.underlay?.address}-${bundle?.underlay?.address}`;
      const selectors = (here?.securityPolicies ?? []).map(({ selector }) => [
        listAt(selector?.localAddressSet),
        listAt(selector?.remoteAddressSet),
      ]);
      expect(selectors).toEqual([[[only(here)], [only(there)]]]);
      expect(here?.tunnels.map(({ carries }) => carries.map(listAt))).toEqual([[[only(there)]]]);
    }
    const query = new URLSearchParams({ source: '203.0.113.1', destination: '203.0.113.2', protocol: 'icmp' });
    const explanation = await read<Explanation>(`/revisions/2/explanation?${query}`);
    expect(explanation.hops).toMatchObject([
      {
        association: { mode: 'transport', esp: { encapsulation: 'none' }, ah: null },
        encapsulation: { udp: false, outerHeaders: 0, innerMtu: 1466, outerLength: 1500 },
      },
    ]);
    const tunnels = async () => (await read<{ items: Tunnel[] }>('/tunnels')).items;
    await expect.poll(tunnels).toMatchObject([{ keyingMode: 'ikev2', securityProtocol: 'esp', mode: 'transport' }]);
  });

  it('gets with an earlier revision what that had, and back', async () => {
    const restore = async (number: number) => {
      const tag = (await api.fetch(api.path('/revisions/draft'))).headers.get('etag') ?? '';
      const answer = await api.send('POST', `/revisions/${number}/restoration`, {}, { 'if-match': tag });
      if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`);
      return (await answer.json()) as { revision: Revision };
    };
    await restore(1);
    expect((await read<Tenant>('')).mode).toBe('tunnel');
    await restore(2);
    expect((await read<Tenant>('')).mode).toBe('transport');
  });
});
