import { createHash, createPublicKey, randomUUID, X509Certificate } from 'node:crypto';
import grpc from '@grpc/grpc-js';
import { Bundle } from '@weft/contracts/southbound';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EnrollmentTokens } from '../../src/enrollment/enrollment-tokens.js';
import { edgeIdentityFromCertificate } from '../../src/pki/edge-identity.js';
import { Database } from '../../src/platform/database/database.js';
import { installationScope } from '../../src/platform/database/database-scope.js';
import { createEdgeKey, type EdgeKey } from '../support/edge-credentials.js';
import { eventually } from '../support/patience.js';
import { seedEdge } from '../support/seed-edge.js';
import { enroll, pinnedRoot } from '../support/southbound-clients.js';
import { TestController } from '../support/test-controller.js';
import { TestPostgres } from '../support/test-postgres.js';

let postgres: TestPostgres;
let controller: TestController;
let root: Buffer;
let key: EdgeKey;
let edge: Awaited<ReturnType<typeof seedEdge>>;
let token: string;

beforeAll(async () => {
  postgres = await TestPostgres.start();
  key = await createEdgeKey();
});
afterAll(() => postgres.remove());

// A controller each: the limit of attempts is part of what is tested.
beforeEach(async () => {
  controller = await TestController.start({ databaseUrl: await postgres.createDatabase() });
  edge = await seedEdge(controller.sql);
  token = (await createToken(edge)).token;
  root = await pinnedRoot(controller.addresses.enrollment, token);
  return () => controller.stop();
});

