import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Bundle, type SecurityPolicy, SecurityPolicyAction } from '@weft/contracts/southbound';
import { parsePrefix } from '@weft/ipsec-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Crossed, watchCrossings } from './support/crossing-watch.js';
import { EdgeHarness } from './support/edge-harness.js';
import { Namespaces, namespacesUnavailable } from './support/namespaces.js';
import { negotiatedBundle } from './support/negotiated-bundle.js';
import { TestPki } from './support/test-pki.js';

//   10.1.0.1 [ left  ] 192.0.2.1 ------+
//                                      |
//   10.2.0.1 [ relay ] 198.51.100.1 -- [ underlay ]
//                                      |
//   10.3.0.1 [ right ] 203.0.113.1 ----+
//
// Likewise 2001:db8:1::1, 2001:db8:2::1, 2001:db8:3::1. Left and right have a tunnel with the relay alone, and the underlay
// would carry everything between them in the clear.
const SITES = {
  left: site(1, '192.0.2.1', '192.0.2.254'),
  relay: site(2, '198.51.100.1', '198.51.100.254'),
  right: site(3, '203.0.113.1', '203.0.113.254'),
} as const;
type SiteName = keyof typeof SITES;
const SIDES = ['left', 'right'] as const;
const TUNNELS = { left: '00000000-0000-4000-8000-00000000000a', right: '00000000-0000-4000-8000-00000000000b' };
const PINGS = 20;
const MTU = 1418;
const PATIENCE = { timeout: 120_000 };

const unavailable = namespacesUnavailable();

