import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import type { Bundle } from '@weft/contracts/southbound';
import { parsePrefix } from '@weft/ipsec-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EdgeHarness } from './support/edge-harness.js';
import { OUTSIDE, translate, translateNoMore } from './support/middle-nat.js';
import { buildMiddleNetwork } from './support/middle-network.js';
import { hasNft, Namespaces, namespacesUnavailable } from './support/namespaces.js';
import { negotiatedBundle, TUNNEL } from './support/negotiated-bundle.js';
import { AH_PROFILE } from './support/test-bundle.js';
import { TestPki } from './support/test-pki.js';
import { transferBetween } from './support/transfer-between.js';
import { WireWatch, withoutIke } from './support/wire-watch.js';

// Both families inside and outside; what crosses the middle is looked at there, and for some tests changed.
//
//   10.1.0.1          192.0.2.1                         198.51.100.1       10.2.0.1
//   2001:db8:1::1     2001:db8:a::1                     2001:db8:b::1      2001:db8:2::1
//             [ left ] --------------- [ middle ] --------------- [ right ]
const LEFT = side('00000000-0000-4000-8000-000000000001', 1, '192.0.2.1', '2001:db8:a::1');
const RIGHT = side('00000000-0000-4000-8000-000000000002', 2, '198.51.100.1', '2001:db8:b::1');
type Side = typeof LEFT;
type Family = 'v4' | 'v6';
/** What leaves room on a path of 1500 octets for the outer header and AH with an ICV of 16 octets (RFC 4302 section 2). */
const OVERLAY_MTU = { v4: 1500 - 20 - 28, v6: 1500 - 40 - 32 } as const;
const TRANSFER_OCTETS = 4 * 1024 * 1024;
const PINGS = 20;
const LONG_PINGS = ['-c', '200', '-i', '0.02', '-W', '2', '-I', LEFT.host4, RIGHT.host4];
const PATIENCE = { timeout: 30_000 };
const UDP = '17';
const AH = '51';

const unavailable = namespacesUnavailable();

