import { createPublicKey, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import tls from 'node:tls';
import grpc from '@grpc/grpc-js';
import { type Hello, KeyingMode, type SessionResponse } from '@weft/contracts/southbound';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EnrollmentTokens } from '../../src/enrollment/enrollment-tokens.js';
import { createEdgeCertificate, createRoot, createServerIdentity } from '../../src/pki/certificate-factory.js';
import { type KeyAndCertificate, readIdentity } from '../../src/pki/identity-file.js';
import { certificatePem, createEdgeKey, type EdgeKey } from '../support/edge-credentials.js';
import { PATIENCE_MILLISECONDS } from '../support/patience.js';
import { seedEdge } from '../support/seed-edge.js';
import { enroll, pinnedRoot, sessionClient } from '../support/southbound-clients.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { TestController } from '../support/test-controller.js';
import { TestPostgres } from '../support/test-postgres.js';

type Identity = NonNullable<Parameters<typeof sessionClient>[2]>;

let postgres: TestPostgres;
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let controller: TestController;
let root: Buffer;
let rootIdentity: KeyAndCertificate;
let key: EdgeKey;
let edge: Awaited<ReturnType<typeof seedEdge>>;
let enrolled: Identity;

beforeAll(async () => {
  postgres = await TestPostgres.start();
  directory = await temporaryDirectory('session');
  const dataDirectory = directory.path;
  controller = await TestController.start({ databaseUrl: await postgres.createDatabase(), dataDirectory });
  edge = await seedEdge(controller.sql);
  key = await createEdgeKey();
  const { token } = await createToken(edge);
  root = await pinnedRoot(controller.addresses.enrollment, token);
  enrolled = await enrollOnce(token);
  const onDisk = await readIdentity(join(dataDirectory, 'pki', 'root.pem'));
  if (onDisk === undefined) throw new Error('the controller has made no root.pem');
  rootIdentity = onDisk;
});
afterAll(async () => {
  await controller.stop();
  await directory.remove();
  await postgres.remove();
});

describe('the session door', () => {
  it('lets an enrolled edge in', async () => {
    expect((await firstAnswer(enrolled)).message?.$case).toBe('welcome');
  });

  it('refuses a client without a certificate, and says so in the log', async () => {
    await refused(undefined, 'has no certificate');
  });

  it('refuses the certificate of another root, even one of the same name', async () => {
    const foreign = await createRoot(new Date());
    await refused(await edgeIdentity(foreign, new Date()), 'was not issued by this controller');
  });

  it('refuses a certificate that has expired', async () => {
    const longAgo = new Date(Date.now() - 31 * 86_400_000);
    await refused(await edgeIdentity(rootIdentity, longAgo), 'has expired');
  });

  it('refuses a server certificate of its own root', async () => {
    const server = await createServerIdentity(rootIdentity, new Date());
    const identity = {
      privateKey: Buffer.from(server.privateKey.export({ type: 'pkcs8', format: 'pem' })),
      certificate: certificatePem(server.certificate.raw),
    };
    await refused(identity, 'is not for clients');
  });

  it('refuses TLS 1.2', async () => {
    const [host, port] = controller.addresses.session.split(':');
    const error = await new Promise<NodeJS.ErrnoException>((resolve, reject) => {
      const socket = tls.connect({
        host: host ?? '',
        port: Number(port),
        rejectUnauthorized: false,
        minVersion: 'TLSv1.2',
        maxVersion: 'TLSv1.2',
      });
      socket.once('error', resolve);
      socket.once('secureConnect', () => reject(new Error(`connected with ${socket.getProtocol()}`)));
    });
    expect(error.code).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
  });

  it('refuses the certificate of an earlier enrollment once that of the later one has come in, and not before', async () => {
    const renewed = await enrollOnce((await createToken(edge)).token);
    expect((await firstAnswer(enrolled)).message?.$case).toBe('welcome');
    expect((await firstAnswer(renewed)).message?.$case).toBe('welcome');
    await expect(firstAnswer(enrolled)).rejects.toMatchObject({
      code: grpc.status.UNAUTHENTICATED,
      details: expect.stringContaining('enrolled anew'),
    });
    enrolled = renewed;
  });

  it('refuses a valid certificate that is in no table', async () => {
    const unrecorded = await edgeIdentity(rootIdentity, new Date());
    await expect(firstAnswer(unrecorded)).rejects.toMatchObject({ code: grpc.status.UNAUTHENTICATED });
  });
});

function createToken({ tenantId, edgeId }: { tenantId: string; edgeId: string }) {
  const tokens = controller.controller.application.get(EnrollmentTokens, { strict: false });
  return controller.asTenant(tenantId, () => tokens.create(tenantId, edgeId));
}

async function enrollOnce(token: string): Promise<Identity> {
  const request = { token, certificateSigningRequest: key.request };
  const { certificateChain } = await enroll(controller.addresses.enrollment, root, request);
  return { privateKey: key.privateKey, certificate: certificatePem(...certificateChain) };
}

/** A certificate for our edge, by whatever root and at whatever time. */
async function edgeIdentity(by: KeyAndCertificate, now: Date): Promise<Identity> {
  const certificate = await createEdgeCertificate(by, createPublicKey(key.privateKey), edge, now, 30 * 86_400_000);
  return { privateKey: key.privateKey, certificate: certificatePem(certificate.raw) };
}

/** Opens a session, says Hello and returns what the controller answers first. Rejects with a grpc.ServiceError. */
async function firstAnswer(identity: Identity | undefined): Promise<SessionResponse> {
  const client = sessionClient(controller.addresses.session, root, identity);
  try {
    return await new Promise<SessionResponse>((resolve, reject) => {
      const call = client.session(new grpc.Metadata(), { deadline: Date.now() + PATIENCE_MILLISECONDS });
      call.on('data', (response: SessionResponse) => {
        resolve(response);
        call.cancel();
      });
      call.on('error', reject);
      call.once('end', () => reject(new Error('the controller ended the session without a word')));
      const hello: Hello = {
        agentVersion: '1.0.0',
        bootId: randomUUID(),
        associations: [],
        keyingModes: [KeyingMode.KEYING_MODE_IKE_LESS],
        limitsRemovals: true,
      };
      call.write({ message: { $case: 'hello', value: hello } });
    });
  } finally {
    client.close();
  }
}

async function refused(identity: Identity | undefined, reason: string): Promise<void> {
  const seen = controller.log.length;
  await expect(firstAnswer(identity)).rejects.toMatchObject({ code: grpc.status.UNAVAILABLE });
  const lines = controller.log.slice(seen).filter((line) => String(line['msg']).startsWith('TLS handshake refused'));
  expect(lines.length).toBeGreaterThan(0);
  for (const line of lines) {
    expect(line['msg']).toContain(reason);
    expect(line['door']).toBe('WEFT_SESSION_LISTEN');
  }
}
