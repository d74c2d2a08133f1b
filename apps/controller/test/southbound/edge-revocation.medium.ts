import { X509Certificate } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import type { Bundle } from '@weft/contracts/southbound';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EnrollmentTokens } from '../../src/enrollment/enrollment-tokens.js';
import type { Edge } from '../../src/modules/edges/edge.dto.js';
import { cookieOf, logIn } from '../rest/support/api.js';
import { createEdgeKey } from '../support/edge-credentials.js';
import { enroll } from '../support/southbound-clients.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { TEST_ADMIN_PASSWORD, TestController } from '../support/test-controller.js';
import { TestPostgres } from '../support/test-postgres.js';
import { TestFabric } from './fabric.js';
import { type Credentials, enrolled, ScriptedEdge } from './scripted-edge.js';

const REASON = 'The machine was stolen.';

let postgres: TestPostgres;
let databaseUrl: string;
let data: Awaited<ReturnType<typeof temporaryDirectory>>;
let controller: TestController;
let cookie: string;
let fabric: TestFabric;
let credentials: Credentials;
/** The one that is revoked; its stream may end without ending what the others wait for. */
let paris: ScriptedEdge;
let tokyo: ScriptedEdge;
let lima: ScriptedEdge;

beforeAll(async () => {
  postgres = await TestPostgres.start();
});
afterAll(() => postgres.remove());

beforeEach(async () => {
  databaseUrl = await postgres.createDatabase();
  data = await temporaryDirectory('revocation');
  controller = await TestController.start({ databaseUrl, dataDirectory: data.path });
  cookie = cookieOf(await logIn(controller.url, 'admin', TEST_ADMIN_PASSWORD));
  fabric = new TestFabric();
  await fabric.seed(controller);
  const [first, second, third] = fabric.edgeIds;
  credentials = await enrolled(controller, fabric.tenantId, first);
  paris = new ScriptedEdge('paris', credentials);
  [tokyo, lima] = ScriptedEdge.together([
    new ScriptedEdge('tokyo', await enrolled(controller, fabric.tenantId, second)),
    new ScriptedEdge('lima', await enrolled(controller, fabric.tenantId, third)),
  ]);
  await fabric.publish(controller, ['PROTECT', 'PROTECT', 'PROTECT'], { keyingMode: 'ikev2' });
  return async () => {
    for (const edge of [paris, tokyo, lima]) edge.close();
    await controller.stop();
    await data.remove();
  };
});

describe('an edge that is revoked', () => {
  it('loses its session at once and is refused from then on; all others drop it and keep each other', async () => {
    await all(controller);
    expect(await revoke(REASON)).toMatchObject({
      status: 200,
      body: { revocation: { reason: REASON, revokedAt: expect.any(String) }, live: { certificateCondition: 'none' } },
    });
    expect(await paris.status()).toMatchObject({
      code: status.UNAUTHENTICATED,
      details: expect.stringContaining('weft-edge enroll'),
    });
    await tokyo.until(() => peers(tokyo.bundle).join() === 'lima');
    await lima.until(() => peers(lima.bundle).join() === 'tokyo');
    paris.connect(controller);
    expect(await paris.status()).toEqual({
      code: status.UNAUTHENTICATED,
      details:
        'this edge was revoked; if it is to come back, make a new enrollment token in the console and run `weft-edge enroll`',
    });
    expect(controller.log).toContainEqual(
      expect.objectContaining({ msg: 'edge revoked', edgeId: fabric.edgeIds[0], user: 'admin', reason: REASON }),
    );
  });

  it('is dropped by the sessions of other controllers on the database too, and stays so after a restart', async () => {
    const other = await TestController.start({ databaseUrl, dataDirectory: data.path });
    try {
      await all(other);
      await revoke(REASON);
      expect(await paris.status()).toMatchObject({ code: status.UNAUTHENTICATED });
      await tokyo.until(() => peers(tokyo.bundle).join() === 'lima');
    } finally {
      tokyo.close();
      lima.close();
      await other.stop();
    }
    await fabric.publish(controller, ['PROTECT', 'PROTECT', 'DISCARD'], { keyingMode: 'ikev2' });
    tokyo.connect(controller);
    await tokyo.until(() => tokyo.bundle?.tunnels.length === 0);
  });

  it('does not come back with a token from before, but does with a new one; its old certificate is refused by name', async () => {
    const before = await token();
    await all(controller);
    await revoke(REASON);
    await tokyo.until(() => peers(tokyo.bundle).join() === 'lima');
    await expect(use(before)).rejects.toMatchObject({ details: expect.stringContaining('was replaced') });
    paris.close();
    paris = await welcomed(new ScriptedEdge('paris', await enrolled(controller, fabric.tenantId, fabric.edgeIds[0])));
    await paris.until(() => peers(paris.bundle).join() === 'lima,tokyo');
    await tokyo.until(() => peers(tokyo.bundle).join() === 'lima,paris');
    expect(refusedSerials(tokyo.bundle, 'paris')).toEqual([serialOf(credentials)]);
    expect(refusedSerials(tokyo.bundle, 'lima')).toEqual([]);
    expect((await read()).revocation).toBeNull();
  });

  it('stays as it was revoked first; a reason is needed, and an edge of this tenant', async () => {
    await revoke(REASON);
    const again = await revoke('Another reason.');
    expect(again).toMatchObject({ status: 200, body: { revocation: { reason: REASON } } });
    for (const reason of ['', 'x'.repeat(201), 'a\nb', undefined]) {
      expect(await revoke(reason)).toMatchObject({ status: 422, body: { errors: [{ pointer: '/reason' }] } });
    }
    const stranger = new TestFabric();
    await stranger.seed(controller);
    expect(await revoke(REASON, stranger.edgeIds[0])).toMatchObject({
      status: 404,
      body: { type: 'urn:weft:problem:unknown_edge' },
    });
    const { sql } = controller;
    expect(await sql`select 1 from edges where revoked_at is not null`).toHaveLength(1);
    expect(await sql`select actor, action, details from audit_entries where action = 'edge_revoked'`).toEqual([
      { actor: 'admin', action: 'edge_revoked', details: { edgeId: fabric.edgeIds[0], reason: REASON } },
    ]);
  });
});

