import type { Tunnel } from '@weft/contracts/rest';
import { answerOf, flowsOf, type Lab, pingFlow, publish, startLab, waitUntil } from '@weft/lab';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { whyNoLab } from './support/why-no-lab.js';

/** From the intent of a tenant to SAs that are there when there is traffic for them, and to what everybody is told of those that are not. */
const reason = whyNoLab();
let lab: Lab;

beforeAll(async () => {
  if (reason === undefined) lab = await startLab({ port: 0 });
});

beforeEach((context) => context.skip(reason !== undefined, reason));

afterAll(async () => {
  await lab?.close();
});

it('ends tunnels that nothing passes in, which wait and are never down', async () => {
  const before = await lastEvent();
  const answer = await lab.api.client.PATCH('/api/v1/tenants/{tenantId}', {
    params: { path: { tenantId: lab.api.tenantId } },
    body: { tunnelStart: { kind: 'trap', idleSeconds: IDLE_SECONDS } },
  });
  answerOf(answer, 'Have tunnels wait for traffic');
  await publish(lab.api, 'wait for traffic');
  const seen = await until('all tunnels wait', (tunnels) => tunnels.every(({ state }) => state === 'waiting'));
  expect(seen).not.toContain('down');
  const kinds = (await eventsSince(before)).map(({ kind }) => kind);
  expect(kinds).toContain('tunnel_idle');
  expect(kinds).not.toContain('tunnel_down');
});

it('negotiates the one that a packet is for, and no other', async () => {
  const [flow] = flowsOf(lab.topology);
  if (flow === undefined) throw new Error('the lab has sites');
  const cleartext = (await lab.captureCounts()).cleartextPackets;
  await waitUntil('An answer', PATIENCE_MILLISECONDS, async () => {
    const { received } = await pingFlow(lab, flow, 3);
    return received > 0 ? { value: undefined } : { problem: 'nothing comes back' };
  });
  expect(await pingFlow(lab, flow, 5)).toEqual({ sent: 5, received: 5 });
  const seen = await until('one tunnel is up, the others wait', (tunnels) => {
    const up = tunnels.filter(({ state }) => state === 'up');
    const sites = up.flatMap(({ edges }) => edges.map(({ siteName }) => siteName)).sort();
    const rest = tunnels.filter(({ state }) => state !== 'up');
    const between = [flow.from.name, flow.to.name].sort();
    return String(sites) === String(between) && rest.every(({ state }) => state === 'waiting');
  });
  expect(seen).not.toContain('down');
  expect((await lab.captureCounts()).cleartextPackets).toBe(cleartext);
});

it('ends that one, too, when nothing passes any more', async () => {
  const seen = await until('all tunnels wait', (tunnels) => tunnels.every(({ state }) => state === 'waiting'));
  expect(seen).not.toContain('down');
});

/** @returns every state that was seen of any tunnel on the way there. */
async function until(what: string, holds: (tunnels: readonly Tunnel[]) => boolean): Promise<readonly string[]> {
  const seen = new Set<string>();
  await waitUntil(what, PATIENCE_MILLISECONDS, async () => {
    const tunnels = await lab.api.tunnels();
    for (const { state } of tunnels) seen.add(state);
    const states = tunnels.map(({ state, reason: why }) => `${state} ${why}`);
    return holds(tunnels) ? { value: undefined } : { problem: JSON.stringify(states) };
  });
  return [...seen];
}

async function events() {
  const params = { path: { tenantId: lab.api.tenantId }, query: { limit: 200 } };
  return answerOf(await lab.api.client.GET('/api/v1/tenants/{tenantId}/events', { params }), 'Read the events').items;
}

async function lastEvent(): Promise<number> {
  return Math.max(0, ...(await events()).map(({ id }) => Number(id)));
}

async function eventsSince(before: number) {
  return (await events()).filter(({ id }) => Number(id) > before);
}

const IDLE_SECONDS = 10;
const PATIENCE_MILLISECONDS = 180_000;
