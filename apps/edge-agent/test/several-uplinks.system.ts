import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Bundle, KeyingMode } from '@weft/contracts/southbound';
import { formatAddress } from '@weft/ipsec-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { watchCrossings } from './support/crossing-watch.js';
import { EdgeHarness } from './support/edge-harness.js';
import { hasNft, Namespaces, namespacesUnavailable } from './support/namespaces.js';
import { negotiatedBundle, TUNNEL } from './support/negotiated-bundle.js';
import { TestPki } from './support/test-pki.js';
import { key } from './support/two-sites.js';

// An edge with two uplinks, each with a provider of its own. The first provider drops everything without a word: links stay up, and
// no address goes away. What an edge sends from an address leaves by the uplink of that, as the operator's rules say.
//
//                       192.0.2.1 [ first  ]
//   10.1.0.1 [ left ]                        [ core ] 198.51.100.1 [ right ] 10.2.0.1
//                     203.0.113.1 [ second ]          2001:db8:64::1
//                  2001:db8:71::1
const LEFT = { underlay: '192.0.2.1', network: '10.1.0.0/24', host: '10.1.0.1' };
const RIGHT = { underlay: '198.51.100.1', network: '10.2.0.0/24', host: '10.2.0.1' };
const RIGHT_SIX = '2001:db8:64::1';
const IDS = ['00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002'] as const;
const WATCH = { probeIntervalMilliseconds: 500, missedProbes: 3, holdDownSeconds: 3 };
const PATIENCE = { timeout: 60_000 };

const unavailable = namespacesUnavailable() ?? (hasNft() ? undefined : 'needs nft for a provider that drops');

describe.skipIf(unavailable !== undefined).each([
  { which: 'IPv4', left: '203.0.113.1', right: RIGHT.underlay, initiator: 'left', ids: IDS },
  { which: 'IPv6', left: '2001:db8:71::1', right: RIGHT_SIX, initiator: 'right', ids: [IDS[1], IDS[0]] },
] as const)(
  `two uplinks, the second of $which, $initiator initiates${unavailable ? ` (${unavailable})` : ''}`,
  ({ which, left: secondLeft, right: secondRight, ids: [leftId, rightId] }) => {
    const namespaces = new Namespaces(`uplinks-${which}`);
    const directory = mkdtempSync(path.join(tmpdir(), 'weft-uplinks-'));
    let names: Names;
    let left: EdgeHarness;
    let right: EdgeHarness;
    let crossed: Awaited<ReturnType<typeof watchCrossings>>;

    beforeAll(async () => {
      names = buildNetwork(namespaces);
      crossed = await watchCrossings(namespaces, names.core, RIGHT.underlay, ['10.1', '10.2']);
      const pki = await TestPki.create();
      const start = async (namespace: string, edgeId: string) => {
        const file = path.join(directory, `${edgeId}.json`);
        writeFileSync(file, JSON.stringify(await pki.storedIdentity('127.0.0.1:1', edgeId)), { mode: 0o600 });
        return new EdgeHarness(namespaces, namespace, 'weft0', 'auto', file);
      };
      left = await start(names.left, leftId);
      right = await start(names.right, rightId);
      const ends = [
        { ...LEFT, id: leftId },
        { ...RIGHT, id: rightId },
      ] as const;
      const six = which === 'IPv6' ? [RIGHT_SIX] : [];
      await Promise.all([
        left.bundle(withUplinks(negotiatedBundle(ends[0], ends[1]), [secondLeft], six)),
        right.bundle(withUplinks(negotiatedBundle(ends[1], ends[0]), six, [secondLeft])),
      ]);
    });

    afterAll(async () => {
      await namespaces.close();
      rmSync(directory, { recursive: true });
    });

    it('begins by the first', async () => {
      await expect.poll(() => ping(), PATIENCE).toMatch(/1 received/);
      // Both may have begun, and one pair goes.
      const pairs = async () => Object.values(await spis()).map(({ length }) => length);
      await expect.poll(pairs, PATIENCE).toEqual([2, 2]);
      expect(await paths()).toEqual({ left: [LEFT.underlay, RIGHT.underlay], right: [RIGHT.underlay, LEFT.underlay] });
    });

    it('leaves it when its provider drops everything, with the associations that there are, and nothing in the clear', async () => {
      const before = await spis();
      await crossed();
      drop(true);
      await expect.poll(() => ping(), PATIENCE).toMatch(/1 received/);
      await expect
        .poll(() => paths(), PATIENCE)
        .toEqual({
          left: [secondLeft, secondRight],
          right: [secondRight, secondLeft],
        });
      expect(ping(20)).toMatch(/ 20 received/);
      expect(await spis()).toEqual(before);
      const { clear, esp, lost } = await crossed();
      expect({ clear, lost }).toEqual({ clear: 0, lost: 0 });
      expect(esp).toBeGreaterThan(20);
    });

    it('comes back when that is good again, and loses nothing by it', async () => {
      const before = await spis();
      drop(false);
      const pings = namespaces.start(names.left, 'ping', ['-i', '0.02', '-I', LEFT.host, RIGHT.host]);
      const said = textOf(pings.stdout);
      await expect
        .poll(() => paths(), PATIENCE)
        .toEqual({
          left: [LEFT.underlay, RIGHT.underlay],
          right: [RIGHT.underlay, LEFT.underlay],
        });
      expect(ping(20)).toMatch(/ 20 received/);
      pings.kill('SIGINT');
      expect(await said).toMatch(/ 0% packet loss/);
      expect(await spis()).toEqual(before);
      expect((await crossed()).clear).toBe(0);
    });

    it('begins by the second when the first drops everything from the start', async () => {
      await left.kill();
      drop(true);
      left = new EdgeHarness(namespaces, names.left, 'weft0', 'auto', path.join(directory, `${leftId}.json`));
      const six = which === 'IPv6' ? [RIGHT_SIX] : [];
      const bundle = negotiatedBundle({ ...LEFT, id: leftId }, { ...RIGHT, id: rightId });
      await left.bundle(withUplinks(bundle, [secondLeft], six));
      await expect.poll(() => ping(), PATIENCE).toMatch(/1 received/);
      drop(false);
      await expect
        .poll(() => paths(), PATIENCE)
        .toEqual({
          left: [LEFT.underlay, RIGHT.underlay],
          right: [RIGHT.underlay, LEFT.underlay],
        });
      await expect.poll(() => ping(), PATIENCE).toMatch(/1 received/);
      expect((await crossed()).clear).toBe(0);
    });

    function ping(count = 1): string {
      const args = ['-c', `${count}`, '-i', '0.05', '-W', '1', '-I', LEFT.host, RIGHT.host];
      try {
        return namespaces.run(names.left, 'ping', args);
      } catch (error) {
        return String((error as { stdout?: unknown }).stdout ?? error);
      }
    }

    /** Where the IKE SA of each end is, own address first. */
    async function paths(): Promise<Record<'left' | 'right', string[]>> {
      const of = async (edge: EdgeHarness) => {
        const found = (await edge.negotiations())[TUNNEL]?.path;
        return found === undefined ? [] : [addressText(found.local.address), addressText(found.remote.address)];
      };
      return { left: await of(left), right: await of(right) };
    }

    async function spis(): Promise<Record<'left' | 'right', number[]>> {
      const of = async (edge: EdgeHarness) => (await edge.snapshot()).associations.map(({ spi }) => spi).sort();
      return { left: await of(left), right: await of(right) };
    }

    function drop(all: boolean): void {
      dropAll(namespaces, names, all);
    }
  },
);