describe.skipIf(unavailable !== undefined)(`AH that edges negotiate${unavailable ? ` (${unavailable})` : ''}`, () => {
  const namespaces = new Namespaces('ah');
  const directory = mkdtempSync(path.join(tmpdir(), 'weft-ah-'));
  let names: { left: string; middle: string; right: string };
  let left: EdgeHarness;
  let right: EdgeHarness;
  let wire: WireWatch;
  let pki: TestPki;
  let nextPort = 5001;

  beforeAll(async () => {
    names = buildMiddleNetwork(namespaces, { left: behind(LEFT), right: behind(RIGHT) });
    pki = await TestPki.create();
    left = await start(names.left, LEFT.id);
    right = await start(names.right, RIGHT.id);
    wire = await WireWatch.start(namespaces, names.middle);
  });

  afterAll(async () => {
    await namespaces.close();
    rmSync(directory, { recursive: true });
  });

  it.each(['v4', 'v6'] as const)(
    'protects all packets of both families over IP%s, up to the largest that fit, and nothing crosses without it',
    async (family) => {
      await apply(family, 'ah');
      await expectOnTheWire(family, AH);
      await expectTransfer(LEFT.host4, RIGHT.host4);
      await expectTransfer(LEFT.host6, RIGHT.host6);
      const { [`${family.slice(1)}/${AH}`]: packets = 0, ...others } = await wire.counts();
      expect(packets).toBeGreaterThan((2 * TRANSFER_OCTETS) / 65_536);
      expect(withoutIke(others)).toEqual({});
    },
  );

  it('is rekeyed under traffic, without loss', async () => {
    await apply('v4', 'ah');
    await expectOnTheWire('v4', AH);
    const before = await spis(left);
    const pinging = namespaces.start(names.left, 'ping', LONG_PINGS);
    await left.rekey();
    await expect.poll(() => spis(left), PATIENCE).not.toEqual(before);
    expect(await text(pinging.stdout)).toMatch(/200 packets transmitted, 200 received/);
    await expectOnTheWire('v4', AH);
  });

  it.skipIf(!hasNft())('lets nothing pass that was changed on the way, and says so', async () => {
    await apply('v4', 'ah');
    await expectOnTheWire('v4', AH);
    const before = await failures(right);
    // The last octet of the inner destination, behind an AH header of 28 octets.
    nft('add table ip weft', 'add chain ip weft f { type filter hook forward priority 0; }');
    nft(`add rule ip weft f iif "left" ip protocol 51 @th,376,8 set 0x02`);
    try {
      expect(ping(['-c', '5', '-i', '0.05', '-W', '1', '-I', LEFT.host4, RIGHT.host4])).toMatch(/ 0 received/);
    } finally {
      nft('delete table ip weft');
    }
    expect((await failures(right)) - before).toBe(5);
    await expectOnTheWire('v4', AH);
  });

  it('comes and goes with the bundle, and what was negotiated before is not used any more', async () => {
    for (const [protocol, number] of [
      ['esp', UDP],
      ['ah', AH],
      ['esp', UDP],
    ] as const) {
      await apply('v4', protocol);
      await expectOnTheWire('v4', number);
    }
  });

  it.skipIf(!hasNft())(
    'has no way over a NAT: nothing passes, and both ends say why (RFC 4555 section 3.9)',
    async () => {
      await Promise.all([left.bundle(withoutTunnel(LEFT)), right.bundle(withoutTunnel(RIGHT))]);
      for (const edge of [left, right]) await expect.poll(() => spis(edge), PATIENCE).toEqual([]);
      translate(namespaces, names.middle, LEFT.v4);
      try {
        await wire.counts();
        await Promise.all([
          left.bundle(bundle(LEFT, RIGHT, 'v4', 'ah')),
          right.bundle(bundle(RIGHT, { ...LEFT, v4: OUTSIDE }, 'v4', 'ah')),
        ]);
        const saying = async () =>
          [left, right].map(async (edge) => (await edge.negotiations())[TUNNEL]?.failure ?? '');
        const said = async () => (await Promise.all(await saying())).join('\n');
        await expect.poll(said, PATIENCE).toMatch(/UNEXPECTED_NAT_DETECTED|changes addresses on the way/);
        expect(ping(['-c', '3', '-i', '0.05', '-W', '1', '-I', LEFT.host4, RIGHT.host4])).toMatch(/ 0 received/);
        expect(withoutIke(await wire.counts())).toEqual({});
      } finally {
        translateNoMore(namespaces, names.middle);
      }
      await apply('v4', 'ah');
      await expectOnTheWire('v4', AH);
    },
  );

  async function start(namespace: string, edgeId: string): Promise<EdgeHarness> {
    const file = path.join(directory, `${edgeId}.json`);
    writeFileSync(file, JSON.stringify(await pki.storedIdentity('127.0.0.1:1', edgeId)), { mode: 0o600 });
    return new EdgeHarness(namespaces, namespace, 'weft0', 'auto', file);
  }

  async function apply(family: Family, protocol: 'ah' | 'esp'): Promise<void> {
    await Promise.all([
      left.bundle(bundle(LEFT, RIGHT, family, protocol)),
      right.bundle(bundle(RIGHT, LEFT, family, protocol)),
    ]);
  }

  /** The largest packets of both families cross as packets of one protocol; beside them there is IKE at most. */
  async function expectOnTheWire(family: Family, protocol: string): Promise<void> {
    const mtu = protocol === AH ? OVERLAY_MTU[family] : ESP_MTU;
    const version = family.slice(1);
    // Until both ends agree and nothing of before is left, either form may carry what is asked for.
    await expect
      .poll(async () => {
        await wire.counts();
        const said = [
          ping([...FULL_PINGS, '-s', `${mtu - 28}`, '-I', LEFT.host4, RIGHT.host4]),
          ping([...FULL_PINGS, '-s', `${mtu - 48}`, '-I', LEFT.host6, RIGHT.host6]),
        ];
        const { [`${version}/${protocol}`]: wanted = 0, ...others } = await wire.counts();
        return {
          answered: said.map((one) => Number(/ (\d+) received/.exec(one)?.[1] ?? 0)),
          wanted,
          ...withoutIke(others),
        };
      }, PATIENCE)
      .toEqual({ answered: [PINGS, PINGS], wanted: 4 * PINGS });
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

  async function failures(edge: EdgeHarness): Promise<number> {
    const { drops } = await edge.snapshot();
    return Number(drops.find(({ reason }) => reason === 'integrity_failed')?.packets ?? 0);
  }

  function ping(args: readonly string[]): string {
    try {
      return namespaces.run(names.left, 'ping', args);
    } catch (error) {
      return String((error as { stdout?: unknown }).stdout ?? error);
    }
  }

  function nft(...rules: readonly string[]): void {
    namespaces.run(names.middle, 'nft', [rules.join('; ')]);
  }
});

const FULL_PINGS = ['-c', `${PINGS}`, '-i', '0.02', '-W', '2', '-M', 'do'];
const ESP_MTU = 1418;

function side(id: string, number: number, v4: string, v6: string) {
  const networks = { network4: `10.${number}.0.0/24`, network6: `2001:db8:${number}::/64` };
  return { id, v4, v6, ...networks, host4: `10.${number}.0.1`, host6: `2001:db8:${number}::1` };
}

function behind({ v4, v6, host4, host6 }: Side) {
  return { v4, v6, hosts: [`${host4}/32`, `${host6}/128`] };
}

/** For everything between the networks of both, of both families. */
function bundle(local: Side, remote: Side, family: Family, protocol: 'ah' | 'esp'): Bundle {
  const site = (one: Side) => ({ id: one.id, underlay: one[family], network: one.network4 });
  const made = negotiatedBundle(site(local), site(remote));
  return {
    ...made,
    device: { mtu: protocol === 'ah' ? OVERLAY_MTU[family] : ESP_MTU },
    tunnels: made.tunnels.map((tunnel) => (protocol === 'ah' ? { ...tunnel, profile: { ...AH_PROFILE } } : tunnel)),
    securityPolicies: (['network4', 'network6'] as const).flatMap((network) =>
      made.securityPolicies.map((policy) => ({
        ...policy,
        entryId: network,
        selector: {
          localAddresses: [range(local[network])],
          remoteAddresses: [range(remote[network])],
          localPorts: [],
          remotePorts: [],
        },
      })),
    ),
    routes: [remote.network4, remote.network6],
    localNetworks: [local.network4, local.network6],
  };
}

function withoutTunnel(local: Side): Bundle {
  return { ...bundle(local, local, 'v4', 'ah'), tunnels: [], securityPolicies: [] };
}

function range(prefix: string): { first: Buffer; last: Buffer } {
  const { first, last } = parsePrefix(prefix).range;
  return { first: Buffer.from(first), last: Buffer.from(last) };
}