describe('enrollment', () => {
  it('gives a certificate for the key in the request, with our names in it and none of the requested ones', async () => {
    const response = await ask(token);
    expect(response).toMatchObject({ ...edge, sessionAddress: controller.addresses.session });
    const [der, above, ...more] = response.certificateChain;
    const certificate = new X509Certificate(der ?? Buffer.alloc(0));
    expect(certificate.subject).toBe(`CN=${edge.edgeId}`);
    expect(certificate.subjectAltName).toBe(`URI:spiffe://weft.internal/tenant/${edge.tenantId}/edge/${edge.edgeId}`);
    // TLS client, and IKE between edges (id-kp-ipsecIKE, RFC 4945 section 5.1.3.12).
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2', '1.3.6.1.5.5.7.3.17']);
    expect(certificate.ca).toBe(false);
    const intermediate = new X509Certificate(above ?? Buffer.alloc(0));
    expect(certificate.verify(intermediate.publicKey)).toBe(true);
    expect([intermediate.verify(new X509Certificate(root).publicKey), more]).toEqual([true, []]);
    expect(certificate.publicKey.equals(createPublicKey(key.privateKey))).toBe(true);
    expect(response.trustBundle.map((one) => new X509Certificate(one).fingerprint256)).toEqual([
      new X509Certificate(root).fingerprint256,
    ]);
    expect(response.notAfter?.getTime()).toBe(Date.parse(certificate.validTo));
    expect(edgeIdentityFromCertificate(der ?? Buffer.alloc(0))).toMatchObject({
      tenantId: edge.tenantId,
      edgeId: edge.edgeId,
    });
    expect(await certificatesInForce()).toEqual([certificate.serialNumber.toLowerCase()]);
  });

  it('refuses a token that is used, and keeps the first certificate', async () => {
    await ask(token);
    const before = await certificatesInForce();
    await refused(ask(token), grpc.status.UNAUTHENTICATED, 'token: was used already');
    expect(await certificatesInForce()).toEqual(before);
  });

  it('lets exactly one of several simultaneous uses of one token win', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => ask(token)));
    const lost = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    expect(lost).toHaveLength(7);
    expect(lost.map((error) => [error.code, error.details])).toEqual(
      Array(7).fill([grpc.status.UNAUTHENTICATED, 'token: was used already; make a new one']),
    );
    expect(await certificatesInForce()).toHaveLength(1);
  });

  it('refuses a token that nobody made, one of another controller, and text that is no token', async () => {
    const [, secret, fingerprint] = token.split('.');
    const unknown = `weft1.${Buffer.alloc(32, 1).toString('base64url')}.${fingerprint}`;
    await refused(ask(unknown), grpc.status.UNAUTHENTICATED, 'token: is unknown');
    const foreign = `weft1.${secret}.${Buffer.alloc(32, 1).toString('base64url')}`;
    await refused(ask(foreign), grpc.status.UNAUTHENTICATED, 'token: was made by another controller');
    for (const text of ['', 'weft1', `${token} `, token.slice(0, -1), token.replace('weft1', 'weft2')]) {
      await refused(ask(text), grpc.status.INVALID_ARGUMENT, 'token: is no enrollment token');
    }
    await ask(token);
  });

  it('refuses a token that has expired, and one that a newer one replaced', async () => {
    const newer = await createToken(edge);
    await refused(ask(token), grpc.status.UNAUTHENTICATED, 'token: was replaced by a newer token');
    await controller.sql`
      update enrollment_tokens set created_at = now() - interval '2 hours', expires_at = now() - interval '1 second'`;
    await refused(ask(newer.token), grpc.status.UNAUTHENTICATED, 'token: has expired');
    expect(await certificatesInForce()).toEqual([]);
  });

  it('refuses a bad certificate signing request, says what is wrong with it, and does not use the token up', async () => {
    const p384 = await createEdgeKey({ name: 'ECDSA', namedCurve: 'P-384' });
    const rsa = await createEdgeKey({
      name: 'RSASSA-PKCS1-v1_5',
      modulusLength: 2048,
      publicExponent: new Uint8Array([1, 0, 1]),
      hash: 'SHA-256',
    });
    const forged = Buffer.from(key.request);
    forged.writeUInt8(forged.readUInt8(forged.length - 1) ^ 1, forged.length - 1);
    const cases: readonly [Buffer, string][] = [
      [Buffer.alloc(0), 'is empty'],
      [Buffer.alloc(8193, 0x30), 'has 8193 octets; at most 8192'],
      [Buffer.from('-----BEGIN CERTIFICATE REQUEST-----'), 'is no PKCS #10'],
      [key.request.subarray(0, -1), 'is no PKCS #10'],
      [Buffer.concat([key.request, Buffer.alloc(1)]), 'is no PKCS #10'],
      [p384.request, 'has an EC key on secp384r1; ECDSA on P-256 is required'],
      [rsa.request, 'has a 2048-bit RSA key; ECDSA on P-256 is required'],
      [forged, 'is not signed with the private key'],
    ];
    for (const [request, detail] of cases) {
      const refusal = ask(token, { certificateSigningRequest: request });
      await refused(refusal, grpc.status.INVALID_ARGUMENT, `certificate_signing_request: ${detail}`);
    }
    await refused(ask(token, { hostName: 'a\nb' }), grpc.status.INVALID_ARGUMENT, 'host_name: ');
    await refused(ask(token, { agentVersion: 'x'.repeat(65) }), grpc.status.INVALID_ARGUMENT, 'agent_version: ');
    await ask(token);
  });

  it('leaves the earlier certificate of an edge that is enrolled again in force until the new one is used', async () => {
    await ask(token);
    await ask((await createToken(edge)).token);
    expect(await certificatesInForce()).toHaveLength(2);
  });

  it('makes no token for an edge that does not exist in the tenant', async () => {
    const other = await seedEdge(controller.sql);
    await expect(createToken({ ...edge, tenantId: other.tenantId })).rejects.toMatchObject({ code: 'unknown_edge' });
  });

  it('limits the attempts of one address', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 40 }, () => ask('nonsense')));
    const codes = outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : undefined));
    expect(new Set(codes)).toEqual(new Set([grpc.status.INVALID_ARGUMENT, grpc.status.RESOURCE_EXHAUSTED]));
  });

  it('answers UNAVAILABLE while Postgres is gone, uses no token up, and goes on by itself when it is back', async () => {
    await postgres.stop();
    try {
      await refused(ask(token), grpc.status.UNAVAILABLE, 'Postgres is unavailable');
      const statement = () => database().sql`select 1`.execute();
      await expect(database().within(installationScope('inspection'), statement)).rejects.toMatchObject({
        code: 'database_unavailable',
      });
      await expect(database().check()).rejects.toMatchObject({ code: 'database_unavailable' });
    } finally {
      await postgres.restart();
    }
    await eventually(() => database().check());
    expect(await ask(token)).toMatchObject({ edgeId: edge.edgeId });
  });

  it('says what the edge is to keep closed: what the tenant has elsewhere and behind external peers, and what is published', async () => {
    const { tenantId, edgeId } = edge;
    const { sql } = controller;
    expect((await ask(token)).protectedNetworks).toEqual({ routes: [], localNetworks: [] });
    const [here] = await sql<{ siteId: string }[]>`select site_id from edges where id = ${edgeId}`;
    const there = randomUUID();
    await sql`insert into sites (id, tenant_id, name) values (${there}, ${tenantId}, 'elsewhere')`;
    const foreign = await seedEdge(sql);
    const [abroad] = await sql<{ siteId: string }[]>`select site_id from edges where id = ${foreign.edgeId}`;
    for (const [tenant, siteId, prefix, mapped] of [
      [tenantId, here?.siteId ?? '', '10.1.0.0/16', null],
      [tenantId, here?.siteId ?? '', '192.168.0.0/24', '10.201.0.0/24'],
      [tenantId, there, '10.2.0.0/16', null],
      [tenantId, there, '192.168.0.0/24', '10.202.0.0/24'],
      [tenantId, there, '2001:db8:2::/48', null],
      [foreign.tenantId, abroad?.siteId ?? '', '10.3.0.0/16', null],
    ] as const) {
      await sql`
        insert into networks (id, tenant_id, site_id, name, prefix, mapped_prefix)
        values (${randomUUID()}, ${tenant}, ${siteId}, ${`${prefix} as ${mapped}`}, ${prefix}, ${mapped})`;
    }
    await sql`
      insert into external_peers
        (id, tenant_id, site_id, name, address, port, identity, prefixes, ike_proposals, esp_proposal, certificates)
      values (${randomUUID()}, ${tenantId}, ${here?.siteId ?? ''}, 'gateway', '203.0.113.9', 500, 'gateway.example',
        array['172.16.0.0/24'::cidr], '[{}]', '{}', array[decode('00', 'hex')])`;
    const before = await ask((await createToken(edge)).token);
    expect(before.protectedNetworks).toEqual({
      routes: ['10.2.0.0/16', '10.201.0.0/24', '10.202.0.0/24', '2001:db8:2::/48', '172.16.0.0/24'],
      localNetworks: ['10.1.0.0/16', '192.168.0.0/24'],
    });
    // Of a revision from before 10.2.0.0/16 was there, and 10.9.0.0/16 was gone.
    const content = Buffer.from(
      Bundle.encode(
        Bundle.fromPartial({
          routes: ['10.9.0.0/16', '2001:db8:2::/48'],
          localNetworks: ['10.1.0.0/16', '10.209.0.0/24'],
          networkMappings: [{ local: '192.168.9.0/24', overlay: '10.209.0.0/24' }],
        }),
      ).finish(),
    );
    await sql`
      insert into edge_bundles (tenant_id, edge_id, revision, generation, content_hash, content)
      values (${tenantId}, ${edgeId}, 1, 1, ${createHash('sha256').update(content).digest()}, ${content})`;
    const after = await ask((await createToken(edge)).token);
    expect(after.protectedNetworks).toEqual({
      routes: [
        ...['10.9.0.0/16', '2001:db8:2::/48', '10.209.0.0/24'],
        ...['10.2.0.0/16', '10.201.0.0/24', '10.202.0.0/24', '172.16.0.0/24'],
      ],
      localNetworks: ['10.1.0.0/16', '192.168.9.0/24', '192.168.0.0/24'],
    });
  });

  it('never logs a token', async () => {
    await ask(token);
    await ask(token).catch(() => undefined);
    const secret = token.split('.')[1] ?? '';
    expect(controller.log.some((line) => line['msg'] === 'edge enrolled')).toBe(true);
    expect(JSON.stringify(controller.log)).not.toContain(secret);
  });
});

