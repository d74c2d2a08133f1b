import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BlackHolePath, LEFT, RIGHT } from './support/black-hole-path.js';
import { Namespaces, namespacesUnavailable } from './support/namespaces.js';
import { transferBetween } from './support/transfer-between.js';

const HOLE = 1280;
const TRANSFER_OCTETS = 64 * 1024 * 1024;
/** On a machine that does other things too: the slowest of these waits for probes that are lost three times each. */
const PATIENCE = { timeout: 120_000, interval: 100 };

const unavailable = namespacesUnavailable();

describe.skipIf(unavailable !== undefined)(
  `a path that drops what is too large and says nothing${unavailable ? ` (${unavailable})` : ''}`,
  () => {
    const namespaces = new Namespaces('path-mtu');
    let path: BlackHolePath;
    let nextPort = 5001;

    beforeAll(() => {
      path = new BlackHolePath(namespaces);
    });

    beforeEach(() => path.forget());

    afterAll(() => namespaces.close());

    const forms = [
      ['ESP in UDP over IPv4', 'v4', 'esp-in-udp'],
      ['ESP in UDP over IPv6', 'v6', 'esp-in-udp'],
      ['ESP over IPv4', 'v4', 'esp'],
      ['ESP over IPv6', 'v6', 'esp'],
      ['AH over IPv4', 'v4', 'ah'],
      ['AH over IPv6', 'v6', 'ah'],
    ] as const;

    it.each(forms)('%s: everything passes that is sent, and nothing is sent that does not', async (_, family, form) => {
      path.setHole(HOLE);
      await path.connect(family, form);
      // It begins before anything is known of the path.
      await expectTransfer(LEFT.inner4, RIGHT.inner4);
      // ESP packets have lengths that are four apart. On a machine that is busy a probe may be late, and is asked for again.
      const found = { source: 'probe', pathMtu: expect.toSatisfy((mtu: number) => mtu <= HOLE && mtu > HOLE - 4) };
      for (const edge of [path.left, path.right])
        await expect.poll(() => path.pathOf(edge), PATIENCE).toMatchObject(found);

      const probes = await probesSent();
      resetHole();
      await expectTransfer(LEFT.inner4, RIGHT.inner4, TRANSFER_OCTETS / 4);
      await expectTransfer(LEFT.inner6, RIGHT.inner6, TRANSFER_OCTETS / 4);
      // Who must not fragment is told; otherwise what is too large for the path passes in pieces.
      await expect.poll(() => isToldWhatPasses(), PATIENCE).toBe(true);
      await expect.poll(() => ping(6, ['-M', 'do', '-s', '1300']), PATIENCE).toMatch(/mtu ?= ?1280\b|too big|too long/);
      await expect.poll(() => ping(4, ['-M', 'dont', '-s', '1380']), PATIENCE).toMatch(/ 3 received/);
      // Sources of IPv6 cut it themselves, once both have been told.
      await expect.poll(() => ping(6, ['-s', '1340']), PATIENCE).toMatch(/ 3 received/);
      // What the router has dropped since were probes, which look for more.
      const dropped = path.dropped();
      expect(dropped).toBeLessThanOrEqual((await probesSent()) - probes);
    });

    it.each([forms[0], forms[3], forms[4]])(
      '%s: a transfer goes on when the path shrinks under it',
      async (_, family, form) => {
        await path.connect(family, form);
        for (const edge of [path.left, path.right]) {
          await expect
            .poll(async () => (await edge.snapshot()).tunnels[0]?.pathMtuSearch, PATIENCE)
            .toBe('search_complete');
          await expect.poll(async () => (await path.pathOf(edge)).pathMtu, PATIENCE).toBeGreaterThan(1400);
        }
        const received = async () => Number((await path.left.snapshot()).tunnels[0]?.inboundBytes);
        const begun = await received();
        const holes = async () => Number((await path.right.snapshot()).tunnels[0]?.pathBlackHoles);
        const before = await holes();
        const transfer = expectTransfer(LEFT.inner4, RIGHT.inner4, 4 * TRANSFER_OCTETS);
        await expect.poll(received, { ...PATIENCE, interval: 5 }).toBeGreaterThan(begun + 1_000_000);
        path.setHole(HOLE);
        await transfer;
        expect(await holes()).toBeGreaterThan(before);
        await expect.poll(async () => (await path.pathOf(path.right)).pathMtu, PATIENCE).toBeLessThanOrEqual(HOLE);
      },
    );

    /** A host that may not fragment learns from the edge how large a packet may be. */
    async function isToldWhatPasses(): Promise<boolean> {
      namespaces.ip(path.names.left, 'route flush cache');
      const said = ping(4, ['-M', 'do', '-s', '1300']);
      return new RegExp(`mtu ?= ?${(await path.pathOf(path.left)).largestPacket}\\b`).test(said);
    }

    async function probesSent(): Promise<number> {
      const snapshots = await Promise.all([path.left.snapshot(), path.right.snapshot()]);
      return snapshots.reduce((sum, { tunnels }) => sum + Number(tunnels[0]?.pathProbes), 0);
    }

    /** Three of them; what it prints, whatever becomes of them. */
    function ping(family: 4 | 6, more: readonly string[]): string {
      const [from, to] = family === 4 ? [LEFT.inner4, RIGHT.inner4] : [LEFT.inner6, RIGHT.inner6];
      const args = ['-c', '3', '-i', '0.2', '-W', '5', ...more, '-I', from, to];
      try {
        return namespaces.run(path.names.left, 'sh', ['-c', `ping ${args.join(' ')} 2>&1`]);
      } catch (error) {
        return String(error instanceof Error && 'stdout' in error ? error.stdout : error);
      }
    }

    async function expectTransfer(local: string, address: string, octets = TRANSFER_OCTETS): Promise<void> {
      const server = { namespace: path.names.right, address };
      const client = { namespace: path.names.left, address: local };
      const { sent, received } = await transferBetween(namespaces, server, client, { port: nextPort++, octets });
      expect(received).toEqual(sent);
    }

    function resetHole(): void {
      namespaces.run(path.names.router, 'nft', ['reset counters table inet hole']);
      path.setHole(HOLE);
    }
  },
);