describe('an edge that is enrolled anew', () => {
  it('goes on with its old certificate until the new one comes in; peers then refuse the old one by name', async () => {
    await all(controller);
    const anew = await enrolled(controller, fabric.tenantId, fabric.edgeIds[0]);
    expect(refusedSerials(tokyo.bundle, 'paris')).toEqual([]);
    paris.close();
    paris = await welcomed(new ScriptedEdge('paris', credentials));
    paris.close();
    paris = await welcomed(new ScriptedEdge('paris anew', anew));
    await tokyo.until(() => refusedSerials(tokyo.bundle, 'paris').join() === serialOf(credentials));
    paris.close();
    paris = new ScriptedEdge('paris', credentials).connect(controller);
    expect(await paris.status()).toMatchObject({
      code: status.UNAUTHENTICATED,
      details: expect.stringContaining('the edge was enrolled anew'),
    });
  });
});

/** All three are connected and run their bundles. */
async function all(to: TestController): Promise<void> {
  for (const edge of [paris, tokyo, lima]) edge.connect(to);
  for (const edge of [paris, tokyo, lima]) await edge.until(() => edge.bundle?.tunnels.length === 2);
}

/** Connects it; a session of the same edge that has just ended may still be on its way out. */
async function welcomed(edge: ScriptedEdge): Promise<ScriptedEdge> {
  for (;;) {
    edge.connect(controller);
    const outcome = await edge.until(() => edge.ended ?? (edge.messages('welcome').length > 0 && 'welcomed'));
    if (outcome === 'welcomed') return edge;
    expect(outcome).toMatchObject({ code: status.ALREADY_EXISTS });
  }
}

function peers(bundle: Bundle | undefined): string[] {
  return (bundle?.tunnels ?? []).map(({ peerName }) => peerName).sort();
}

/** Lower-case hex. */
function refusedSerials(bundle: Bundle | undefined, peer: string): string[] {
  const tunnel = bundle?.tunnels.find(({ peerName }) => peerName === peer);
  return (tunnel?.ike?.revokedSerials ?? []).map((serial) => serial.toString('hex'));
}

function serialOf({ certificate }: Credentials): string {
  return new X509Certificate(certificate).serialNumber.toLowerCase();
}

async function revoke(reason: string | undefined, edgeId = fabric.edgeIds[0]) {
  const response = await fetch(`${controller.url}${pathOf(edgeId)}/revocation`, {
    method: 'POST',
    headers: { cookie, 'content-type': 'application/json' },
    body: JSON.stringify({ reason }),
  });
  return { status: response.status, body: await response.json() };
}

async function read(): Promise<Edge> {
  const response = await fetch(`${controller.url}${pathOf(fabric.edgeIds[0])}`, { headers: { cookie } });
  return (await response.json()) as Edge;
}

function pathOf(edgeId: string): string {
  return `/api/v1/tenants/${fabric.tenantId}/edges/${edgeId}`;
}

async function token(): Promise<string> {
  const tokens = controller.controller.application.get(EnrollmentTokens, { strict: false });
  const { tenantId, edgeIds } = fabric;
  return (await controller.asTenant(tenantId, () => tokens.create(tenantId, edgeIds[0]))).token;
}

async function use(text: string): Promise<unknown> {
  const { request } = await createEdgeKey();
  const { root } = credentials;
  return enroll(controller.addresses.enrollment, root, { token: text, certificateSigningRequest: request });
}
