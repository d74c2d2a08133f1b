import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { edgeProcess, endlessPingArguments, type Lab, parseEndlessPing, publish, startLab, waitUntil } from '@weft/lab';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { enrollSecondEdge, type SecondEdge } from './support/second-edge.js';
import { whyNoLab } from './support/why-no-lab.js';

/**
 * A site with two edges, from the controller to its hosts: berlin gets a second one, on the segment of its host and with an
 * uplink of its own, and both run keepalived with the configuration that docs/operations.md gives.
 *
 *   10.1.0.10 [ host, gateway 10.1.0.254 ] --+-- 10.1.0.1 [ berlin        ] 198.51.100.2 --+
 *                                            +-- 10.1.0.2 [ berlin-second ] 198.19.0.2   --+-- [ internet ] -- [ paris ]
 */
const reason =
  whyNoLab() ??
  (process.getuid?.() !== 0 ? 'needs root: keepalived does not run in a user namespace' : undefined) ??
  (hasKeepalived() ? undefined : 'needs keepalived: npm test installs it on Debian and Ubuntu');

const HOST = 'berlin-host';
const FAR_HOST = '10.2.0.10';
const GATEWAY = '10.1.0.254';
const FIRST: VirtualRouter = { namespace: 'berlin-edge', uplink: '198.51.100.2', priority: 110 };
const directory = mkdtempSync(path.join(tmpdir(), 'weft-redundant-site-'));
let lab: Lab;
let second: SecondEdge;

beforeAll(async () => {
  if (reason !== undefined) return;
  lab = await startLab({ port: 0 });
  second = await enrollSecondEdge(lab, { site: 'berlin', name: 'berlin-second', lan: '10.1.0.2', uplink: '198.19.0' });
  await publish(lab.api, 'Two edges in berlin');
  await untilUp();
  // Behind it: an edge whose overlay device came later takes over when that has been there for thirty seconds.
  await startKeepalived(FIRST);
  await startKeepalived({ namespace: second.namespace, uplink: second.uplink, priority: 100 });
  await execute(HOST, 'ip', 'route', 'replace', 'default', 'via', GATEWAY);
  await untilGatewayIs(FIRST.namespace);
});

beforeEach((context) => context.skip(reason !== undefined, reason));

afterAll(async () => {
  await lab?.close();
  rmSync(directory, { recursive: true });
});

it('goes on within three seconds when the agent of the preferred edge is killed, both ways, and returns without a loss', async () => {
  const lost = await during(async () => {
    await lab.stop(edgeProcess('berlin'), 'SIGKILL');
    await untilGatewayIs(second.namespace);
    await untilAnswers(ANSWERS);
  });
  expect(lost).toBeLessThan(MOST_LOST);
  const lostOnReturn = await during(async () => {
    await lab.startEdge('berlin');
    await untilGatewayIs(FIRST.namespace);
    await untilAnswers(ANSWERS);
  });
  expect(lostOnReturn).toBe(0);
});

it('goes on within three seconds when the provider of the preferred edge says nothing any more', async () => {
  await untilUp();
  const lost = await during(async () => {
    await silence('add');
    await untilGatewayIs(second.namespace);
    await untilAnswers(ANSWERS);
  });
  expect(lost).toBeLessThan(MOST_LOST);
  await silence('delete');
});

it('leaves nothing in the clear', async () => {
  const counts = await lab.captureCounts();
  expect(counts.espPackets).toBeGreaterThan(0);
  expect(counts).toMatchObject({ cleartextPackets: 0, cleartextReasons: {}, droppedByKernel: 0 });
});

/** What keepalived of one edge is told. */
interface VirtualRouter {
  readonly namespace: string;
  readonly uplink: string;
  readonly priority: number;
}

/** With what docs/operations.md gives, for this edge. */
async function startKeepalived({ namespace, uplink, priority }: VirtualRouter): Promise<void> {
  const document = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
  const [, given = ''] = /```keepalived\n(.*?)```/s.exec(document) ?? [];
  const file = path.join(directory, `${namespace}.conf`);
  writeFileSync(file, given.replace('priority 110', `priority ${priority}`).replace('-I 198.51.100.2', `-I ${uplink}`));
  const own = (name: string) => path.join(directory, `${namespace}.${name}`);
  await lab.start({
    name: `keepalived-${namespace}`,
    namespace,
    command: 'keepalived',
    args: ['-n', '-l', '-D', '-P', '-f', file, '-p', own('pid'), '-r', own('vrrp.pid')],
  });
}

async function untilGatewayIs(namespace: string): Promise<void> {
  await waitUntil(`${namespace} is the gateway`, PATIENCE_MILLISECONDS, async () => {
    const { stdout } = await lab.execute(namespace, 'ip', ['-o', 'address', 'show', 'dev', 'lan0']);
    return stdout.includes(`${GATEWAY}/`) ? { value: undefined } : { problem: stdout };
  });
}

/** Every edge has what it should, and every two of different sites their tunnel. */
async function untilUp(): Promise<void> {
  await waitUntil('All edges in sync and all five tunnels up', PATIENCE_MILLISECONDS, async () => {
    const [edges, tunnels] = await Promise.all([lab.api.edges(), lab.api.tunnels()]);
    const behind = edges.filter(({ live }) => !live.connected || !live.inSync).map(({ name }) => name);
    const up = tunnels.filter(({ state }) => state === 'up').length;
    return behind.length === 0 && up === 5 ? { value: undefined } : { problem: `${behind.join()} ${up} up` };
  });
}

/** @returns how many of the pings from the host to the far one were lost while something was done. */
async function during(done: () => Promise<void>): Promise<number> {
  await lab.start({ name: PING, namespace: HOST, command: 'ping', args: endlessPingArguments(FAR_HOST) });
  await untilAnswers(ANSWERS);
  await done();
  const { stdout } = await lab.stop(PING, 'SIGINT');
  return parseEndlessPing(stdout).lost.length;
}

/** So many more pings are answered than were until now. */
async function untilAnswers(count: number): Promise<void> {
  const sequence = async () => {
    const lines = (await lab.tail(PING, 1)).join('');
    return Number(/icmp_seq=(\d+)/.exec(lines)?.[1] ?? 0);
  };
  const before = await sequence();
  await waitUntil(`${count} more answers`, PATIENCE_MILLISECONDS, async () => {
    const now = await sequence();
    return now >= before + count ? { value: undefined } : { problem: `${now - before}` };
  });
}

/** Everything to and from the uplink of the preferred edge is dropped on its way, or no more. Its link stays up. */
async function silence(change: 'add' | 'delete'): Promise<void> {
  const { routerNamespace } = lab.topology;
  if (change === 'delete') return execute(routerNamespace, 'nft', 'delete', 'table', 'ip', 'silence');
  const rules = ['saddr', 'daddr'].map((end) => `add rule ip silence forward ip ${end} ${FIRST.uplink} drop`);
  const chain = 'add chain ip silence forward { type filter hook forward priority 0; }';
  await execute(routerNamespace, 'nft', ['add table ip silence', chain, ...rules].join('; '));
}

async function execute(namespace: string, command: string, ...args: readonly string[]): Promise<void> {
  const { code, stderr } = await lab.execute(namespace, command, args);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
}

function hasKeepalived(): boolean {
  try {
    execFileSync('keepalived', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const PING = 'ping';
const ANSWERS = 50;
/** Three seconds of them: endlessPingArguments sends one every 10 ms. */
const MOST_LOST = 300;
const PATIENCE_MILLISECONDS = 120_000;
