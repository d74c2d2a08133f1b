import { type Bundle, EncryptionAlgorithm, KeyingMode, SecurityPolicyAction } from '@weft/contracts/southbound';
import { parsePrefix } from '@weft/ipsec-core';
import { EdgeHarness } from './edge-harness.js';
import type { Namespaces } from './namespaces.js';

/**
 * Two edges that look for the path MTU, and a router between them that drops what has more than some number of octets
 * when it is told to, and tells nobody.
 *
 *   10.1.0.1       192.0.2.1                               198.51.100.1     10.2.0.1
 *   2001:db8:1::1  2001:db8:a::1                           2001:db8:b::1    2001:db8:2::1
 *         [ left ] ---------------- [ router ] ----------------- [ right ]
 */
export class BlackHolePath {
  readonly names: { readonly left: string; readonly router: string; readonly right: string };
  readonly left: EdgeHarness;
  readonly right: EdgeHarness;
  readonly #namespaces: Namespaces;
  #nextSpi = 0x1000;

  constructor(namespaces: Namespaces) {
    this.#namespaces = namespaces;
    this.names = buildNetwork(namespaces);
    this.left = new EdgeHarness(namespaces, this.names.left, 'weft0', 'auto', undefined, { pathProbing: true });
    // What its peer says comes to any of its workers, and the one that sends in the tunnel asks.
    const two = { pathProbing: true, workers: 2 };
    this.right = new EdgeHarness(namespaces, this.names.right, 'weft0', 'auto', undefined, two);
  }

  /** A tunnel that is gone takes its associations along, and what is known of their path; the router drops nothing. */
  async forget(): Promise<void> {
    await Promise.all([this.left.bundle(noTunnel(LEFT)), this.right.bundle(noTunnel(RIGHT))]);
    this.setHole(undefined);
    for (const name of [this.names.left, this.names.right]) {
      this.#namespaces.ip(name, 'route flush cache');
      this.#namespaces.ip(name, '-6 route flush cache');
    }
  }

  async connect(family: Family, form: Form): Promise<void> {
    await Promise.all([
      this.left.bundle(tunnelBundle(LEFT, RIGHT, family)),
      this.right.bundle(tunnelBundle(RIGHT, LEFT, family)),
    ]);
    const [toLeft, toRight] = [this.#nextSpi++, this.#nextSpi++];
    const of = (direction: 'inbound' | 'outbound', spi: number, local: Site, remote: Site) => [
      association(direction, spi, family, form, local, remote),
    ];
    await Promise.all([
      this.left.associations(of('inbound', toLeft, RIGHT, LEFT)),
      this.right.associations(of('inbound', toRight, LEFT, RIGHT)),
    ]);
    await Promise.all([
      this.left.associations(of('outbound', toRight, LEFT, RIGHT)),
      this.right.associations(of('outbound', toLeft, RIGHT, LEFT)),
    ]);
  }

  /** From now on the router drops what has more octets; undefined: nothing. */
  setHole(octets: number | undefined): void {
    this.#namespaces.run(this.names.router, 'nft', ['flush ruleset']);
    if (octets === undefined) return;
    const chain = 'add table inet hole; add chain inet hole f { type filter hook forward priority 0; }';
    this.#namespaces.run(this.names.router, 'nft', [
      `${chain}; add rule inet hole f meta length > ${octets} counter drop`,
    ]);
  }

  /** Packets that the router has dropped since the hole was set. */
  dropped(): number {
    const listed = this.#namespaces.run(this.names.router, 'nft', ['list ruleset']);
    return Number(/counter packets (\d+)/.exec(listed)?.[1] ?? Number.NaN);
  }

  /** What an edge has found of the path to the other. */
  async pathOf(edge: EdgeHarness): Promise<{ pathMtu: number; source: string; largestPacket: number }> {
    const { associations } = await edge.snapshot();
    const outbound = associations.find(({ direction }) => direction === 'outbound');
    return outbound?.path ?? { pathMtu: 0, source: '', largestPacket: 0 };
  }
}

/** One end: its addresses on the underlay, and those of its host. */
export const LEFT = { v4: '192.0.2.1', v6: '2001:db8:a::1', inner4: '10.1.0.1', inner6: '2001:db8:1::1' };
export const RIGHT = { v4: '198.51.100.1', v6: '2001:db8:b::1', inner4: '10.2.0.1', inner6: '2001:db8:2::1' };
export type Site = typeof LEFT;
export type Family = 'v4' | 'v6';
/** What packets of the tunnel are on the underlay. */
export type Form = 'esp-in-udp' | 'esp' | 'ah';
const TUNNEL = '00000000-0000-4000-8000-00000000000a';

function association(
  direction: 'inbound' | 'outbound',
  spi: number,
  family: Family,
  form: Form,
  local: Site,
  remote: Site,
): Readonly<Record<string, unknown>> {
  const udp = form === 'esp-in-udp';
  const underlay = { family: family === 'v4' ? 4 : 6, udp: true };
  return {
    tunnelId: TUNNEL,
    mode: 'tunnel',
    ...(form === 'ah'
      ? { protocol: 'ah', integrity: 'hmac-sha2-256-128', keyingMaterial: '01'.repeat(32) }
      : { protocol: 'esp', suite: 'aes-gcm-16', keyBits: 128, keyingMaterial: '01'.repeat(20) }),
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
        carries: [],
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
    networkMappings: [],
    addressSets: [],
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
