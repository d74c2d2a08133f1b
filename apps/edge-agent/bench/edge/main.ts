import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Bundle } from '@weft/contracts/southbound';
import { AgentProcess } from '../../test/support/agent-process.js';
import { ControllerHarness, ON_ROUTER } from '../../test/support/controller-harness.js';
import { typescript } from '../../test/support/edge-harness.js';
import { Namespaces, namespacesUnavailable } from '../../test/support/namespaces.js';
import { NODE_OPTIONS } from '../../test/support/node-options.js';
import { signBundle } from '../../test/support/test-bundle.js';
import { TestPki } from '../../test/support/test-pki.js';
import { buildNetwork, LEFT_ID, negotiating } from '../../test/support/two-sites.js';
import { associationsOf, branchBundle, hubBundle, peerAddress, peerEdgeId } from './hub.js';

const PROGRAM = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/**
 * usage: npm run bench:edge [-- --tunnels 100 --changes 50 --keys controller|negotiated --json]
 * What the built agent takes at rest with so many keyed tunnels, whose keys the controller makes or each peer and the agent, and how long it takes from receiving a changed policy to saying
 * that it is in force.
 */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      tunnels: { type: 'string', default: '100' },
      changes: { type: 'string', default: '50' },
      keys: { type: 'string', default: 'negotiated' },
      json: { type: 'boolean', default: false },
    },
  });
  const unavailable =
    namespacesUnavailable() ?? (existsSync(PROGRAM) ? undefined : 'needs the built agent: npm run build');
  if (unavailable !== undefined) {
    process.stderr.write(`skipped: ${unavailable}\n`);
    return 0;
  }
  const namespaces = new Namespaces('bench-edge');
  const directory = mkdtempSync(path.join(tmpdir(), 'weft-bench-edge-'));
  try {
    const { keys } = values;
    if (keys !== 'controller' && keys !== 'negotiated') throw new RangeError('--keys is controller or negotiated');
    const report = await measure(namespaces, directory, {
      tunnels: Number(values.tunnels),
      changes: Number(values.changes),
      keys,
    });
    process.stdout.write(`${JSON.stringify(report, null, values.json ? 0 : 2)}\n`);
    const misses = missed(report);
    for (const miss of misses) process.stderr.write(`not met: ${miss}\n`);
    return misses.length === 0 ? 0 : 1;
  } finally {
    await namespaces.close();
    rmSync(directory, { recursive: true });
  }
}

/** What is measured. */
interface Load {
  readonly tunnels: number;
  readonly changes: number;
  readonly keys: 'controller' | 'negotiated';
}

async function measure(namespaces: Namespaces, directory: string, { tunnels, changes, keys }: Load) {
  const names = buildNetwork(namespaces);
  const pki = await TestPki.create();
  const controller = await ControllerHarness.prepare(namespaces, names.router, directory, pki);
  await controller.start();
  const keyed = keys === 'negotiated' ? negotiating : (bundle: Bundle) => bundle;
  const signed = (change: number) =>
    signBundle(pki, keyed(hubBundle(tunnels, change)), { edgeId: LEFT_ID, generation: BigInt(10 + change) });
  const identity = await pki.storedIdentity(ON_ROUTER.left, LEFT_ID);
  const agent = await AgentProcess.prepare(namespaces, names.left, path.join(directory, 'state'), identity, signed(0));
  agent.program = [...NODE_OPTIONS, PROGRAM];
  if (keys === 'negotiated') await startBranches(namespaces, names.right, directory, pki, tunnels);
  await agent.run(/^session established$/, ['--log-level', 'info']);
  if (keys === 'negotiated') await untilNegotiated(agent, tunnels);
  else await keyAll(controller, tunnels);
  await delay(REST_MILLISECONDS);
  const atRest = memoryMiB(agent.pid);
  const milliseconds: number[] = [];
  for (let change = 1; change <= changes; change++) {
    const before = controller.count;
    controller.push('left', signed(change));
    const heard = await controller.hears(({ said }) => said === 'ack' || said === 'nack', before);
    if (heard.said !== 'ack') throw new Error(`a bundle was refused: ${JSON.stringify(heard)}`);
    milliseconds.push(Number(heard['milliseconds']));
  }
  await delay(REST_MILLISECONDS);
  milliseconds.sort((a, b) => a - b);
  return {
    processors: availableParallelism(),
    node: process.version,
    tunnels,
    keys,
    memoryAtRestMiB: atRest,
    memoryAfterChangesMiB: memoryMiB(agent.pid),
    policyChanges: changes,
    inForceMilliseconds: {
      median: round(milliseconds[Math.floor(changes / 2)]),
      p95: round(milliseconds[Math.floor(changes * 0.95)]),
      largest: round(milliseconds.at(-1)),
    },
  };
}

