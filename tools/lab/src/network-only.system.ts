import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { proveCapture } from './checks/capture-proof.js';
import { pingFlow, transferFlow } from './checks/traffic.js';
import { LabRuntime } from './lab-runtime.js';
import { judge } from './report/verdict.js';
import { THIS_MACHINE } from './sandbox/machine.js';
import { missingRequirements } from './sandbox/requirements.js';
import { flowsOf, LAB_TOPOLOGY } from './topology/topology.js';

/** The lab's own guard, shown what it must refuse: an internet that routes the sites' traffic in the clear. */
const [missing] = missingRequirements(THIS_MACHINE);
let runtime: LabRuntime;

beforeAll(async () => {
  if (missing !== undefined) return;
  runtime = await LabRuntime.open(LAB_TOPOLOGY, 'no controller here', () => undefined);
  await runtime.startFileServers();
  await runtime.sandbox.call('startCapture', {});
});

beforeEach((context) => context.skip(missing !== undefined, missing?.what));

afterAll(async () => {
  await runtime?.close();
});

it('a fabric that only routes carries everything and is refused', async () => {
  const baseline = await proveCapture(runtime, LAB_TOPOLOGY);
  const { routerNamespace, sites } = LAB_TOPOLOGY;
  for (const { networks, uplink } of sites) {
    for (const { prefix, family } of networks) {
      const via = family === 4 ? uplink.address : uplink.address6;
      await runtime.execute(routerNamespace, 'ip', ['route', 'add', prefix, 'via', via]);
    }
  }
  const host = {
    fileDigests: await runtime.fileDigests(),
    execute: runtime.execute.bind(runtime),
  };
  const [flow] = flowsOf(LAB_TOPOLOGY);
  const pings = await pingFlow(host, flow!);
  const transfer = await transferFlow(host, flow!);
  const capture = await runtime.sandbox.call('captureCounts', {});

  expect(pings).toEqual({ sent: 20, received: 20 });
  expect(transfer).toMatchObject({ mebibytes: 64, sha256Match: true });
  expect(capture.droppedByKernel).toBe(0);
  expect(capture.cleartextReasons['marker']).toBeGreaterThan(baseline.cleartextReasons['marker'] ?? 0);
  expect(judge({ edges: 3, inSync: 3, traffic: [{ flow: flow!, pings, transfer }], capture, seconds: 1 }).ok).toBe(
    false,
  );
});
