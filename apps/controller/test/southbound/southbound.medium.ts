import { createHash, createPublicKey, verify } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import { Bundle, BundleManifest, PathMtuSource } from '@weft/contracts/southbound';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Distribution } from '../../src/distribution/distribution.js';
import { EdgeBundlesRepository } from '../../src/distribution/edge-bundles.repository.js';
import { FabricStore } from '../../src/distribution/fabric-store.js';
import type { EdgeState } from '../../src/observations/edge-state.js';
import { EdgeStates } from '../../src/observations/edge-states.js';
import { PolicyCounters } from '../../src/observations/policy-counters.js';
import type { TunnelState } from '../../src/observations/tunnel-state.js';
import { TunnelStates } from '../../src/observations/tunnel-states.js';
import { BundleSigner } from '../../src/pki/bundle-signer.js';
import { ControllerEpoch } from '../../src/platform/database/controller-epoch.js';
import { Database } from '../../src/platform/database/database.js';
import { eventually } from '../support/patience.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { TestController } from '../support/test-controller.js';
import { TestPostgres } from '../support/test-postgres.js';
import { TestFabric } from './fabric.js';
import { enrolled, ScriptedEdge } from './scripted-edge.js';

let postgres: TestPostgres;
let databaseUrl: string;
let data: Awaited<ReturnType<typeof temporaryDirectory>>;
let controller: TestController;
let fabric: TestFabric;
let edges: [ScriptedEdge, ScriptedEdge, ScriptedEdge];

beforeAll(async () => {
  postgres = await TestPostgres.start();
});
afterAll(() => postgres.remove());

beforeEach(async () => {
  databaseUrl = await postgres.createDatabase();
  data = await temporaryDirectory('southbound');
  controller = await TestController.start({ databaseUrl, dataDirectory: data.path });
  fabric = new TestFabric();
  await fabric.seed(controller);
  const [paris, tokyo, lima] = fabric.edgeIds;
  edges = ScriptedEdge.together([
    new ScriptedEdge('paris', await enrolled(controller, fabric.tenantId, paris)),
    new ScriptedEdge('tokyo', await enrolled(controller, fabric.tenantId, tokyo)),
    new ScriptedEdge('lima', await enrolled(controller, fabric.tenantId, lima)),
  ]);
  return async () => {
    for (const edge of edges) edge.close();
    await controller.stop();
    await data.remove();
  };
});