/** Of the controller, as RFC 9061 has it. */
async function keyAll(controller: ControllerHarness, tunnels: number): Promise<void> {
  for (const command of associationsOf(tunnels)) {
    const before = controller.count;
    controller.command('left', command);
    const { rejection } = await controller.hears(({ said }) => said === 'result', before);
    if (rejection !== undefined) throw new Error(`an association was refused: ${JSON.stringify(rejection)}`);
  }
}

/** Every peer, in a process that is not measured. */
async function startBranches(
  namespaces: Namespaces,
  namespace: string,
  directory: string,
  pki: TestPki,
  tunnels: number,
): Promise<void> {
  const branches: { identity: unknown; bundle: unknown }[] = [];
  for (let index = 0; index < tunnels; index++) {
    const identity = await pki.storedIdentity('127.0.0.1:1', peerEdgeId(index));
    branches.push({ identity, bundle: Bundle.toJSON(negotiating(branchBundle(index))) });
    if (index > 0) namespaces.ip(namespace, `address add ${peerAddress(index)}/24 dev wan`);
  }
  const file = path.join(directory, 'branches.json');
  writeFileSync(file, JSON.stringify(branches), { mode: 0o600 });
  const program = typescript(fileURLToPath(new URL('./branches.ts', import.meta.url)));
  const child = namespaces.start(namespace, process.execPath, [...program, file]);
  const ended = once(child, 'exit').then(() => Promise.reject(new Error('the peers ended before they listened')));
  await Promise.race([once(child.stdout, 'data'), ended]);
}

/** Until every peer has agreed with it on a Child SA. */
async function untilNegotiated(agent: AgentProcess, tunnels: number): Promise<void> {
  const deadline = Date.now() + NEGOTIATION_MILLISECONDS;
  for (;;) {
    const metrics = agent.command('metrics');
    const keyed = [...metrics.matchAll(/^weft_edge_tunnel_keyed\{[^}]*\} 1$/gm)].length;
    if (keyed === tunnels) return;
    if (Date.now() > deadline) throw new Error(`${keyed} of ${tunnels} tunnels are keyed: is this machine very slow?`);
    await delay(500);
  }
}

type Report = Awaited<ReturnType<typeof measure>>;

/** What an agent is to keep to and did not, in words. */
function missed({ tunnels, memoryAtRestMiB: { resident }, inForceMilliseconds: { largest } }: Report): string[] {
  return [
    ...(resident < RESIDENT_MIB || tunnels > 100 ? [] : [`${resident} MiB at rest, less than ${RESIDENT_MIB} asked`]),
    ...(largest < IN_FORCE_MILLISECONDS
      ? []
      : [`a policy in force in ${largest} ms, less than ${IN_FORCE_MILLISECONDS} asked`]),
  ];
}

/** Resident memory: all of it, and the part that no file holds, which other processes do not share. */
function memoryMiB(pid: number): { readonly resident: number; readonly ofItsOwn: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mebibytes = (name: string) => {
    const [, kibibytes] = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status) ?? [];
    return Math.round(Number(kibibytes) / 1024);
  };
  return { resident: mebibytes('VmRSS'), ofItsOwn: mebibytes('RssAnon') };
}

function round(value = Number.NaN): number {
  return Math.round(value * 10) / 10;
}

/** With a hundred tunnels at most. */
const RESIDENT_MIB = 150;
const IN_FORCE_MILLISECONDS = 200;
const NEGOTIATION_MILLISECONDS = 120_000;
/** Long enough for what the start has left behind to be collected or not. */
const REST_MILLISECONDS = 20_000;

process.exit(await main());
