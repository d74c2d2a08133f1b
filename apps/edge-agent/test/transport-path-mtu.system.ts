import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EdgeHarness } from './support/edge-harness.js';
import { buildMiddleNetwork } from './support/middle-network.js';
import { hasNft, Namespaces, namespacesUnavailable } from './support/namespaces.js';
import { TestPki } from './support/test-pki.js';
import { transferBetween } from './support/transfer-between.js';
import { type Family, type Form, type Host, transportBundle, withoutTunnel } from './support/transport-bundle.js';

/** What the router between two hosts forwards at most, in octets; it tells nobody. */
const HOLE = 1280;
const TRANSFER_OCTETS = 16 * 1024 * 1024;
/** On a machine that does other things too: the slowest of these waits for probes that are lost three times each. */
const PATIENCE = { timeout: 120_000, interval: 100 };
const LEFT: Host = { id: '00000000-0000-4000-8000-000000000001', v4: '192.0.2.1', v6: '2001:db8:a::1' };
const RIGHT: Host = { id: '00000000-0000-4000-8000-000000000002', v4: '198.51.100.1', v6: '2001:db8:b::1' };

const unavailable = namespacesUnavailable() ?? (hasNft() ? undefined : 'needs nft');

describe.skipIf(unavailable !== undefined)(
  `transport mode over a path that drops what is too large and says nothing${unavailable ? ` (${unavailable})` : ''}`,
  () => {
    const namespaces = new Namespaces('transport-mtu');
    const directory = mkdtempSync(path.join(tmpdir(), 'weft-transport-mtu-'));
    let names: { left: string; middle: string; right: string };
    let left: EdgeHarness;
    let right: EdgeHarness;
    let nextPort = 5001;

    beforeAll(async () => {
      names = buildMiddleNetwork(namespaces, { left: LEFT, right: RIGHT });
      const pki = await TestPki.create();
      const start = async (namespace: string, { id }: Host) => {
        const file = path.join(directory, `${id}.json`);
        writeFileSync(file, JSON.stringify(await pki.storedIdentity('127.0.0.1:1', id)), { mode: 0o600 });
        return new EdgeHarness(namespaces, namespace, 'weft0', 'auto', file, { pathProbing: true });
      };
      [left, right] = [await start(names.left, LEFT), await start(names.right, RIGHT)];
      const chain = 'add table inet hole; add chain inet hole f { type filter hook forward priority 0; }';
      namespaces.run(names.middle, 'nft', [`${chain}; add rule inet hole f meta length > ${HOLE} counter drop`]);
    });

    afterAll(async () => {
      await namespaces.close();
      rmSync(directory, { recursive: true });
    });

    it.each([
      ['esp', 'v4'],
      ['esp', 'v6'],
      ['ah', 'v4'],
      ['ah', 'v6'],
    ] as const)('%s over IP%s finds what passes, in both directions, and a transfer does', async (form, family) => {
      await Promise.all([left.bundle(withoutTunnel(LEFT)), right.bundle(withoutTunnel(RIGHT))]);
      for (const edge of [left, right])
        await expect.poll(async () => (await edge.snapshot()).associations, PATIENCE).toEqual([]);
      await apply(family, form);
      // It begins before anything is known of the path.
      const { sent, received } = await transferBetween(
        namespaces,
        { namespace: names.right, address: RIGHT[family] },
        { namespace: names.left, address: LEFT[family] },
        { port: nextPort++, octets: TRANSFER_OCTETS },
      );
      expect(received).toEqual(sent);
      // ESP packets have lengths that are four apart.
      const found = { source: 'probe', pathMtu: expect.toSatisfy((mtu: number) => mtu <= HOLE && mtu > HOLE - 4) };
      for (const edge of [left, right]) await expect.poll(() => pathOf(edge), PATIENCE).toMatchObject(found);
    });

    async function apply(family: Family, form: Form): Promise<void> {
      await Promise.all([
        left.bundle(transportBundle(LEFT, RIGHT, family, form)),
        right.bundle(transportBundle(RIGHT, LEFT, family, form)),
      ]);
      for (const edge of [left, right])
        await expect.poll(async () => (await edge.snapshot()).associations.length, PATIENCE).toBeGreaterThan(1);
    }

    /** What an edge has found of the path to the other. */
    async function pathOf(edge: EdgeHarness) {
      const { associations } = await edge.snapshot();
      return associations.find(({ direction, path }) => direction === 'outbound' && path !== undefined)?.path;
    }
  },
);
