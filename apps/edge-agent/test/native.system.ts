import { type Bundle, EncryptionAlgorithm, KeyingMode, SecurityPolicyAction } from '@weft/contracts/southbound';
import { parsePrefix } from '@weft/ipsec-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EdgeHarness } from './support/edge-harness.js';
import { hasNft, Namespaces, namespacesUnavailable } from './support/namespaces.js';
import { transferBetween } from './support/transfer-between.js';
import { WireWatch } from './support/wire-watch.js';

// Both families everywhere. Between the two routers a packet may have 1280 octets, when a test says so.
//
//   10.1.0.1       192.0.2.1                                                198.51.100.1     10.2.0.1
//   2001:db8:1::1  2001:db8:a::1                                            2001:db8:b::1    2001:db8:2::1
//         [ left ] ------------- [ near ] ------------------- [ far ] ------------- [ right ]
const LEFT = { v4: '192.0.2.1', v6: '2001:db8:a::1', inner4: '10.1.0.1', inner6: '2001:db8:1::1' };
const RIGHT = { v4: '198.51.100.1', v6: '2001:db8:b::1', inner4: '10.2.0.1', inner6: '2001:db8:2::1' };
type Site = typeof LEFT;
type Family = 'v4' | 'v6';
const TUNNEL = '00000000-0000-4000-8000-00000000000a';
const AROUND = '00000000-0000-4000-8000-00000000000b';
const TRANSFER_OCTETS = 4 * 1024 * 1024;
const UDP = '17';
const ESP = '50';
const AH = '51';

const unavailable = namespacesUnavailable();

