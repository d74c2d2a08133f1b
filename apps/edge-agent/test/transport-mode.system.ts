import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EdgeHarness } from './support/edge-harness.js';
import { OUTSIDE, translate, translateNoMore } from './support/middle-nat.js';
import { buildMiddleNetwork, GATEWAYS } from './support/middle-network.js';
import { hasNft, Namespaces, namespacesUnavailable } from './support/namespaces.js';
import { TUNNEL } from './support/negotiated-bundle.js';
import { TestPki } from './support/test-pki.js';
import { transferBetween } from './support/transfer-between.js';
import {
  type Family,
  type Form,
  OVERLAY_MTU,
  transportBundle,
  tunnelModeBundle,
  withoutTunnel,
} from './support/transport-bundle.js';

// Two hosts protect what goes between their own addresses. What the middle forwards is counted there, and for a test changed.
//
//   192.0.2.1                              198.51.100.1
//   2001:db8:a::1                          2001:db8:b::1
//         [ left ] ------- [ middle ] ------- [ right ]
const LEFT = { id: '00000000-0000-4000-8000-000000000001', v4: '192.0.2.1', v6: '2001:db8:a::1' };
const RIGHT = { id: '00000000-0000-4000-8000-000000000002', v4: '198.51.100.1', v6: '2001:db8:b::1' };
const IP_AND_ICMP = { v4: 28, v6: 48 } as const;
const TRANSFER_OCTETS = 4 * 1024 * 1024;
const PINGS = 20;
const PATIENCE = { timeout: 30_000 };

const unavailable = namespacesUnavailable() ?? (hasNft() ? undefined : 'needs nft');

