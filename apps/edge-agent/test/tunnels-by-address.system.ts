import { randomBytes } from 'node:crypto';
import {
  type AddressSet,
  type Bundle,
  KeyingMode,
  type SecurityAssociation,
  type SecurityPolicy,
  SecurityPolicyAction,
} from '@weft/contracts/southbound';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addressSet, nameSets } from './support/addressed-bundle.js';
import { type Crossed, watchCrossings } from './support/crossing-watch.js';
import { EdgeHarness } from './support/edge-harness.js';
import { Namespaces, namespacesUnavailable } from './support/namespaces.js';
import { NumberedPing } from './support/numbered-ping.js';
import { PROFILE } from './support/test-bundle.js';

//   10.1.0.1 [ hub   ] 192.0.2.1 -----+
//   10.2.0.1 [ west  ] 198.51.100.1 --+
//   10.3.0.1 [ east  ] 203.0.113.1 ---+-- [ underlay ]
//   10.4.0.1 [ one   ] 192.0.3.1 -----+
//   10.4.0.1 [ other ] 192.0.4.1 -----+
//
// Likewise 2001:db8:1::1 and so on. Hub, west and east have a tunnel with each other; one and other are two edges of a site that the hub
// alone reaches, by a group. Each edge has one entry for each IP version, for all of its peers, and for a network that no peer has.
const EDGES = {
  hub: edge(1, '192.0.2'),
  west: edge(2, '198.51.100'),
  east: edge(3, '203.0.113'),
  one: edge(4, '192.0.3'),
  other: edge(4, '192.0.4', 5),
} as const;
type EdgeName = keyof typeof EDGES;
const NAMES = ['hub', 'west', 'east', 'one', 'other'] as const;
const TUNNELS = [
  ['hub', 'west', tunnelId(0xa)],
  ['hub', 'east', tunnelId(0xb)],
  ['west', 'east', tunnelId(0xc)],
  ['hub', 'one', tunnelId(0xd)],
  ['hub', 'other', tunnelId(0xe)],
] as const;
const GROUP = tunnelId(0xf);
const NOBODY = { networks: ['10.9.0.0/24', '2001:db8:9::/64'], hosts: ['10.9.0.1', '2001:db8:9::1'] };
/** Which of its two IP versions an edge speaks in. */
const FAMILIES = [
  ['IPv4', 0],
  ['IPv6', 1],
] as const;
const PINGS = 10;
const PATIENCE = { timeout: 120_000 };

const unavailable = namespacesUnavailable();

