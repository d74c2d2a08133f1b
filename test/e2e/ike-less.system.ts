import { CONTROLLER_PROCESS, flowsOf, type Lab, pingFlow, startLab } from '@weft/lab';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { whyNoLab } from './support/why-no-lab.js';

/** The fabric whose controller makes the traffic keys (RFC 9061): what the others test with the edges doing it. */
const reason = whyNoLab();
let lab: Lab;

beforeAll(async () => {
  if (reason === undefined) lab = await startLab({ port: 0, keying: 'ike-less' });
});

beforeEach((context) => context.skip(reason !== undefined, reason));

afterAll(async () => {
  await lab?.close();
});

it('carries traffic with keys of the controller, and shows that no edge agreed on any', async () => {
  for (const tunnel of await lab.api.tunnels()) {
    expect(tunnel).toMatchObject({ keyingMode: 'ike-less', keyExchange: null, state: 'up' });
  }
  await expectPings();
});

it('goes on without the controller, and is in sync again with a new one', async () => {
  await lab.stop(CONTROLLER_PROCESS, 'SIGKILL');
  await expectPings();
  await lab.startController();
  await lab.waitForFabric();
  await expectPings();
  expect(await lab.captureCounts()).toMatchObject({ cleartextPackets: 0, droppedByKernel: 0 });
});

async function expectPings(): Promise<void> {
  for (const flow of flowsOf(lab.topology)) {
    expect(await pingFlow(lab, flow, 5), `${flow.from.name} → ${flow.to.name}`).toEqual({ sent: 5, received: 5 });
  }
}
