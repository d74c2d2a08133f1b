import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { SessionRequest, SessionResponse, SignedBundle } from '@weft/contracts/southbound';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Machine } from '../../test/support/machine.js';
import { NO_BLIND } from '../../test/support/no-blind.js';
import { largeBundle, type ManifestChanges, signBundle, testBundle } from '../../test/support/test-bundle.js';
import { serveSession } from '../../test/support/test-controller.js';
import { TENANT_ID, TestPki } from '../../test/support/test-pki.js';
import { CurrentIdentity } from '../identity/current-identity.js';
import { storeIdentity } from '../identity/identity-store.js';
import { StateDirectory } from '../platform/state-directory.js';
import { StateKey } from '../platform/state-key.js';
import { BundleInstaller } from './bundle-installer.js';
import { BundleStore } from './bundle-store.js';
import { Edge, trustHeldBy } from './edge.js';
import { SessionLoop } from './session-loop.js';
import { openSessionStream } from './session-stream.js';
import { System } from './system.js';

type Session = Parameters<typeof serveSession>[2];
type Call = Parameters<Session>[0];

const ignore = () => undefined;
const LOG = { debug: ignore, info: ignore, warn: ignore, error: ignore, fatal: ignore } as never;
const MEBIBYTE = 1 << 20;

