import type { RuleInput } from '@weft/contracts/rest';
import {
  answerOf,
  edgeProcess,
  FILE_PORT,
  type Flow,
  flowsOf,
  type Lab,
  pingFlow,
  publish,
  startLab,
  waitUntil,
} from '@weft/lab';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { publishRules } from './support/policy.js';
import { connects } from './support/tcp.js';
import { whyNoLab } from './support/why-no-lab.js';

/**
 * From the topology of a tenant to the octets on the underlay: paris is the hub, berlin and tokyo are its spokes. The router
 * counts the ESP that it forwards between each two of them.
 */
const reason = whyNoLab();
const HUB = 'paris';
const PINGS = 5;
let lab: Lab;
let flows: readonly Flow[];

beforeAll(async () => {
  if (reason !== undefined) return;
  lab = await startLab({ port: 0 });
  flows = flowsOf(lab.topology);
});

beforeEach((context) => context.skip(reason !== undefined, reason));

afterAll(async () => {
  await lab?.close();
});

const pairOf = ({ from, to }: Pick<Flow, 'from' | 'to'>) => [from.name, to.name].sort().join('_');
const betweenSpokes = () => flows.filter((flow) => pairOf(flow) === 'berlin_tokyo');

it('spokes talk through their hub once that is in force, encrypted on both legs, and by no other way', async () => {
  await watch();
  await choose({ kind: 'hub_and_spoke', hubSiteIds: [siteId(HUB)], homes: [] });
  await untilTunnels(['berlin_paris', 'paris_tokyo']);
  for (const flow of flows) await untilCarries(flow);
  for (const flow of betweenSpokes()) {
    await nft('reset counters table inet watch');
    expect(await pingFlow(lab, flow, PINGS)).toEqual({ sent: PINGS, received: PINGS });
    const esp = await counted();
    // Echoes and answers on both legs.
    expect(esp['berlin_paris']).toBeGreaterThanOrEqual(2 * PINGS);
    expect(esp['paris_tokyo']).toBeGreaterThanOrEqual(2 * PINGS);
    expect(esp['berlin_tokyo']).toBe(0);
  }
});

it('what is denied between spokes is dropped, and nothing else', async () => {
  const [flow] = betweenSpokes();
  expect(await connects(lab, flow!, FILE_PORT)).toBe(true);
  const denial: RuleInput = {
    name: 'no-files',
    action: 'DISCARD',
    sources: [{ kind: 'site', siteId: siteId(flow!.from.name) }],
    destinations: [{ kind: 'site', siteId: siteId(flow!.to.name) }],
    services: [{ protocol: 'tcp', ports: [{ first: FILE_PORT, last: FILE_PORT }] }],
    enabled: true,
  };
  await publishRules(lab, 'No files', (rules) => [denial, ...rules]);
  await untilInSync();
  expect(await connects(lab, flow!, FILE_PORT)).toBe(false);
  expect(await pingFlow(lab, flow!, PINGS)).toEqual({ sent: PINGS, received: PINGS });
  await publishRules(lab, 'Files again', (rules) => rules.filter(({ name }) => name !== denial.name));
  await untilInSync();
  expect(await connects(lab, flow!, FILE_PORT)).toBe(true);
});

it('without the hub spokes are cut off, and nothing leaves in the clear', async () => {
  const before = await lab.captureCounts();
  await lab.stop(edgeProcess(HUB), 'SIGKILL');
  for (const flow of betweenSpokes()) expect((await pingFlow(lab, flow, 3)).received).toBe(0);
  expect((await lab.captureCounts()).cleartextPackets - before.cleartextPackets).toBe(0);
  await lab.startEdge(HUB);
  for (const flow of flows) await untilCarries(flow);
});

it('a full mesh again has its tunnels between all of them, and nothing has crossed in the clear', async () => {
  await choose({ kind: 'full_mesh' });
  await lab.waitForFabric();
  for (const flow of flows) await untilCarries(flow);
  await nft('reset counters table inet watch');
  for (const flow of betweenSpokes()) await pingFlow(lab, flow, PINGS);
  const esp = await counted();
  expect(esp['berlin_tokyo']).toBeGreaterThanOrEqual(2 * PINGS);
  const counts = await lab.captureCounts();
  expect(counts.espPackets).toBeGreaterThan(0);
  expect(counts).toMatchObject({ cleartextPackets: 0, cleartextReasons: {}, droppedByKernel: 0 });
});

type Topology = { kind: 'full_mesh' } | { kind: 'hub_and_spoke'; hubSiteIds: string[]; homes: [] };

async function choose(topology: Topology): Promise<void> {
  const { client, tenantId } = lab.api;
  const params = { path: { tenantId }, header: { 'If-Match': '*' } };
  answerOf(
    await client.PUT('/api/v1/tenants/{tenantId}/topology', { params, body: topology }),
    `Choose ${topology.kind}`,
  );
  await publish(lab.api, topology.kind);
}

function siteId(name: string): string {
  return lab.fabric.siteIds.get(name) ?? '';
}

/** Waits until these are the tunnels that there are, and all are up. */
async function untilTunnels(pairs: readonly string[]): Promise<void> {
  await waitUntil(`The tunnels are ${pairs.join(', ')}`, PATIENCE_MILLISECONDS, async () => {
    const tunnels = await lab.api.tunnels();
    const found = tunnels.map(({ edges, state }) => {
      const names = edges.map(({ siteName }) => siteName).sort();
      return `${names.join('_')} ${state}`;
    });
    const wanted = pairs.map((pair) => `${pair} up`);
    return found.sort().join() === wanted.join() ? { value: undefined } : { problem: found.join(', ') };
  });
  await untilInSync();
}

async function untilInSync(): Promise<void> {
  await waitUntil('All edges are in sync', PATIENCE_MILLISECONDS, async () => {
    const behind = (await lab.api.edges()).filter(({ live }) => !live.connected || !live.inSync);
    return behind.length === 0 ? { value: undefined } : { problem: behind.map(({ name }) => name).join(', ') };
  });
}

async function untilCarries(flow: Flow): Promise<void> {
  await waitUntil(`${flow.from.name} reaches ${flow.to.name}`, PATIENCE_MILLISECONDS, async () => {
    const { received } = await pingFlow(lab, flow, 1);
    return received > 0 ? { value: undefined } : { problem: 'no answer' };
  });
}

/** Counts ESP in UDP that the router forwards between each two sites. */
async function watch(): Promise<void> {
  const { sites } = lab.topology;
  const pairs = sites.flatMap((from) => sites.filter((to) => to !== from).map((to) => ({ from, to })));
  await nft(
    [
      'add table inet watch',
      'add chain inet watch forward { type filter hook forward priority 10; }',
      ...new Set(pairs.map((pair) => `add counter inet watch ${pairOf(pair)}`)),
      // Four zero octets are the marker of IKE; without them it is ESP in UDP (RFC 3948 section 2.2).
      ...pairs.map(
        ({ from, to }) =>
          `add rule inet watch forward ip saddr ${from.uplink.address} ip daddr ${to.uplink.address} udp dport 4500 @th,64,32 != 0 counter name ${pairOf({ from, to })}`,
      ),
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