describe.skipIf(unavailable !== undefined)(`ESP and AH without UDP${unavailable ? ` (${unavailable})` : ''}`, () => {
  const namespaces = new Namespaces('native');
  let names: { left: string; near: string; far: string; right: string };
  let left: EdgeHarness;
  let right: EdgeHarness;
  let wire: WireWatch;
  let nextSpi = 0x1000;
  let nextPort = 5001;

  beforeAll(async () => {
    names = buildNetwork(namespaces);
    left = new EdgeHarness(namespaces, names.left);
    // What ICMP says of a datagram comes to any of its sockets, whichever of its workers has sent it.
    right = new EdgeHarness(namespaces, names.right, 'weft0', 'auto', undefined, { workers: 2 });
    wire = await WireWatch.start(namespaces, names.near);
  });

  beforeEach(async () => {
    // A tunnel that is gone takes its associations along.
    await Promise.all([left.bundle(noTunnel(LEFT)), right.bundle(noTunnel(RIGHT))]);
    setMiddleMtu(1500);
  });

  afterAll(() => namespaces.close());

  const tunnels = (['v4', 'v6'] as const).flatMap((family) => [
    [`ESP over IP${family}`, family, ESP, [esp(family)]] as const,
    [`AH over IP${family}`, family, AH, [ah(family)]] as const,
    [`ESP in AH over IP${family}`, family, AH, [esp(family, { bundledWith: AROUND }), aroundIt()]] as const,
  ]);

  it.each(tunnels)(
    'tunnel mode: %s carries both families, octet for octet',
    async (_, family, protocol, associations) => {
      await Promise.all([left.bundle(tunnelBundle(LEFT, RIGHT)), right.bundle(tunnelBundle(RIGHT, LEFT))]);
      await install(associations);
      await wire.counts();
      await expectPings(LEFT.inner4, RIGHT.inner4);
      await expectPings(LEFT.inner6, RIGHT.inner6);
      await expectTransfer(LEFT.inner4, RIGHT.inner4);
      await expectOnly(family, protocol);
    },
  );

  const transports = (['v4', 'v6'] as const).flatMap((family) => [
    [`ESP over IP${family}`, family, ESP, [{ ...esp(family), mode: 'transport', outer: undefined }]] as const,
    [`AH over IP${family}`, family, AH, [{ ...ah(family), mode: 'transport', outer: undefined }]] as const,
  ]);

  it.each(transports)(
    'transport mode: %s protects what goes from host to host and does not protect itself again',
    async (_, family, protocol, associations) => {
      await Promise.all([left.bundle(hostBundle(LEFT, RIGHT)), right.bundle(hostBundle(RIGHT, LEFT))]);
      await install(associations);
      await wire.counts();
      await expectPings(LEFT[family], RIGHT[family]);
      await expectTransfer(LEFT[family], RIGHT[family]);
      await expectOnly(family, protocol);
    },
  );

  it.each([
    ['ESP over IPv4', 'v4', [esp('v4', { pathMtu: { mtu: 1500 } })]],
    ['ESP over IPv6', 'v6', [esp('v6', { pathMtu: { mtu: 1500 } })]],
    ['AH over IPv4', 'v4', [ah('v4', { pathMtu: { mtu: 1500 } })]],
    ['AH over IPv6', 'v6', [ah('v6', { pathMtu: { mtu: 1500 } })]],
    ['ESP in UDP', 'v4', [esp('v4', { outer: undefined, pathMtu: { mtu: 1500, underlay: { family: 4, udp: true } } })]],
  ] as const)(
    '%s learns from "too big" what the path carries, and a transfer completes',
    async (name, _, associations) => {
      await Promise.all([left.bundle(tunnelBundle(LEFT, RIGHT)), right.bundle(tunnelBundle(RIGHT, LEFT))]);
      await install(associations);
      setMiddleMtu(1280);
      const before = newsOf(await right.snapshot());
      // One by one: runs of datagrams in UDP leave without DF, and a router cuts them without a word.
      const tooLarge = ['-c', '3', '-i', '0.2', '-W', '1', '-M', 'do', '-s', '1272', '-I', RIGHT.inner4, LEFT.inner4];
      attempt(() => namespaces.run(names.right, 'ping', tooLarge));
      await expectTransfer(LEFT.inner4, RIGHT.inner4);
      const after = newsOf(await right.snapshot());
      expect(after.lowered, name).toBeGreaterThan(before.lowered);
      expect(after.tooBig, name).toBeGreaterThan(before.tooBig);
    },
  );

  it.skipIf(!hasNft()).each([
    ['ESP over IPv4', 'v4', [esp('v4')]],
    ['ESP over IPv6', 'v6', [esp('v6')]],
    ['AH over IPv6', 'v6', [ah('v6')]],
    ['ESP in UDP', 'v4', [esp('v4', { outer: undefined })]],
  ] as const)(
    'congestion that the underlay marks on %s reaches the inner packet (RFC 6040)',
    async (_, family, associations) => {
      await Promise.all([left.bundle(tunnelBundle(LEFT, RIGHT)), right.bundle(tunnelBundle(RIGHT, LEFT))]);
      await install(associations);
      const watch = await WireWatch.start(namespaces, names.right);
      const word = family === 'v4' ? 'ip' : 'ip6';
      const mark = `add table ${word} weft; add chain ${word} weft f { type filter hook forward priority -150; }; add rule ${word} weft f ${word} ecn ect0 ${word} ecn set ce`;
      namespaces.run(names.far, 'nft', [mark]);
      try {
        // The traffic class of ECT(0).
        await expectPings(LEFT.inner4, RIGHT.inner4, ['-Q', '2']);
        expect(await watch.counts()).toMatchObject({ '4/1/3': 3 });
      } finally {
        namespaces.run(names.far, 'nft', [`delete table ${word} weft`]);
      }
    },
  );

  it('a route for everything leads neither the tunnel nor its own network into the tunnel', async () => {
    const everything = (local: Site, remote: Site, routes: string[], own: string[]): Bundle => ({
      ...tunnelBundle(local, remote),
      routes,
      securityPolicies: [policy('all4', own[0] ?? '', routes[0] ?? ''), policy('all6', own[1] ?? '', routes[1] ?? '')],
    });
    await Promise.all([
      left.bundle(everything(LEFT, RIGHT, ['0.0.0.0/0', '::/0'], ['10.1.0.0/24', '2001:db8:1::/64'])),
      right.bundle(everything(RIGHT, LEFT, ['10.1.0.0/24', '2001:db8:1::/64'], ['0.0.0.0/0', '::/0'])),
    ]);
    for (const associations of [[esp('v4', { outer: undefined })], [esp('v4')], [esp('v6')]]) {
      await install(associations);
      await expectPings(LEFT.inner4, RIGHT.inner4);
      await expectPings(LEFT.inner6, RIGHT.inner6);
    }
    // Where nothing else leads, everything goes to the other end, which has the address 203.0.113.9 behind it.
    await expectPings(LEFT.inner4, '203.0.113.9');
    // The gateway is on the edge's own network, which is reached as before.
    await expectPings(LEFT.v4, '192.0.2.254');
    expect(namespaces.ip(names.left, 'route get 198.51.100.1')).toContain('dev weft0');
    expect(namespaces.ip(names.left, 'route get 198.51.100.1 mark 0x7765')).toContain('dev wan');
    await left.bundle(noTunnel(LEFT));
    expect(namespaces.ip(names.left, 'route get 198.51.100.1')).toContain('dev wan');
    expect(namespaces.ip(names.left, 'rule show')).not.toContain('119');
    expect(namespaces.ip(names.left, '-6 rule show')).not.toContain('119');
  });

  it('is refused on the portable data path, with the way out', async () => {
    const portable = new EdgeHarness(namespaces, names.near, 'weft0', 'portable');
    await expect(portable.associations([direction(esp('v4'), 'inbound', 0x900, LEFT, RIGHT)])).rejects.toThrow(
      /NATIVE_PORTABLE.*without --data-path portable, or let the tunnel use ESP in UDP/,
    );
    await portable.stop();
  });

  /** Both directions of every association, those that come later to be put around those before. */
  async function install(associations: readonly AssociationForm[]): Promise<void> {
    const spis = associations.map(() => [nextSpi++, nextSpi++] as const);
    const of = (way: 'inbound' | 'outbound', toLeft: boolean) =>
      associations.map((one, index) => {
        const [local, remote] = toLeft === (way === 'inbound') ? [LEFT, RIGHT] : [RIGHT, LEFT];
        return direction(one, way, spis[index]?.[toLeft ? 0 : 1] ?? 0, local, remote);
      });
    await Promise.all([left.associations(of('inbound', true)), right.associations(of('inbound', false))]);
    await Promise.all([left.associations(of('outbound', false)), right.associations(of('outbound', true))]);
  }

  /** All of three are answered, whenever; if one is not, what the edges have dropped tells why. */
  async function expectPings(source: string, destination: string, more: readonly string[] = []): Promise<void> {
    const args = ['-c', '3', '-i', '0.05', '-W', '30', ...more, '-I', source, destination];
    const output = attempt(() => namespaces.run(names.left, 'ping', args));
    const received = Number(/ (\d+) received/.exec(output)?.[1] ?? Number.NaN);
    const drops =
      received === 3 ? [] : await Promise.all([left, right].map(async (edge) => (await edge.snapshot()).drops));
    expect({ received, drops }).toEqual({ received: 3, drops: [] });
  }

  async function expectTransfer(local: string, address: string): Promise<void> {
    const server = { namespace: names.right, address };
    const client = { namespace: names.left, address: local };
    const size = { port: nextPort++, octets: TRANSFER_OCTETS };
    const { sent, received } = await transferBetween(namespaces, server, client, size);
    expect(received).toEqual(sent);
  }

  /** Nothing else was on the wire between the edges, and it was there. */
  async function expectOnly(family: Family, protocol: string): Promise<void> {
    const counts = await wire.counts();
    const version = family.slice(1);
    expect(counts[`${version}/${protocol}`]).toBeGreaterThan(TRANSFER_OCTETS / 65_536);
    for (const other of [UDP, ESP, AH, '1', '6', '4', '41']) {
      if (other !== protocol)
        expect([other, counts[`4/${other}`], counts[`6/${other}`]]).toEqual([other, undefined, undefined]);
    }
  }

  function setMiddleMtu(mtu: number): void {
    for (const [name, device] of [
      [names.near, 'right'],
      [names.far, 'left'],
    ] as const) {
      namespaces.ip(name, `link set ${device} mtu ${mtu}`);
      namespaces.ip(name, 'route flush cache');
    }
    for (const name of [names.left, names.right]) {
      namespaces.ip(name, 'route flush cache');
      namespaces.ip(name, '-6 route flush cache');
    }
  }
});

