import { CONTROLLER_PROCESS, edgeProcess, flowsOf, type Lab, pingFlow, startLab } from '@weft/lab';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { IvWatch } from './support/iv-watch.js';
import { whyNoLab } from './support/why-no-lab.js';

/** The fabric whose edges agree on keys by messages that the controller relays (docs/adr/0026): it never has one. */
const reason = whyNoLab();
let lab: Lab;
let ivs: IvWatch;

beforeAll(async () => {
  if (reason !== undefined) return;
  lab = await startLab({ port: 0, keying: 'controller-blind' });
  ivs = await IvWatch.start(lab);
});

beforeEach((context) => context.skip(reason !== undefined, reason));

afterAll(async () => {
  await lab?.close();
});

it('carries traffic with keys that edges have agreed on', async () => {
  for (const tunnel of await lab.api.tunnels()) {
    expect(tunnel).toMatchObject({ keyingMode: 'controller-blind', state: 'up' });
  }
  await expectPings();
});

it('goes on without the controller, also when all edges are killed and come back by what they have on their disks', async () => {
  await lab.stop(CONTROLLER_PROCESS, 'SIGKILL');
  await expectPings();
  const names = lab.topology.sites.map(({ name }) => name);
  for (const name of names) await lab.stop(edgeProcess(name), 'SIGKILL');
  for (const name of names) await lab.startEdge(name);
  for (const flow of flowsOf(lab.topology)) {
    await expect.poll(async () => (await pingFlow(lab, flow, 1)).received, PATIENCE).toBe(1);
  }
  await expectPings();
});

it('is in sync again with a new controller, and has shown nothing in the clear and no IV twice', async () => {
  await lab.startController();
  await lab.waitForFabric();
  await expectPings();
  expect(await lab.captureCounts()).toMatchObject({ cleartextPackets: 0, cleartextReasons: {}, droppedByKernel: 0 });
  const seen = await ivs.stop();
  expect(seen).toMatchObject({ repeated: [], lost: 0 });
  expect(seen.associations).toBeGreaterThanOrEqual(2 * (await lab.api.tunnels()).length);
});

async function expectPings(): Promise<void> {
  for (const flow of flowsOf(lab.topology)) {
    expect(await pingFlow(lab, flow, 5), `${flow.from.name} → ${flow.to.name}`).toEqual({ sent: 5, received: 5 });
  }
}

const PATIENCE = { timeout: 120_000 };