describe.skipIf(unavailable !== undefined)(
  `edges whose entries name no tunnel${unavailable ? ` (${unavailable})` : ''}`,
  () => {
    const namespaces = new Namespaces('address');
    let names: Record<EdgeName | 'underlay', string>;
    let edges: Record<EdgeName, EdgeHarness>;
    let crossed: () => Promise<Crossed>;

    beforeAll(async () => {
      names = buildNetwork(namespaces);
      crossed = await watchCrossings(
        namespaces,
        names.underlay,
        EDGES.hub.underlay,
        [1, 2, 3, 4, 9].flatMap((number) => [`10.${number}`, `2001:db8:${number}`]),
      );
      const start = (name: EdgeName) =>
        new EdgeHarness(namespaces, names[name], 'weft0', 'auto', undefined, { pathProbing: true });
      edges = {
        hub: start('hub'),
        west: start('west'),
        east: start('east'),
        one: start('one'),
        other: start('other'),
      };
      await Promise.all(NAMES.map((name) => edges[name].bundle(byAddress(name))));
      await Promise.all(TUNNELS.map(([left, right, id], index) => key(left, right, id, 0x1000 + 2 * index)));
    });

    afterAll(() => namespaces.close());

    it.each(FAMILIES)(
      'send each peer what is for its networks, and take it from no other, in %s',
      async (_, family) => {
        await expect.poll(() => ping('hub', family, EDGES.one.hosts[family], 1), PATIENCE).toMatch(/ 1 received/);
        for (const [from, to, into] of [
          ['hub', 'west', TUNNELS[0][2]],
          ['hub', 'east', TUNNELS[1][2]],
          ['west', 'east', TUNNELS[2][2]],
          ['east', 'hub', TUNNELS[1][2]],
          ['hub', 'one', TUNNELS[3][2]],
        ] as const) {
          await crossed();
          const before = await Promise.all([carriedBySite(from), carriedBySite(to)]);
          expect(ping(from, family, EDGES[to].hosts[family], PINGS)).toMatch(new RegExp(` ${PINGS} received`));
          expect(await crossed()).toMatchObject({ clear: 0, lost: 0 });
          const after = await Promise.all([carriedBySite(from), carriedBySite(to)]);
          for (const [end, counts] of after.entries()) {
            const more = [...counts].map(([id, count]) => [id, count - (before[end]?.get(id) ?? 0)]);
            expect(more.filter(([, count]) => count !== 0)).toEqual([[into, 2 * PINGS]]);
          }
        }
      },
    );

    it.each(FAMILIES)('drop what no peer has, count it, and let nothing of it out, in %s', async (_, family) => {
      const before = await dropped('hub', 'no_tunnel');
      await crossed();
      expect(ping('hub', family, NOBODY.hosts[family] ?? '', PINGS)).toMatch(/ 0 received/);
      expect(await crossed()).toMatchObject({ clear: 0, lost: 0 });
      expect(await dropped('hub', 'no_tunnel')).toBe(before + PINGS);
    });

    it.each(FAMILIES)(
      'refuse the address of one peer when it comes out of the tunnel of another, in %s',
      async (_, family) => {
        const [claimed, flag] = family === 0 ? ['10.2.0.77/32', ''] : ['2001:db8:2::77/128', ' nodad'];
        namespaces.ip(names.east, `address add ${claimed} dev lo${flag}`);
        await edges.east.bundle(byAddress('east', ['west']));
        const before = await dropped('hub', 'selector_mismatch');
        const from = claimed.replace(/\/.*/, '');
        expect(ping('east', family, EDGES.hub.hosts[family], PINGS, from)).toMatch(/ 0 received/);
        expect(await dropped('hub', 'selector_mismatch')).toBe(before + PINGS);
        namespaces.ip(names.east, `address delete ${claimed} dev lo`);
        await edges.east.bundle(byAddress('east'));
        expect(ping('east', family, EDGES.hub.hosts[family], PINGS)).toMatch(new RegExp(` ${PINGS} received`));
      },
    );

    it('go from entries that name their tunnels to one by address and back without a lost packet, with the keys they have', async () => {
      const standing = async () =>
        Promise.all(
          NAMES.map(async (name) =>
            (await edges[name].snapshot()).associations.map(({ direction, spi }) => [direction, spi]),
          ),
        );
      const before = await standing();
      const all = FAMILIES.flatMap(([, family]) =>
        (['west', 'east', 'one'] as const).map((to) => [family, EDGES[to].hosts[family]] as const),
      );
      const traffic = all.map(([family, to]) => new NumberedPing(namespaces, names.hub, EDGES.hub.hosts[family], to));
      await Promise.all(traffic.map((one) => one.more(10)));
      for (const make of [named, byAddress, named, byAddress]) {
        for (const name of ['hub', 'west', 'one'] as const) {
          await edges[name].bundle(make(name));
          await Promise.all(traffic.map((one) => one.more(10)));
        }
      }
      const ends = await Promise.all(traffic.map((one) => one.stop()));
      expect(ends).toEqual(ends.map(() => 0));
      expect(await standing()).toEqual(before);
      expect((await crossed()).clear).toBe(0);
    });

    it('go on by the other edge of a site when the preferred one is killed', async () => {
      await edges.one.kill();
      await expect.poll(chosen, PATIENCE).toBe(TUNNELS[4][2]);
      for (const [, family] of FAMILIES) {
        const before = await carried('other');
        expect(ping('hub', family, EDGES.other.hosts[family], PINGS)).toMatch(new RegExp(` ${PINGS} received`));
        const after = await carried('other');
        const id = TUNNELS[4][2];
        expect((after.get(id) ?? 0) - (before.get(id) ?? 0)).toBeGreaterThanOrEqual(2 * PINGS);
      }
      expect((await crossed()).clear).toBe(0);
    });

    /** What the program says, whether anybody answers or not. */
    function ping(name: EdgeName, family: 0 | 1, to: string, count: number, from = EDGES[name].hosts[family]): string {
      try {
        return namespaces.run(names[name], 'ping', ['-n', '-c', `${count}`, '-i', '0.05', '-W', '1', '-I', from, to]);
      } catch (error) {
        return (error as { stdout?: string }).stdout ?? '';
      }
    }

    /** The same of a site: which of its edges the packets of a group go to is for those to say that answer. */
    async function carriedBySite(name: EdgeName): Promise<ReadonlyMap<string, number>> {
      const ends = await Promise.all((name === 'one' ? (['one', 'other'] as const) : [name]).map(carried));
      const site = new Map<string, number>();
      for (const [id, count] of ends.flatMap((end) => [...end])) {
        const way = id === TUNNELS[4][2] ? TUNNELS[3][2] : id;
        site.set(way, (site.get(way) ?? 0) + count);
      }
      return site;
    }

    /** Packets in both directions, by tunnel. */
    async function carried(name: EdgeName): Promise<ReadonlyMap<string, number>> {
      const { tunnels } = await edges[name].snapshot();
      return new Map(
        tunnels.map(({ tunnelId: id, inboundPackets, outboundPackets }) => [
          id,
          Number(inboundPackets) + Number(outboundPackets),
        ]),
      );
    }

    async function dropped(name: EdgeName, reason: string): Promise<number> {
      const { drops } = await edges[name].snapshot();
      return Number(drops.find((drop) => drop.reason === reason)?.packets ?? 0);
    }

    /** The tunnel of the group that the hub sends in. */
    async function chosen(): Promise<string | undefined> {
      const { groups } = await edges.hub.snapshot();
      return groups[0]?.tunnels.find((tunnel) => tunnel.chosen)?.tunnelId;
    }

    /** Both directions of a tunnel, inbound at both ends before outbound at both (RFC 9061 appendix D). */
    async function key(left: EdgeName, right: EdgeName, id: string, spi: number): Promise<void> {
      const toLeft = association(id, spi, randomBytes(36));
      const toRight = association(id, spi + 1, randomBytes(36));
      const at = (name: EdgeName) => ({ address: EDGES[name].underlay, port: 4500 });
      const install = (name: EdgeName, $case: 'installInbound' | 'installOutbound', value: SecurityAssociation) =>
        edges[name].command({ commandId: `${$case} ${value.spi}`, step: { $case, value: { associations: [value] } } });
      await Promise.all([
        install(left, 'installInbound', { ...toLeft, peer: at(right) }),
        install(right, 'installInbound', { ...toRight, peer: at(left) }),
      ]);
      await Promise.all([
        install(left, 'installOutbound', { ...toRight, peer: at(right) }),
        install(right, 'installOutbound', { ...toLeft, peer: at(left) }),
      ]);
    }
  },
);