describe.skipIf(unavailable !== undefined)('two uplinks, and keys that the controller makes', () => {
  const namespaces = new Namespaces('uplinks-keys');

  afterAll(() => namespaces.close());

  it('stay on the first: when that is dead nothing passes, nothing goes in the clear, and it goes on when that is back', async () => {
    const names = buildNetwork(namespaces);
    const crossed = await watchCrossings(namespaces, names.core, RIGHT.underlay, ['10.1', '10.2']);
    const [left, right] = [names.left, names.right].map((name) => new EdgeHarness(namespaces, name));
    if (left === undefined || right === undefined) throw new Error('two edges');
    const [leftEnd, rightEnd] = [
      { ...LEFT, id: IDS[0] },
      { ...RIGHT, id: IDS[1] },
    ] as const;
    await left.bundle(keyedByTheController(withUplinks(negotiatedBundle(leftEnd, rightEnd), ['203.0.113.1'], [])));
    await right.bundle(keyedByTheController(negotiatedBundle(rightEnd, leftEnd)));
    await key(left, right, [0x1000, 0x2000]);
    const ping = () => {
      try {
        return namespaces.run(names.left, 'ping', ['-c', '3', '-i', '0.2', '-W', '1', '-I', LEFT.host, RIGHT.host]);
      } catch (error) {
        return String((error as { stdout?: unknown }).stdout ?? error);
      }
    };
    expect(ping()).toMatch(/ 3 received/);
    dropAll(namespaces, names, true);
    await crossed();
    expect(ping()).toMatch(/ 0 received/);
    const { clear, esp, lost } = await crossed();
    expect({ clear, esp, lost }).toEqual({ clear: 0, esp: 0, lost: 0 });
    dropAll(namespaces, names, false);
    expect(ping()).toMatch(/ 3 received/);
    expect((await crossed()).clear).toBe(0);
  });
});

