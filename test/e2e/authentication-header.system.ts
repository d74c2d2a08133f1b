import { answerOf, flowsOf, type Lab, pingFlow, publish, startLab, transferFlow, waitUntil } from '@weft/lab';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { whyNoLab } from './support/why-no-lab.js';

/**
 * From the intent of a tenant to the octets between its edges: packets that are to be authenticated only. The capture of the lab
 * tells a packet of the overlay that crosses as it is (its addresses are in a header) from one that somebody can read inside
 * something (they are in a payload).
 */
const reason = whyNoLab();
let lab: Lab;

beforeAll(async () => {
  if (reason === undefined) lab = await startLab({ port: 0 });
});

beforeEach((context) => context.skip(reason !== undefined, reason));

afterAll(async () => {
  await lab?.close();
});

it('carries all traffic in AH, which everybody on the way can read and nobody can change, and says so', async () => {
  await protectWith('ah');
  const before = await lab.captureCounts();
  expect(before.cleartextReasons['inner-address-in-header'] ?? 0).toBe(0);
  await expectTraffic();
  const { cleartextReasons, espPackets, droppedByKernel } = await lab.captureCounts();
  expect(cleartextReasons['inner-address-in-header'] ?? 0).toBe(0);
  expect(cleartextReasons['inner-address-in-payload'] ?? 0).toBeGreaterThan(0);
  expect([espPackets, droppedByKernel]).toEqual([before.espPackets, 0]);
});

it('is confidential again from the moment at which the tunnels are of ESP', async () => {
  await protectWith('esp');
  const before = await lab.captureCounts();
  await expectTraffic();
  const after = await lab.captureCounts();
  expect(after.cleartextPackets).toBe(before.cleartextPackets);
  expect(after.espPackets).toBeGreaterThan(before.espPackets);
});

/** Until all edges have it and have agreed on it, what is installed may be of either. */
async function protectWith(securityProtocol: 'esp' | 'ah'): Promise<void> {
  const path = { tenantId: lab.api.tenantId };
  const { version } = answerOf(
    await lab.api.client.GET('/api/v1/tenants/{tenantId}', { params: { path } }),
    'Read the tenant',
  );
  const params = { path, header: { 'If-Match': `"${version}"` } };
  const answer = await lab.api.client.PATCH('/api/v1/tenants/{tenantId}', { params, body: { securityProtocol } });
  answerOf(answer, `Choose ${securityProtocol}`);
  const spis = async () =>
    (await lab.api.tunnels()).flatMap(({ edges }) => edges.map(({ inboundSpi }) => String(inboundSpi)));
  const old = new Set(await spis());
  await publish(lab.api, securityProtocol);
  await waitUntil(`The tunnels are of ${securityProtocol}`, PATIENCE_MILLISECONDS, async () => {
    const tunnels = await lab.api.tunnels();
    const meant = tunnels.every((tunnel) => tunnel.securityProtocol === securityProtocol && tunnel.state === 'up');
    const fresh = (await spis()).every((spi) => spi !== 'null' && !old.has(spi));
    return meant && fresh ? { value: undefined } : { problem: JSON.stringify(tunnels.map(({ state }) => state)) };
  });
}

async function expectTraffic(): Promise<void> {
  for (const flow of flowsOf(lab.topology)) {
    expect(await pingFlow(lab, flow, 5), `${flow.from.name} → ${flow.to.name}`).toEqual({ sent: 5, received: 5 });
  }
  for (const family of [4, 6]) {
    const flow = flowsOf(lab.topology).find((one) => one.family === family);
    if (flow === undefined) throw new Error(`the lab has IPv${family}`);
    expect((await transferFlow(lab, flow)).problem).toBeUndefined();
  }
}

const PATIENCE_MILLISECONDS = 120_000;