describe.skipIf(unavailable !== undefined)(`a relay between two sites${unavailable ? ` (${unavailable})` : ''}`, () => {
  const namespaces = new Namespaces('relay');
  const directory = mkdtempSync(path.join(tmpdir(), 'weft-relay-'));
  let names: Record<SiteName | 'underlay', string>;
  let edges: Record<SiteName, EdgeHarness>;
  let crossed: () => Promise<Crossed>;

  beforeAll(async () => {
    names = buildNetwork(namespaces);
    crossed = await watchCrossings(namespaces, names.underlay, SITES.relay.underlay, overlayTexts());
    const pki = await TestPki.create();
    const start = async (name: SiteName) => {
      const file = path.join(directory, `${name}.json`);
      writeFileSync(file, JSON.stringify(await pki.storedIdentity('127.0.0.1:1', SITES[name].id)), { mode: 0o600 });
      return new EdgeHarness(namespaces, names[name], 'weft0', 'auto', file);
    };
    const [left, relay, right] = await Promise.all([start('left'), start('relay'), start('right')]);
    edges = { left, relay, right };
    await Promise.all([
      left.bundle(bundleOfSide('left')),
      relay.bundle(bundleOfRelay()),
      right.bundle(bundleOfSide('right')),
    ]);
  });

  afterAll(async () => {
    await namespaces.close();
    rmSync(directory, { recursive: true });
  });

  it.each(SITES.left.hosts.map((from, index) => [from, SITES.right.hosts[index] ?? ''] as const))(
    'carries what %s sends to %s in one tunnel and out of another, and nobody is told of a shorter way',
    async (from, to) => {
      await expect.poll(() => ping(from, to, 1), PATIENCE).toMatch(/ 1 received/);
      await crossed();
      const before = await carried();
      expect(ping(from, to, PINGS)).toMatch(new RegExp(` ttl=63 [^]* ${PINGS} received`));
      // One echo and one answer, each on two legs.
      expect(await crossed()).toMatchObject({ clear: 0, esp: 4 * PINGS, lost: 0 });
      const after = await carried();
      for (const side of SIDES) {
        expect(after[side].in - before[side].in).toBe(PINGS);
        expect(after[side].out - before[side].out).toBe(PINGS);
      }
      expect(redirects()).toEqual([0, 0]);
    },
  );

  it('lets a packet through that is as large as the device of the source allows', () => {
    for (const [index, from] of SITES.left.hosts.entries()) {
      const headers = from.includes(':') ? 48 : 28;
      const size = ['-M', 'do', '-s', String(MTU - headers)];
      expect(ping(from, SITES.right.hosts[index] ?? '', 1, size)).toMatch(/ 1 received/);
    }
  });

  it('discards what is denied there, whatever the source thinks of it', async () => {
    const [from = '', to = ''] = [SITES.left.hosts[0], SITES.right.hosts[0]];
    await edges.relay.bundle(bundleOfRelay([noPings()]));
    await crossed();
    const before = await discarded();
    expect(ping(from, to, 5)).toMatch(/ 0 received/);
    expect(await discarded()).toBe(before + 5);
    expect(await crossed()).toMatchObject({ clear: 0, esp: 5 });
    await edges.relay.bundle(bundleOfRelay());
    expect(ping(from, to, 5)).toMatch(/ 5 received/);
  });

  it('leaves nothing in the clear when it is killed', async () => {
    await crossed();
    await edges.relay.kill();
    for (const [index, from] of SITES.left.hosts.entries()) {
      expect(ping(from, SITES.right.hosts[index] ?? '', 5)).toMatch(/ 0 received/);
    }
    expect((await crossed()).clear).toBe(0);
  });

  /** What the program says, whether anybody answers or not. */
  function ping(from: string, to: string, count: number, more: readonly string[] = []): string {
    const args = ['-n', '-c', String(count), '-i', '0.05', '-W', '1', '-I', from, ...more, to];
    try {
      return namespaces.run(names.left, 'ping', args);
    } catch (error) {
      return (error as { stdout?: string }).stdout ?? '';
    }
  }

  /** Of the relay's two tunnels. */
  async function carried(): Promise<Record<(typeof SIDES)[number], { in: number; out: number }>> {
    const { tunnels } = await edges.relay.snapshot();
    const of = (side: (typeof SIDES)[number]) => {
      const tunnel = tunnels.find(({ tunnelId }) => tunnelId === TUNNELS[side]);
      return { in: Number(tunnel?.inboundPackets), out: Number(tunnel?.outboundPackets) };
    };
    return { left: of('left'), right: of('right') };
  }

  async function discarded(): Promise<number> {
    const { drops } = await edges.relay.snapshot();
    return Number(drops.find(({ reason }) => reason === 'selector_mismatch')?.packets ?? 0);
  }

  /** ICMP redirects that have come to the left side (RFC 792, RFC 4861 section 4.5), by family. */
  function redirects(): number[] {
    const read = (file: string) => namespaces.run(names.left, 'cat', [`/proc/net/${file}`]);
    const [titles = '', counts = ''] = read('snmp')
      .split('\n')
      .filter((line) => line.startsWith('Icmp:'));
    const v6 = /^Icmp6InRedirects\s+(\d+)/m.exec(read('snmp6'))?.[1];
    return [Number(counts.split(' ')[titles.split(' ').indexOf('InRedirects')]), Number(v6)];
  }
});

interface RelaySite {
  readonly id: string;
  readonly underlay: string;
  readonly gateway: string;
  readonly networks: readonly string[];
  readonly hosts: readonly string[];
}

function site(number: number, underlay: string, gateway: string): RelaySite {
  return {
    id: `00000000-0000-4000-8000-00000000000${number}`,
    underlay,
    gateway,
    networks: [`10.${number}.0.0/24`, `2001:db8:${number}::/64`],
    hosts: [`10.${number}.0.1`, `2001:db8:${number}::1`],
  };
}

function overlayTexts(): string[] {
  return [1, 2, 3].flatMap((number) => [`10.${number}`, `2001:db8:${number}`]);
}