describe('a session', () => {
  it('brings welcome, a signed bundle, and after both acknowledged it a pair of associations', async () => {
    const [paris, tokyo] = edges;
    await fabric.publish(controller, ['PROTECT']);
    paris.connect(controller);
    tokyo.connect(controller);
    await associated(paris, tokyo);
    const [welcome, push] = paris.received;
    expect(welcome).toEqual({
      $case: 'welcome',
      value: {
        epoch: epoch(),
        statusIntervalMilliseconds: 1000,
        takesEvents: true,
        relaysKeyShares: true,
        protectedNetworks: { routes: ['10.1.0.0/16', '10.2.0.0/16'], localNetworks: ['10.0.0.0/16'] },
      },
    });
    if (push?.$case !== 'bundlePush') throw new Error('no push');
    const empty = { manifest: EMPTY, content: EMPTY, signatures: [] };
    const { manifest, content, signatures } = push.value.bundle ?? empty;
    expect(BundleManifest.decode(manifest)).toEqual({
      tenantId: fabric.tenantId,
      edgeId: fabric.edgeIds[0],
      epoch: epoch(),
      generation: 1n,
      revision: 1n,
      contentHash: createHash('sha256').update(content).digest(),
      parentHash: EMPTY,
      removalAgreed: false,
    });
    expect(Buffer.from(Bundle.encode(Bundle.decode(content)).finish()).equals(content)).toBe(true);
    const signer = application().get(BundleSigner);
    const key = createPublicKey({ key: signer.publicKey, format: 'der', type: 'spki' });
    const signed = Buffer.concat([Buffer.from('weft bundle v1\0'), manifest]);
    expect(signatures.map((one) => [one.keyId, verify(null, signed, key, one.signature)])).toEqual([
      [signer.keyId, true],
    ]);
    expect(paris.steps()).toEqual(['installInbound', 'installOutbound']);
    expect(tokyo.steps()).toEqual(['installInbound', 'installOutbound']);
    await eventually(() => expect(tunnels()).toMatchObject([{ state: 'up', reason: null, rekeys: 0 }]));
    await eventually(() => expect(state(0)).toMatchObject({ connected: true, inSync: true, agentVersion: '1.2.3' }));
  });

  it('makes keys of 36 octets that differ per direction and are in neither database nor log', async () => {
    const [paris, tokyo] = edges;
    await fabric.publish(controller, ['PROTECT']);
    paris.connect(controller);
    tokyo.connect(controller);
    await associated(paris, tokyo);
    const keys = [paris, tokyo].flatMap(({ outbound }) => outbound.map((sa) => sa.keyingMaterial));
    expect(keys.map((key) => key.length)).toEqual([36, 36]);
    expect(keys[0]?.equals(keys[1] ?? EMPTY)).toBe(false);
    const [sent, received] = [paris.outbound[0], tokyo.inbound.get(paris.outbound[0]?.spi ?? 0)];
    expect(received?.keyingMaterial.equals(sent?.keyingMaterial ?? EMPTY)).toBe(true);
    const tables = await controller.sql<{ row: string }[]>`select b::text as row from edge_bundles b`;
    const written = JSON.stringify([controller.log, tables]);
    expect(tables.length).toBe(3);
    for (const key of keys) {
      for (const encoding of ['hex', 'base64', 'base64url'] as const)
        expect(written).not.toContain(key.toString(encoding));
    }
  });

  it('resumes by hash: no bundle and no commands for an edge that runs what it should', async () => {
    const [paris, tokyo] = edges;
    await fabric.publish(controller, ['PROTECT']);
    paris.connect(controller);
    tokyo.connect(controller);
    await associated(paris, tokyo);
    paris.close();
    await eventually(() => expect(state(0).connected).toBe(false));
    expect(tunnels()).toMatchObject([
      {
        state: 'down',
        reason: 'paris is not connected to the controller; traffic may continue on the installed associations.',
      },
    ]);
    paris.connect(controller);
    await eventually(() => expect(tunnels()).toMatchObject([{ state: 'up' }]));
    // The next thing that it hears is of another revision: nothing was said in between.
    await fabric.publish(controller, ['PROTECT', 'PROTECT']);
    await paris.until(() => paris.messages('bundlePush')[0]);
    expect(paris.received.map((message) => message.$case)).toEqual(['welcome', 'bundlePush']);
  });

  it('establishes the tunnel anew when an edge has lost its associations', async () => {
    const [paris, tokyo] = edges;
    await fabric.publish(controller, ['PROTECT']);
    paris.connect(controller);
    tokyo.connect(controller);
    await associated(paris, tokyo);
    const before = [...tokyo.inbound.keys()];
    paris.reboot();
    paris.connect(controller);
    await tokyo.until(() => tokyo.inbound.size === 1 && !tokyo.inbound.has(before[0] ?? 0));
    expect(tokyo.steps()).toEqual([
      'installInbound',
      'installOutbound',
      'installInbound',
      'installOutbound',
      'deleteAssociations',
    ]);
    await associated(paris, tokyo);
  });

  it('re-keys after a restart of the controller and deletes only what both ends have replaced', async () => {
    const [paris, tokyo] = edges;
    await fabric.publish(controller, ['PROTECT']);
    paris.connect(controller);
    tokyo.connect(controller);
    await associated(paris, tokyo);
    const before = [...paris.inbound.keys()];
    await controller.stop();
    controller = await TestController.start({ databaseUrl, dataDirectory: data.path });
    paris.connect(controller);
    tokyo.connect(controller);
    // Both hold two pairs until the old one is deleted, so that one pair without the old one is the end of it.
    const replaced = (edge: ScriptedEdge) => edge.inbound.size === 1 && edge.outbound.length === 1;
    await paris.until(() => !paris.inbound.has(before[0] ?? 0) && replaced(paris) && replaced(tokyo));
    const steps = ['installInbound', 'installOutbound', 'deleteAssociations'];
    expect([paris.steps(), tokyo.steps()]).toEqual([steps, steps]);
    expect(paris.messages('bundlePush')).toEqual([]);
    expect(tunnels()).toMatchObject([{ state: 'up', rekeys: 1 }]);
  });

  it('shows a refused bundle, does not send it again, and sends the next one', async () => {
    const [paris] = edges;
    await fabric.publish(controller, ['PROTECT']);
    const rejection = { path: 'security_policies[0]', rule: 'too_many', reason: 'no room' };
    paris.answerPush = ({ nonce }) => ({ $case: 'bundleNack', value: { nonce, rejection, running: undefined } });
    paris.connect(controller);
    await eventually(() => expect(state(0).lastRejection).toEqual(rejection));
    // As long as the first stream is there, a second one is refused.
    paris.close();
    await eventually(() => expect(state(0).connected).toBe(false));
    paris.connect(controller);
    await paris.until(() => paris.messages('welcome')[0]);
    await application().get(Distribution).revisionPublished(fabric.tenantId);
    expect(paris.messages('bundlePush')).toEqual([]);
    paris.answerPush = (push) => paris.apply(push);
    await fabric.publish(controller, ['DISCARD']);
    await eventually(() =>
      expect(state(0)).toMatchObject({ inSync: true, lastRejection: null, applied: { revision: 2 } }),
    );
    expect(paris.messages('bundlePush').length).toBe(1);
  });

  it('waits with newer bundles for the answer to the one under way, and then sends the newest', async () => {
    const [paris] = edges;
    await fabric.publish(controller, ['PROTECT', 'PROTECT']);
    paris.answerPush = undefined;
    paris.connect(controller);
    const first = await paris.until(() => paris.messages('bundlePush')[0]);
    await fabric.publish(controller, ['DISCARD', 'PROTECT']);
    await fabric.publish(controller, ['DISCARD', 'DISCARD']);
    expect(paris.messages('bundlePush').length).toBe(1);
    paris.answerPush = (push) => paris.apply(push);
    const answer = paris.apply(first);
    if (answer !== undefined) paris.say(answer);
    await eventually(() => expect(state(0)).toMatchObject({ inSync: true, applied: { revision: 3, generation: 3 } }));
    expect(paris.messages('bundlePush').length).toBe(2);
  });

  it('gives the bundle a generation above the one that the edge has seen', async () => {
    const [paris] = edges;
    await fabric.publish(controller, ['PROTECT']);
    paris.connect(controller, { running: { generation: 41n, contentHash: Buffer.alloc(32, 1) } });
    const push = await paris.until(() => paris.messages('bundlePush')[0]);
    const manifest = BundleManifest.decode(push.bundle?.manifest ?? EMPTY);
    expect(manifest).toMatchObject({ generation: 42n, parentHash: Buffer.alloc(32, 1) });
    await eventually(() => expect(state(0)).toMatchObject({ inSync: true, applied: { generation: 42 } }));
  });

  it('keeps a generation that was raised while the revision was compiled again', async () => {
    const [paris] = edges;
    await fabric.publish(controller, ['PROTECT']);
    const store = application().get(FabricStore);
    const edgeId = fabric.edgeIds[0];
    const real = application().get(Database).transaction;
    // What was read before the raise arrives after it.
    vi.spyOn(application().get(Database), 'transaction').mockImplementationOnce(async function (this: Database, work) {
      const read = await real.call(this, work);
      await store.raiseGeneration(edgeId, 41n);
      return read as never;
    });
    await application().get(Distribution).revisionPublished(fabric.tenantId);
    expect(store.assignment(edgeId)?.desired.generation).toBe(42n);
    paris.connect(controller, { running: { generation: 41n, contentHash: Buffer.alloc(32, 1) } });
    await eventually(() => expect(state(0)).toMatchObject({ inSync: true, applied: { generation: 42 } }));
  });

  it('raises the generation at the next poll when the database refused it at first', async () => {
    const [paris] = edges;
    await fabric.publish(controller, ['PROTECT']);
    vi.spyOn(application().get(EdgeBundlesRepository), 'raiseGeneration').mockRejectedValueOnce(new Error('gone'));
    paris.connect(controller, { running: { generation: 41n, contentHash: Buffer.alloc(32, 1) } });
    await eventually(() => expect(state(0)).toMatchObject({ inSync: true, applied: { generation: 42 } }));
    expect(controller.log).toContainEqual(
      expect.objectContaining({ level: 'error', msg: 'the generation is not raised; polling tries it again' }),
    );
  });

  it('refuses a second one of the same edge and keeps the first', async () => {
    const [paris] = edges;
    await fabric.publish(controller, ['PROTECT']);
    paris.connect(controller);
    await eventually(() => expect(state(0).inSync).toBe(true));
    const second = paris.twin();
    second.connect(controller);
    expect(await second.status()).toMatchObject({
      code: status.ALREADY_EXISTS,
      details: expect.stringContaining(
        'another instance with the identity of this edge is connected; stop it, or enroll',
      ),
    });
    expect(controller.log).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        edgeId: fabric.edgeIds[0],
        code: 'ALREADY_EXISTS',
        msg: expect.stringContaining('another instance with the identity of this edge is connected'),
      }),
    );
    expect(state(0)).toMatchObject({ connected: true, inSync: true });
    expect(paris.ended).toBeUndefined();
  });

  it('brings counters of tunnels, rules and drops, which the controller shows', async () => {
    const [paris, tokyo] = edges;
    await fabric.publish(controller, ['PROTECT']);
    paris.connect(controller);
    tokyo.connect(controller);
    await associated(paris, tokyo);
    const tunnelId = paris.bundle?.tunnels[0]?.tunnelId ?? '';
    const policy = paris.bundle?.securityPolicies[0];
    const path = {
      ...{ pathMtu: 1400, outerIpHeader: 20, udpHeader: 8, espOverhead: 34, unused: 0, largestPacket: 1338 },
      ...{ maximumSegmentSize4: 1298, maximumSegmentSize6: 1278 },
    };
    const roundTrips = { roundTripMicroseconds: 1500, roundTripProbes: 9n, roundTripAnswers: 8n };
    paris.say({
      $case: 'status',
      value: {
        takenAt: new Date(1_000),
        tunnels: [
          {
            tunnelId,
            inboundSpis: [...paris.inbound.keys()],
            outboundSpi: paris.outbound[0]?.spi ?? 0,
            inboundPackets: 3n,
            inboundBytes: 300n,
            outboundPackets: 5n,
            outboundBytes: 500n,
            lastReceivedAt: new Date(900),
            path: { ...path, ...roundTrips, source: PathMtuSource.PATH_MTU_SOURCE_PROBE },
          },
        ],
        securityPolicies: [{ entryId: policy?.entryId ?? '', packets: 8n, bytes: 800n }],
        drops: [{ reason: 'no_policy', packets: 2n }],
      },
    });
    await eventually(() => expect(state(0).drops).toEqual([{ reason: 'no_policy', packets: 2 }]));
    const end = tunnels()[0]?.ends.find(({ edgeId }) => edgeId === fabric.edgeIds[0]);
    expect(end).toMatchObject({
      inboundSpi: [...paris.inbound.keys()][0],
      outboundSpi: paris.outbound[0]?.spi,
      inbound: { packets: 3, bytes: 300 },
      outbound: { packets: 5, bytes: 500 },
      lastReceivedAt: new Date(900),
      path: { ...path, source: 'probe', roundTripMilliseconds: 1.5, roundTripProbes: 9, roundTripAnswers: 8 },
    });
    const counters = application().get(PolicyCounters).byRule(fabric.tenantId);
    expect(counters.get(policy?.ruleId ?? '')).toEqual({ packets: 8, bytes: 800 });
  });

  it('brings what edges that make their keys themselves say of them; nobody is told to install any', async () => {
    const [paris, tokyo] = edges;
    await fabric.publish(controller, ['PROTECT'], { keyingMode: 'ikev2' });
    paris.connect(controller);
    tokyo.connect(controller);
    const bundle = await paris.until(() => paris.bundle);
    await tokyo.until(() => tokyo.bundle);
    const tunnelId = bundle.tunnels[0]?.tunnelId ?? '';
    await eventually(() =>
      expect(tunnels()).toMatchObject([{ keyingMode: 'ikev2', state: 'establishing', keyExchange: null }]),
    );
    const report = (inboundSpi: number, outboundSpi: number) => ({
      $case: 'status' as const,
      value: {
        takenAt: new Date(1_000),
        tunnels: [
          {
            tunnelId,
            inboundSpis: [inboundSpi],
            outboundSpi,
            inboundPackets: 0n,
            inboundBytes: 0n,
            outboundPackets: 0n,
            outboundBytes: 0n,
            ike: {
              established: true,
              keyExchangeMethods: [31, 36],
              ppk: false,
              failure: '',
              rekeys: 2n,
              localBehindNat: false,
            },
          },
        ],
        securityPolicies: [],
        drops: [],
      },
    });
    paris.say(report(300, 400));
    tokyo.say(report(400, 300));
    await eventually(() =>
      expect(tunnels()).toMatchObject([
        {
          state: 'up',
          reason: null,
          rekeys: 2,
          keyExchange: { methods: ['X25519', 'ML-KEM-768'], ppk: false, postQuantum: true },
        },
      ]),
    );
    expect([paris.steps(), tokyo.steps()]).toEqual([[], []]);
    // Started anew, it has nothing until it says so.
    paris.reboot();
    await eventually(() => expect(tunnels()).toMatchObject([{ state: 'down' }]));
    paris.connect(controller, { bootId: 'the next one' });
    await eventually(() => expect(tunnels()).toMatchObject([{ state: 'establishing', keyExchange: null }]));
    paris.say(report(300, 400));
    await eventually(() => expect(tunnels()).toMatchObject([{ state: 'up' }]));
  });

  it('lives on while Postgres is gone; who comes then is told to come later, and is served when it is back', async () => {
    const [paris, tokyo] = edges;
    await fabric.publish(controller, ['PROTECT']);
    paris.connect(controller);
    tokyo.connect(controller);
    await associated(paris, tokyo);
    const before = [...paris.inbound.keys()];
    tokyo.reboot();
    await eventually(() => expect(state(1).connected).toBe(false));
    await postgres.stop();
    try {
      tokyo.connect(controller);
      expect(await tokyo.status()).toMatchObject({
        code: status.UNAVAILABLE,
        details: 'the controller cannot reach its database; try again later',
      });
      expect(state(0)).toMatchObject({ connected: true, inSync: true });
      expect([...paris.inbound.keys()]).toEqual(before);
    } finally {
      await postgres.restart();
    }
    await eventually(() => database().check());
    tokyo.connect(controller);
    await paris.until(() => paris.inbound.size === 1 && !paris.inbound.has(before[0] ?? 0));
    await associated(paris, tokyo);
    expect(paris.messages('welcome').length).toBe(1);
  });

  it('ends when the edge is deleted, and refuses it from then on', async () => {
    const [paris] = edges;
    await fabric.publish(controller, ['PROTECT']);
    paris.connect(controller);
    await eventually(() => expect(state(0).inSync).toBe(true));
    await controller.sql`delete from edges where id = ${fabric.edgeIds[0]}`;
    expect(await paris.status()).toMatchObject({ code: status.UNAUTHENTICATED });
    paris.connect(controller);
    const refusal = await paris.status();
    expect(refusal.code).toBe(status.UNAUTHENTICATED);
    expect(refusal.details).toContain('enroll again');
  });

  it.each([
    [
      'no hello',
      (edge: ScriptedEdge) => edge.say({ $case: 'bundleAck', value: { nonce: 'x', running: undefined } }),
      'message',
    ],
    ['an empty message', (edge: ScriptedEdge) => edge.sayNothing(), 'message'],
    [
      'a hello without boot id',
      (edge: ScriptedEdge) => edge.say({ $case: 'hello', value: { ...edge.hello(), bootId: '' } }),
      'hello.boot_id',
    ],
    [
      'a hello without a keying mode that we have',
      (edge: ScriptedEdge) => edge.say({ $case: 'hello', value: { ...edge.hello(), keyingModes: [] } }),
      'hello.keying_modes',
    ],
    [
      'a reserved SPI',
      (edge: ScriptedEdge) =>
        edge.say({
          $case: 'hello',
          value: { ...edge.hello(), associations: [{ tunnelId: fabric.tenantId, spi: 255, inbound: true }] },
        }),
      'hello.associations[0].spi',
    ],
    [
      'a second hello',
      (edge: ScriptedEdge) =>
        edge.say({ $case: 'hello', value: edge.hello() }).say({ $case: 'hello', value: edge.hello() }),
      'hello',
    ],
    [
      'an acknowledgement of nothing',
      (edge: ScriptedEdge) =>
        edge.say({ $case: 'hello', value: edge.hello() }).say({
          $case: 'bundleAck',
          value: { nonce: 'x', running: { generation: 1n, contentHash: Buffer.alloc(32) } },
        }),
      'bundle_ack.nonce',
    ],
    [
      'an answer to no command',
      (edge: ScriptedEdge) =>
        edge
          .say({ $case: 'hello', value: edge.hello() })
          .say({ $case: 'securityAssociationResult', value: { commandId: 'x', rejection: undefined } }),
      'security_association_result.command_id',
    ],
    [
      'a key share without octets',
      (edge: ScriptedEdge) =>
        edge
          .say({ $case: 'hello', value: edge.hello() })
          .say({ $case: 'keyShare', value: { tunnelId: fabric.tenantId, signedMessage: EMPTY } }),
      'key_share.signed_message',
    ],
  ])('refuses %s and names the field', async (_, talk, field) => {
    const [paris] = edges;
    talk(paris.open(controller));
    const refusal = await paris.status();
    expect(refusal.code).toBe(status.INVALID_ARGUMENT);
    expect(refusal.details.split(': ')[0]).toBe(field);
    await eventually(() => expect(state(0).connected).toBe(false));
  });
});

