import { answerOf, type Lab, publish, startLab, waitUntil } from '@weft/lab';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { whyNoLab } from './support/why-no-lab.js';

/**
 * From the intent of a tenant to the octets between hosts: the edges of the lab protect what goes between their own addresses. The router
 * counts what it forwards from one of these to another, by what it is.
 */
const reason = whyNoLab();
let lab: Lab;

beforeAll(async () => {
  if (reason !== undefined) return;
  lab = await startLab({ port: 0 });
});

beforeEach((context) => context.skip(reason !== undefined, reason));

afterAll(async () => {
  await lab?.close();
});

it.each([4, 6] as const)(
  'protects what goes between hosts over IPv%d in transport mode, and nothing else crosses',
  async (family) => {
    const hosts = lab.topology.sites.map(({ name, edgeNamespace, uplink }) => ({
      name,
      namespace: edgeNamespace,
      address: family === 4 ? uplink.address : uplink.address6,
    }));
    await count(
      hosts.map(({ address }) => address),
      family,
    );
    await becomeHosts(new Map(hosts.map(({ name, address }) => [name, address])), family);
    await nft('reset counters table inet watch');
    for (const from of hosts) {
      for (const to of hosts.filter((host) => host !== from)) {
        const args = ['-n', '-q', '-c', '5', '-i', '0.05', '-W', '5', '-I', from.address, to.address];
        const { stdout } = await lab.execute(from.namespace, 'ping', args);
        expect(stdout, `${from.name} → ${to.name}`).toMatch(/ 5 received/);
      }
    }
    const { of_ping: ping, of_other: other } = await counted();
    expect({ ping, other }).toEqual({ ping: 3 * 2 * 5 * 2, other: 0 });
  },
);

/** Each site of the lab becomes one host: its only network is the underlay address of its edge. */
async function becomeHosts(addresses: ReadonlyMap<string, string>, family: 4 | 6): Promise<void> {
  const { client, tenantId } = lab.api;
  const path = { tenantId };
  const listed = await client.GET('/api/v1/tenants/{tenantId}/networks', { params: { path } });
  for (const { id, version } of answerOf(listed, 'List the networks').items) {
    const answer = await client.DELETE('/api/v1/tenants/{tenantId}/networks/{networkId}', {
      params: { path: { tenantId, networkId: id }, header: { 'If-Match': `"${version}"` } },
    });
    expect(answer.response.status, `Delete network ${id}`).toBe(204);
  }
  for (const [site, address] of addresses) {
    const [siteId, edgeId] = [lab.fabric.siteIds.get(site) ?? '', lab.fabric.edgeIds.get(site) ?? ''];
    const read = await client.GET('/api/v1/tenants/{tenantId}/edges/{edgeId}', {
      params: { path: { tenantId, edgeId } },
    });
    const header = { 'If-Match': `"${answerOf(read, `Read the edge of ${site}`).version}"` };
    const edge = { params: { path: { tenantId, edgeId }, header }, body: { underlayAddress: address } };
    answerOf(await client.PATCH('/api/v1/tenants/{tenantId}/edges/{edgeId}', edge), `Move ${site}`);
    const body = { siteId, name: 'host', prefix: `${address}/${family === 4 ? 32 : 128}` };
    const network = await client.POST('/api/v1/tenants/{tenantId}/networks', { params: { path }, body });
    answerOf(network, `Create the network of ${site}`);
  }
  const tenant = answerOf(await client.GET('/api/v1/tenants/{tenantId}', { params: { path } }), 'Read the tenant');
  const header = { 'If-Match': `"${tenant.version}"` };
  const mode = await client.PATCH('/api/v1/tenants/{tenantId}', {
    params: { path, header },
    body: { mode: 'transport' },
  });
  answerOf(mode, 'Choose transport mode');
  const spis = async () =>
    (await lab.api.tunnels()).flatMap(({ edges }) => edges.map(({ inboundSpi }) => String(inboundSpi)));
  const old = new Set(await spis());
  await publish(lab.api, `hosts of IPv${family}`);
  await waitUntil('The tunnels are in transport mode', PATIENCE_MILLISECONDS, async () => {
    const tunnels = await lab.api.tunnels();
    const meant =
      tunnels.length === 3 && tunnels.every((tunnel) => tunnel.mode === 'transport' && tunnel.state === 'up');
    const fresh = (await spis()).every((spi) => spi !== 'null' && !old.has(spi));
    return meant && fresh ? { value: undefined } : { problem: JSON.stringify(tunnels.map(({ reason: why }) => why)) };
  });
}

/** Counts what the router forwards between these addresses. */
async function count(addresses: readonly string[], family: 4 | 6): Promise<void> {
  const word = family === 4 ? 'ip' : 'ip6';
  const among = `{ ${addresses.join(', ')} }`;
  const between = `${word} saddr ${among} ${word} daddr ${among}`;
  await nft(
    [
      'add table inet watch',
      'delete table inet watch',
      'add table inet watch',
      'add chain inet watch forward { type filter hook forward priority 10; }',
      ...['of_ping', 'of_probe', 'of_ike', 'of_other'].map((name) => `add counter inet watch ${name}`),
      // What agents ask each other about the path is smaller, when it is an answer, or as large as it asks for.
      `add rule inet watch forward ${between} meta l4proto esp meta length 100-200 counter name of_ping accept`,
      `add rule inet watch forward ${between} meta l4proto esp counter name of_probe accept`,
      // Four zero octets are the marker of IKE; without them it is ESP in UDP (RFC 3948 section 2.2).
      `add rule inet watch forward ${between} udp dport 4500 @th,64,32 0 counter name of_ike accept`,
      `add rule inet watch forward ${between} counter name of_other`,
    ].join('; '),
  );
}

async function counted(): Promise<Readonly<Record<string, number>>> {
  const listing = JSON.parse(await nft('-j', 'list counters table inet watch')) as {
    nftables: { counter?: { name: string; packets: number } }[];
  };
  return Object.fromEntries(
    listing.nftables.flatMap(({ counter }) => (counter ? [[counter.name, counter.packets] as const] : [])),
  );
}

async function nft(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await lab.execute(lab.topology.routerNamespace, 'nft', args);
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

const PATIENCE_MILLISECONDS = 120_000;