/** An association but for direction, SPI and ends; the outer header's ends are filled in. */
type AssociationForm = Readonly<Record<string, unknown>> & { readonly outer?: Family | undefined };

function esp(family: Family, more: Readonly<Record<string, unknown>> = {}): AssociationForm {
  return {
    tunnelId: TUNNEL,
    protocol: 'esp',
    mode: 'tunnel',
    suite: 'aes-gcm-16',
    keyBits: 128,
    keyingMaterial: '01'.repeat(20),
    outer: family,
    ...COMMON,
    ...more,
  };
}

function ah(family: Family, more: Readonly<Record<string, unknown>> = {}): AssociationForm {
  return {
    tunnelId: TUNNEL,
    protocol: 'ah',
    mode: 'tunnel',
    integrity: 'hmac-sha2-256-128',
    keyingMaterial: '02'.repeat(32),
    outer: family,
    ...COMMON,
    ...more,
  };
}

/** AH around the packets of another association. */
function aroundIt(): AssociationForm {
  return { ...ah('v4'), tunnelId: AROUND, mode: 'transport', outer: undefined };
}

function direction(
  { outer, ...rest }: AssociationForm,
  way: 'inbound' | 'outbound',
  spi: number,
  local: Site,
  remote: Site,
): Readonly<Record<string, unknown>> {
  const { pathMtu, ...both }: Readonly<Record<string, unknown>> = rest;
  return {
    ...both,
    direction: way,
    spi,
    ...(way === 'outbound' && pathMtu !== undefined ? { pathMtu } : {}),
    ...(outer && { outer: { local: local[outer], remote: remote[outer] } }),
  };
}

