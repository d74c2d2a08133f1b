import { setTimeout as delay } from 'node:timers/promises';
import { answerOf, CONTROLLER_PROCESS, flowsOf, type Lab, startLab, waitUntil } from '@weft/lab';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ControllerKill, controllerKillsFrom } from './support/controller-kills.js';
import { EndlessPings } from './support/endless-pings.js';
import { IvWatch } from './support/iv-watch.js';
import { publishRules } from './support/policy.js';
import { whyNoLab } from './support/why-no-lab.js';

/** The same moments with the same seed; WEFT_SEED asks for others, WEFT_KILLS for more. */
const SEED = Number(process.env['WEFT_SEED'] ?? 20_262);
const KILLS = Number(process.env['WEFT_KILLS'] ?? 4);
/** Of one kill, with the way back up: on a machine that does other things too. */
const KILL_MILLISECONDS = 120_000;
const reason = whyNoLab();

beforeEach((context) => context.skip(reason !== undefined, reason));

describe.each(['ikev2', 'ike-less', 'controller-blind'] as const)(
  `the controller itself is killed, keys: %s (WEFT_SEED=${SEED}, WEFT_KILLS=${KILLS})`,
  (keying) => {
    let lab: Lab;
    let ivs: IvWatch;

    beforeAll(async () => {
      if (reason !== undefined) return;
      lab = await startLab({ port: 0, keying });
      ivs = await IvWatch.start(lab);
    });

    afterAll(async () => {
      await lab?.close();
    });

    it(
      'at random moments: no packet lost, nothing in the clear, no IV twice, and every rollout ends',
      async () => {
        for (const kill of controllerKillsFrom(SEED, KILLS)) {
          const pings = await EndlessPings.start(lab, flowsOf(lab.topology));
          await survive(kill);
          const lost = (await pings.stop()).filter((flow) => flow.lost.length > 0);
          expect(lost, JSON.stringify(kill)).toEqual([]);
        }
        expect(await lab.captureCounts()).toMatchObject({ cleartextPackets: 0, droppedByKernel: 0 });
        const seen = await ivs.stop();
        expect(seen).toMatchObject({ repeated: [], lost: 0 });
        expect(seen.associations).toBeGreaterThanOrEqual(2 * (await lab.api.tunnels()).length);
      },
      KILL_MILLISECONDS * KILLS,
    );

    async function survive(kill: ControllerKill): Promise<void> {
      try {
        await carryOut(kill);
        await lab.waitForFabric();
        await everyRolloutHasEnded();
      } catch (error) {
        throw await lab.failure(`Back after ${JSON.stringify(kill)}`, error);
      }
    }

    /** The moment itself is what is drawn: nothing is waited for. */
    async function carryOut({ during, milliseconds }: ControllerKill): Promise<void> {
      const publishing = during === 'publishing' ? Promise.allSettled([publishAnything()]) : undefined;
      if (during === 'starting' || during === 'returning') await lab.stop(CONTROLLER_PROCESS, 'SIGKILL');
      const starting = during === 'starting' ? Promise.allSettled([lab.startController()]) : undefined;
      if (during === 'returning') await lab.startController();
      await delay(milliseconds);
      await lab.stop(CONTROLLER_PROCESS, 'SIGKILL');
      await Promise.all([publishing, starting]);
      await lab.startController();
    }

    /** Something that changes what every edge has, and nothing that the pings need. */
    async function publishAnything(): Promise<void> {
      const siteId = [...lab.fabric.siteIds.values()];
      const sites = siteId.map((id) => ({ kind: 'site' as const, siteId: id }));
      await publishRules(lab, 'Telnet, or not', (rules) => {
        const others = rules.filter(({ name }) => name !== 'no-telnet');
        if (others.length < rules.length) return others;
        const services = [{ protocol: 'tcp' as const, ports: [{ first: 23, last: 23 }] }];
        const rule = { name: 'no-telnet', action: 'DISCARD' as const, sources: sites, destinations: sites, services };
        return [rule, ...others];
      });
    }

    async function everyRolloutHasEnded(): Promise<void> {
      const { client, tenantId } = lab.api;
      const path = { tenantId };
      const list = answerOf(
        await client.GET('/api/v1/tenants/{tenantId}/revisions', { params: { path } }),
        'List the revisions',
      );
      for (const { number } of list.items) {
        await waitUntil(`Revision ${number} is in force or replaced`, ROLLOUT_MILLISECONDS, async () => {
          const detail = answerOf(
            await client.GET('/api/v1/tenants/{tenantId}/revisions/{number}', {
              params: { path: { tenantId, number } },
            }),
            'Read the revision',
          );
          const open = detail.edges.filter(({ state }) => state !== 'applied' && state !== 'superseded');
          return open.length === 0 ? { value: undefined } : { problem: JSON.stringify(open) };
        });
      }
    }
  },
);

const ROLLOUT_MILLISECONDS = 60_000;
