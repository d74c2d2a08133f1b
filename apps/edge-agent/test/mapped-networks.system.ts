import type { Bundle } from '@weft/contracts/southbound';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Crossed, watchCrossings } from './support/crossing-watch.js';
import { EdgeHarness } from './support/edge-harness.js';
import { Namespaces, namespacesUnavailable } from './support/namespaces.js';
import { transferBetween } from './support/transfer-between.js';
import { bundle, key, LEFT, LEFT_ID, RIGHT, RIGHT_ID } from './support/two-sites.js';

//  10.0.0.10 [ host ] -- 10.0.0.1 [ left  ] 192.0.2.1 ------ [ router ] ------ 198.51.100.1 [ right ] 10.0.0.1 -- [ host ] 10.0.0.10
//                        on the fabric 10.101.0.0/24                           on the fabric 10.102.0.0/24
//
// Likewise fd00::/64, which is 2001:db8:101::/64 and 2001:db8:102::/64. The router would carry all of it in the clear.
const OWN = ['10.0.0.0/24', 'fd00::/64'] as const;
const HOSTS = ['10.0.0.10', 'fd00::10'] as const;
const SITES = {
  left: { ...LEFT, networks: ['10.101.0.0/24', '2001:db8:101::/64'], hosts: ['10.101.0.10', '2001:db8:101::10'] },
  right: { ...RIGHT, networks: ['10.102.0.0/24', '2001:db8:102::/64'], hosts: ['10.102.0.10', '2001:db8:102::10'] },
} as const;
type Side = keyof typeof SITES;
const OTHER = { left: 'right', right: 'left' } as const;
const SIDES = ['left', 'right'] as const;
const ADDRESSES = SIDES.flatMap((side) =>
  HOSTS.map((host, index) => [side, host, SITES[OTHER[side]].hosts[index] ?? ''] as const),
);
const PINGS = 10;
const TRANSFER_OCTETS = 20_000_000;
const NARROW = 1300;

const unavailable = namespacesUnavailable();

describe.skipIf(unavailable !== undefined)(
  `two sites with one network${unavailable ? ` (${unavailable})` : ''}`,
  () => {
    const namespaces = new Namespaces('mapped');
    let names: Names;
    let edges: Record<Side, EdgeHarness>;
    let crossed: () => Promise<Crossed>;

    beforeAll(async () => {
      names = buildNetwork(namespaces);
      const overlay = ['10.0.0', '10.101', '10.102', 'fd00', '2001:db8:101', '2001:db8:102'];
      crossed = await watchCrossings(namespaces, names.router, LEFT.underlay, overlay);
      edges = { left: new EdgeHarness(namespaces, names.left), right: new EdgeHarness(namespaces, names.right) };
      await edges.left.bundle(bundleOf('left', RIGHT_ID));
      await edges.right.bundle(bundleOf('right', LEFT_ID));
      await key(edges.left, edges.right, [0x1001, 0x1002]);
    });

    afterAll(() => namespaces.close());

    it.each(ADDRESSES)(
      'has the host of the %s site, %s, reach that of the other by what the fabric knows it by: %s',
      async (side, from, to) => {
        await crossed();
        expect(ping(side, from, to, PINGS)).toMatch(new RegExp(`${to}.* ${PINGS} received`, 's'));
        expect(await crossed()).toMatchObject({ clear: 0, esp: 2 * PINGS, lost: 0 });
      },
    );

    it.each(ADDRESSES)(
      'carries TCP from the %s host, %s, in large pieces as well, to %s',
      async (side, address, knownAs) => {
        await crossed();
        const other = OTHER[side];
        const server = { namespace: names[`${other}Host`], address, knownAs };
        const client = { namespace: names[`${side}Host`], address };
        const { sent, received } = await transferBetween(namespaces, server, client, {
          port: 7000,
          octets: TRANSFER_OCTETS,
        });
        expect(received).toEqual(sent);
        expect(await crossed()).toMatchObject({ clear: 0 });
      },
    );

    it.each(ADDRESSES)(
      'tells the %s host, %s, of a narrow link at the other site, about its own packet to %s',
      async (side, from, to) => {
        const other = OTHER[side];
        for (const [namespace, device] of [
          [names[other], 'lan'],
          [names[`${other}Host`], 'lan'],
        ] as const) {
          namespaces.ip(namespace, `link set ${device} mtu ${NARROW}`);
        }
        const headers = from.includes(':') ? 48 : 28;
        const size = ['-M', 'do', '-s', String(1400 - headers)];
        expect(ping(side, from, to, 2, size)).toMatch(new RegExp(`mtu[ =]+${NARROW}`));
        expect(ping(side, from, to, 1, ['-M', 'do', '-s', String(NARROW - headers)])).toMatch(/ 1 received/);
        expect(await crossed()).toMatchObject({ clear: 0 });
        for (const namespace of [names[other], names[`${other}Host`]])
          namespaces.ip(namespace, 'link set lan mtu 1500');
      },
    );

    it.each(SIDES)(
      'lets nothing out that the %s host sends to the prefix that its own site is mapped to',
      async (side) => {
        await crossed();
        for (const [index, from] of HOSTS.entries()) {
          expect(ping(side, from, SITES[side].hosts[index] ?? '', 3)).toMatch(/ 0 received/);
        }
        expect(await crossed()).toMatchObject({ clear: 0, esp: 0 });
      },
    );

    it('has discarded nothing else', async () => {
      for (const side of SIDES) {
        const { drops } = await edges[side].snapshot();
        expect(drops.map(({ reason }) => reason)).toEqual(['no_policy']);
      }
    });

    it('leaves nothing in the clear when an edge is killed', async () => {
      await crossed();
      await edges.left.kill();
      for (const [index, from] of HOSTS.entries()) {
        expect(ping('left', from, SITES.right.hosts[index] ?? '', 3)).toMatch(/ 0 received/);
        expect(ping('left', from, SITES.left.hosts[index] ?? '', 3)).toMatch(/ 0 received/);
      }
      expect((await crossed()).clear).toBe(0);
    });

    /** What the program says, whether anybody answers or not. */
    function ping(side: Side, from: string, to: string, count: number, more: readonly string[] = []): string {
      const args = ['-n', '-c', String(count), '-i', '0.05', '-W', '1', '-I', from, ...more, to];
      try {
        return namespaces.run(names[`${side}Host`], 'ping', args);
      } catch (error) {
        return (error as { stdout?: string }).stdout ?? '';
      }
    }
  },
);

