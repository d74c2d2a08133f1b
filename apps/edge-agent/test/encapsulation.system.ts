import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Encapsulation, type SecurityAssociation } from '@weft/contracts/southbound';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EdgeHarness } from './support/edge-harness.js';
import { OUTSIDE, translate } from './support/middle-nat.js';
import { buildMiddleNetwork } from './support/middle-network.js';
import { hasNft, Namespaces, namespacesUnavailable } from './support/namespaces.js';
import { type NegotiatingSite, negotiatedBundle, TUNNEL } from './support/negotiated-bundle.js';
import { TestPki } from './support/test-pki.js';
import { WireWatch, withoutIke } from './support/wire-watch.js';

// Both families; what crosses the middle is looked at there, and for some tests it is a NAT for the left edge.
//
//   10.1.0.1  192.0.2.1                                198.51.100.1   10.2.0.1
//             2001:db8:a::1                            2001:db8:b::1
//        [ left ] --------------- [ middle ] --------------- [ right ]
const IDS = { left: '00000000-0000-4000-8000-000000000001', right: '00000000-0000-4000-8000-000000000002' };
const LEFT = { network: '10.1.0.0/24', host: '10.1.0.1', v4: '192.0.2.1', v6: '2001:db8:a::1' };
const RIGHT = { network: '10.2.0.0/24', host: '10.2.0.1', v4: '198.51.100.1', v6: '2001:db8:b::1' };
const PINGS = 20;
const LONG_PINGS = ['-c', '200', '-i', '0.02', '-W', '2', '-I', LEFT.host, RIGHT.host];
const PATIENCE = { timeout: 30_000 };
const UDP = '17';
const ESP = '50';

const unavailable = namespacesUnavailable();

