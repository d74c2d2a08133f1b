import { createInterface } from 'node:readline';
import { type Bundle, EncryptionAlgorithm, KeyingMode, SecurityPolicyAction } from '@weft/contracts/southbound';
import { parsePrefix } from '@weft/ipsec-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EdgeHarness, typescript } from './support/edge-harness.js';
import { Namespaces, namespacesUnavailable } from './support/namespaces.js';

// The router drops what has more than 1,280 octets, when a test says so, and tells nobody.
//
//   10.1.0.1       192.0.2.1                               198.51.100.1     10.2.0.1
//   2001:db8:1::1  2001:db8:a::1                           2001:db8:b::1    2001:db8:2::1
//         [ left ] ---------------- [ router ] ----------------- [ right ]
const LEFT = { v4: '192.0.2.1', v6: '2001:db8:a::1', inner4: '10.1.0.1', inner6: '2001:db8:1::1' };
const RIGHT = { v4: '198.51.100.1', v6: '2001:db8:b::1', inner4: '10.2.0.1', inner6: '2001:db8:2::1' };
type Site = typeof LEFT;
type Family = 'v4' | 'v6';
const TUNNEL = '00000000-0000-4000-8000-00000000000a';
const HOLE = 1280;
const TRANSFER_OCTETS = 64 * 1024 * 1024;
/** On a machine that does other things too: the slowest of these waits for probes that are lost three times each. */
const PATIENCE = { timeout: 120_000, interval: 100 };

const unavailable = namespacesUnavailable();