/** An edge with the bundle of an honest controller in force, whose address now belongs to somebody else. */
describe('a controller that has been taken over', () => {
  let pki: TestPki;
  let other: TestPki;
  let directory: string;
  let machine: Machine;
  let store: BundleStore;
  let edge: Edge;
  let good: SignedBundle;
  let fatal: unknown[];
  const open: { close(): unknown }[] = [];

  beforeAll(async () => {
    [pki, other] = await Promise.all([TestPki.create(), TestPki.create()]);
  });

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'weft-hostile-'));
    machine = new Machine();
    const state = await StateDirectory.open(path.join(directory, 'state'));
    store = new BundleStore(state, await StateKey.open(path.join(directory, 'state.key')));
    await storeIdentity(state, await pki.storedIdentity('127.0.0.1:1'));
    const identity = await CurrentIdentity.open(state);
    fatal = [];
    edge = new Edge({
      audience: identity.audience,
      storedAudience: identity.storedAudience,
      followSigningKeys: ({ successions }) => identity.followSigningKeys(successions),
      followTrust: (trustBundle) => identity.followTrust(trustBundle),
      trustHeld: () => trustHeldBy(identity.value),
      agentVersion: '1',
      bootId: 'boot',
      store,
      highestEpoch: 0n,
      installer: new BundleInstaller(
        new System(machine),
        { ike: { apply: async () => undefined, move: ignore, found: ignore }, blind: NO_BLIND },
        LOG,
      ),
      dataPlane: machine.dataPlane,
      ike: { lifetimeEnded: () => false },
      blind: NO_BLIND,
      log: LOG,
      events: { add: ignore, welcomed: ignore, stored: ignore, ended: ignore },
      confirmMilliseconds: 0,
      removalLimitPercent: 50,
      after: () => ignore,
      send: () => true,
      onWelcome: async () => undefined,
      onFatal: (error) => fatal.push(error),
    });
    good = signBundle(pki, testBundle());
    await edge.bundlePush({ nonce: 'honest', bundle: good });
  });

  afterEach(async () => {
    for (const thing of open.splice(0).reverse()) await thing.close();
    await rm(directory, { recursive: true, force: true });
  });

  const withoutRoutes = () => ({ ...testBundle(), routes: [] });
  const attacks: readonly (readonly [string, (good: SignedBundle) => SignedBundle, string])[] = [
    [
      'without a signature',
      () => ({ ...signBundle(pki, withoutRoutes(), { generation: 11n }), signatures: [] }),
      'signature_missing',
    ],
    ['signed by itself', () => signBundle(other, withoutRoutes(), { generation: 11n }), 'unknown_signing_key'],
    [
      'with the signature of the last one',
      ({ signatures }) => ({ ...signBundle(pki, withoutRoutes(), { generation: 11n }), signatures }),
      'bad_signature',
    ],
    [
      'of an older generation, replayed',
      () => signBundle(pki, withoutRoutes(), { generation: 9n }),
      'stale_generation',
    ],
    [
      'of the same generation, with other content',
      () => signBundle(pki, withoutRoutes(), { generation: 10n }),
      'stale_generation',
    ],
    [
      'of an older epoch, replayed',
      () => signBundle(pki, withoutRoutes(), { epoch: 4n, generation: 99n }),
      'stale_epoch',
    ],
    ['of another edge', () => signBundle(pki, withoutRoutes(), { edgeId: TENANT_ID, generation: 11n }), 'wrong_edge'],
    [
      'whose content is exchanged',
      ({ manifest, signatures }) => ({ ...signBundle(pki, withoutRoutes()), manifest, signatures }),
      'content_hash_mismatch',
    ],
    ['of more than 16 MiB', () => ({ ...good, content: Buffer.alloc(16 * MEBIBYTE + 1) }), 'too_large'],
  ];

  it('is told why of each bad bundle, in one session, and changes nothing', async () => {
    const call = await connect();
    const before = machine.state();
    for (const [story, make, rule] of attacks) {
      call.write(push(story, make(good)));
      const { message } = await next(call);
      expect([story, message]).toMatchObject([
        story,
        { $case: 'bundleNack', value: { nonce: story, rejection: { rule }, running: { generation: 10n } } },
      ]);
    }
    await expectUnharmed(before);
  });

  it('that removes most of what is in force is refused, with what to do, until an operator has agreed to exactly that', async () => {
    const call = await connect();
    const exchange = async (bundle: SignedBundle) => {
      call.write(push('n', bundle));
      return (await next(call)).message;
    };
    // From 1 tunnel to 41: what comes is not limited.
    const large = signBundle(pki, largeBundle(40), { generation: 11n });
    expect(await exchange(large)).toMatchObject({ $case: 'bundleAck' });
    const before = machine.state();
    const parentHash = createHash('sha256').update(large.content).digest();
    const refused = {
      $case: 'bundleNack',
      value: {
        rejection: {
          path: 'tunnels',
          rule: 'mass_removal',
          reason: expect.stringMatching(/^40 of 41 tunnels .* agree to the removals/),
        },
        running: { generation: 11n, contentHash: parentHash },
      },
    };
    const small = (changes: ManifestChanges) => signBundle(pki, testBundle(), { generation: 12n, ...changes });
    expect(await exchange(small({ parentHash }))).toMatchObject(refused);
    // What was agreed to of another bundle says nothing about this one.
    const other = createHash('sha256').update(good.content).digest();
    expect(await exchange(small({ parentHash: other, removalAgreed: true }))).toMatchObject(refused);
    expect(await exchange(small({ removalAgreed: true }))).toMatchObject(refused);
    expect(machine.state()).toEqual(before);
    expect((await store.lastKnownGood())?.content.equals(large.content)).toBe(true);
    expect(fatal).toEqual([]);
    expect(await exchange(small({ parentHash, removalAgreed: true }))).toMatchObject({ $case: 'bundleAck' });
  });

  it('is answered one at a time when it hurries, and holds nothing but its own messages', async () => {
    const call = await connect();
    const before = machine.state();
    const bad = { ...good, signatures: [] };
    for (let count = 0; count < 500; count++) call.write(push(String(count), bad));
    for (let count = 0; count < 500; count++) {
      expect((await next(call)).message).toMatchObject({ $case: 'bundleNack', value: { nonce: String(count) } });
    }
    await expectUnharmed(before);
  });

  it.each([
    ['says Welcome with an epoch that was superseded', [welcome(4n)]],
    ['says Welcome twice', [welcome(5n), welcome(5n)]],
    ['pushes before it says Welcome', [push('early', undefined)]],
    ['sends what no agent knows', [welcome(5n), {}]],
    ['sends a message that is larger than any bundle', [welcome(5n), oversized()]],
  ] as const)('that %s is left, and tried again later', async (_, messages) => {
    const before = machine.state();
    const ended = new Promise<void>((resolve) => void serve((call) => answer(call, messages), resolve));
    await ended;
    await expectUnharmed(before);
  });

  it('that lets a bundle drip holds up nothing: the session ends when the edge says so', async () => {
    const before = machine.state();
    const { address, dripping } = await serveDrip();
    const loop = await loopTo(address, ignore);
    await dripping;
    // What is in force stays so, and asks nobody.
    expect(edge.running?.generation).toBe(10n);
    await loop.stop();
    await expectUnharmed(before);
  });

  /** What is in force and what is stored are as before, and a good bundle is still taken. */
  async function expectUnharmed(before: ReturnType<Machine['state']>): Promise<void> {
    expect(machine.state()).toEqual(before);
    expect((await store.lastKnownGood())?.content.equals(good.content)).toBe(true);
    expect(await store.highestEpoch()).toBe(5n);
    expect(fatal).toEqual([]);
    const { message } = await edge.bundlePush({
      nonce: 'n',
      bundle: signBundle(pki, testBundle(), { generation: 12n }),
    });
    expect(message?.$case).toBe('bundleAck');
  }

  /** A session of this edge, welcomed. */
  async function connect(): Promise<Call> {
    const call = await new Promise<Call>((resolve) => void serve(resolve, ignore));
    call.pause();
    call.on('error', ignore);
    await next(call);
    call.write(welcome(5n));
    return call;
  }

  async function serve(session: Session, ended: () => void): Promise<void> {
    const listening = await serveSession(pki, await pki.server(), session);
    open.push(listening);
    await loopTo(`127.0.0.1:${listening.address.port}`, ended);
  }

  async function loopTo(address: string, ended: () => void): Promise<SessionLoop> {
    const identity = await pki.identity(address);
    const loop = new SessionLoop({
      open: () => openSessionStream(identity),
      expired: () => false,
      handlers: edge,
      log: LOG,
      random: () => 0,
      pause: (_, signal) => {
        ended();
        return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
      },
    });
    open.push({ close: () => loop.stop() });
    loop.start();
    return loop;
  }

  /** Speaks HTTP/2 by itself: the head of a message that never comes to its end, octet by octet. */
  async function serveDrip(): Promise<{ address: string; dripping: Promise<void> }> {
    const { keyPem, pem } = await pki.server();
    const options = { key: keyPem, cert: pem + pki.root.pem, ca: pki.root.pem, requestCert: true };
    const server: Http2SecureServer = createSecureServer(options);
    open.push({ close: () => server.close() });
    const dripping = new Promise<void>((resolve) => {
      server.on('stream', (stream) => {
        stream.on('error', ignore);
        stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto' });
        // Not compressed, 16 MiB.
        stream.write(Buffer.from([0, 1, 0, 0, 0]));
        let dripped = 0;
        const drip = () => {
          if (stream.destroyed) return;
          if (++dripped === 100) resolve();
          stream.write(Buffer.alloc(1), () => setImmediate(drip));
        };
        drip();
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, dripping };
  }
});

function welcome(epoch: bigint): SessionResponse {
  return {
    message: {
      $case: 'welcome',
      value: { epoch, statusIntervalMilliseconds: 1000, takesEvents: true, relaysKeyShares: false },
    },
  };
}

function push(nonce: string, bundle: SignedBundle | undefined): SessionResponse {
  return { message: { $case: 'bundlePush', value: bundle === undefined ? { nonce } : { nonce, bundle } } };
}

function oversized(): SessionResponse {
  return push('large', {
    manifest: Buffer.alloc(0),
    content: Buffer.alloc(18 * MEBIBYTE),
    signatures: [],
    preSharedKeys: [],
  });
}

function answer(call: Call, messages: readonly SessionResponse[]): void {
  call.on('error', ignore);
  call.once('data', () => {
    for (const message of messages) call.write(message);
  });
}

/** Messages of the edge, one at a time. */
async function next(call: Call): Promise<SessionRequest> {
  call.resume();
  const [message] = (await once(call, 'data')) as [SessionRequest];
  call.pause();
  return message;
}