interface Edge {
  readonly id: string;
  readonly underlay: string;
  readonly gateway: string;
  readonly networks: readonly [string, string];
  readonly hosts: readonly [string, string];
}

/** `number` is that of its networks. */
function edge(number: number, underlay: string, identity = number): Edge {
  return {
    id: `00000000-0000-4000-8000-00000000000${identity}`,
    underlay: `${underlay}.1`,
    gateway: `${underlay}.254`,
    networks: [`10.${number}.0.0/24`, `2001:db8:${number}::/64`],
    hosts: [`10.${number}.0.1`, `2001:db8:${number}::1`],
  };
}

function tunnelId(number: number): string {
  return `00000000-0000-4000-8000-0000000000${number.toString(16).padStart(2, '0')}`;
}

function buildNetwork(namespaces: Namespaces): Record<EdgeName | 'underlay', string> {
  const names = {
    hub: namespaces.add('hub'),
    west: namespaces.add('west'),
    east: namespaces.add('east'),
    one: namespaces.add('one'),
    other: namespaces.add('other'),
    underlay: namespaces.add('underlay'),
  };
  namespaces.run(names.underlay, 'sysctl', ['-qw', 'net.ipv4.ip_forward=1']);
  for (const name of NAMES) {
    const { underlay, gateway, hosts } = EDGES[name];
    namespaces.connect(names[name], 'wan', names.underlay, name);
    namespaces.ip(names[name], `address add ${underlay}/24 dev wan`);
    namespaces.ip(names.underlay, `address add ${gateway}/24 dev ${name}`);
    namespaces.ip(names[name], `route add default via ${gateway}`);
    namespaces.ip(names[name], `address add ${hosts[0]} dev lo`);
    namespaces.ip(names[name], `address add ${hosts[1]} dev lo nodad`);
  }
  return names;
}

/** The peers of an edge, with the tunnel to each. */
function peersOf(name: EdgeName): readonly (readonly [tunnelId: string, peer: EdgeName])[] {
  return TUNNELS.filter(([left, right]) => left === name || right === name).map(([left, right, id]) => [
    id,
    left === name ? right : left,
  ]);
}

