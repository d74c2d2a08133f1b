import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StoredIdentity } from '../src/identity/identity.js';
import { EdgeHarness } from './support/edge-harness.js';
import { Namespaces, namespacesUnavailable } from './support/namespaces.js';
import { negotiatedBundle, TUNNEL } from './support/negotiated-bundle.js';
import { TestPki } from './support/test-pki.js';

//   10.1.0.1 [ left ] 192.0.2.1 ------------ 192.0.2.2 [ right ] 10.2.0.1
const LEFT = {
  id: '00000000-0000-4000-8000-000000000001',
  underlay: '192.0.2.1',
  network: '10.1.0.0/24',
  host: '10.1.0.1',
};
const RIGHT = {
  id: '00000000-0000-4000-8000-000000000002',
  underlay: '192.0.2.2',
  network: '10.2.0.0/24',
  host: '10.2.0.1',
};
const PATIENCE = { timeout: 30_000 };

const unavailable = namespacesUnavailable();

describe.skipIf(unavailable !== undefined)(`edges that negotiate${unavailable ? ` (${unavailable})` : ''}`, () => {
  const namespaces = new Namespaces('ike');
  const directory = mkdtempSync(path.join(tmpdir(), 'weft-ike-'));
  let names: { left: string; right: string };
  let left: EdgeHarness;
  let right: EdgeHarness;
  let pki: TestPki;
  let authorityOfRight: TestPki;

  beforeAll(async () => {
    names = { left: namespaces.add('left'), right: namespaces.add('right') };
    namespaces.connect(names.left, 'wan', names.right, 'wan');
    for (const [name, { underlay, host }] of [
      [names.left, LEFT],
      [names.right, RIGHT],
    ] as const) {
      namespaces.ip(name, `address add ${underlay}/24 dev wan`);
      namespaces.ip(name, `address add ${host}/32 dev lo`);
    }
    pki = await TestPki.create();
    left = await start(names.left, LEFT.id, pki);
    right = await start(names.right, RIGHT.id, pki);
    await Promise.all([left.bundle(negotiatedBundle(LEFT, RIGHT)), right.bundle(negotiatedBundle(RIGHT, LEFT))]);
  });

  afterAll(async () => {
    await namespaces.close();
    rmSync(directory, { recursive: true });
  });

  it('prove who they are with their certificates, agree on hybrid keys, and carry traffic', async () => {
    await expect
      .poll(() => left.negotiations(), PATIENCE)
      .toMatchObject({
        [TUNNEL]: { established: true, keyExchangeMethods: [31, 36] },
      });
    await expectTraffic();
    await onePairEach();
  });

  it('keep their associations when policy changes', async () => {
    const before = await spis(left);
    await left.bundle({ ...negotiatedBundle(LEFT, RIGHT), routes: [RIGHT.network, '10.3.0.0/24'] });
    await right.bundle({ ...negotiatedBundle(RIGHT, LEFT), localNetworks: [RIGHT.network, '10.3.0.0/24'] });
    expect(await spis(left)).toEqual(before);
    await expectTraffic();
  });

  it('keep their associations and sequence numbers when the underlay address of one changes, and changes back', async () => {
    for (const name of [names.left, names.right]) {
      namespaces.run(name, 'sysctl', ['-qw', 'net.ipv4.conf.all.promote_secondaries=1']);
    }
    const before = await spis(left);
    for (const [name, { underlay }, other] of [
      [names.left, LEFT, '192.0.2.11'],
      [names.right, RIGHT, '192.0.2.12'],
    ] as const) {
      for (const [gone, here] of [
        [underlay, other],
        [other, underlay],
      ]) {
        const sent = await sequence(left);
        namespaces.ip(name, `address add ${here}/24 dev wan`);
        namespaces.ip(name, `address del ${gone}/24 dev wan`);
        await expectTraffic();
        expect([await spis(left), await spis(right)]).toEqual([before, before]);
        expect(await sequence(left)).toBeGreaterThan(sent);
      }
    }
  });

  it('find each other again when one was killed', async () => {
    await right.kill();
    right = await start(names.right, RIGHT.id, pki);
    await right.bundle(negotiatedBundle(RIGHT, LEFT));
    await expect.poll(() => right.negotiations(), PATIENCE).toMatchObject({ [TUNNEL]: { established: true } });
    await expectTraffic();
    await onePairEach();
  });

  it('delete what the bundle no longer holds, at the peer too', async () => {
    await left.bundle({ ...negotiatedBundle(LEFT, RIGHT), tunnels: [], securityPolicies: [] });
    await expect.poll(() => spis(right), PATIENCE).toEqual([]);
    expect(await spis(left)).toEqual([]);
    await left.bundle(negotiatedBundle(LEFT, RIGHT));
    await expect.poll(async () => (await spis(left)).length, PATIENCE).toBe(2);
    await expectTraffic();
  });

  it('keep their associations when the certificate of one is renewed, and show the new one from then on', async () => {
    const before = await spis(left);
    const other = await TestPki.create();
    const trustBundle = [pki.root.pem, other.root.pem];
    await left.identity({ ...(await other.storedIdentity('127.0.0.1:1', LEFT.id)), trustBundle });
    expect(await spis(left)).toEqual(before);
    await left.rekey();
    await expect
      .poll(async () => (await spis(left)).some((spi) => before.includes(spi)), { timeout: 120_000 })
      .toBe(false);
    await expectTraffic();
    // One that believes the other authority alone takes the new certificate, and would not take the old one.
    await right.kill();
    authorityOfRight = other;
    right = await start(names.right, RIGHT.id, other);
    await right.bundle(negotiatedBundle(RIGHT, LEFT));
    await expect.poll(() => right.negotiations(), PATIENCE).toMatchObject({ [TUNNEL]: { established: true } });
    await expectTraffic();
    await onePairEach();
  }, 400_000);

  it('drop a peer whose certificate is revoked, at once, and take it again with another', async () => {
    const serial = (file: string) => new X509Certificate(readIdentity(file).certificateChain[0] ?? '').serialNumber;
    const refusing = (certificate: string) => {
      const bundle = negotiatedBundle(LEFT, RIGHT);
      const tunnels = bundle.tunnels.map((tunnel) => ({
        ...tunnel,
        ...(tunnel.ike && { ike: { ...tunnel.ike, revokedSerials: [Buffer.from(certificate, 'hex')] } }),
      }));
      return { ...bundle, tunnels };
    };
    const revoked = serial(RIGHT.id);
    const before = await spis(left);
    await left.bundle(refusing(revoked));
    expect((await spis(left)).filter((spi) => before.includes(spi))).toEqual([]);
    await expect
      .poll(async () => (await left.negotiations())[TUNNEL]?.failure, { timeout: 120_000 })
      .toMatch(/AUTHENTICATION_FAILED|did not prove who it is.*revoked/);
    expect(await spis(left)).toEqual([]);
    await right.kill();
    right = await start(names.right, RIGHT.id, authorityOfRight);
    expect(serial(RIGHT.id)).not.toBe(revoked);
    await right.bundle(negotiatedBundle(RIGHT, LEFT));
    await expect
      .poll(() => right.negotiations(), { timeout: 120_000 })
      .toMatchObject({ [TUNNEL]: { established: true } });
    await expectTraffic();
    await onePairEach();
    // One that it does not know of changes nothing.
    const now = await spis(left);
    await left.bundle(refusing('4f'.repeat(16)));
    expect(await spis(left)).toEqual(now);
  }, 400_000);

  it('part in peace: the other one knows at once', async () => {
    await right.stop();
    await expect.poll(() => spis(left), PATIENCE).toEqual([]);
  });

  it('do not believe an edge of another authority, and say why', async () => {
    right = await start(names.right, RIGHT.id, await TestPki.create());
    await right.bundle(negotiatedBundle(RIGHT, LEFT));
    await expect
      .poll(async () => (await right.negotiations())[TUNNEL]?.failure, PATIENCE)
      .toMatch(/AUTHENTICATION_FAILED|did not prove who it is.*(no_issuer|bad_signature)/);
    expect(await spis(left)).toEqual([]);
    expect(await spis(right)).toEqual([]);
  });

  async function start(namespace: string, edgeId: string, authority: TestPki): Promise<EdgeHarness> {
    const file = path.join(directory, `${edgeId}.json`);
    writeFileSync(file, JSON.stringify(await authority.storedIdentity('127.0.0.1:1', edgeId)), { mode: 0o600 });
    return new EdgeHarness(namespaces, namespace, 'weft0', 'auto', file);
  }

  function readIdentity(edgeId: string): StoredIdentity {
    return StoredIdentity.parse(JSON.parse(readFileSync(path.join(directory, `${edgeId}.json`), 'utf8')));
  }

  async function spis(edge: EdgeHarness): Promise<number[]> {
    return (await edge.snapshot()).associations.map(({ spi }) => spi).sort();
  }

  /** Of the association that packets go out on. */
  async function sequence(edge: EdgeHarness): Promise<bigint> {
    const { associations } = await edge.snapshot();
    return BigInt(associations.find(({ direction }) => direction === 'outbound')?.sequence ?? 0);
  }

  /** Both ends began at once, or a restart met a liveness check: what is superfluous goes. */
  async function onePairEach(): Promise<void> {
    for (const edge of [left, right]) await expect.poll(async () => (await spis(edge)).length, PATIENCE).toBe(2);
    expect(await spis(left)).toEqual(await spis(right));
  }

  async function expectTraffic(): Promise<void> {
    const ping = () =>
      namespaces.run(names.left, 'ping', ['-c', '3', '-i', '0.05', '-W', '2', '-I', LEFT.host, RIGHT.host]);
    await expect.poll(() => attempt(ping), PATIENCE).toMatch(/3 received/);
  }
});

function attempt(run: () => string): string {
  try {
    return run();
  } catch (error) {
    return String(error);
  }
}
