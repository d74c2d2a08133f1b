import {
  CONTROLLER_PROCESS,
  edgeCommand,
  edgeProcess,
  FILE_PORT,
  type Flow,
  flowsOf,
  type Lab,
  pingFlow,
  ruleName,
  siteNamed,
  startLab,
  transferFlow,
  waitUntil,
} from '@weft/lab';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EndlessPings } from './support/endless-pings.js';
import { publishRules } from './support/policy.js';
import { connects } from './support/tcp.js';
import { whyNoLab } from './support/why-no-lab.js';

const reason = whyNoLab();
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

const between = (first: string, second: string) => (flow: Flow) =>
  ruleName(flow.from.name, flow.to.name) === ruleName(first, second);
const touches = (site: string) => (flow: Flow) => flow.from.name === site || flow.to.name === site;
const not = (condition: (flow: Flow) => boolean) => (flow: Flow) => !condition(flow);
const lostIn = (results: Awaited<ReturnType<EndlessPings['stop']>>) =>
  results.filter(({ lost }) => lost.length > 0).map(({ flow, lost, gap }) => ({ flow, lost, gap }));

async function expectAllToCarry(some: readonly Flow[]): Promise<void> {
  for (const flow of some) {
    expect(await pingFlow(lab, flow, 5), `${flow.from.name} → ${flow.to.name}`).toEqual({ sent: 5, received: 5 });
  }
}

async function untilPing(flow: Flow, answered: boolean): Promise<void> {
  await waitUntil(`Ping is ${answered ? '' : 'not '}answered`, EFFECT_TIMEOUT_MILLISECONDS, async () => {
    const { received } = await pingFlow(lab, flow, 1);
    return received > 0 === answered ? { value: undefined } : { problem: `${received} of 1 answered` };
  });
}

it('the edges have agreed on hybrid post-quantum keys, and each can tell how', async () => {
  for (const tunnel of await lab.api.tunnels()) {
    expect(tunnel).toMatchObject({
      keyingMode: 'ikev2',
      keyExchange: { methods: ['X25519', 'ML-KEM-768'], ppk: false, postQuantum: true },
    });
  }
  const { stdout } = await lab.execute(...edgeCommand(siteNamed(lab.topology, 'berlin'), 'ike'));
  expect(stdout).toMatch(/offered 1: IKE ENCR AES_GCM_16\/256.*ADDKE1 ML_KEM_768/);
  expect(stdout).toMatch(/keys: CURVE25519 \+ ML_KEM_768/);
});

it('what a host sends in one piece comes to the edge in one piece', async () => {
  const [flow] = flows;
  const [namespace] = edgeCommand(siteNamed(lab.topology, flow!.from.name), 'status');
  const sent = async () => {
    const { stdout } = await lab.execute(namespace, 'ip', ['-s', '-j', 'link', 'show', 'dev', OVERLAY_DEVICE]);
    return JSON.parse(stdout)[0].stats64.tx;
  };
  const before = await sent();
  expect((await transferFlow(lab, flow!)).problem).toBeUndefined();
  const after = await sent();
  const octetsPerPacket = (after.bytes - before.bytes) / (after.packets - before.packets);
  expect(octetsPerPacket).toBeGreaterThan(2 * LARGEST_MTU);
  expect(after.dropped - before.dropped).toBe(0);
});

describe('without a controller', () => {
  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'traffic goes on after %s, and after the restart all is in sync again',
    async (signal) => {
      const pings = await EndlessPings.start(lab, flows);
      await lab.stop(CONTROLLER_PROCESS, signal);
      const [flow] = flows;
      expect((await transferFlow(lab, flow!)).problem).toBeUndefined();
      await lab.startController();
      await lab.waitForFabric();
      await expectAllToCarry(flows);
      expect(lostIn(await pings.stop())).toEqual([]);
    },
  );
});

