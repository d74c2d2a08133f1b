import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type {
  Bundle,
  SessionRequest,
  SignedBundle,
  SigningKeySuccession,
  TrustBundle,
} from '@weft/contracts/southbound';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bundleByAddress } from '../../test/support/addressed-bundle.js';
import { Machine } from '../../test/support/machine.js';
import { NO_BLIND } from '../../test/support/no-blind.js';
import { PROFILE, signBundle, TUNNEL_ID, testBundle } from '../../test/support/test-bundle.js';
import { EDGE_ID, TENANT_ID, TestPki } from '../../test/support/test-pki.js';
import { succession, testSigningKey } from '../../test/support/test-signing-keys.js';
import type { Occurrence } from '../events/edge-event.js';
import { CurrentIdentity } from '../identity/current-identity.js';
import { storeIdentity } from '../identity/identity-store.js';
import { StateDirectory, StateError } from '../platform/state-directory.js';
import { StateKey } from '../platform/state-key.js';
import { BundleInstaller } from './bundle-installer.js';
import { BundleStore } from './bundle-store.js';
import { Edge, trustHeldBy } from './edge.js';
import { System } from './system.js';

let pki: TestPki;
let directory: string;
let machine: Machine;
let logged: unknown[];
let events: Occurrence[];
/** What the edge waits for. */
let timers: { milliseconds: number; run: () => void }[];
beforeAll(async () => {
  pki = await TestPki.create();
});
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'weft-edge-spec-'));
  machine = new Machine();
  logged = [];
  events = [];
  timers = [];
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function startEdge(): Promise<{
  edge: Edge;
  store: BundleStore;
  dataPlane: Machine['dataPlane'];
  sent: SessionRequest[];
  fatal: unknown[];
  identity: CurrentIdentity;
}> {
  const state = await StateDirectory.open(path.join(directory, 'state'));
  const store = new BundleStore(state, await StateKey.open(path.join(directory, 'state.key')));
  if ((await state.read('identity.json')) === undefined) {
    await storeIdentity(state, await pki.storedIdentity('127.0.0.1:1'));
  }
  const identity = await CurrentIdentity.open(state);
  const sent: SessionRequest[] = [];
  const fatal: unknown[] = [];
  const edge = new Edge({
    audience: identity.audience,
    storedAudience: identity.storedAudience,
    followSigningKeys: ({ successions }) => identity.followSigningKeys(successions),
    followTrust: (trustBundle) => identity.followTrust(trustBundle),
    trustHeld: () => trustHeldBy(identity.value),
    agentVersion: '1',
    bootId: 'boot',
    store,
    highestEpoch: await store.highestEpoch(),
    installer: new BundleInstaller(
      new System(machine),
      { ike: { apply: async () => undefined, move: () => undefined, found: () => undefined }, blind: NO_BLIND },
      LOG,
    ),
    dataPlane: machine.dataPlane,
    ike: { lifetimeEnded: () => false },
    blind: NO_BLIND,
    log: LOG,
    events: {
      add: (event) => events.push(event),
      welcomed: () => undefined,
      stored: () => undefined,
      ended: () => undefined,
    },
    confirmMilliseconds: 120_000,
    removalLimitPercent: 50,
    after: (milliseconds, run) => {
      const timer = { milliseconds, run };
      timers.push(timer);
      return () => void timers.splice(timers.indexOf(timer) >>> 0, 1);
    },
    send: (message) => {
      sent.push(message);
      return true;
    },
    onWelcome: async () => undefined,
    onFatal: (error) => fatal.push(error),
  });
  return { edge, store, dataPlane: machine.dataPlane, sent, fatal, identity };
}

async function pushTo(edge: Edge, bundle: SignedBundle): Promise<NonNullable<SessionRequest['message']>> {
  const { message } = await edge.bundlePush({ nonce: 'n', bundle });
  if (message === undefined) throw new Error('no answer');
  return message;
}

function changed(change: (bundle: Bundle) => void): Bundle {
  const bundle = testBundle();
  change(bundle);
  return bundle;
}