const COMMON = {
  extendedSequenceNumbers: true,
  replayWindow: 1024,
  softLifetimeMilliseconds: 1e9,
  hardLifetimeMilliseconds: 1e9,
  nonFirstFragmentsAlso: true,
};

function tunnelBundle(local: Site, remote: Site): Bundle {
  const [own, theirs] = [networksOf(local), networksOf(remote)];
  return bundle(local, remote, own, theirs);
}

/** From host to host: what transport mode protects. */
function hostBundle(local: Site, remote: Site): Bundle {
  const hosts = ({ v4, v6 }: Site) => [`${v4}/32`, `${v6}/128`];
  return bundle(local, remote, hosts(local), hosts(remote));
}

function noTunnel(local: Site): Bundle {
  return { ...tunnelBundle(local, local), tunnels: [], securityPolicies: [], routes: [] };
}

function bundle(local: Site, remote: Site, own: readonly string[], theirs: readonly string[]): Bundle {
  return {
    device: { mtu: 1320 },
    underlay: { address: local.v4, port: 4500 },
    tunnels: [
      {
        tunnelId: TUNNEL,
        peerEdgeId: '00000000-0000-4000-8000-000000000001',
        peerName: 'peer',
        remote: { address: remote.v4, port: 4500 },
        keyingMode: KeyingMode.KEYING_MODE_IKE_LESS,
        profile: {
          encryption: EncryptionAlgorithm.ENCRYPTION_ALGORITHM_AES_GCM_16,
          keyBits: 128,
          replayWindow: 1024,
          extendedSequenceNumbers: true,
        },
        carries: [],
      },
    ],
    securityPolicies: theirs.map((network, index) => policy(`entry-${index}`, own[index] ?? network, network)),
    routes: [...theirs],
    localNetworks: [...own],
    tunnelGroups: [],
    networkMappings: [],
    addressSets: [],
  };
}

