import { createPublicKey, X509Certificate } from 'node:crypto';
import grpc from '@grpc/grpc-js';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createEdgeKey, type EdgeKey } from '../support/edge-credentials.js';
import { renew } from '../support/southbound-clients.js';
import { TestController } from '../support/test-controller.js';
import { TestPostgres } from '../support/test-postgres.js';
import { TestFabric } from './fabric.js';
import { type Credentials, enrolled, ScriptedEdge } from './scripted-edge.js';

const HOURS = 48;

let postgres: TestPostgres;
let controller: TestController;
let fabric: TestFabric;
let edgeId: string;
let credentials: Credentials;

beforeAll(async () => {
  postgres = await TestPostgres.start();
  controller = await TestController.start({
    databaseUrl: await postgres.createDatabase(),
    environment: { WEFT_EDGE_CERTIFICATE_HOURS: String(HOURS) },
  });
});
afterAll(async () => {
  await controller.stop();
  await postgres.remove();
});
beforeEach(async () => {
  fabric = new TestFabric();
  await fabric.seed(controller);
  [edgeId] = fabric.edgeIds;
  credentials = await enrolled(controller, fabric.tenantId, edgeId);
});

describe('renewal of a certificate', () => {
  it('certifies the new key for the same edge, as long as the setting says, while the stream and the old one go on', async () => {
    const [edge] = ScriptedEdge.together([new ScriptedEdge('paris', credentials).connect(controller)]);
    await edge.until(() => edge.messages('welcome').length > 0);
    const key = await keyOf(edgeId);
    const chain = await ask(credentials, key);
    const certificate = new X509Certificate(chain);
    const before = new X509Certificate(credentials.certificate);
    expect(certificate.subjectAltName).toBe(before.subjectAltName);
    expect(certificate.publicKey.equals(createPublicKey(key.privateKey))).toBe(true);
    const hours = (Date.parse(certificate.validTo) - Date.now()) / 3_600_000;
    expect(Math.round(hours)).toBe(HOURS);
    // Nothing else tells that the stream lives: an answer that is a refusal would end it.
    expect(edge.ended).toBeUndefined();
    edge.close();
    await gone(edgeId);
    for (const identity of [asCredentials(key, chain), credentials]) {
      const next = new ScriptedEdge('paris', identity).connect(controller);
      await next.until(() => next.messages('welcome').length > 0);
      next.close();
      await gone(edgeId);
    }
    expect(await recorded(certificate)).toEqual([{ renewalOf: serialOf(before), revoked: false }]);
    expect(controller.log).toContainEqual(
      expect.objectContaining({
        msg: 'edge certificate renewed',
        edgeId,
        serial: serialOf(certificate),
        renewalOf: serialOf(before),
      }),
    );
  });

  it('can be renewed in turn', async () => {
    const key = await keyOf(edgeId);
    const first = asCredentials(key, await ask(credentials, key));
    const second = new X509Certificate(await ask(first, await keyOf(edgeId)));
    expect(await recorded(second)).toEqual([
      { renewalOf: serialOf(new X509Certificate(first.certificate)), revoked: false },
    ]);
  });

  it('is refused for another edge, for the same key, and for what is no request', async () => {
    const foreign = await keyOf(fabric.edgeIds[1]);
    await refused(
      ask(credentials, foreign),
      grpc.status.INVALID_ARGUMENT,
      'certificate_signing_request: is not of the edge',
    );
    const key = await keyOf(edgeId);
    const next = asCredentials(key, await ask(credentials, key));
    await refused(
      ask(next, key),
      grpc.status.INVALID_ARGUMENT,
      'certificate_signing_request: has the key of the present',
    );
    const nothing = { ...key, request: Buffer.from('x') };
    await refused(
      ask(credentials, nothing),
      grpc.status.INVALID_ARGUMENT,
      'certificate_signing_request: is no PKCS #10',
    );
    const rows = await controller.sql`select 1 from certificates where edge_id = ${edgeId}`;
    expect(rows).toHaveLength(2);
  });

  it('is refused to a certificate that was revoked, and to one whose edge is enrolled anew', async () => {
    const anew = await enrolled(controller, fabric.tenantId, edgeId);
    const [edge] = ScriptedEdge.together([new ScriptedEdge('paris', anew).connect(controller)]);
    await edge.until(() => edge.messages('welcome').length > 0);
    edge.close();
    await refused(ask(credentials, await keyOf(edgeId)), grpc.status.UNAUTHENTICATED, 'the edge was enrolled anew');
    await controller.sql`
      update certificates set revoked_at = now(), revocation_reason = 'stolen' where edge_id = ${edgeId} and revoked_at is null`;
    await refused(ask(anew, await keyOf(edgeId)), grpc.status.UNAUTHENTICATED, 'was revoked');
  });

  it('of an earlier enrollment does not outlive the later one', async () => {
    const anew = await enrolled(controller, fabric.tenantId, edgeId);
    const key = await keyOf(edgeId);
    const late = asCredentials(key, await ask(credentials, key));
    const [edge] = ScriptedEdge.together([new ScriptedEdge('paris', anew).connect(controller)]);
    await edge.until(() => edge.messages('welcome').length > 0);
    edge.close();
    await refused(ask(late, await keyOf(edgeId)), grpc.status.UNAUTHENTICATED, 'the edge was enrolled anew');
  });

  it('is limited, edge by edge', async () => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, async () => ask(credentials, await keyOf(edgeId))),
    );
    const codes = outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : 'issued'));
    expect(codes.filter((code) => code === 'issued')).toHaveLength(5);
    expect(new Set(codes)).toEqual(new Set(['issued', grpc.status.RESOURCE_EXHAUSTED]));
    const other = await enrolled(controller, fabric.tenantId, fabric.edgeIds[1]);
    await ask(other, await keyOf(fabric.edgeIds[1]));
  });
});

function keyOf(subject: string): Promise<EdgeKey> {
  return createEdgeKey(undefined, `CN=${subject}`);
}

function ask(shown: Credentials, key: EdgeKey): Promise<Buffer> {
  return renew(controller.addresses.session, shown.root, shown, key.request);
}

function asCredentials({ privateKey }: EdgeKey, certificate: Buffer): Credentials {
  return { root: credentials.root, privateKey, certificate };
}

function serialOf(certificate: X509Certificate): string {
  return certificate.serialNumber.toLowerCase();
}

function recorded(certificate: X509Certificate) {
  return controller.sql<{ renewalOf: string | null; revoked: boolean }[]>`
    select renewal_of, revoked_at is not null as revoked from certificates where serial = ${serialOf(certificate)}`;
}

/** Resolves when the controller has taken note of the end of every stream of the edge. */
async function gone(edge: string): Promise<void> {
  const count = (text: string) => controller.log.filter(({ msg, edgeId: of }) => of === edge && msg === text).length;
  await expect.poll(() => count('edge connected') - count('edge disconnected')).toBe(0);
}

async function refused(call: Promise<unknown>, code: grpc.status, details: string): Promise<void> {
  await expect(call).rejects.toMatchObject({ code, details: expect.stringContaining(details) });
}