describe.skipIf(unavailable !== undefined)(
  `a path that drops what is too large and says nothing${unavailable ? ` (${unavailable})` : ''}`,
  () => {
    const namespaces = new Namespaces('path-mtu');
    let names: { left: string; router: string; right: string };
    let left: EdgeHarness;
    let right: EdgeHarness;
    let nextSpi = 0x1000;
    let nextPort = 5001;

    beforeAll(() => {
      names = buildNetwork(namespaces);
      left = new EdgeHarness(namespaces, names.left, 'weft0', 'auto', undefined, { pathProbing: true });
      // What its peer says comes to any of its workers, and the one that sends in the tunnel asks.
      right = new EdgeHarness(namespaces, names.right, 'weft0', 'auto', undefined, { pathProbing: true, workers: 2 });
    });

    beforeEach(async () => {
      // A tunnel that is gone takes its associations along.
      await Promise.all([left.bundle(noTunnel(LEFT)), right.bundle(noTunnel(RIGHT))]);
      setHole(undefined);
      for (const name of [names.left, names.right]) {
        namespaces.ip(name, 'route flush cache');
        namespaces.ip(name, '-6 route flush cache');
      }
    });

    afterAll(() => namespaces.close());

    const forms = [
      ['ESP in UDP over IPv4', 'v4', true],
      ['ESP in UDP over IPv6', 'v6', true],
      ['ESP over IPv4', 'v4', false],
      ['ESP over IPv6', 'v6', false],
    ] as const;

    it.each(forms)('%s: everything passes that is sent, and nothing is sent that does not', async (_, family, udp) => {
      setHole(HOLE);
      await connect(family, udp);
      // It begins before anything is known of the path.
      await expectTransfer(LEFT.inner4, RIGHT.inner4);
      // ESP packets have lengths that are four apart. On a machine that is busy a probe may be late, and is asked for again.
      const found = { source: 'probe', pathMtu: expect.toSatisfy((mtu: number) => mtu <= HOLE && mtu > HOLE - 4) };
      for (const edge of [left, right]) await expect.poll(() => pathOf(edge), PATIENCE).toMatchObject(found);

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
      const dropped = droppedByHole();
      expect(dropped).toBeLessThanOrEqual((await probesSent()) - probes);
    });

    it.each([forms[0], forms[3]])('%s: a transfer goes on when the path shrinks under it', async (_, family, udp) => {
      await connect(family, udp);
      for (const edge of [left, right]) {
        await expect
          .poll(async () => (await edge.snapshot()).tunnels[0]?.pathMtuSearch, PATIENCE)
          .toBe('search_complete');
        await expect.poll(async () => (await pathOf(edge)).pathMtu, PATIENCE).toBeGreaterThan(1400);
      }
      const received = async () => Number((await left.snapshot()).tunnels[0]?.inboundBytes);
      const begun = await received();
      const holes = async () => Number((await right.snapshot()).tunnels[0]?.pathBlackHoles);
      const before = await holes();
      const transfer = expectTransfer(LEFT.inner4, RIGHT.inner4, 4 * TRANSFER_OCTETS);
      await expect.poll(received, { ...PATIENCE, interval: 5 }).toBeGreaterThan(begun + 1_000_000);
      setHole(HOLE);
      await transfer;
      expect(await holes()).toBeGreaterThan(before);
      await expect.poll(async () => (await pathOf(right)).pathMtu, PATIENCE).toBeLessThanOrEqual(HOLE);
    });

    async function connect(family: Family, udp: boolean): Promise<void> {
      await Promise.all([
        left.bundle(tunnelBundle(LEFT, RIGHT, family)),
        right.bundle(tunnelBundle(RIGHT, LEFT, family)),
      ]);
      const [toLeft, toRight] = [nextSpi++, nextSpi++];
      const of = (direction: 'inbound' | 'outbound', spi: number, local: Site, remote: Site) => [
        association(direction, spi, family, udp, local, remote),
      ];
      await Promise.all([
        left.associations(of('inbound', toLeft, RIGHT, LEFT)),
        right.associations(of('inbound', toRight, LEFT, RIGHT)),
      ]);
      await Promise.all([
        left.associations(of('outbound', toRight, LEFT, RIGHT)),
        right.associations(of('outbound', toLeft, RIGHT, LEFT)),
      ]);
    }

    async function pathOf(edge: EdgeHarness) {
      const { associations } = await edge.snapshot();
      return (
        associations.find(({ direction }) => direction === 'outbound')?.path ?? {
          pathMtu: 0,
          source: '',
          largestPacket: 0,
        }
      );
    }

    /** A host that may not fragment learns from the edge how large a packet may be. */
    async function isToldWhatPasses(): Promise<boolean> {
      namespaces.ip(names.left, 'route flush cache');
      const said = ping(4, ['-M', 'do', '-s', '1300']);
      return new RegExp(`mtu ?= ?${(await pathOf(left)).largestPacket}\\b`).test(said);
    }

    async function probesSent(): Promise<number> {
      const snapshots = await Promise.all([left.snapshot(), right.snapshot()]);
      return snapshots.reduce((sum, { tunnels }) => sum + Number(tunnels[0]?.pathProbes), 0);
    }

    /** Three of them; what it prints, whatever becomes of them. */
    function ping(family: 4 | 6, more: readonly string[]): string {
      const [from, to] = family === 4 ? [LEFT.inner4, RIGHT.inner4] : [LEFT.inner6, RIGHT.inner6];
      const args = ['-c', '3', '-i', '0.2', '-W', '5', ...more, '-I', from, to];
      try {
        return namespaces.run(names.left, 'sh', ['-c', `ping ${args.join(' ')} 2>&1`]);
      } catch (error) {
        return String(error instanceof Error && 'stdout' in error ? error.stdout : error);
      }
    }

    async function expectTransfer(local: string, address: string, length = TRANSFER_OCTETS): Promise<void> {
      const port = String(nextPort++);
      const serve = [...typescript('./transfer.ts'), 'serve', address, port, String(length)];
      const serving = namespaces.start(names.right, process.execPath, serve);
      const lines = createInterface({ input: serving.stdout })[Symbol.asyncIterator]();
      expect((await lines.next()).value).toBe('ready');
      const fetch = [...typescript('./transfer.ts'), 'fetch', local, address, port];
      const fetching = namespaces.start(names.left, process.execPath, fetch);
      let said = '';
      for await (const piece of fetching.stdout) said += String(piece);
      const { sha256, octets } = JSON.parse(said) as { sha256: string; octets: number };
      const sent = JSON.parse((await lines.next()).value as string) as { sha256: string };
      expect({ sha256, octets }).toEqual({ sha256: sent.sha256, octets: length });
    }

    function setHole(octets: number | undefined): void {
      namespaces.run(names.router, 'nft', ['flush ruleset']);
      if (octets === undefined) return;
      const chain = 'add table inet hole; add chain inet hole f { type filter hook forward priority 0; }';
      namespaces.run(names.router, 'nft', [`${chain}; add rule inet hole f meta length > ${octets} counter drop`]);
    }

    function resetHole(): void {
      namespaces.run(names.router, 'nft', ['reset counters table inet hole']);
      setHole(HOLE);
    }

    function droppedByHole(): number {
      const listed = namespaces.run(names.router, 'nft', ['list ruleset']);
      return Number(/counter packets (\d+)/.exec(listed)?.[1] ?? Number.NaN);
    }
  },
);

