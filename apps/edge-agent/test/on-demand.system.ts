import type { Bundle } from '@weft/contracts/southbound';
import { TunnelStart } from '@weft/contracts/southbound';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentProcess } from './support/agent-process.js';
import { type Crossed, watchCrossings } from './support/crossing-watch.js';
import { namespacesUnavailable } from './support/namespaces.js';
import { LEFT_HOST, RIGHT_HOST, TwoAgents } from './support/two-agents.js';
import { LEFT, negotiating } from './support/two-sites.js';

const PATIENCE = { timeout: 90_000 };
const IDLE_SECONDS = 10;
const unavailable = namespacesUnavailable();

describe.skipIf(unavailable !== undefined)(
  `a tunnel that is there when there is traffic for it${unavailable ? ` (${unavailable})` : ''}`,
  () => {
    const agents = new TwoAgents('trap');
    const { namespaces } = agents;
    let left: AgentProcess;
    let right: AgentProcess;
    /** Packets with overlay addresses that crossed the underlay in the clear, and ESP packets, since the last call. */
    let crossed: () => Promise<Crossed>;

    beforeAll(async () => {
      await agents.prepare(undefined, trapped);
      ({ left, right } = agents);
      crossed = await watchCrossings(namespaces, agents.names.router, LEFT.underlay, ['10.1', '10.2']);
      await Promise.all([left.run(/^edge ready$/), right.run(/^edge ready$/)]);
    });

    afterAll(() => agents.close());

    it('is not negotiated by its bundle', () => {
      expect(left.log.concat(right.log).filter(({ msg }) => msg === 'IKE SA established')).toEqual([]);
      expect([left, right].map((agent) => agent.command('tunnels'))).toEqual([
        expect.stringContaining('waits for traffic'),
        expect.stringContaining('waits for traffic'),
      ]);
    });

    it('is negotiated for the first packet, which is dropped like all until it is up, and carries the next', async () => {
      expect(pings(20)).toMatch(/[1-9][0-9]* received/);
      await left.said(/^IKE SA established$/);
      expect(left.command('tunnels')).not.toContain('waits for traffic');
      const seen = await crossed();
      expect(seen.clear).toBe(0);
      expect(seen.esp).toBeGreaterThan(0);
    });

    it('ends at both ends when nothing passes for long enough, and comes back with traffic from the other one', async () => {
      const ends = /^nothing passes: the tunnel ends until there is traffic for it$/;
      await Promise.race([left.said(ends), right.said(ends)]);
      for (const agent of [left, right]) {
        await expect.poll(() => agent.command('tunnels'), PATIENCE).toContain('waits for traffic');
      }
      expect(pings(20, 'right')).toMatch(/[1-9][0-9]* received/);
      expect(await crossed()).toMatchObject({ clear: 0 });
    });

    it('is there again with traffic after both agents have started anew, without a controller', async () => {
      await Promise.all([left.end('SIGKILL'), right.end('SIGKILL')]);
      expect(pings(2)).toMatch(/ 0 received|Destination|unreachable|prohibited/);
      await Promise.all([left.run(/^edge ready$/), right.run(/^edge ready$/)]);
      expect(left.command('tunnels')).toContain('waits for traffic');
      expect(pings(20)).toMatch(/[1-9][0-9]* received/);
      expect(await crossed()).toMatchObject({ clear: 0 });
    });

    /** Until one is answered, or so many seconds are over. */
    function pings(seconds: number, from: 'left' | 'right' = 'left'): string {
      const [own, other] = from === 'left' ? [LEFT_HOST, RIGHT_HOST] : [RIGHT_HOST, LEFT_HOST];
      const words = ['-i', '0.5', '-c', '1', '-w', String(seconds), '-I', own, other];
      try {
        return namespaces.run(agents.names[from], 'ping', words);
      } catch (error) {
        const { stdout, stderr } = error as { stdout?: string; stderr?: string };
        return `${stdout ?? ''}${stderr ?? ''}${String(error)}`;
      }
    }
  },
);

function trapped(content: Bundle): Bundle {
  const bundle = negotiating(content);
  const start = { start: TunnelStart.TUNNEL_START_TRAP, idleSeconds: IDLE_SECONDS };
  return {
    ...bundle,
    tunnels: bundle.tunnels.map((tunnel) =>
      tunnel.ike === undefined ? tunnel : { ...tunnel, ike: { ...tunnel.ike, ...start } },
    ),
  };
}