describe('a published revision', () => {
  it('reaches only the edges that it changes; the others are in sync with it', async () => {
    const [paris, tokyo, lima] = edges;
    await fabric.publish(controller, ['PROTECT', 'PROTECT', 'PROTECT']);
    for (const edge of edges) edge.connect(controller);
    await Promise.all(edges.map((edge) => edge.until(() => edge.outbound.length === 2)));
    await eventually(() => expect(tunnels().map((tunnel) => tunnel.state)).toEqual(['up', 'up', 'up']));
    const kept = [...lima.inbound.keys()];
    const told = edges.map((edge) => edge.received.length);
    await fabric.publish(controller, ['DISCARD', 'PROTECT', 'PROTECT']);
    await Promise.all([paris, tokyo].map((edge) => edge.until(() => edge.bundle?.tunnels.length === 1)));
    await eventually(() => expect([0, 1, 2].map((index) => state(index).applied?.revision)).toEqual([2, 2, 2]));
    expect([0, 1, 2].map((index) => state(index).inSync)).toEqual([true, true, true]);
    expect(lima.received.length).toBe(told[2]);
    expect([...lima.inbound.keys()]).toEqual(kept);
    expect(state(2).desired).toMatchObject({ revision: 2, generation: 1 });
    await eventually(() =>
      expect([paris, tokyo].map((edge) => [edge.inbound.size, edge.outbound.length])).toEqual([
        [1, 1],
        [1, 1],
      ]),
    );
    expect(tunnels().map((tunnel) => tunnel.state)).toEqual(['up', 'up']);
  });

  it('changes nothing when it does not compile, and says so', async () => {
    const [paris] = edges;
    await fabric.publish(controller, ['PROTECT']);
    paris.connect(controller);
    await eventually(() => expect(state(0).inSync).toBe(true));
    await fabric.publish(controller, ['PROTECT'], { sites: [] });
    expect(state(0)).toMatchObject({ inSync: true, desired: { revision: 1 } });
    const failure = application().get(Distribution).failure(fabric.tenantId);
    expect(failure).toMatchObject({
      revision: 2,
      message: expect.stringContaining('does not compile: /networks/0/siteId'),
    });
    expect(controller.log).toContainEqual(
      expect.objectContaining({
        level: 'error',
        msg: 'the newest revision is not distributed; edges keep their bundles',
      }),
    );
    await fabric.publish(controller, ['DISCARD']);
    await eventually(() => expect(state(0)).toMatchObject({ inSync: true, desired: { revision: 3, generation: 2 } }));
    expect(application().get(Distribution).failure(fabric.tenantId)).toBeUndefined();
  });

  it('that another controller stored is found without a word', async () => {
    const [paris] = edges;
    await fabric.publish(controller, ['PROTECT']);
    paris.connect(controller);
    await eventually(() => expect(state(0).inSync).toBe(true));
    vi.spyOn(application().get(Distribution), 'revisionPublished').mockResolvedValueOnce(undefined);
    await fabric.publish(controller, ['DISCARD']);
    await eventually(() => expect(state(0)).toMatchObject({ inSync: true, applied: { revision: 2 } }));
  });
});

/** Both hold exactly one pair and agree on it, and the controller knows. */
async function associated(one: ScriptedEdge, other: ScriptedEdge): Promise<void> {
  const complete = (edge: ScriptedEdge) => edge.inbound.size === 1 && edge.outbound.length === 1;
  await Promise.all([one.until(() => complete(one)), other.until(() => complete(other))]);
  expect(one.outbound.map(({ spi }) => spi)).toEqual([...other.inbound.keys()]);
  expect(other.outbound.map(({ spi }) => spi)).toEqual([...one.inbound.keys()]);
  await eventually(() => expect(tunnels()).toMatchObject([{ state: 'up' }]));
}

function state(index: number): EdgeState {
  return application()
    .get(EdgeStates)
    .of(fabric.edgeIds[index] ?? '');
}

function tunnels(): readonly TunnelState[] {
  return [...application().get(TunnelStates).list(fabric.tenantId)];
}

function epoch(): bigint {
  return application().get(ControllerEpoch).value;
}

function application() {
  return controller.controller.application;
}

function database(): Database {
  return application().get(Database);
}

const EMPTY = Buffer.alloc(0);