function keyedByTheController(bundle: Bundle): Bundle {
  const keyingMode = KeyingMode.KEYING_MODE_IKE_LESS;
  return { ...bundle, tunnels: bundle.tunnels.map(({ ike: _, ...tunnel }) => ({ ...tunnel, keyingMode })) };
}

function dropAll(namespaces: Namespaces, { first }: Names, all: boolean): void {
  const rules = all ? 'add rule inet weft through drop' : 'flush chain inet weft through';
  namespaces.run(first, 'nft', [rules]);
}

/** Further addresses of the edge and of its peer. */
function withUplinks(bundle: Bundle, own: readonly string[], peer: readonly string[]): Bundle {
  const endpoints = (addresses: readonly string[]) =>
    addresses.length === 0 ? undefined : { endpoints: addresses.map((address) => ({ address, port: 4500 })) };
  return {
    ...bundle,
    otherUnderlays: endpoints(own),
    pathWatch: WATCH,
    tunnels: bundle.tunnels.map((tunnel) => ({ ...tunnel, otherRemotes: endpoints(peer) })),
  };
}

interface Names {
  readonly left: string;
  readonly first: string;
  readonly second: string;
  readonly core: string;
  readonly right: string;
}

function buildNetwork(namespaces: Namespaces): Names {
  const [left, first, second] = [namespaces.add('left'), namespaces.add('first'), namespaces.add('second')];
  const names = { left, first, second, core: namespaces.add('core'), right: namespaces.add('right') };
  const { core, right } = names;
  namespaces.connect(left, 'wan1', first, 'edge');
  namespaces.connect(left, 'wan2', second, 'edge');
  namespaces.connect(first, 'core', core, 'first');
  namespaces.connect(second, 'core', core, 'second');
  namespaces.connect(core, 'right', right, 'wan');
  const commands: readonly (readonly [string, string])[] = [
    [left, 'address add 192.0.2.1/24 dev wan1'],
    [left, 'address add 203.0.113.1/24 dev wan2'],
    [left, 'address add 2001:db8:71::1/64 dev wan2 nodad'],
    [left, `address add ${LEFT.host}/32 dev lo`],
    [first, 'address add 192.0.2.254/24 dev edge'],
    [first, 'address add 10.99.1.1/30 dev core'],
    [first, 'route add default via 10.99.1.2'],
    [second, 'address add 203.0.113.254/24 dev edge'],
    [second, 'address add 2001:db8:71::254/64 dev edge nodad'],
    [second, 'address add 10.99.2.1/30 dev core'],
    [second, 'address add 2001:db8:99::1/64 dev core nodad'],
    [second, 'route add default via 10.99.2.2'],
    [second, '-6 route add default via 2001:db8:99::2'],
    [core, 'address add 10.99.1.2/30 dev first'],
    [core, 'address add 10.99.2.2/30 dev second'],
    [core, 'address add 2001:db8:99::2/64 dev second nodad'],
    [core, 'address add 198.51.100.254/24 dev right'],
    [core, 'address add 2001:db8:64::254/64 dev right nodad'],
    [core, 'route add 192.0.2.0/24 via 10.99.1.1'],
    [core, 'route add 203.0.113.0/24 via 10.99.2.1'],
    [core, '-6 route add 2001:db8:71::/64 via 2001:db8:99::1'],
    [right, `address add ${RIGHT.underlay}/24 dev wan`],
    [right, `address add ${RIGHT_SIX}/64 dev wan nodad`],
    [right, `address add ${RIGHT.host}/32 dev lo`],
    [right, 'route add default via 198.51.100.254'],
    [right, '-6 route add default via 2001:db8:64::254'],
    // As docs/operations.md says: what comes from an address of an uplink leaves by that uplink.
    [left, 'rule add from 192.0.2.1 table 101'],
    [left, 'rule add from 203.0.113.1 table 102'],
    [left, 'route add default via 192.0.2.254 table 101'],
    [left, 'route add default via 203.0.113.254 table 102'],
    [left, '-6 route add default via 2001:db8:71::254'],
    // What would go out in the clear finds a way.
    [left, 'route add default via 192.0.2.254'],
  ];
  for (const [name, command] of commands) namespaces.ip(name, command);
  for (const name of [first, second, core]) {
    namespaces.run(name, 'sysctl', ['-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1']);
  }
  const chain = 'add chain inet weft through { type filter hook forward priority 0; }';
  namespaces.run(first, 'nft', [`add table inet weft; ${chain}`]);
  return names;
}

/** Addresses come as JSON has octets: an object with a number for each. */
function addressText(octets: Readonly<Record<string, number>>): string {
  return formatAddress(Uint8Array.from(Object.values(octets)));
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += chunk.toString();
  return text;
}
