import { once } from 'node:events';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ControllerHarness, ON_ROUTER } from './support/controller-harness.js';
import { type Crossed, watchCrossings } from './support/crossing-watch.js';
import { typescript } from './support/edge-harness.js';
import { namespacesUnavailable } from './support/namespaces.js';
import { TwoAgents } from './support/two-agents.js';
import { LEFT } from './support/two-sites.js';

const PATIENCE = { timeout: 120_000 };
const [, PORT = ''] = ON_ROUTER.left.split(':');
const unavailable = namespacesUnavailable();

describe.skipIf(unavailable !== undefined)(
  `an edge whose controller is there and says nothing${unavailable ? ` (${unavailable})` : ''}`,
  () => {
    const agents = new TwoAgents('silent');
    let controller: ControllerHarness;
    let crossed: () => Promise<Crossed>;

    beforeAll(async () => {
      await agents.prepare(ON_ROUTER);
      const { namespaces, names, directory, pki, left, right } = agents;
      crossed = await watchCrossings(namespaces, names.router, LEFT.underlay, ['10.1', '10.2']);
      controller = await ControllerHarness.prepare(namespaces, names.router, directory, pki);
      await Promise.all([left.run(/^edge ready$/), right.run(/^edge ready$/)]);
    });

    afterAll(() => agents.close());

    it.each(['mute', 'drip', 'open'])(
      'leaves one that is %s in time, tries again, and carries traffic',
      async (kind) => {
        const { namespaces, names, directory, left } = agents;
        const before = timesLeft();
        const program = [...typescript('./silent-controller.ts'), kind, PORT, path.join(directory, 'controller.json')];
        const silent = namespaces.start(names.router, process.execPath, program);
        await once(silent.stdout, 'data');
        await expect.poll(timesLeft, PATIENCE).toBeGreaterThanOrEqual(before + 2);
        await expect.poll(() => agents.ping(), PATIENCE).toMatch(/1 received/);
        const ended = once(silent, 'exit');
        silent.kill('SIGKILL');
        await ended;
        expect(left.running).toBe(true);
      },
    );

    it('takes the one that speaks as soon as it is there, and nothing has left in the clear', async () => {
      await controller.start();
      await controller.hears(({ said, edge }) => said === 'hello' && edge === 'left');
      expect(await agents.left.said(/^session established$/)).toBeDefined();
      expect((await crossed()).clear).toBe(0);
    });

    /** So often has the left given up on a controller that did not say Welcome. */
    function timesLeft(): number {
      const { log } = agents.left;
      return log.filter(({ msg, reason }) => msg === 'session ended' && /did not say Welcome/.test(String(reason)))
        .length;
    }
  },
);
