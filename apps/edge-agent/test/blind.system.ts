import { rmSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TunnelKeyStore } from '../src/blind/tunnel-key-store.js';
import { StateDirectory } from '../src/platform/state-directory.js';
import { defaultStateKeyFile, StateKey } from '../src/platform/state-key.js';
import type { AgentStatus } from '../src/status/agent-status.js';
import type { AgentProcess } from './support/agent-process.js';
import { ControllerHarness, ON_ROUTER } from './support/controller-harness.js';
import { typescript } from './support/edge-harness.js';
import { namespacesUnavailable } from './support/namespaces.js';
import { LEFT_HOST, RIGHT_HOST, TwoAgents } from './support/two-agents.js';
import { RIGHT, relaying, TUNNEL } from './support/two-sites.js';

const PATIENCE = { timeout: 90_000 };
const unavailable = namespacesUnavailable();

describe.skipIf(unavailable !== undefined)(
  `edges whose controller relays their key shares and knows no key${unavailable ? ` (${unavailable})` : ''}`,
  () => {
    const agents = new TwoAgents('blind');
    let controller: ControllerHarness;
    let seen: () => Promise<Seen>;

    beforeAll(async () => {
      await agents.prepare(ON_ROUTER, relaying);
      controller = await ControllerHarness.prepare(
        agents.namespaces,
        agents.names.router,
        agents.directory,
        agents.pki,
      );
      seen = await watch();
      await controller.start();
      await Promise.all([agents.left.run(/^edge ready$/), agents.right.run(/^edge ready$/)]);
    });

    afterAll(() => agents.close());

    it('agree on keys and carry traffic, come back without it when both are killed, and show it no key', async () => {
      await expect.poll(() => agents.ping(), PATIENCE).toMatch(/1 received/);
      const [spi, key] = await nextOf(agents.left);
      const traffic = [
        [agents.names.left, LEFT_HOST, RIGHT_HOST],
        [agents.names.right, RIGHT_HOST, LEFT_HOST],
      ].map(([name = '', from = '', to = '']) => {
        const pings = agents.namespaces.start(name, 'ping', ['-q', '-i', '0.01', '-I', from, to]);
        pings.stdout.resume();
        return pings;
      });
      const shares = controller.shares;
      await controller.kill();
      for (let times = 0; times < 2; times++) {
        await Promise.all([agents.left.end('SIGKILL'), agents.right.end('SIGKILL')]);
        await Promise.all([agents.left.run(/^edge ready$/), agents.right.run(/^edge ready$/)]);
        await expect.poll(() => agents.ping(), PATIENCE).toMatch(/1 received/);
      }
      for (const pings of traffic) pings.kill('SIGTERM');
      expect(status(agents.left)).toMatchObject({
        connected: false,
        tunnels: [{ keyShares: { root: 1, alarm: null } }],
      });
      const { clear, lost, repeated, associations, spis } = await seen();
      expect({ clear, lost, repeated }).toEqual({ clear: 0, lost: 0, repeated: [] });
      expect(associations).toBeGreaterThanOrEqual(6);
      // What was read in its state is what it sent with after that.
      expect(spis).toContain(spi);
      expect(shares.length).toBeGreaterThanOrEqual(3);
      for (const share of shares) {
        for (const part of [key, key.subarray(0, 16), key.subarray(16, 32)]) expect(share.includes(part)).toBe(false);
      }
    }, 300_000);

    it('refuse what it alters, by name, and agree when it does not', async () => {
      await agents.left.end('SIGKILL');
      rmSync(path.join(agents.left.stateDir, `tunnel-${TUNNEL}.sealed`));
      await controller.start();
      controller.alters('left', true);
      await agents.left.run(/^edge ready$/);
      await expect
        .poll(() => status(agents.right).tunnels[0]?.keyShares?.refusal?.code, PATIENCE)
        .toBe('not_authentic');
      expect(agents.right.command('status')).toMatch(/the key share is not the peer's/i);
      expect(status(agents.left).tunnels[0]?.keyShares?.root).toBeNull();
      expect(agents.ping()).not.toMatch(/1 received/);
      controller.alters('left', false);
      await expect.poll(() => agents.ping(), PATIENCE).toMatch(/1 received/);
      const { clear, repeated } = await seen();
      expect({ clear, repeated }).toEqual({ clear: 0, repeated: [] });
    }, 300_000);

    function status(agent: AgentProcess): AgentStatus {
      return JSON.parse(agent.command('status', '--json')) as AgentStatus;
    }

    /** SPI and keying material of what an agent sends with after its next start, as its state directory has it. */
    async function nextOf({ stateDir }: AgentProcess): Promise<readonly [number, Buffer]> {
      const store = new TunnelKeyStore(
        await StateDirectory.open(stateDir),
        await StateKey.open(defaultStateKeyFile(stateDir)),
      );
      const root = (await store.load(TUNNEL))?.state.roots.at(-1);
      // After a start it sends on no lower number than it receives on, which it has never received on.
      root?.outbound.advanceTo(Math.max(root.outbound.position, root.inbound.neverInstalled.position));
      const next = root?.outbound.take(KEYMAT_OCTETS);
      if (next === undefined) throw new Error('the agent has stored no keys');
      return [next.spi, next.keyingMaterial.reveal((octets) => Buffer.from(octets))];
    }

    /** Looks at everything that arrives at the router from now on. */
    async function watch(): Promise<typeof seen> {
      const program = [...typescript('./capture-process.ts'), RIGHT.underlay, '10.1', '10.2'];
      const child = agents.namespaces.start(agents.names.router, process.execPath, program);
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      await lines.next();
      return async () => {
        child.stdin.write('report\n');
        return JSON.parse((await lines.next()).value as string) as Seen;
      };
    }
  },
);

interface Seen {
  readonly clear: number;
  readonly lost: number;
  readonly associations: number;
  readonly repeated: readonly string[];
  /** Of all that went to the right. */
  readonly spis: readonly number[];
}

/** AES-256 and its salt (RFC 4106 section 8.1). */
const KEYMAT_OCTETS = 36;