describe('the bundle-signing key', () => {
  const welcome = (...successions: SigningKeySuccession[]) => ({
    epoch: 5n,
    statusIntervalMilliseconds: 1000,
    takesEvents: true,
    relaysKeyShares: false,
    signingKeys: { successions },
  });

  it('is followed by the one that it has signed, for good; the edge then believes that one alone', async () => {
    const { edge } = await startEdge();
    const [second, third] = [testSigningKey(), testSigningKey()];
    await pushTo(edge, signBundle(pki, testBundle()));
    // An edge that was away meanwhile hears of both at once.
    await edge.welcome(welcome(succession(pki, second), succession(second, third)));
    const refused = async (bundle: SignedBundle) => (await pushTo(edge, bundle)).$case;
    expect(await refused(signBundle(pki, testBundle(), { generation: 12n }))).toBe('bundleNack');
    expect(await refused(signBundle(second, testBundle(), { generation: 12n }))).toBe('bundleNack');
    expect(await refused(signBundle(third, testBundle(), { generation: 12n }))).toBe('bundleAck');
    const { edge: again } = await startEdge();
    await again.restore();
    expect(again.running?.generation).toBe(12n);
    expect((await pushTo(again, signBundle(third, testBundle(), { generation: 13n }))).$case).toBe('bundleAck');
    // Heard again with every session, it changes nothing.
    await again.welcome(welcome(succession(pki, second), succession(second, third)));
    expect((await pushTo(again, signBundle(third, testBundle(), { generation: 14n }))).$case).toBe('bundleAck');
  });

  it('of the stored bundle may have been left: the bundle is put into force all the same', async () => {
    const { edge } = await startEdge();
    await pushTo(edge, signBundle(pki, testBundle()));
    await edge.welcome(welcome(succession(pki, testSigningKey())));
    const { edge: again } = await startEdge();
    await again.restore();
    expect(again.running?.generation).toBe(10n);
  });

  it('is not followed by one that only signs itself, or that another key has signed', async () => {
    const { edge } = await startEdge();
    const [stranger, next] = [testSigningKey(), testSigningKey()];
    await edge.welcome(welcome(succession(stranger, next)));
    expect((await pushTo(edge, signBundle(next, testBundle()))).$case).toBe('bundleNack');
    const forged = { ...succession(pki, next), signature: succession(stranger, next).signature };
    await expect(edge.welcome(welcome(forged))).rejects.toMatchObject({ code: 'succession_refused' });
    expect((await pushTo(edge, signBundle(next, testBundle()))).$case).toBe('bundleNack');
    expect((await pushTo(edge, signBundle(pki, testBundle()))).$case).toBe('bundleAck');
  });
});

describe('whom an edge believes', () => {
  const welcome = (trustBundle?: TrustBundle) => ({
    epoch: 5n,
    statusIntervalMilliseconds: 1000,
    takesEvents: true,
    relaysKeyShares: false,
    ...(trustBundle && { trustBundle }),
  });

  it('is what the controller says with a Welcome, and the controller is told so now and with every change', async () => {
    const next = await TestPki.create();
    const { edge, sent, identity } = await startEdge();
    const serials = [identity.value.serialNumber];
    await edge.welcome(welcome(pki.trust(2, next, pki)));
    const { privateKeyPem, certificateChain } = await next.storedIdentity('127.0.0.1:1');
    await identity.renew({ privateKeyPem, certificateChain });
    serials.push(identity.value.serialNumber);
    edge.tellTrust();
    const held = (certificateSerial: string | undefined) => ({
      message: { $case: 'trustHeld', value: { version: 2n, certificateSerial } },
    });
    expect(sent).toEqual(serials.map(held));
    edge.ended();
    edge.tellTrust();
    expect(sent).toHaveLength(2);
  });

  it('is not told to a controller that says nothing of it', async () => {
    const { edge, sent } = await startEdge();
    await edge.welcome(welcome());
    edge.tellTrust();
    expect(sent).toEqual([]);
  });

  it('stays when its own certificate would be under nobody, and the controller hears that it stays', async () => {
    const next = await TestPki.create();
    const { edge, sent, identity } = await startEdge();
    await edge.welcome(welcome(pki.trust(2, next)));
    expect(identity.value.trustBundle).toEqual([pki.root.pem]);
    const certificateSerial = identity.value.serialNumber;
    expect(sent).toEqual([{ message: { $case: 'trustHeld', value: { version: 0n, certificateSerial } } }]);
  });

  it('is nobody that no pinned key has named: the session ends', async () => {
    const next = await TestPki.create();
    const { edge, identity } = await startEdge();
    await expect(edge.welcome(welcome(next.trust(2, next, pki)))).rejects.toMatchObject({
      code: 'trust_bundle_refused',
    });
    expect(identity.value.trustBundle).toEqual([pki.root.pem]);
  });
});