function policy(entryId: string, local: string, remote: string): Bundle['securityPolicies'][number] {
  return {
    entryId,
    ruleId: '00000000-0000-4000-8000-0000000000ff',
    action: SecurityPolicyAction.SECURITY_POLICY_ACTION_PROTECT,
    tunnelId: TUNNEL,
    selector: { localAddresses: [range(local)], remoteAddresses: [range(remote)], localPorts: [], remotePorts: [] },
  };
}

function networksOf({ inner4, inner6 }: Site): string[] {
  return [inner4.replace(/\.1$/, '.0/24'), inner6.replace(/::1$/, '::/64')];
}

function range(prefix: string): { first: Buffer; last: Buffer } {
  const { first, last } = parsePrefix(prefix).range;
  return { first: Buffer.from(first), last: Buffer.from(last) };
}

/** What an edge has been told of too large packets so far, and how often it has lowered a path MTU for it. */
function newsOf({ pathMtuMessages, underlayErrors }: Awaited<ReturnType<EdgeHarness['snapshot']>>) {
  return {
    lowered: Number(pathMtuMessages.find(({ outcome }) => outcome === 'path_mtu_lowered')?.messages ?? 0),
    tooBig: Number(underlayErrors.find(({ reason }) => reason === 'too_big')?.messages ?? 0),
  };
}

function buildNetwork(namespaces: Namespaces): { left: string; near: string; far: string; right: string } {
  const [left, near, far, right] = ['left', 'near', 'far', 'right'].map((name) => namespaces.add(name)) as [
    string,
    string,
    string,
    string,
  ];
  namespaces.connect(left, 'wan', near, 'left');
  namespaces.connect(near, 'right', far, 'left');
  namespaces.connect(far, 'right', right, 'wan');
  const addresses: readonly (readonly [string, string, string, string])[] = [
    [left, 'wan', '192.0.2.1/24', '2001:db8:a::1/64'],
    [near, 'left', '192.0.2.254/24', '2001:db8:a::fe/64'],
    [near, 'right', '203.0.113.1/30', '2001:db8:c::1/64'],
    [far, 'left', '203.0.113.2/30', '2001:db8:c::2/64'],
    [far, 'right', '198.51.100.254/24', '2001:db8:b::fe/64'],
    [right, 'wan', '198.51.100.1/24', '2001:db8:b::1/64'],
    [left, 'lo', '10.1.0.1/32', '2001:db8:1::1/128'],
    [right, 'lo', '10.2.0.1/32', '2001:db8:2::1/128'],
    [right, 'lo', '203.0.113.9/32', '2001:db8:9::1/128'],
  ];
  for (const [name, device, v4, v6] of addresses) {
    namespaces.ip(name, `address add ${v4} dev ${device}`);
    namespaces.ip(name, `address add ${v6} dev ${device} nodad`);
  }
  for (const [name, v4, v6] of [
    [left, '192.0.2.254', '2001:db8:a::fe'],
    [near, '203.0.113.2', '2001:db8:c::2'],
    [far, '203.0.113.1', '2001:db8:c::1'],
    [right, '198.51.100.254', '2001:db8:b::fe'],
  ] as const) {
    namespaces.ip(name, `route add default via ${v4}`);
    namespaces.ip(name, `-6 route add default via ${v6}`);
  }
  for (const name of [near, far]) {
    namespaces.run(name, 'sysctl', ['-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1']);
    // The routers tell about every packet; otherwise they tell one peer six times a second.
    namespaces.run(name, 'sysctl', ['-qw', 'net.ipv4.icmp_ratelimit=0', 'net.ipv6.icmp.ratelimit=0']);
  }
  return { left, near, far, right };
}

function attempt(run: () => string): string {
  try {
    return run();
  } catch (error) {
    return String(error instanceof Error && 'stdout' in error ? error.stdout : error);
  }
}