function association(
  direction: 'inbound' | 'outbound',
  spi: number,
  family: Family,
  udp: boolean,
  local: Site,
  remote: Site,
): Readonly<Record<string, unknown>> {
  const underlay = { family: family === 'v4' ? 4 : 6, udp: true };
  return {
    tunnelId: TUNNEL,
    protocol: 'esp',
    mode: 'tunnel',
    suite: 'aes-gcm-16',
    keyBits: 128,
    keyingMaterial: '01'.repeat(20),
    direction,
    spi,
    extendedSequenceNumbers: true,
    replayWindow: 1024,
    softLifetimeMilliseconds: 1e9,
    hardLifetimeMilliseconds: 1e9,
    nonFirstFragmentsAlso: true,
    ...(udp ? {} : { outer: { local: local[family], remote: remote[family] } }),
    ...(direction === 'inbound' ? {} : { pathMtu: { mtu: 1500, ...(udp ? { underlay } : {}) } }),
  };
}

function tunnelBundle(local: Site, remote: Site, family: Family): Bundle {
  const [own, theirs] = [networksOf(local), networksOf(remote)];
  return {
    device: { mtu: 1400 },
    underlay: { address: local[family], port: 4500 },
    tunnels: [
      {
        tunnelId: TUNNEL,
        peerEdgeId: '00000000-0000-4000-8000-000000000001',
        peerName: 'peer',
        remote: { address: remote[family], port: 4500 },
        keyingMode: KeyingMode.KEYING_MODE_IKE_LESS,
        profile: {
          encryption: EncryptionAlgorithm.ENCRYPTION_ALGORITHM_AES_GCM_16,
          keyBits: 128,
          replayWindow: 1024,
          extendedSequenceNumbers: true,
        },
      },
    ],
    securityPolicies: theirs.map((network, index) => ({
      entryId: `entry-${index}`,
      ruleId: '00000000-0000-4000-8000-0000000000ff',
      action: SecurityPolicyAction.SECURITY_POLICY_ACTION_PROTECT,
      tunnelId: TUNNEL,
      selector: {
        localAddresses: [range(own[index] ?? network)],
        remoteAddresses: [range(network)],
        localPorts: [],
        remotePorts: [],
      },
    })),
    routes: [...theirs],
    localNetworks: [...own],
    tunnelGroups: [],
  };
}

function noTunnel(local: Site): Bundle {
  return { ...tunnelBundle(local, local, 'v4'), tunnels: [], securityPolicies: [], routes: [] };
}

function networksOf({ inner4, inner6 }: Site): string[] {
  return [inner4.replace(/\.1$/, '.0/24'), inner6.replace(/::1$/, '::/64')];
}

function range(prefix: string): { first: Buffer; last: Buffer } {
  const { first, last } = parsePrefix(prefix).range;
  return { first: Buffer.from(first), last: Buffer.from(last) };
}

function buildNetwork(namespaces: Namespaces): { left: string; router: string; right: string } {
  const [left, router, right] = ['left', 'router', 'right'].map((name) => namespaces.add(name)) as [
    string,
    string,
    string,
  ];
  namespaces.connect(left, 'wan', router, 'left');
  namespaces.connect(right, 'wan', router, 'right');
  const addresses: readonly (readonly [string, string, string, string])[] = [
    [left, 'wan', '192.0.2.1/24', '2001:db8:a::1/64'],
    [router, 'left', '192.0.2.254/24', '2001:db8:a::fe/64'],
    [router, 'right', '198.51.100.254/24', '2001:db8:b::fe/64'],
    [right, 'wan', '198.51.100.1/24', '2001:db8:b::1/64'],
    [left, 'lo', '10.1.0.1/32', '2001:db8:1::1/128'],
    [right, 'lo', '10.2.0.1/32', '2001:db8:2::1/128'],
  ];
  for (const [name, device, v4, v6] of addresses) {
    namespaces.ip(name, `address add ${v4} dev ${device}`);
    namespaces.ip(name, `address add ${v6} dev ${device} nodad`);
  }
  for (const [name, v4, v6] of [
    [left, '192.0.2.254', '2001:db8:a::fe'],
    [right, '198.51.100.254', '2001:db8:b::fe'],
  ] as const) {
    namespaces.ip(name, `route add default via ${v4}`);
    namespaces.ip(name, `-6 route add default via ${v6}`);
    // Runs of datagrams are taken apart where they leave: the router is to see packets as a wire has them.
    namespaces.ip(name, 'link set wan gso_max_segs 1');
  }
  namespaces.run(router, 'sysctl', ['-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1']);
  return { left, router, right };
}
