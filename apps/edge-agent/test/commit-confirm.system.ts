import { EdgeEventKind } from '@weft/contracts/southbound';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ControllerHarness, type Heard, ON_ROUTER } from './support/controller-harness.js';
import { namespacesUnavailable } from './support/namespaces.js';
import { signBundle } from './support/test-bundle.js';
import { TwoAgents } from './support/two-agents.js';
import { bundle, LEFT, LEFT_ID, MTU, negotiating, RIGHT, RIGHT_ID } from './support/two-sites.js';

const PATIENCE = { timeout: 120_000 };
const OTHER_MTU = MTU - 100;
/** The least that the agent takes: sessions need some seconds to come back. */
const CONFIRM_SECONDS = 30;
const unavailable = namespacesUnavailable();

describe.skipIf(unavailable !== undefined)(
  `a bundle with which the controller is out of reach${unavailable ? ` (${unavailable})` : ''}`,
  () => {
    const agents = new TwoAgents('confirm');
    let controller: ControllerHarness;
    /** What the left edge runs at first. */
    let first: string;

    beforeAll(async () => {
      await agents.prepare(ON_ROUTER);
      const { namespaces, names, directory, pki, left, right } = agents;
      controller = await ControllerHarness.prepare(namespaces, names.router, directory, pki);
      await controller.start();
      await Promise.all([
        left.run(/^edge ready$/, ['--confirm-seconds', String(CONFIRM_SECONDS)]),
        right.run(/^edge ready$/),
      ]);
      first = String((await ofLeft('hello'))['running']);
    });

    afterAll(() => agents.close());

    it('is in force, then taken back after the configured time, without the controller', async () => {
      await expect.poll(() => agents.ping(), PATIENCE).toMatch(/1 received/);
      push(11n, true);
      const { running } = await ofLeft('ack');
      expect(running).not.toBe(first);
      expect(mtu()).toBe(OTHER_MTU);
      await expect.poll(() => agents.ping(), PATIENCE).toMatch(/1 received/);
      const line = await agents.left.said(
        /has cut this edge off from its controller: the one before is in force again/,
      );
      expect(running).toContain(line['cutOff']);
      expect(mtu()).toBe(MTU);
      await expect.poll(() => agents.ping(), PATIENCE).toMatch(/1 received/);
    });

    it('is told of as soon as the controller is there again, and refused once', async () => {
      await controller.kill();
      await controller.start();
      expect((await ofLeft('hello'))['running']).toBe(first);
      const takenBack = (heard: Heard) =>
        heard.edge === 'left' &&
        heard.said === 'event' &&
        heard['kind'] === EdgeEventKind.EDGE_EVENT_KIND_BUNDLE_TAKEN_BACK;
      expect(await controller.hears(takenBack)).toMatchObject({ cause: 'cut_off' });
      push(11n);
      const reason = expect.stringContaining(`did not reach its controller for ${CONFIRM_SECONDS} seconds`);
      expect(await ofLeft('nack')).toMatchObject({ rule: 'cut_off', reason });
      expect(mtu()).toBe(MTU);
    });

    it('stays when it comes again and the controller is reached with it', async () => {
      push(11n);
      await ofLeft('ack');
      await agents.left.said(/the controller is reached with the new bundle: it stays/);
      expect(mtu()).toBe(OTHER_MTU);
      await expect.poll(() => agents.ping(), PATIENCE).toMatch(/1 received/);
    });

    function push(generation: bigint, cutsOff = false): void {
      const content = { ...negotiating(bundle(LEFT, RIGHT, RIGHT_ID)), device: { mtu: OTHER_MTU } };
      controller.push('left', signBundle(agents.pki, content, { edgeId: LEFT_ID, generation }), cutsOff);
    }

    /** The first of its kind since the controller's start. */
    function ofLeft(said: string): Promise<Heard> {
      return controller.hears((heard) => heard.said === said && heard.edge === 'left');
    }

    function mtu(): number {
      const [, octets] = /mtu (\d+)/.exec(agents.namespaces.ip(agents.names.left, 'link show dev weft0')) ?? [];
      return Number(octets);
    }
  },
);