describe('the edge', () => {
  it('puts a bundle into force, remembers it, and only then acknowledges', async () => {
    const { edge, store } = await startEdge();
    const signed = signBundle(pki, testBundle());
    const answer = await pushTo(edge, signed);
    expect(answer).toMatchObject({ $case: 'bundleAck', value: { nonce: 'n', running: { generation: 10n } } });
    expect(machine.state()).toMatchObject({ mtu: 1422, up: true, hash: edge.running?.contentHash, sockets: 1 });
    expect([...machine.device]).toEqual(testBundle().routes);
    expect([...machine.unreachable]).toEqual(testBundle().routes);
    expect((await store.lastKnownGood())?.content.equals(signed.content)).toBe(true);
    expect(await store.highestEpoch()).toBe(5n);
    expect((await stat(path.join(directory, 'state', 'bundle.sealed'))).mode & 0o777).toBe(0o600);
    expect((await stat(path.join(directory, 'state'))).mode & 0o777).toBe(0o700);
    expect((await edge.hello()).running?.generation).toBe(10n);
  });

  it('tells the controller that it takes entries without a tunnel, and has the packet path know who carries what', async () => {
    const { edge } = await startEdge();
    expect(await edge.hello()).toMatchObject({ severalUplinks: true, tunnelsByAddress: true });
    const answer = await pushTo(edge, signBundle(pki, bundleByAddress()));
    expect(answer).toMatchObject({ $case: 'bundleAck', value: { running: { generation: 10n } } });
    expect(machine.loaded?.carriers).toMatchObject([{ tunnelId: TUNNEL_ID, addresses: { length: 3 } }]);
  });

  it.each([
    ['unsigned', (good: SignedBundle) => ({ ...good, signatures: [] }), 'bundle.signatures', 'signature_missing'],
    [
      'replayed',
      () =>
        signBundle(
          pki,
          changed((b) => b.routes.pop()),
          { generation: 10n },
        ),
      'bundle.manifest.generation',
      'stale_generation',
    ],
    [
      'of an older epoch',
      () => signBundle(pki, testBundle(), { epoch: 4n, generation: 11n }),
      'bundle.manifest.epoch',
      'stale_epoch',
    ],
    [
      'for another edge',
      () => signBundle(pki, testBundle(), { edgeId: TENANT_ID, generation: 11n }),
      'bundle.manifest.edge_id',
      'wrong_edge',
    ],
    ['malformed', () => signBundle(pki, Buffer.from([0x0a, 0x7f]), { generation: 11n }), 'bundle.content', 'malformed'],
    [
      'with an unknown field',
      (good: SignedBundle) =>
        signBundle(pki, Buffer.concat([good.content, Buffer.from([0x78, 1])]), { generation: 11n }),
      'bundle.content',
      'not_canonical',
    ],
    [
      'with a bad prefix',
      () =>
        signBundle(
          pki,
          changed((b) => b.routes.push('10.0.0.0/33')),
          { generation: 11n },
        ),
      'routes[2]',
      'bad_prefix',
    ],
  ])('refuses a bundle %s and keeps the one in force', async (_, make, field, rule) => {
    const { edge, store } = await startEdge();
    const good = signBundle(pki, testBundle());
    await pushTo(edge, good);
    const before = machine.state();
    const answer = await pushTo(edge, make(good));
    expect(answer).toMatchObject({
      $case: 'bundleNack',
      value: { nonce: 'n', rejection: { path: field, rule }, running: { generation: 10n } },
    });
    expect(machine.state()).toEqual(before);
    expect((await store.lastKnownGood())?.content.equals(good.content)).toBe(true);
  });

  it.each([
    ['bind', 'underlay', 'underlay_unusable'],
    ['route', '', 'installation_failed'],
    ['policy', 'security_policies[1].selector', 'policy_refused'],
    ['silent-route', '', 'self_test_failed'],
    ['silent-policy', 'security_policies', 'self_test_failed'],
    ['silent-carrier', 'security_policies', 'self_test_failed'],
    ['no-answer', '', 'self_test_failed'],
  ] as const)('goes back when installing fails at: %s', async (failing, field, rule) => {
    const { edge, fatal } = await startEdge();
    await pushTo(edge, signBundle(pki, testBundle()));
    const before = machine.state();
    machine.failing = failing;
    const next = {
      ...bundleByAddress(),
      device: { mtu: 1400 },
      underlay: { address: '192.0.2.2', port: 4500 },
      routes: ['10.3.0.0/24'],
    };
    const answer = await pushTo(edge, signBundle(pki, next, { generation: 11n }));
    expect(answer).toMatchObject({ $case: 'bundleNack', value: { rejection: { path: field, rule } } });
    machine.failing = undefined;
    expect(fatal).toEqual([]);
    expect(machine.state()).toEqual(before);
  });

  it('ends rather than run in a state that is neither the old nor the new', async () => {
    const { edge, fatal } = await startEdge();
    await pushTo(edge, signBundle(pki, testBundle()));
    machine.failing = 'silent-route-for-ever';
    const next = signBundle(
      pki,
      changed((b) => (b.routes = ['10.3.0.0/24'])),
      { generation: 11n },
    );
    await expect(edge.bundlePush({ nonce: 'n', bundle: next })).rejects.toMatchObject({ code: 'rollback_failed' });
    expect(fatal).toEqual([expect.objectContaining({ code: 'rollback_failed' })]);
  });

  it('does not acknowledge what it could not store, and goes back', async () => {
    const { edge, store } = await startEdge();
    await pushTo(edge, signBundle(pki, testBundle()));
    const before = machine.state();
    store.keep = async () => {
      throw new Error('ENOSPC: no space left on device');
    };
    const next = signBundle(
      pki,
      changed((b) => b.routes.pop()),
      { generation: 11n },
    );
    expect(await pushTo(edge, next)).toMatchObject({
      $case: 'bundleNack',
      value: {
        rejection: { path: '', rule: 'not_stored', reason: expect.stringContaining('ENOSPC') },
        running: { generation: 10n },
      },
    });
    expect(machine.state()).toEqual(before);
  });

  it('removes what a bundle drops, the shadow last', async () => {
    const { edge } = await startEdge();
    await pushTo(edge, signBundle(pki, testBundle()));
    await pushTo(
      edge,
      signBundle(
        pki,
        changed((b) => b.routes.shift()),
        { generation: 11n },
      ),
    );
    expect([...machine.device]).toEqual(['2001:db8:2::/64']);
    expect([...machine.unreachable]).toEqual(['2001:db8:2::/64']);
  });

  it('starts from the last bundle, and refuses a superseded controller even so', async () => {
    await pushTo((await startEdge()).edge, signBundle(pki, testBundle()));
    machine = Object.assign(new Machine(), { unreachable: machine.unreachable });
    const { edge } = await startEdge();
    await edge.restore();
    expect(edge.running?.generation).toBe(10n);
    expect([...machine.device]).toEqual(testBundle().routes);
    await expect(
      edge.welcome({ epoch: 4n, statusIntervalMilliseconds: 1000, takesEvents: true, relaysKeyShares: false }),
    ).rejects.toThrow(/superseded/);
    await expect(
      edge.welcome({ epoch: 5n, statusIntervalMilliseconds: 1000, takesEvents: true, relaysKeyShares: false }),
    ).resolves.toBeUndefined();
  });

  describe('with a bundle that may cut it off', () => {
    const first = () => signBundle(pki, testBundle());
    const second = (generation = 11n) =>
      signBundle(
        pki,
        changed((b) => b.routes.pop()),
        { generation },
      );
    const limit = async (edge: Edge) => {
      timers.find(({ milliseconds }) => milliseconds === 120_000)?.run();
      // Whatever it makes the edge do is done when the next thing that it is asked is.
      await edge.bundlePush({ nonce: 'settled', bundle: undefined });
    };

    it('takes the one before back when no session comes, says so once, and tries again when it is asked again', async () => {
      const { edge, store, fatal } = await startEdge();
      await pushTo(edge, first());
      const before = machine.state();
      await pushTo(edge, second());
      expect(edge.running?.generation).toBe(11n);
      edge.ended();
      await limit(edge);
      expect([edge.running?.generation, machine.state(), fatal]).toEqual([10n, before, []]);
      expect((await edge.hello()).running?.generation).toBe(10n);
      expect((await store.lastKnownGood())?.content.equals(first().content)).toBe(true);
      await edge.welcome({ epoch: 5n, statusIntervalMilliseconds: 1000, takesEvents: true, relaysKeyShares: false });
      expect(await pushTo(edge, second(12n))).toMatchObject({
        $case: 'bundleNack',
        value: {
          rejection: {
            path: '',
            rule: 'cut_off',
            reason: expect.stringMatching(/for 120 seconds; .* taken back at 2/),
          },
          running: { generation: 10n },
        },
      });
      expect(await pushTo(edge, second(13n))).toMatchObject({
        $case: 'bundleAck',
        value: { running: { generation: 13n } },
      });
    });

    it('stays with it while its disk is full, says so, and takes the one before back when there is room again', async () => {
      const { edge, store, fatal } = await startEdge();
      await pushTo(edge, first());
      await pushTo(edge, second());
      edge.ended();
      const takeBack = store.takeBack.bind(store);
      store.takeBack = async () => {
        throw new StateError('state_unwritable', 'ENOSPC: no space left on device', 'make room');
      };
      await limit(edge);
      expect([edge.running?.generation, fatal]).toEqual([11n, []]);
      expect((await store.previous())?.content.equals(first().content)).toBe(true);
      store.takeBack = takeBack;
      await limit(edge);
      expect([edge.running?.generation, fatal]).toEqual([10n, []]);
      expect((await store.lastKnownGood())?.content.equals(first().content)).toBe(true);
    });

    it('stays with it when a session comes, and then it is the last one that is known to be good', async () => {
      const { edge, store } = await startEdge();
      await pushTo(edge, first());
      await pushTo(edge, second());
      expect((await store.previous())?.content.equals(first().content)).toBe(true);
      edge.ended();
      await edge.welcome({ epoch: 5n, statusIntervalMilliseconds: 1000, takesEvents: true, relaysKeyShares: false });
      await edge.bundlePush({ nonce: 'settled', bundle: undefined });
      expect([await store.previous(), timers]).toEqual([undefined, []]);
      expect(edge.running?.generation).toBe(11n);
    });

    it('remembers through a restart that it is on trial', async () => {
      const { edge } = await startEdge();
      await pushTo(edge, first());
      await pushTo(edge, second());
      machine = Object.assign(new Machine(), { unreachable: machine.unreachable });
      timers = [];
      const { edge: next } = await startEdge();
      await next.restore();
      expect(next.running?.generation).toBe(11n);
      await limit(next);
      expect(next.running?.generation).toBe(10n);
    });

    it('waits for nothing with the first one, nor with one that says the same', async () => {
      const { edge } = await startEdge();
      await pushTo(edge, first());
      await pushTo(edge, signBundle(pki, testBundle(), { generation: 11n }));
      expect(timers).toEqual([]);
    });
  });

  it.each([
    ['cut short', (octets: Buffer) => octets.subarray(0, 40)],
    [
      'with one bit flipped',
      (octets: Buffer) => octets.with(octets.length >> 1, (octets.at(octets.length >> 1) ?? 0) ^ 1),
    ],
  ])('starts without a bundle when the stored one is %s, and takes a new one', async (_, damage) => {
    const signed = signBundle(pki, testBundle());
    await pushTo((await startEdge()).edge, signed);
    const file = path.join(directory, 'state', 'bundle.sealed');
    await writeFile(file, damage(await readFile(file)));
    machine = new Machine();
    const { edge } = await startEdge();
    await edge.restore();
    expect(edge.running).toBeUndefined();
    expect(machine.state()).toEqual(new Machine().state());
    expect(await pushTo(edge, signed)).toMatchObject({ $case: 'bundleAck' });
  });

  it('carries out association commands, and wipes the keys of the message in any case', async () => {
    const { edge } = await startEdge();
    const association = {
      tunnelId: TUNNEL_ID,
      spi: 4096,
      profile: PROFILE,
      keyingMaterial: Buffer.alloc(36, 7),
      peer: { address: '198.51.100.1', port: 4500 },
      softLifetimeSeconds: 3600n,
      hardLifetimeSeconds: 28_800n,
    };
    const run = async (changes: object) => {
      const value = { ...association, keyingMaterial: Buffer.alloc(36, 7), ...changes };
      const step = { $case: 'installInbound' as const, value: { associations: [value] } };
      const { message } = await edge.securityAssociationCommand({ commandId: 'c', step });
      expect(value.keyingMaterial.every((octet) => octet === 0)).toBe(true);
      return message;
    };
    const refused = (field: string, rule: string) => ({
      $case: 'securityAssociationResult',
      value: { commandId: 'c', rejection: { path: field, rule } },
    });
    expect(await run({})).toMatchObject(refused('', 'no_bundle'));
    await pushTo(edge, signBundle(pki, testBundle()));
    expect(await run({})).toEqual({ $case: 'securityAssociationResult', value: { commandId: 'c' } });
    expect(machine.installed).toHaveLength(1);
    expect(machine.installed[0]).toMatchObject({
      spi: 4096,
      direction: 'inbound',
      keyingMaterial: new Uint8Array(36).fill(7),
    });
    const at = 'install_inbound.associations[0]';
    expect(await run({ spi: 255 })).toMatchObject(refused(`${at}.spi`, 'out_of_range'));
    expect(await run({ tunnelId: EDGE_ID })).toMatchObject(refused(`${at}.tunnel_id`, 'unknown_tunnel'));
    expect(await run({ keyingMaterial: Buffer.alloc(35, 7) })).toMatchObject(
      refused(`${at}.keying_material`, 'bad_key_length'),
    );
    expect(await run({ peer: { address: '198.51.100.2', port: 4500 } })).toMatchObject(
      refused(`${at}.peer`, 'peer_mismatch'),
    );
    expect(await run({ profile: { ...PROFILE, keyBits: 128 } })).toMatchObject(
      refused(`${at}.profile`, 'profile_mismatch'),
    );
    expect(await run({ softLifetimeSeconds: 28_801n })).toMatchObject(
      refused(`${at}.soft_lifetime_seconds`, 'out_of_range'),
    );
    expect(await run({ hardLifetimeSeconds: 2n ** 63n })).toMatchObject(
      refused(`${at}.hard_lifetime_seconds`, 'out_of_range'),
    );
    machine.failing = 'association';
    expect(await run({})).toMatchObject(refused(at, 'association_refused'));
    expect(machine.installed).toHaveLength(1);
    const key = Buffer.alloc(36, 7);
    const written = JSON.stringify(logged);
    expect(written).toContain('security association command carried out');
    for (const encoding of ['hex', 'base64', 'base64url'] as const)
      expect(written).not.toContain(key.toString(encoding));
    expect(written).not.toContain('7,7,7');
  });

  it('reports a soft lifetime when it ends and to every new session while the association is there', async () => {
    const { edge, dataPlane, sent } = await startEdge();
    const association = { direction: 'inbound', tunnelId: TUNNEL_ID, spi: 4096 } as const;
    machine.existing = [association];
    const report = {
      $case: 'securityAssociationExpiring',
      value: { association: { tunnelId: TUNNEL_ID, spi: 4096, inbound: true } },
    };
    const repeated = async () => {
      sent.length = 0;
      edge.repeatExpiring(await dataPlane.snapshot());
      return sent.map(({ message }) => message);
    };
    expect(await repeated()).toEqual([]);
    edge.lifetimeEnded([{ ...association, kind: 'soft' }]);
    expect(sent.map(({ message }) => message)).toEqual([report]);
    expect(await repeated()).toEqual([report]);
    machine.existing = [];
    expect(await repeated()).toEqual([]);
    machine.existing = [association];
    expect(await repeated()).toEqual([]);
  });

  it('does not report a hard lifetime: the association is gone', async () => {
    const { edge, dataPlane, sent } = await startEdge();
    const association = { direction: 'outbound', tunnelId: TUNNEL_ID, spi: 4097 } as const;
    edge.lifetimeEnded([
      { ...association, kind: 'soft' },
      { ...association, kind: 'hard' },
    ]);
    expect(sent).toHaveLength(1);
    machine.existing = [association];
    edge.repeatExpiring(await dataPlane.snapshot());
    expect(sent).toHaveLength(1);
  });
});

const record = (...line: unknown[]) => logged.push(line);
const LOG = { debug: record, info: record, warn: record, error: record, fatal: record } as never;
