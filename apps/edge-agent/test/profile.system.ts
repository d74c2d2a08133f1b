import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import {
  type Bundle,
  EncryptionAlgorithm,
  type IkeConfiguration,
  type KeyExchange,
  KeyExchangeMethod,
  type Profile,
  PseudorandomFunction,
} from '@weft/contracts/southbound';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EdgeHarness } from './support/edge-harness.js';
import { buildMiddleNetwork } from './support/middle-network.js';
import { Namespaces, namespacesUnavailable } from './support/namespaces.js';
import { type NegotiatingSite, negotiatedBundle, TUNNEL } from './support/negotiated-bundle.js';
import { TestPki } from './support/test-pki.js';
import { transferBetween } from './support/transfer-between.js';
import { WireWatch, withoutIke } from './support/wire-watch.js';

//   10.1.0.1   192.0.2.1                         198.51.100.1   10.2.0.1
//        [ left ] --------------- [ middle ] --------------- [ right ]
const LEFT = side('00000000-0000-4000-8000-000000000001', 1, '192.0.2.1', '2001:db8:a::1');
const RIGHT = side('00000000-0000-4000-8000-000000000002', 2, '198.51.100.1', '2001:db8:b::1');
const TRANSFER_OCTETS = 4 * 1024 * 1024;
const PATIENCE = { timeout: 30_000 };
const UDP = '4/17';

const unavailable = namespacesUnavailable();

describe.skipIf(unavailable !== undefined)(`Profiles${unavailable ? ` (${unavailable})` : ''}`, () => {
  const namespaces = new Namespaces('prof');
  const directory = mkdtempSync(path.join(tmpdir(), 'weft-profile-'));
  let names: { left: string; middle: string; right: string };
  let left: EdgeHarness;
  let right: EdgeHarness;
  let wire: WireWatch;
  let pki: TestPki;

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

  it('of ChaCha20-Poly1305 with P-384 carries traffic, both ends use that and nothing else, and it is rekeyed without loss', async () => {
    await apply(CHACHA);
    await expectInUse('chacha20-poly1305', [KeyExchangeMethod.KEY_EXCHANGE_METHOD_ECP_384]);
    await wire.counts();
    const { sent, received } = await transferBetween(
      namespaces,
      { namespace: names.right, address: RIGHT.host },
      { namespace: names.left, address: LEFT.host },
      { port: 5001, octets: TRANSFER_OCTETS },
    );
    expect(received).toEqual(sent);
    const { [UDP]: packets = 0, ...others } = await wire.counts();
    expect(packets).toBeGreaterThan(TRANSFER_OCTETS / 65_536);
    expect(withoutIke(others)).toEqual({});
    const before = await spis(left);
    const pinging = namespaces.start(names.left, 'ping', LONG_PINGS);
    await left.rekey();
    await expect.poll(() => spis(left), PATIENCE).not.toEqual(before);
    expect(await text(pinging.stdout)).toMatch(/200 packets transmitted, 200 received/);
    await expectInUse('chacha20-poly1305', [KeyExchangeMethod.KEY_EXCHANGE_METHOD_ECP_384]);
  });

  it('takes the place of another one, and goes again, as bundles say', async () => {
    await apply({});
    await expectInUse('aes-gcm-16', HYBRID_METHODS);
    await apply(CHACHA);
    await expectInUse('chacha20-poly1305', [KeyExchangeMethod.KEY_EXCHANGE_METHOD_ECP_384]);
  });

  it('of one end only is no profile of the tunnel: nothing passes, and it is said what they do not have in common', async () => {
    await left.bundle(bundle(LEFT, RIGHT, CHACHA));
    await right.bundle(bundle(RIGHT, LEFT, {}));
    const failures = async () => {
      const states = await Promise.all([left, right].map((edge) => edge.negotiations()));
      return states.map((state) => state[TUNNEL]?.failure ?? '').join('\n');
    };
    await expect.poll(failures, PATIENCE).toMatch(/NO_PROPOSAL_CHOSEN|proposal/i);
    await apply(CHACHA);
    await expectInUse('chacha20-poly1305', [KeyExchangeMethod.KEY_EXCHANGE_METHOD_ECP_384]);
  });

  async function start(namespace: string, edgeId: string): Promise<EdgeHarness> {
    const file = path.join(directory, `${edgeId}.json`);
    writeFileSync(file, JSON.stringify(await pki.storedIdentity('127.0.0.1:1', edgeId)), { mode: 0o600 });
    return new EdgeHarness(namespaces, namespace, 'weft0', 'auto', file);
  }

  async function apply(profile: Partial<Choice>): Promise<void> {
    await Promise.all([left.bundle(bundle(LEFT, RIGHT, profile)), right.bundle(bundle(RIGHT, LEFT, profile))]);
  }

  /** Of both ends: every association, and how IKE made them; and packets pass. */
  async function expectInUse(suite: string, keyExchangeMethods: readonly number[]): Promise<void> {
    await expect
      .poll(async () => {
        const seen = await Promise.all(
          [left, right].map(async (edge) => {
            const { associations } = await edge.snapshot();
            const { established, keyExchangeMethods: methods } = (await edge.negotiations())[TUNNEL] ?? {};
            return { suites: [...new Set(associations.map((one) => one.suite))], established, methods };
          }),
        );
        return { seen, answered: ping() };
      }, PATIENCE)
      .toEqual({
        seen: [1, 2].map(() => ({ suites: [suite], established: true, methods: keyExchangeMethods })),
        answered: true,
      });
  }

  function ping(): boolean {
    try {
      const said = namespaces.run(names.left, 'ping', ['-c', '1', '-W', '1', '-I', LEFT.host, RIGHT.host]);
      return / 1 received/.test(said);
    } catch {
      // "If ping does not receive any reply packets at all it will exit with code 1."
      return false;
    }
  }

  async function spis(edge: EdgeHarness): Promise<number[]> {
    return (await edge.snapshot()).associations.map(({ spi }) => spi).sort();
  }
});