/** Those that packets go to, with what an entry calls the way: the two edges of a site are one. */
function waysOf(name: EdgeName): readonly (readonly [way: string, peer: EdgeName])[] {
  return name !== 'hub'
    ? peersOf(name)
    : peersOf(name).flatMap(([id, peer]) => (peer === 'other' ? [] : [[peer === 'one' ? GROUP : id, peer] as const]));
}

/**
 * One entry for each IP version, which names no tunnel.
 * @param claimed edges whose networks the edge takes for its own, too
 */
function byAddress(name: EdgeName, claimed: readonly EdgeName[] = []): Bundle {
  const ways = waysOf(name);
  const sets: AddressSet[] = [];
  const place = (set: AddressSet) => sets.push(set) - 1;
  const carries = new Map(
    ways.map(([way, peer]) => [way, EDGES[peer].networks.map((network) => place(addressSet(network)))]),
  );
  const entries = FAMILIES.map(([version, family]) => {
    const local = place(addressSet(...[name, ...claimed].map((edge) => EDGES[edge].networks[family]).toSorted()));
    const networks = [...ways.map(([, peer]) => EDGES[peer].networks[family]), NOBODY.networks[family] ?? ''];
    return entry(version, '', nameSets(local, place(addressSet(...networks.toSorted()))));
  });
  const { tunnels, tunnelGroups, ...rest } = bundleOf(name, entries);
  return {
    ...rest,
    tunnels: tunnels.map((tunnel) => ({ ...tunnel, carries: carries.get(tunnel.tunnelId) ?? [] })),
    tunnelGroups: tunnelGroups.map((group) => ({ ...group, carries: carries.get(group.groupId) ?? [] })),
    addressSets: sets,
  };
}

/** The same with an entry for each peer, which names its tunnel. */
function named(name: EdgeName): Bundle {
  return bundleOf(
    name,
    waysOf(name).flatMap(([way, peer]) =>
      FAMILIES.map(([version, family]) =>
        entry(`${version} ${peer}`, way, {
          localAddresses: addressSet(EDGES[name].networks[family]).ranges,
          remoteAddresses: addressSet(EDGES[peer].networks[family]).ranges,
        }),
      ),
    ),
  );
}

function bundleOf(name: EdgeName, securityPolicies: SecurityPolicy[]): Bundle {
  const { underlay, networks } = EDGES[name];
  const peers = peersOf(name);
  return {
    device: { mtu: 1422 },
    underlay: { address: underlay, port: 4500 },
    tunnels: peers.map(([id, peer]) => ({
      tunnelId: id,
      peerEdgeId: EDGES[peer].id,
      peerName: peer,
      remote: { address: EDGES[peer].underlay, port: 4500 },
      keyingMode: KeyingMode.KEYING_MODE_IKE_LESS,
      profile: PROFILE,
      carries: [],
    })),
    securityPolicies,
    routes: [...waysOf(name).flatMap(([, peer]) => EDGES[peer].networks), ...NOBODY.networks],
    localNetworks: [...networks],
    tunnelGroups: name === 'hub' ? [groupOfSite()] : [],
    networkMappings: [],
    addressSets: [],
  };
}

function groupOfSite(): Bundle['tunnelGroups'][number] {
  const tunnelIds = [TUNNELS[3][2], TUNNELS[4][2]];
  const watch = { probeIntervalMilliseconds: 500, missedProbes: 3, holdDownSeconds: 5 };
  return { groupId: GROUP, tunnelIds, ...watch, carries: [] };
}

function entry(entryId: string, way: string, addresses: Partial<SecurityPolicy['selector']>): SecurityPolicy {
  return {
    entryId,
    ruleId: '00000000-0000-4000-8000-0000000000ff',
    action: SecurityPolicyAction.SECURITY_POLICY_ACTION_PROTECT,
    tunnelId: way,
    selector: { localAddresses: [], remoteAddresses: [], localPorts: [], remotePorts: [], ...addresses },
  };
}

function association(id: string, spi: number, keyingMaterial: Buffer): SecurityAssociation {
  return {
    tunnelId: id,
    spi,
    profile: PROFILE,
    keyingMaterial,
    softLifetimeSeconds: 3600n,
    hardLifetimeSeconds: 28_800n,
  };
}
