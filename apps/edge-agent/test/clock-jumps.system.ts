import { once } from 'node:events';
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importing } from './support/agent-process.js';
import { ControllerHarness, ON_ROUTER } from './support/controller-harness.js';
import { type Crossed, watchCrossings } from './support/crossing-watch.js';
import { typescript } from './support/edge-harness.js';
import { namespacesUnavailable } from './support/namespaces.js';
import { signBundle } from './support/test-bundle.js';
import { LEFT_HOST, RIGHT_HOST, TwoAgents } from './support/two-agents.js';
import { bundle, LEFT, LEFT_ID, negotiating, RIGHT, RIGHT_ID } from './support/two-sites.js';

const PATIENCE = { timeout: 120_000 };
const DAY = 86_400_000;
const YEAR = 365 * DAY;
/** The agent looks at its certificate twice a minute. */
const SEVERAL_LOOKS_MILLISECONDS = 400_000;
const CHILD_LIFETIME_SECONDS = 60;
const EXPIRED = /^the certificate of this edge has expired/;
const NOT_YET_VALID = /^the certificate of this edge is not valid yet/;
const VALID_AGAIN = /^the certificate of this edge is valid by the clock of this machine$/;
const unavailable = namespacesUnavailable();

describe.skipIf(unavailable !== undefined)(
  `an edge whose wall clock jumps${unavailable ? ` (${unavailable})` : ''}`,
  () => {
    const agents = new TwoAgents('clock');
    const { namespaces, directory } = agents;
    const clock = path.join(directory, 'clock');
    let controller: ControllerHarness;
    let names: TwoAgents['names'];
    let crossed: () => Promise<Crossed>;

    beforeAll(async () => {
      await agents.prepare(ON_ROUTER);
      const { left, right, pki } = agents;
      names = agents.names;
      process.env['WEFT_TEST_CLOCK'] = clock;
      jump(0);
      left.preload = SHIFTED_CLOCK;
      for (const name of [names.left, names.right]) {
        // Each ESP packet is one on the wire, where its numbers can be seen.
        namespaces.ip(name, 'link set wan gso_max_segs 1');
      }
      crossed = await watchCrossings(namespaces, names.router, LEFT.underlay, ['10.1', '10.2']);
      controller = await ControllerHarness.prepare(namespaces, names.router, directory, pki);
      await controller.start();
      await Promise.all([left.run(/^session established$/), right.run(/^session established$/)]);
    });

    afterAll(async () => {
      delete process.env['WEFT_TEST_CLOCK'];
      await agents.close();
    });

    it(
      'loses no packet, keeps every association and its session, and says what its certificate is by that clock',
      async () => {
        await expect.poll(() => agents.ping(), PATIENCE).toMatch(/1 received/);
        await settled();
        const before = associations();
        const lines = agents.left.log.length;
        const { associations: onTheWire } = await crossed();
        const traffic = bothWays();
        for (const [offset, line] of [
          [DAY, EXPIRED],
          [-YEAR, NOT_YET_VALID],
          [0, VALID_AGAIN],
        ] as const) {
          await says(line, () => jump(offset));
          expect(associations()).toEqual(before);
        }
        for (const pings of traffic) expect(await pings.lost()).toBe(0);
        expect(await crossed()).toMatchObject({ clear: 0, lost: 0, repeated: [], associations: onTheWire });
        const troubles = /session (ended|established)|negotiation failed|packet path ended/;
        expect(agents.left.log.slice(lines).filter(({ msg }) => troubles.test(msg))).toEqual([]);
        expect(agents.ping()).toMatch(/1 received/);
      },
      SEVERAL_LOOKS_MILLISECONDS,
    );

    it('dates what it tells of its negotiations by the clock as it is now', () => {
      for (const offset of [YEAR, 0]) {
        jump(offset);
        const { tunnels } = JSON.parse(agents.left.command('ike', '--json')) as {
          tunnels: { negotiations: { entries: { at: string }[] }[] }[];
        };
        const entries = tunnels.flatMap(({ negotiations }) => negotiations.flatMap((each) => each.entries));
        expect(entries.length).toBeGreaterThan(0);
        for (const { at } of entries) expect(Math.abs(Date.parse(at) - (Date.now() + offset))).toBeLessThan(DAY);
      }
    });

    it('captures for as long as it was asked to, when the clock is set back meanwhile', async () => {
      const file = path.join(directory, 'clear.pcapng');
      const program = [...importing(SHIFTED_CLOCK), ...typescript('../../src/main.ts')];
      const args = ['capture', '--write', file, '--seconds', '5'];
      const capture = namespaces.start(names.left, process.execPath, [...program, ...args]);
      const ended = once(capture, 'exit');
      capture.stdout.resume();
      await expect.poll(() => existsSync(file), PATIENCE).toBe(true);
      jump(-YEAR);
      expect(await ended).toEqual([0, null]);
      jump(0);
    });

    it('takes no peer that proves itself with what has expired by its clock, says so, and takes it when that is right', async () => {
      await says(EXPIRED, () => jump(YEAR));
      await agents.right.end('SIGKILL');
      await agents.right.run(/^edge ready$/);
      await refuses(/expired/);
      expect(agents.ping()).not.toMatch(/1 received/);
      jump(0);
      await expect.poll(() => agents.ping(), PATIENCE).toMatch(/1 received/);
      expect(await crossed()).toMatchObject({ clear: 0, lost: 0, repeated: [] });
    });

    it('starts with a clock that was never set, keeps traffic in, and has its tunnels as soon as that is right', async () => {
      const { left } = agents;
      await left.end('SIGTERM');
      jump(-YEAR);
      await left.run(/^edge ready$/);
      await left.said(NOT_YET_VALID);
      await refuses(/not_yet_valid/);
      expect(agents.ping()).not.toMatch(/1 received/);
      jump(0);
      await expect.poll(() => agents.ping(), PATIENCE).toMatch(/1 received/);
      expect(await crossed()).toMatchObject({ clear: 0, lost: 0, repeated: [] });
    });

    it(
      'replaces its associations when their time is over, and no sooner, whatever the clock says',
      async () => {
        await liveFor(CHILD_LIFETIME_SECONDS);
        await settled();
        const before = rekeys();
        const { associations: onTheWire } = await crossed();
        const begun = performance.now();
        const traffic = bothWays();
        jump(YEAR);
        await expect.poll(rekeys, { ...PATIENCE, interval: 2000 }).toBeGreaterThan(before);
        jump(0);
        for (const pings of traffic) expect(await pings.lost()).toBe(0);
        const lifetimes = (performance.now() - begun) / 1000 / CHILD_LIFETIME_SECONDS;
        // Both ends may begin, and each rekeying leaves one association in each direction.
        const atMost = onTheWire + 4 * Math.ceil(lifetimes + 1);
        const seen = await crossed();
        expect(seen).toMatchObject({ clear: 0, lost: 0, repeated: [] });
        expect(seen.associations).toBeLessThanOrEqual(atMost);
      },
      SEVERAL_LOOKS_MILLISECONDS,
    );

    /** Sets the clock of the left edge so far off. */
    function jump(milliseconds: number): void {
      writeFileSync(`${clock}.next`, String(milliseconds));
      renameSync(`${clock}.next`, clock);
    }

    /** Resolves when the left edge has said something because of what is done. */
    async function says(message: RegExp, cause: () => void): Promise<void> {
      const { left } = agents;
      const before = left.log.length;
      cause();
      const isSaid = () => left.log.slice(before).some(({ msg }) => message.test(msg));
      await expect.poll(() => isSaid() || !left.running, PATIENCE).toBe(true);
      expect(isSaid(), JSON.stringify(left.log.slice(-5))).toBe(true);
    }

    /** Resolves when the left edge has said that it takes no peer, and why. */
    async function refuses(why: RegExp): Promise<void> {
      const refusals = () =>
        agents.left.log.filter(({ msg, reason }) => msg === 'IKE negotiation failed' && why.test(String(reason)));
      await expect.poll(() => refusals().length, PATIENCE).toBeGreaterThan(0);
    }

    /** Resolves when one pair is left: there may be two when both ends have begun at once (RFC 7296 section 2.8.1). */
    async function settled(): Promise<void> {
      await expect.poll(associations, PATIENCE).toMatchObject([{ inboundSpis: [expect.any(Number)] }]);
    }

    function associations(): unknown {
      const tunnels = JSON.parse(agents.left.command('tunnels', '--json')) as Record<string, unknown>[];
      return tunnels.map(({ inboundSpis, outboundSpi }) => ({ inboundSpis, outboundSpi }));
    }

    function rekeys(): number {
      const { tunnels } = JSON.parse(agents.left.command('ike', '--json')) as { tunnels: { rekeys: string }[] };
      return Number(tunnels[0]?.rekeys);
    }

    /** Gives both a bundle with such lifetimes of Child SAs, and starts both anew with it. */
    async function liveFor(seconds: number): Promise<void> {
      for (const [edge, edgeId, content] of [
        ['left', LEFT_ID, negotiating(bundle(LEFT, RIGHT, RIGHT_ID))],
        ['right', RIGHT_ID, negotiating(bundle(RIGHT, LEFT, LEFT_ID))],
      ] as const) {
        for (const { ike } of content.tunnels) if (ike !== undefined) ike.childLifetimeSeconds = seconds;
        const before = controller.count;
        await agents[edge].said(/^session established$/);
        controller.push(edge, signBundle(agents.pki, content, { edgeId, generation: 11n }));
        expect(
          await controller.hears((heard) => heard.edge === edge && /^n?ack$/.test(heard.said), before),
        ).toMatchObject({
          said: 'ack',
        });
      }
      await Promise.all([agents.left.end('SIGTERM'), agents.right.end('SIGTERM')]);
      await Promise.all([agents.left.run(/^edge ready$/), agents.right.run(/^edge ready$/)]);
      await expect.poll(() => agents.ping(), PATIENCE).toMatch(/1 received/);
    }

    function bothWays(): { lost(): Promise<number> }[] {
      return [pings(names.left, LEFT_HOST, RIGHT_HOST), pings(names.right, RIGHT_HOST, LEFT_HOST)];
    }

    /** A ping every ten milliseconds, until `lost` is asked for: how many were not answered before the last that was. */
    function pings(name: string, from: string, to: string): { lost(): Promise<number> } {
      const child = namespaces.start(name, 'ping', ['-i', '0.01', '-I', from, to]);
      const output = text(child.stdout);
      return {
        lost: async () => {
          child.kill('SIGINT');
          const answered = new Set(
            [...(await output).matchAll(/icmp_seq=(\d+) ttl/g)].map(([, number]) => Number(number)),
          );
          expect(answered.size).toBeGreaterThan(0);
          return Math.max(...answered) - answered.size;
        },
      };
    }
  },
);

const SHIFTED_CLOCK = new URL('./support/shifted-clock.ts', import.meta.url);