describe.skipIf(unavailable !== undefined)(`what ESP travels in${unavailable ? ` (${unavailable})` : ''}`, () => {
  const namespaces = new Namespaces('encap');
  const directory = mkdtempSync(path.join(tmpdir(), 'weft-encap-'));
  let names: { left: string; middle: string; right: string };
  let left: EdgeHarness;
  let right: EdgeHarness;
  let wire: WireWatch;
  let pki: TestPki;

  beforeAll(async () => {
    names = buildMiddleNetwork(namespaces, {
      left: { ...LEFT, hosts: [`${LEFT.host}/32`] },
      right: { ...RIGHT, hosts: [`${RIGHT.host}/32`] },
    });
    pki = await TestPki.create();
    left = await start(names.left, IDS.left);
    right = await start(names.right, IDS.right);
    wire = await WireWatch.start(namespaces, names.middle);
  });

  afterAll(async () => {
    await namespaces.close();
    rmSync(directory, { recursive: true });
  });

  it.each(['v4', 'v6'] as const)(
    'is nothing where a bundle says so and there is no NAT: edges that negotiate, over IP%s',
    async (family) => {
      await apply(family, Encapsulation.ENCAPSULATION_NONE);
      await expectOnTheWire(family, ESP);
    },
  );

  it('is UDP again when the bundle no longer says so, and nothing when it does once more', async () => {
    await apply('v4', undefined);
    await expectOnTheWire('v4', UDP);
    await apply('v4', Encapsulation.ENCAPSULATION_NONE);
    await expectOnTheWire('v4', ESP);
  });

  it('changes under traffic, without loss: what is next is there before what was goes', async () => {
    await apply('v4', Encapsulation.ENCAPSULATION_NONE);
    await expectOnTheWire('v4', ESP);
    for (const [encapsulation, protocol] of [
      [undefined, UDP],
      [Encapsulation.ENCAPSULATION_NONE, ESP],
    ] as const) {
      const pinging = namespaces.start(names.left, 'ping', LONG_PINGS);
      await apply('v4', encapsulation);
      let said = '';
      for await (const piece of pinging.stdout) said += String(piece);
      expect(said).toMatch(/200 packets transmitted, 200 received/);
      await expectOnTheWire('v4', protocol);
    }
  });

  it('stays nothing, without loss, when a Child SA takes the place of another', async () => {
    await apply('v4', Encapsulation.ENCAPSULATION_NONE);
    await expectTraffic();
    const before = await spis(left);
    const pinging = namespaces.start(names.left, 'ping', LONG_PINGS);
    await left.rekey();
    await expect.poll(() => spis(left), PATIENCE).not.toEqual(before);
    let said = '';
    for await (const piece of pinging.stdout) said += String(piece);
    expect(said).toMatch(/200 packets transmitted, 200 received/);
  });

  it('is nothing where the controller makes the keys, too', async () => {
    const ikeLess = (local: NegotiatingSite, remote: NegotiatingSite) => {
      const bundle = negotiatedBundle(local, remote, Encapsulation.ENCAPSULATION_NONE);
      const tunnels = bundle.tunnels.map(({ ike: _, ...tunnel }) => ({ ...tunnel, keyingMode: 2 as const }));
      return { ...bundle, device: { mtu: 1426 }, tunnels };
    };
    const [one, other] = [site('left', 'v6'), site('right', 'v6')];
    await Promise.all([left.bundle(ikeLess(one, other)), right.bundle(ikeLess(other, one))]);
    const command = (peer: NegotiatingSite, spi: number): SecurityAssociation => ({
      tunnelId: TUNNEL,
      spi,
      profile: { encryption: 20, keyBits: 256, replayWindow: 1024, extendedSequenceNumbers: true, encapsulation: 1 },
      keyingMaterial: Buffer.alloc(36, spi & 0xff),
      peer: { address: peer.underlay, port: 4500 },
      softLifetimeSeconds: 3000n,
      hardLifetimeSeconds: 3600n,
    });
    for (const [$case, toLeft, toRight] of [
      ['installInbound', 0x2001, 0x2002],
      ['installOutbound', 0x2002, 0x2001],
    ] as const) {
      const step = (association: SecurityAssociation) => ({ $case, value: { associations: [association] } });
      await Promise.all([
        left.command({ commandId: $case, step: step(command(other, toLeft)) }),
        right.command({ commandId: $case, step: step(command(one, toRight)) }),
      ]);
    }
    await expectOnTheWire('v6', ESP);
  });

  it('keeps its associations and sequence numbers when an edge is at another address, and back', async () => {
    await forget();
    await apply('v4', Encapsulation.ENCAPSULATION_NONE);
    await expectOnTheWire('v4', ESP);
    // Both may have begun at once: what is superfluous goes.
    for (const edge of [left, right]) await expect.poll(async () => (await spis(edge)).length, PATIENCE).toBe(2);
    namespaces.run(names.left, 'sysctl', ['-qw', 'net.ipv4.conf.all.promote_secondaries=1']);
    const before = await spis(left);
    const places = ['192.0.2.1', '192.0.2.11'] as const;
    for (const [gone, here] of [places, [...places].reverse()]) {
      const sent = await sequence(left);
      namespaces.ip(names.left, `address add ${here}/24 dev wan`);
      namespaces.ip(names.left, `address del ${gone}/24 dev wan`);
      namespaces.ip(names.left, 'route replace default via 192.0.2.254');
      await expectTraffic();
      await expectOnTheWire('v4', ESP);
      expect([await spis(left), await spis(right)]).toEqual([before, before]);
      expect(await sequence(left)).toBeGreaterThan(sent);
    }
  });

  it.skipIf(!hasNft())('is UDP where there is a NAT, whatever the bundle says (RFC 7296 section 2.23)', async () => {
    const [inside, other] = [site('left', 'v4'), site('right', 'v4')];
    await forget();
    translate(namespaces, names.middle, LEFT.v4);
    await Promise.all([
      left.bundle(negotiatedBundle(inside, other, Encapsulation.ENCAPSULATION_NONE)),
      right.bundle(negotiatedBundle(other, { ...inside, underlay: OUTSIDE }, Encapsulation.ENCAPSULATION_NONE)),
    ]);
    await expectOnTheWire('v4', UDP);
  });

  async function start(namespace: string, edgeId: string): Promise<EdgeHarness> {
    const file = path.join(directory, `${edgeId}.json`);
    writeFileSync(file, JSON.stringify(await pki.storedIdentity('127.0.0.1:1', edgeId)), { mode: 0o600 });
    return new EdgeHarness(namespaces, namespace, 'weft0', 'auto', file);
  }

  async function apply(family: 'v4' | 'v6', encapsulation: Encapsulation | undefined): Promise<void> {
    const [one, other] = [site('left', family), site('right', family)];
    await Promise.all([
      left.bundle(negotiatedBundle(one, other, encapsulation)),
      right.bundle(negotiatedBundle(other, one, encapsulation)),
    ]);
  }

  /** Neither edge has an association any more. */
  async function forget(): Promise<void> {
    const [one, other] = [site('left', 'v4'), site('right', 'v4')];
    const nothing = { tunnels: [], securityPolicies: [] };
    await Promise.all([
      left.bundle({ ...negotiatedBundle(one, other), ...nothing }),
      right.bundle({ ...negotiatedBundle(other, one), ...nothing }),
    ]);
    for (const edge of [left, right]) await expect.poll(() => spis(edge), PATIENCE).toEqual([]);
  }

  async function expectTraffic(): Promise<void> {
    const args = ['-c', '3', '-i', '0.05', '-W', '2', '-I', LEFT.host, RIGHT.host];
    await expect.poll(() => attempt(() => namespaces.run(names.left, 'ping', args)), PATIENCE).toMatch(/3 received/);
  }

  /** Large pings cross as whole packets of one protocol; beside them there is IKE at most, and nothing in the clear. */
  async function expectOnTheWire(family: 'v4' | 'v6', protocol: string): Promise<void> {
    // Until both ends agree and nothing of before is left, either form may carry what is asked for.
    await expect
      .poll(async () => {
        await wire.counts();
        const args = ['-c', `${PINGS}`, '-i', '0.02', '-W', '2', '-M', 'do', '-s', '1380', '-I', LEFT.host, RIGHT.host];
        const said = attempt(() => namespaces.run(names.left, 'ping', args));
        const { [`${family.slice(1)}/${protocol}`]: wanted = 0, ...others } = await wire.counts();
        return { answered: Number(/ (\d+) received/.exec(said)?.[1] ?? 0), wanted, ...withoutIke(others) };
      }, PATIENCE)
      .toEqual({ answered: PINGS, wanted: 2 * PINGS });
  }

  async function spis(edge: EdgeHarness): Promise<number[]> {
    return (await edge.snapshot()).associations.map(({ spi }) => spi).sort();
  }

  /** Of the association that packets go out on. */
  async function sequence(edge: EdgeHarness): Promise<bigint> {
    const { associations } = await edge.snapshot();
    return BigInt(associations.find(({ direction }) => direction === 'outbound')?.sequence ?? 0);
  }
});

function site(side: 'left' | 'right', family: 'v4' | 'v6'): NegotiatingSite {
  const { network, [family]: underlay } = side === 'left' ? LEFT : RIGHT;
  return { id: IDS[side], underlay, network };
}

function attempt(run: () => string): string {
  try {
    return run();
  } catch (error) {
    return String((error as { stdout?: unknown }).stdout ?? error);
  }
}
