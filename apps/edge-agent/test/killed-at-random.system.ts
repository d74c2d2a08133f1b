import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentProcess } from './support/agent-process.js';
import { ControllerHarness, ON_ROUTER } from './support/controller-harness.js';
import { type Crossed, watchCrossings } from './support/crossing-watch.js';
import { type Kill, killsFrom } from './support/kills.js';
import { namespacesUnavailable } from './support/namespaces.js';
import { LEFT_HOST, RIGHT_HOST, TwoAgents } from './support/two-agents.js';
import { LEFT } from './support/two-sites.js';

/** The same moments with the same seed; WEFT_SEED asks for others, WEFT_KILLS for more. */
const SEED = Number(process.env['WEFT_SEED'] ?? 20_262);
const KILLS = Number(process.env['WEFT_KILLS'] ?? 6);
const PATIENCE = { timeout: 120_000 };
/** Of one kill, with the way back up: on a machine that does other things too. */
const KILL_MILLISECONDS = 60_000;
const unavailable = namespacesUnavailable();

describe.skipIf(unavailable !== undefined)(
  `under traffic, what is killed (WEFT_SEED=${SEED}, WEFT_KILLS=${KILLS})${unavailable ? ` (${unavailable})` : ''}`,
  () => {
    const agents = new TwoAgents('random');
    let controller: ControllerHarness;
    let crossed: () => Promise<Crossed>;

    beforeAll(async () => {
      await agents.prepare(ON_ROUTER);
      const { namespaces, names, directory, pki, left, right } = agents;
      for (const name of [names.left, names.right]) {
        // Each ESP packet is one on the wire, where its numbers can be seen.
        namespaces.ip(name, 'link set wan gso_max_segs 1');
      }
      crossed = await watchCrossings(namespaces, names.router, LEFT.underlay, ['10.1', '10.2']);
      controller = await ControllerHarness.prepare(namespaces, names.router, directory, pki);
      await controller.start();
      for (const agent of [left, right]) agent.preload = new URL('./support/mortal-threads.ts', import.meta.url);
      await Promise.all([left.run(/^edge ready$/), right.run(/^edge ready$/)]);
    });

    afterAll(() => agents.close());

    it('carried traffic', async () => {
      const { namespaces, names } = agents;
      await back();
      for (const [name, from, to] of [
        [names.left, LEFT_HOST, RIGHT_HOST],
        [names.right, RIGHT_HOST, LEFT_HOST],
      ] as const) {
        namespaces.start(name, 'ping', ['-q', '-i', '0.01', '-I', from, to]).stdout.resume();
      }
      const before = await crossed();
      expect(before).toMatchObject({ clear: 0, repeated: [] });
      expect(before.associations).toBeGreaterThanOrEqual(2);
    });

    it(
      'at random moments, an agent, its packet path or the controller: nothing in the clear, no IV twice, and all comes back',
      async () => {
        for (const kill of killsFrom(SEED, KILLS)) {
          if (kill.whenBack) await back();
          // The moment itself is what is drawn: nothing is waited for.
          await delay(kill.milliseconds);
          await carryOut(kill);
          expect(await crossed(), JSON.stringify(kill)).toMatchObject({ clear: 0, lost: 0, repeated: [] });
        }
        await back();
        const { esp, ...rest } = await crossed();
        expect(rest).toMatchObject({ clear: 0, lost: 0, repeated: [] });
        expect(esp).toBeGreaterThan(0);
        for (const edge of ['left', 'right'])
          await controller.hears((heard) => heard.said === 'hello' && heard.edge === edge);
      },
      KILL_MILLISECONDS * (KILLS + 2),
    );

    async function carryOut({ victim, side }: Kill): Promise<void> {
      const agent = agents[side];
      switch (victim) {
        case 'agent':
          await agent.end('SIGKILL');
          agent.start();
          return;
        case 'packet path':
          while (!(await agent.signal('SIGUSR2', /^packet path ready$/))) keepUp(agent);
          await agent.said(/^the packet path (ended|died)/);
          return;
        case 'controller':
          await controller.kill();
          await controller.start();
      }
    }

    /** Until a ping passes. An agent that has ended by itself, because its packet path cannot be brought back, is started again, as systemd does. */
    async function back(): Promise<void> {
      await expect
        .poll(() => {
          for (const agent of [agents.left, agents.right]) keepUp(agent);
          return agents.ping();
        }, PATIENCE)
        .toMatch(/1 received/);
    }

    function keepUp(agent: AgentProcess): void {
      if (!agent.running) agent.start();
    }
  },
);