describe.skipIf(unavailable !== undefined)(`transport mode${unavailable ? ` (${unavailable})` : ''}`, () => {
  const namespaces = new Namespaces('transport');
  const directory = mkdtempSync(path.join(tmpdir(), 'weft-transport-'));
  let names: { left: string; middle: string; right: string };
  let left: EdgeHarness;
  let right: EdgeHarness;
  let pki: TestPki;
  let nextPort = 5001;

  beforeAll(async () => {
    names = buildMiddleNetwork(namespaces, { left: LEFT, right: RIGHT });
    pki = await TestPki.create();
    left = await start(names.left, LEFT.id);
    right = await start(names.right, RIGHT.id);
    nft(
      'add table inet watch',
      'add chain inet watch forward { type filter hook forward priority 10; }',
      ...COUNTERS.map((name) => `add counter inet watch of_${name}`),
      'add rule inet watch forward meta l4proto esp counter name of_esp accept',
      'add rule inet watch forward meta l4proto ah counter name of_ah accept',
      // Four zero octets are the marker of IKE; without them it is ESP in UDP (RFC 3948 section 2.2).
      'add rule inet watch forward udp dport 4500 @th,64,32 0 counter name of_ike accept',
      'add rule inet watch forward counter name of_other',
    );
  });

  afterAll(async () => {
    await namespaces.close();
    rmSync(directory, { recursive: true });
  });

  const forms = (['v4', 'v6'] as const).flatMap((family) =>
    (['esp', 'ah'] as const).map((form) => [form, family] as const),
  );

  it.each(forms)(
    'of %s protects what goes between two hosts over IP%s, up to the largest packets that fit, and nothing else crosses',
    async (form, family) => {
      await apply(family, form);
      await expectOnTheWire(family, form);
      reset();
      await expectTransfer(LEFT[family], RIGHT[family]);
      const { [form]: packets, ike: _, ...others } = counts();
      expect(packets).toBeGreaterThan(TRANSFER_OCTETS / 65_536);
      expect(others).toEqual({ [form === 'esp' ? 'ah' : 'esp']: 0, other: 0 });
      // Whoever is not the other host is reached as before.
      expect(received(ping(names.left, [...FEW_PINGS, GATEWAYS.left[family]]))).toBe(3);
    },
  );

  it.each(['v4', 'v6'] as const)('is rekeyed under traffic over IP%s, without loss', async (family) => {
    await apply(family, 'esp');
    await expectOnTheWire(family, 'esp');
    const before = await spis(left);
    const pinging = namespaces.start(names.left, 'ping', ['-c', '200', '-i', '0.02', '-W', '2', RIGHT[family]]);
    await left.rekey();
    await expect.poll(() => spis(left), PATIENCE).not.toEqual(before);
    expect(await text(pinging.stdout)).toMatch(/200 packets transmitted, 200 received/);
    await expectOnTheWire(family, 'esp');
  });

  it.each(['v4', 'v6'] as const)(
    'lets nothing cross in the clear over IP%s, before a policy allows it, and when an agent is killed',
    async (family) => {
      const both = () => [
        ping(names.left, [...FEW_PINGS, RIGHT[family]]),
        ping(names.right, [...FEW_PINGS, LEFT[family]]),
      ];
      await Promise.all([
        left.bundle({ ...transportBundle(LEFT, RIGHT, family, 'esp'), securityPolicies: [] }),
        right.bundle({ ...transportBundle(RIGHT, LEFT, family, 'esp'), securityPolicies: [] }),
      ]);
      reset();
      expect(both().map(received)).toEqual([0, 0]);
      expect(counts()).toMatchObject({ esp: 0, other: 0 });
      await apply(family, 'esp');
      await expectOnTheWire(family, 'esp');
      reset();
      await left.kill();
      expect(both().map(received)).toEqual([0, 0]);
      expect(counts()).toMatchObject({ other: 0 });
      left = await start(names.left, LEFT.id);
      await left.bundle(transportBundle(LEFT, RIGHT, family, 'esp'));
      await expectOnTheWire(family, 'esp');
    },
  );

  it('is not made up for by tunnel mode where one end has it alone: nothing crosses, and that end says why', async () => {
    await Promise.all([left.bundle(withoutTunnel(LEFT)), right.bundle(withoutTunnel(RIGHT))]);
    await expect.poll(() => spis(left), PATIENCE).toEqual([]);
    await Promise.all([
      left.bundle(transportBundle(LEFT, RIGHT, 'v4', 'esp')),
      right.bundle(tunnelModeBundle(RIGHT, LEFT)),
    ]);
    const said = async () => (await left.negotiations())[TUNNEL]?.failure ?? '';
    await expect.poll(said, PATIENCE).toMatch(/transport mode|NO_PROPOSAL_CHOSEN/);
    reset();
    expect(received(ping(names.left, [...FEW_PINGS, RIGHT.v4]))).toBe(0);
    expect(counts()).toMatchObject({ other: 0, esp: 0 });
    expect(await spis(left)).toEqual([]);
    await right.bundle(transportBundle(RIGHT, LEFT, 'v4', 'esp'));
    await expectOnTheWire('v4', 'esp');
  });

  it('has no way over a NAT: nothing passes, and both ends say why', async () => {
    await Promise.all([left.bundle(withoutTunnel(LEFT)), right.bundle(withoutTunnel(RIGHT))]);
    for (const edge of [left, right]) await expect.poll(() => spis(edge), PATIENCE).toEqual([]);
    translate(namespaces, names.middle, LEFT.v4);
    try {
      await Promise.all([
        left.bundle(transportBundle(LEFT, RIGHT, 'v4', 'esp')),
        right.bundle(transportBundle(RIGHT, { ...LEFT, v4: OUTSIDE }, 'v4', 'esp')),
      ]);
      for (const edge of [left, right]) {
        const said = async () => (await edge.negotiations())[TUNNEL]?.failure ?? '';
        await expect.poll(said, PATIENCE).toMatch(/a NAT is on the path/);
      }
      reset();
      expect(received(ping(names.left, [...FEW_PINGS, RIGHT.v4]))).toBe(0);
      expect(counts()).toMatchObject({ esp: 0, other: 0 });
    } finally {
      translateNoMore(namespaces, names.middle);
    }
    // Between two attempts it is forgotten.
    await expect
      .poll(
        async () => {
          await apply('v4', 'esp');
          const answered = received(ping(names.left, [...FIRST_ANSWER, RIGHT.v4])) > 0;
          if (!answered) await Promise.all([left.bundle(withoutTunnel(LEFT)), right.bundle(withoutTunnel(RIGHT))]);
          return answered;
        },
        { timeout: 60_000, interval: 3_000 },
      )
      .toBe(true);
    await expectOnTheWire('v4', 'esp');
  });

  async function start(namespace: string, edgeId: string): Promise<EdgeHarness> {
    const file = path.join(directory, `${edgeId}.json`);
    writeFileSync(file, JSON.stringify(await pki.storedIdentity('127.0.0.1:1', edgeId)), { mode: 0o600 });
    return new EdgeHarness(namespaces, namespace, 'weft0', 'auto', file);
  }

  async function apply(family: Family, form: Form): Promise<void> {
    await Promise.all([
      left.bundle(transportBundle(LEFT, RIGHT, family, form)),
      right.bundle(transportBundle(RIGHT, LEFT, family, form)),
    ]);
  }

  /** The largest packets cross, there and back, each as one packet of the protocol; beside them there is IKE at most. */
  async function expectOnTheWire(family: Family, form: Form): Promise<void> {
    const size = `${OVERLAY_MTU[form][family] - IP_AND_ICMP[family]}`;
    await expect
      .poll(() => {
        reset();
        const answered = received(ping(names.left, [...FULL_PINGS, '-s', size, RIGHT[family]]));
        const { ike: _, ...others } = counts();
        return { answered, ...others };
      }, PATIENCE)
      .toEqual({ answered: PINGS, esp: 0, ah: 0, other: 0, [form]: 2 * PINGS });
  }

  async function expectTransfer(local: string, address: string): Promise<void> {
    const server = { namespace: names.right, address };
    const client = { namespace: names.left, address: local };
    const size = { port: nextPort++, octets: TRANSFER_OCTETS };
    const { sent, received } = await transferBetween(namespaces, server, client, size);
    expect(received).toEqual(sent);
  }

  async function spis(edge: EdgeHarness): Promise<number[]> {
    return (await edge.snapshot()).associations.map(({ spi }) => spi).sort();
  }

  function ping(namespace: string, args: readonly string[]): string {
    try {
      return namespaces.run(namespace, 'ping', args);
    } catch (error) {
      return String((error as { stdout?: unknown }).stdout ?? error);
    }
  }

  function nft(...rules: readonly string[]): void {
    namespaces.run(names.middle, 'nft', [rules.join('; ')]);
  }

  function reset(): void {
    nft('reset counters table inet watch');
  }

  /** Packets that the middle has forwarded since the last reset. */
  function counts(): Record<(typeof COUNTERS)[number], number> {
    const listed = JSON.parse(
      namespaces.run(names.middle, 'nft', ['-j', 'list', 'counters', 'table', 'inet', 'watch']),
    ) as { nftables: { counter?: { name: string; packets: number } }[] };
    const entries = listed.nftables.flatMap(({ counter }) =>
      counter ? [[counter.name.replace('of_', ''), counter.packets] as const] : [],
    );
    return Object.fromEntries(entries) as Record<(typeof COUNTERS)[number], number>;
  }
});

const COUNTERS = ['esp', 'ah', 'ike', 'other'] as const;
const FULL_PINGS = ['-c', `${PINGS}`, '-i', '0.02', '-W', '2', '-M', 'do'];
/** At last after six seconds. */
const FIRST_ANSWER = ['-c', '1', '-i', '0.2', '-w', '6'];
const FEW_PINGS = ['-c', '3', '-i', '0.05', '-W', '1'];

function received(output: string): number {
  return Number(/ (\d+) received/.exec(output)?.[1] ?? 0);
}