function buildNetwork(namespaces: Namespaces): Record<SiteName | 'underlay', string> {
  const names = {
    left: namespaces.add('left'),
    relay: namespaces.add('relay'),
    right: namespaces.add('right'),
    underlay: namespaces.add('underlay'),
  };
  namespaces.run(names.underlay, 'sysctl', ['-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1']);
  for (const name of ['left', 'relay', 'right'] as const) {
    const { underlay, gateway, hosts, networks } = SITES[name];
    const number = name === 'left' ? 1 : name === 'relay' ? 2 : 3;
    namespaces.connect(names[name], 'wan', names.underlay, name);
    namespaces.ip(names[name], `address add ${underlay}/24 dev wan`);
    namespaces.ip(names[name], `address add fd00:${number}::1/64 dev wan nodad`);
    namespaces.ip(names.underlay, `address add ${gateway}/24 dev ${name}`);
    namespaces.ip(names.underlay, `address add fd00:${number}::fe/64 dev ${name} nodad`);
    namespaces.ip(names[name], `route add default via ${gateway}`);
    namespaces.ip(names[name], `-6 route add default via fd00:${number}::fe`);
    namespaces.ip(names.underlay, `route add ${networks[0]} via ${underlay}`);
    namespaces.ip(names.underlay, `-6 route add ${networks[1]} via fd00:${number}::1`);
    for (const host of hosts) {
      namespaces.ip(names[name], `address add ${host} dev lo${host.includes(':') ? ' nodad' : ''}`);
    }
  }
  return names;
}

function bundleOfSide(side: (typeof SIDES)[number]): Bundle {
  const others = (['left', 'relay', 'right'] as const).filter((name) => name !== side);
  return bundleOf(
    side,
    [[TUNNELS[side], 'relay']],
    others.flatMap((other) => entries(side, other, TUNNELS[side])),
  );
}

/** For each of the two neighbours: what is for it, wherever it comes from. */
function bundleOfRelay(first: readonly SecurityPolicy[] = []): Bundle {
  const peers = SIDES.map((side) => [TUNNELS[side], side] as const);
  return bundleOf('relay', peers, [
    ...first,
    ...entries('left', 'right', TUNNELS.right),
    ...entries('right', 'left', TUNNELS.left),
    ...entries('relay', 'left', TUNNELS.left),
    ...entries('relay', 'right', TUNNELS.right),
  ]);
}

function bundleOf(
  local: SiteName,
  peers: readonly (readonly [tunnelId: string, peer: SiteName])[],
  securityPolicies: readonly SecurityPolicy[],
): Bundle {
  const end = (name: SiteName) => ({ ...SITES[name], network: SITES[name].networks[0] ?? '' });
  return {
    device: { mtu: MTU },
    underlay: { address: SITES[local].underlay, port: 4500 },
    tunnels: peers.flatMap(([tunnelId, peer]) =>
      negotiatedBundle(end(local), end(peer)).tunnels.map((tunnel) => ({ ...tunnel, tunnelId })),
    ),
    securityPolicies: [...securityPolicies],
    routes: Object.values(SITES).flatMap(({ id, networks }) => (id === SITES[local].id ? [] : networks)),
    localNetworks: [...SITES[local].networks],
    tunnelGroups: [],
    networkMappings: [],
    addressSets: [],
  };
}

/** Of both families. */
function entries(from: SiteName, to: SiteName, tunnelId: string): SecurityPolicy[] {
  return [0, 1].map((family) => ({
    entryId: `${from} to ${to}, ${family}`,
    ruleId: '00000000-0000-4000-8000-0000000000ff',
    action: SecurityPolicyAction.SECURITY_POLICY_ACTION_PROTECT,
    tunnelId,
    selector: selector(from, to, family),
  }));
}

/** Of what the right side may send to the left one, so that it is the policy for what comes from the left (RFC 4301 section 5.2). */
function noPings(): SecurityPolicy {
  return {
    entryId: 'no pings',
    ruleId: '00000000-0000-4000-8000-0000000000fe',
    action: SecurityPolicyAction.SECURITY_POLICY_ACTION_DISCARD,
    tunnelId: '',
    selector: { ...selector('right', 'left', 0), protocol: 1 },
  };
}

function selector(from: SiteName, to: SiteName, family: number) {
  const network = (name: SiteName) => range(SITES[name].networks[family] ?? '');
  return { localAddresses: [network(from)], remoteAddresses: [network(to)], localPorts: [], remotePorts: [] };
}

function range(prefix: string): { first: Buffer; last: Buffer } {
  const { first, last } = parsePrefix(prefix).range;
  return { first: Buffer.from(first), last: Buffer.from(last) };
}