function database(): Database {
  return controller.controller.application.get(Database);
}

function createToken({ tenantId, edgeId }: { tenantId: string; edgeId: string }) {
  const tokens = controller.controller.application.get(EnrollmentTokens, { strict: false });
  return controller.asTenant(tenantId, () => tokens.create(tenantId, edgeId));
}

function ask(text: string, more: Partial<Parameters<typeof enroll>[2]> = {}): ReturnType<typeof enroll> {
  const request = { token: text, certificateSigningRequest: key.request, ...more };
  return enroll(controller.addresses.enrollment, root, request);
}

/** The caller and the log are told the same; the log also which field it was. */
async function refused(call: Promise<unknown>, code: grpc.status, details: string): Promise<void> {
  const seen = controller.log.length;
  await expect(call).rejects.toMatchObject({ code, details: expect.stringContaining(details) });
  const field = /^(\w+): /.exec(details)?.[1];
  if (field === undefined) return;
  expect(controller.log.slice(seen)).toContainEqual(
    expect.objectContaining({ level: 'warn', field, msg: expect.stringContaining(`enrollment refused: ${details}`) }),
  );
}

async function certificatesInForce(): Promise<readonly string[]> {
  const rows = await controller.sql<{ serial: string }[]>`
    select serial from certificates where revoked_at is null and edge_id = ${edge.edgeId}`;
  return rows.map((row) => row.serial);
}
