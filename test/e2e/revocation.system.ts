import {
  answerOf,
  edgeCommand,
  edgeProcess,
  type Flow,
  flowsOf,
  type Lab,
  pingFlow,
  siteNamed,
  startLab,
  waitUntil,
} from '@weft/lab';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { EndlessPings } from './support/endless-pings.js';
import { whyNoLab } from './support/why-no-lab.js';

const PATIENCE_MILLISECONDS = 120_000;
/** Two starts of programs for every question, on a machine that does other things too. */
const TEST_TIMEOUT_MILLISECONDS = 400_000;
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

const touches = (site: string) => (flow: Flow) => flow.from.name === site || flow.to.name === site;
const not = (condition: (flow: Flow) => boolean) => (flow: Flow) => !condition(flow);

it(
  'a revoked edge is dropped by its peers, which lose nothing between themselves, and comes back when it is enrolled anew',
  async () => {
    const berlin = siteNamed(lab.topology, 'berlin');
    const others = await EndlessPings.start(lab, flows.filter(not(touches('berlin'))));
    const edge = (await lab.api.edges()).find(({ name }) => name === 'berlin-edge');
    const path = { tenantId: lab.api.tenantId, edgeId: edge?.id ?? '' };
    const revoked = await lab.api.client.POST('/api/v1/tenants/{tenantId}/edges/{edgeId}/revocation', {
      params: { path },
      body: { reason: 'The machine was stolen.' },
    });
    expect(answerOf(revoked, 'Revoke berlin-edge').revocation?.reason).toBe('The machine was stolen.');
    await waitUntil('The others have no tunnel with berlin', PATIENCE_MILLISECONDS, async () => {
      const shown = await Promise.all(
        ['paris', 'tokyo'].map((site) => lab.execute(...edgeCommand(siteNamed(lab.topology, site), 'tunnels'))),
      );
      const keep = shown.filter(({ stdout }) => stdout.includes('berlin-edge'));
      return keep.length === 0 ? { value: undefined } : { problem: `${keep.length} still have one` };
    });
    for (const flow of flows.filter(touches('berlin'))) expect((await pingFlow(lab, flow, 3)).received).toBe(0);
    // Refused with what to do about it, as often as it comes.
    await lab.waitForOutput(
      edgeProcess('berlin'),
      'this edge was revoked; if it is to come back, make a new enrollment token',
    );

    await lab.stop(edgeProcess('berlin'), 'SIGTERM');
    const token = await lab.api.client.POST('/api/v1/tenants/{tenantId}/edges/{edgeId}/enrollment-tokens', {
      params: { path },
    });
    const [, , controller = '', , text = ''] = answerOf(token, 'Make a token').command.split(' ').slice(1);
    const [namespace, command, args] = edgeCommand(berlin, 'enroll');
    const enrolled = await lab.execute(namespace, command, [...args, '--controller', controller, '--token', text]);
    expect(enrolled.stdout).toContain('enrolled as edge berlin-edge');
    await lab.startEdge('berlin');
    await lab.waitForFabric();
    for (const flow of flows) expect(await pingFlow(lab, flow, 5)).toEqual({ sent: 5, received: 5 });
    expect((await others.stop()).filter((result) => result.lost.length > 0)).toEqual([]);
    expect((await lab.captureCounts()).cleartextPackets).toBe(0);
  },
  TEST_TIMEOUT_MILLISECONDS,
);