describe('without one edge', () => {
  it.each(['SIGTERM', 'SIGKILL'] as const)(
    '%s ends the traffic of its site only, and nothing leaves in the clear',
    async (signal) => {
      const others = await EndlessPings.start(lab, flows.filter(not(touches('berlin'))));
      const before = await lab.captureCounts();
      await lab.stop(edgeProcess('berlin'), signal);
      for (const flow of flows.filter(touches('berlin'))) expect((await pingFlow(lab, flow, 3)).received).toBe(0);
      await waitUntil('The API shows the tunnels of berlin down', STATE_TIMEOUT_MILLISECONDS, async () => {
        const up = (await lab.api.tunnels()).filter((tunnel) => tunnel.state === 'up');
        const names = up.map((tunnel) =>
          tunnel.edges
            .map((end) => end.siteName)
            .sort()
            .join('-'),
        );
        return names.join() === 'paris-tokyo' ? { value: undefined } : { problem: `up: ${names.join(', ')}` };
      });
      expect((await lab.captureCounts()).cleartextPackets - before.cleartextPackets).toBe(0);
      expect(lostIn(await others.stop())).toEqual([]);

      await lab.startEdge('berlin');
      await lab.waitForFabric();
      await expectAllToCarry(flows);
    },
  );
});

describe('a rule changed through the REST API', () => {
  it('to DISCARD stops exactly that traffic in under 2 seconds; changed back, it flows again', async () => {
    const target = between('berlin', 'paris');
    const others = await EndlessPings.start(lab, flows.filter(not(target)));
    const stopped = await EndlessPings.start(lab, flows.filter(target));
    const rule = ruleName('berlin', 'paris');
    const withAction = (action: 'DISCARD' | 'PROTECT') =>
      publishRules(lab, `${rule} ${action}`, (rules) =>
        rules.map((each) => (each.name === rule ? { ...each, action } : each)),
      );

    const published = await withAction('DISCARD');
    for (const flow of flows.filter(target)) await untilPing(flow, false);
    for (const { flow, answeredAt } of await stopped.stop()) {
      expect(answeredAt.length, flow).toBeGreaterThan(0);
      expect(
        Math.max(...answeredAt) - published,
        `${flow}: milliseconds from publishing to the last answer`,
      ).toBeLessThan(2_000);
    }

    await withAction('PROTECT');
    for (const flow of flows.filter(target)) await untilPing(flow, true);
    await lab.waitForFabric();
    await expectAllToCarry(flows);
    expect(lostIn(await others.stop())).toEqual([]);
  });

  it('to DISCARD one service leaves the others alone', async () => {
    const [flow] = flows.filter(between('berlin', 'paris')).filter(({ from }) => from.name === 'berlin');
    const [back] = flows.filter(between('berlin', 'paris')).filter(({ from }) => from.name === 'paris');
    const pings = await EndlessPings.start(lab, flows);
    expect(await connects(lab, flow!, FILE_PORT)).toBe(true);
    const siteId = (name: string) => lab.fabric.siteIds.get(name) ?? '';

    await publishRules(lab, 'No files from paris', (rules) => [
      {
        name: 'no-files-from-paris',
        action: 'DISCARD',
        sources: [{ kind: 'site', siteId: siteId('berlin') }],
        destinations: [{ kind: 'site', siteId: siteId('paris') }],
        services: [{ protocol: 'tcp', ports: [{ first: FILE_PORT, last: FILE_PORT }] }],
        enabled: true,
      },
      ...rules,
    ]);
    await lab.waitForFabric();
    expect(await connects(lab, flow!, FILE_PORT)).toBe(false);
    expect(await connects(lab, back!, FILE_PORT)).toBe(true);

    await publishRules(lab, 'Files again', (rules) => rules.filter((rule) => rule.name !== 'no-files-from-paris'));
    await lab.waitForFabric();
    expect(await connects(lab, flow!, FILE_PORT)).toBe(true);
    expect(lostIn(await pings.stop())).toEqual([]);
  });
});

it('nothing has crossed the router in the clear', async () => {
  const counts = await lab.captureCounts();
  expect(counts.espPackets).toBeGreaterThan(0);
  expect(counts).toMatchObject({ cleartextPackets: 0, cleartextReasons: {}, droppedByKernel: 0 });
});

const OVERLAY_DEVICE = 'weft0';
/** Of an overlay device on Ethernet. */
const LARGEST_MTU = 1_500;
/** The wait for an effect whose own limit is measured beside it. */
const EFFECT_TIMEOUT_MILLISECONDS = 60_000;
/** Until the controller has noticed that an edge has died. */
const STATE_TIMEOUT_MILLISECONDS = 60_000;