type Names = Record<Side | 'router' | `${Side}Host`, string>;

function bundleOf(side: Side, peerEdgeId: string): Bundle {
  const local = SITES[side];
  const made = bundle({ ...local, networks: [...local.networks] }, remoteOf(side), peerEdgeId);
  return { ...made, networkMappings: OWN.map((own, index) => ({ local: own, overlay: local.networks[index] ?? '' })) };
}

function remoteOf(side: Side): typeof LEFT {
  const remote = SITES[OTHER[side]];
  return { ...remote, networks: [...remote.networks] };
}

function buildNetwork(namespaces: Namespaces): Names {
  const names = {
    left: namespaces.add('left'),
    right: namespaces.add('right'),
    router: namespaces.add('router'),
    leftHost: namespaces.add('lhost'),
    rightHost: namespaces.add('rhost'),
  };
  namespaces.run(names.router, 'sysctl', ['-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1']);
  for (const [index, side] of SIDES.entries()) {
    const { underlay, gateway, networks } = SITES[side];
    const [name, host] = [names[side], names[`${side}Host`]];
    namespaces.connect(name, 'wan', names.router, side);
    namespaces.ip(name, `address add ${underlay}/24 dev wan`);
    namespaces.ip(name, `address add fd99:${index}::1/64 dev wan nodad`);
    namespaces.ip(names.router, `address add ${gateway}/24 dev ${side}`);
    namespaces.ip(names.router, `address add fd99:${index}::fe/64 dev ${side} nodad`);
    namespaces.ip(name, `route add default via ${gateway}`);
    namespaces.ip(name, `-6 route add default via fd99:${index}::fe`);
    namespaces.ip(names.router, `route add ${networks[0]} via ${underlay}`);
    namespaces.ip(names.router, `-6 route add ${networks[1]} via fd99:${index}::1`);
    namespaces.connect(host, 'lan', name, 'lan');
    namespaces.ip(name, 'address add 10.0.0.1/24 dev lan');
    namespaces.ip(name, 'address add fd00::1/64 dev lan nodad');
    namespaces.ip(host, 'address add 10.0.0.10/24 dev lan');
    namespaces.ip(host, 'address add fd00::10/64 dev lan nodad');
    namespaces.ip(host, 'route add default via 10.0.0.1');
    namespaces.ip(host, '-6 route add default via fd00::1');
  }
  return names;
}