interface Choice {
  readonly profile: Partial<Profile>;
  readonly ike: Partial<IkeConfiguration>;
}

const ECP_384: KeyExchange = { method: KeyExchangeMethod.KEY_EXCHANGE_METHOD_ECP_384, additionalMethods: [] };
const HYBRID_METHODS = [
  KeyExchangeMethod.KEY_EXCHANGE_METHOD_CURVE25519,
  KeyExchangeMethod.KEY_EXCHANGE_METHOD_ML_KEM_768,
];
const CHACHA: Choice = {
  profile: { encryption: EncryptionAlgorithm.ENCRYPTION_ALGORITHM_CHACHA20_POLY1305, keyBits: 256, replayWindow: 128 },
  ike: {
    proposals: [
      {
        encryption: EncryptionAlgorithm.ENCRYPTION_ALGORITHM_CHACHA20_POLY1305,
        keyBits: 256,
        prf: PseudorandomFunction.PSEUDORANDOM_FUNCTION_HMAC_SHA2_512,
        keyExchange: ECP_384,
      },
    ],
    childKeyExchange: ECP_384,
  },
};

function side(id: string, number: number, v4: string, v6: string) {
  return { id, v4, v6, underlay: v4, network: `10.${number}.0.0/24`, host: `10.${number}.0.1` };
}

function behind({ v4, v6, host }: ReturnType<typeof side>) {
  return { v4, v6, hosts: [`${host}/32`] };
}

function bundle(local: NegotiatingSite, remote: NegotiatingSite, { profile, ike }: Partial<Choice>): Bundle {
  const made = negotiatedBundle(local, remote);
  const tunnels = made.tunnels.map((tunnel) => ({
    ...tunnel,
    profile: tunnel.profile && { ...tunnel.profile, ...profile },
    ike: tunnel.ike && { ...tunnel.ike, ...ike },
  }));
  return { ...made, tunnels } as Bundle;
}

const LONG_PINGS = ['-c', '200', '-i', '0.02', '-W', '2', '-I', LEFT.host, RIGHT.host];
