import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EdgeHarness } from './support/edge-harness.js';
import { Namespaces, namespacesUnavailable } from './support/namespaces.js';
import { negotiatedBundle, TUNNEL } from './support/negotiated-bundle.js';
import { TestPki } from './support/test-pki.js';

// The NAT has an address outside that no bundle names; from the right nothing can be begun with the left.
//
//   10.1.0.1 [ left ] 192.0.2.1 ----- [ nat ] 198.51.100.201, later .202 ----- 198.51.100.1 [ right ] 10.2.0.1
const LEFT = {
  id: '00000000-0000-4000-8000-000000000001',
  underlay: '192.0.2.1',
  network: '10.1.0.0/24',
  host: '10.1.0.1',
};
const RIGHT = {
  id: '00000000-0000-4000-8000-000000000002',
  underlay: '198.51.100.1',
  network: '10.2.0.0/24',
  host: '10.2.0.1',
};
const PATIENCE = { timeout: 60_000 };

const unavailable = namespacesUnavailable() ?? nftUnavailable();

describe.skipIf(unavailable !== undefined)(`an edge behind a NAT${unavailable ? ` (${unavailable})` : ''}`, () => {
  const namespaces = new Namespaces('behind');
  const directory = mkdtempSync(path.join(tmpdir(), 'weft-behind-'));
  let names: { left: string; nat: string; right: string };
  let left: EdgeHarness;
  let right: EdgeHarness;
  let pki: TestPki;

  beforeAll(async () => {
    names = buildNetwork(namespaces);
    pki = await TestPki.create();
    left = await start(names.left, LEFT.id);
    right = await start(names.right, RIGHT.id);
    await Promise.all([left.bundle(negotiatedBundle(LEFT, RIGHT)), right.bundle(negotiatedBundle(RIGHT, LEFT))]);
  });

  afterAll(async () => {
    await namespaces.close();
    rmSync(directory, { recursive: true });
  });

  it('comes up from an address that nobody configured, because it proves which edge it is', async () => {
    await expectUp();
  });

  it('comes up again when it was restarted behind another mapping of the NAT', async () => {
    const before = await spis(right);
    await left.kill();
    namespaces.ip(names.nat, 'address add 198.51.100.202/24 dev right');
    // With the address its mappings go.
    namespaces.ip(names.nat, 'address del 198.51.100.201/24 dev right');
    left = await start(names.left, LEFT.id);
    await left.bundle(negotiatedBundle(LEFT, RIGHT));
    await expectUp();
    expect((await spis(right)).filter((spi) => before.includes(spi))).toEqual([]);
  });

  it('finds out by itself that its peer outside has lost everything, and begins anew', async () => {
    await right.kill();
    right = await start(names.right, RIGHT.id);
    await right.bundle(negotiatedBundle(RIGHT, LEFT));
    await expect.poll(() => right.negotiations(), PATIENCE).toMatchObject({ [TUNNEL]: { established: true } });
    await expectUp();
  });

  async function start(namespace: string, edgeId: string): Promise<EdgeHarness> {
    const file = path.join(directory, `${edgeId}.json`);
    writeFileSync(file, JSON.stringify(await pki.storedIdentity('127.0.0.1:1', edgeId)), { mode: 0o600 });
    return new EdgeHarness(namespaces, namespace, 'weft0', 'auto', file);
  }

  /** One pair of associations, the same at both ends, and packets of both. */
  async function expectUp(): Promise<void> {
    await expect
      .poll(async () => {
        const [own, other] = [await spis(left), await spis(right)];
        return own.length === 2 && own.join() === other.join();
      }, PATIENCE)
      .toBe(true);
    for (const [name, from, to] of [
      [names.left, LEFT.host, RIGHT.host],
      [names.right, RIGHT.host, LEFT.host],
    ] as const) {
      const args = ['-c', '3', '-i', '0.05', '-W', '2', '-I', from, to];
      await expect.poll(() => attempt(() => namespaces.run(name, 'ping', args)), PATIENCE).toMatch(/3 received/);
    }
    const [inside, outside] = [
      { localBehindNat: true },
      { localBehindNat: false, remote: { port: expect.any(Number) } },
    ];
    expect(await left.negotiations()).toMatchObject({ [TUNNEL]: { established: true, path: inside } });
    expect(await right.negotiations()).toMatchObject({ [TUNNEL]: { established: true, path: outside } });
  }

  async function spis(edge: EdgeHarness): Promise<number[]> {
    return (await edge.snapshot()).associations.map(({ spi }) => spi).sort();
  }
});

function buildNetwork(namespaces: Namespaces): { left: string; nat: string; right: string } {
  const names = { left: namespaces.add('left'), nat: namespaces.add('nat'), right: namespaces.add('right') };
  namespaces.connect(names.left, 'wan', names.nat, 'left');
  namespaces.connect(names.right, 'wan', names.nat, 'right');
  for (const [name, { underlay, host }] of [
    [names.left, LEFT],
    [names.right, RIGHT],
  ] as const) {
    namespaces.ip(name, `address add ${underlay}/24 dev wan`);
    namespaces.ip(name, `address add ${host}/32 dev lo`);
  }
  namespaces.ip(names.nat, 'address add 192.0.2.254/24 dev left');
  namespaces.ip(names.nat, 'address add 198.51.100.201/24 dev right');
  // Where the bundle says that the left is, nobody is reached from outside.
  namespaces.ip(names.left, 'route add default via 192.0.2.254');
  namespaces.ip(names.right, 'route add unreachable 192.0.2.0/24');
  for (const setting of ['net.ipv4.ip_forward=1', 'net.ipv4.conf.all.promote_secondaries=1']) {
    namespaces.run(names.nat, 'sysctl', ['-qw', setting]);
  }
  const rules = [
    'add table ip weft',
    'add chain ip weft out { type nat hook postrouting priority 100; }',
    // Its ports outside are others than inside.
    'add rule ip weft out oif "right" udp sport 4500 masquerade to :40000-50000',
  ];
  namespaces.run(names.nat, 'nft', [rules.join('; ')]);
  return names;
}

function attempt(run: () => string): string {
  try {
    return run();
  } catch (error) {
    return String((error as { stdout?: unknown }).stdout ?? error);
  }
}

function nftUnavailable(): string | undefined {
  try {
    execFileSync('nft', ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'needs nft for a NAT';
  }
}
