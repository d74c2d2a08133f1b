import type { Bundle } from '@weft/contracts/southbound';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { namespacesUnavailable } from './support/namespaces.js';
import { transferBetween } from './support/transfer-between.js';
import { LEFT_HOST, RIGHT_HOST, TwoAgents } from './support/two-agents.js';
import { negotiating, RIGHT } from './support/two-sites.js';

// The router drops one packet in twenty, in both directions; three of ten for the right edge go a slow way, and are overtaken.
//
//   [ left ] ---------- [ router ] ====fast, slow==== [ right ]
const PATIENCE = { timeout: 120_000 };
/** Some 1,600 packets, and half as many again that TCP sends twice: all that the tunnel carries fits into the replay window. */
const TRANSFER_OCTETS = 2 * 1024 * 1024;
const TRANSFER_MILLISECONDS = 240_000;
const PORT = 5001;
const unavailable = namespacesUnavailable();

describe.skipIf(unavailable !== undefined)(
  `a path that loses and reorders packets${unavailable ? ` (${unavailable})` : ''}`,
  () => {
    const agents = new TwoAgents('lossy');

    beforeAll(async () => {
      await agents.prepare(undefined, withWidestWindow);
      const { namespaces, names, left, right } = agents;
      // Each ESP packet is one on the wire, and lost or overtaken by itself.
      for (const name of [names.left, names.right]) namespaces.ip(name, 'link set wan gso_max_segs 1');
      namespaces.connect(names.router, 'slow', names.right, 'slow');
      namespaces.ip(names.router, `route add ${RIGHT.underlay} dev slow table 200`);
      namespaces.ip(names.router, 'rule add fwmark 1 lookup 200');
      await Promise.all([left.run(/^edge ready$/), right.run(/^edge ready$/)]);
    });

    afterAll(() => agents.close());

    it(
      'carries a transfer, octet for octet',
      async (context) => {
        const { namespaces, names } = agents;
        if (!shaped()) return context.skip('needs the queueing discipline tbf (sch_tbf)');
        await expect.poll(() => agents.ping(), PATIENCE).toMatch(/1 received/);
        const rules = [
          'add table inet lossy',
          'add counter inet lossy lost',
          'add counter inet lossy overtaken',
          'add chain inet lossy sort { type filter hook prerouting priority -150; }',
          `add rule inet lossy sort ip daddr ${RIGHT.underlay} numgen random mod 10 < 3 counter name overtaken meta mark set 1`,
          'add chain inet lossy lose { type filter hook forward priority 0; }',
          'add rule inet lossy lose numgen random mod 20 < 1 counter name lost drop',
        ];
        namespaces.run(names.router, 'nft', [rules.join('; ')]);
        const server = { namespace: names.left, address: LEFT_HOST };
        const client = { namespace: names.right, address: RIGHT_HOST };
        const size = { port: PORT, octets: TRANSFER_OCTETS };
        const { sent, received } = await transferBetween(namespaces, server, client, size);
        expect(received).toEqual(sent);
        expect(counted('lost')).toBeGreaterThan(0);
        expect(counted('overtaken')).toBeGreaterThan(0);
        // What was lost was not received twice, and what was overtaken is what was sent.
        const metrics = agents.right.command('metrics');
        expect(metrics.match(/^.*reason="(replayed|replay_late|integrity_failed)".*$/gm)).toBeNull();
      },
      TRANSFER_MILLISECONDS,
    );

    /** Whether the slow way is one: this kernel may not have what makes it. */
    function shaped(): boolean {
      try {
        const shape = [
          'qdisc',
          'add',
          'dev',
          'slow',
          'root',
          'tbf',
          'rate',
          '40mbit',
          'burst',
          '4kb',
          'latency',
          '50ms',
        ];
        agents.namespaces.run(agents.names.router, 'tc', shape);
        return true;
      } catch {
        return false;
      }
    }

    function counted(name: string): number {
      const listed = agents.namespaces.run(agents.names.router, 'nft', ['list', 'counter', 'inet', 'lossy', name]);
      return Number(/packets (\d+)/.exec(listed)?.[1] ?? Number.NaN);
    }
  },
);

/**
 * What comes later than the window is long is refused, and with extended sequence numbers as what is not authentic (RFC 4303 appendix
 * A2.2). What is under way does not bound how late a packet comes: TCP sends it a second time and goes on, while the first waits.
 */
function withWidestWindow(bundle: Bundle): Bundle {
  const { tunnels, ...rest } = negotiating(bundle);
  const widened = tunnels.map(({ profile, ...tunnel }) => ({
    ...tunnel,
    profile: profile && { ...profile, replayWindow: 4096 },
  }));
  return { ...rest, tunnels: widened };
}
