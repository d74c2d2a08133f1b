import { execFile } from 'node:child_process';
import { randomUUID, X509Certificate } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CertificateAuthority } from '../../src/pki/certificate-authority.js';
import { RevocationLists } from '../../src/pki/revocation-lists.js';
import { Clock } from '../../src/platform/clock/clock.js';
import { Database } from '../../src/platform/database/database.js';
import { createLogger } from '../../src/platform/logging/logger.js';
import { cookieOf, logIn } from '../rest/support/api.js';
import { TestFabric } from '../southbound/fabric.js';
import { type Credentials, enrolled } from '../southbound/scripted-edge.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { TEST_ADMIN_PASSWORD, TestController } from '../support/test-controller.js';
import { TestPostgres } from '../support/test-postgres.js';

const URL_IN_CERTIFICATES = 'http://weft.example/certificate-revocation-list.crl';
const DAY = 86_400_000;
const openssl = promisify(execFile);

class SetClock extends Clock {
  time = Date.now();
  override now(): Date {
    return new Date(this.time);
  }
  override monotonicMilliseconds(): number {
    return this.time;
  }
}

let postgres: TestPostgres;
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let controller: TestController;
let fabric: TestFabric;
let edges: readonly Credentials[];
let cookie: string;

beforeAll(async () => {
  postgres = await TestPostgres.start();
  directory = await temporaryDirectory('revocation-list');
  const environment = { WEFT_REVOCATION_LIST_URL: URL_IN_CERTIFICATES };
  controller = await TestController.start({ databaseUrl: await postgres.createDatabase(), environment });
  cookie = cookieOf(await logIn(controller.url, 'admin', TEST_ADMIN_PASSWORD));
  fabric = new TestFabric();
  await fabric.seed(controller);
  edges = await Promise.all(fabric.edgeIds.map((edgeId) => enrolled(controller, fabric.tenantId, edgeId)));
});
afterAll(async () => {
  await controller.stop();
  await directory.remove();
  await postgres.remove();
});

describe('the revocation list', () => {
  it('names revoked and deleted edges and nobody else, to whoever asks, as OpenSSL reads it', async () => {
    const [first, second, third] = edges;
    const clock = new SetClock();
    const lists = listsAt(clock);
    const before = await written('before.crl', (await lists.current()).der);
    for (const edge of edges) expect(await checked(edge, before)).toBe('OK');
    await revoke(fabric.edgeIds[0]);
    // One that nobody refers to, so that it can go.
    await controller.sql`update edges set name = ${randomUUID()} where id = ${fabric.edgeIds[2]}`;
    await controller.sql`delete from certificates where edge_id = ${fabric.edgeIds[2]}`;
    // Within the minute it is the one that there is.
    expect((await lists.current()).der).toEqual((await lists.current()).der);
    const response = await fetch(`${controller.url}/certificate-revocation-list.crl`);
    expect([response.status, response.headers.get('content-type'), response.headers.get('cache-control')]).toEqual([
      200,
      'application/pkix-crl',
      'public, max-age=60',
    ]);
    const after = await written('after.crl', Buffer.from(await response.arrayBuffer()));
    expect(await Promise.all([first, second, third].map((edge) => checked(edge, after)))).toEqual([
      'certificate revoked',
      'OK',
      'certificate revoked',
    ]);
    const { stdout } = await openssl('openssl', ['crl', '-in', after, '-inform', 'DER', '-noout', '-text']);
    expect(stdout.match(/Serial Number: (\S+)/g)).toHaveLength(2);
    expect(stdout).toMatch(/X509v3 CRL Number/);
    expect(stdout).toMatch(/X509v3 Authority Key Identifier/);
  });

  it('is where certificates say that it is', () => {
    const octets = new X509Certificate(edges[0]?.certificate ?? '').raw;
    expect(octets.includes(Buffer.from(URL_IN_CERTIFICATES, 'ascii'))).toBe(true);
  });

  it('is renewed long before it ends, with a higher number each time', async () => {
    const clock = new SetClock();
    const lists = listsAt(clock);
    const first = await lists.current();
    expect(first.nextUpdate.getTime() - clock.time).toBe(DAY);
    clock.time += 59_000;
    expect(await lists.current()).toBe(first);
    clock.time += 2_000;
    const second = await lists.current();
    expect(second.nextUpdate.getTime() - clock.time).toBe(DAY);
    expect(await numberOf(second.der)).toBeGreaterThan(await numberOf(first.der));
  });

  it('goes on without the database as long as it is in force, and no longer', async () => {
    const clock = new SetClock();
    const lists = listsAt(clock);
    const last = await lists.current();
    await postgres.stop();
    try {
      clock.time += DAY - 1_000;
      expect(await lists.current()).toBe(last);
      clock.time += 2_000;
      await expect(lists.current()).rejects.toMatchObject({ code: 'database_unavailable' });
    } finally {
      await postgres.restart();
    }
    await expect
      .poll(() =>
        lists.current().then(
          ({ der }) => der.length > 0,
          () => false,
        ),
      )
      .toBe(true);
  });
});

function listsAt(clock: Clock): RevocationLists {
  const { application } = controller.controller;
  return new RevocationLists(
    application.get(CertificateAuthority),
    application.get(Database),
    clock,
    createLogger('silent'),
  );
}

async function revoke(edgeId: string): Promise<void> {
  const response = await fetch(`${controller.url}/api/v1/tenants/${fabric.tenantId}/edges/${edgeId}/revocation`, {
    method: 'POST',
    headers: { cookie, 'content-type': 'application/json' },
    body: JSON.stringify({ reason: 'The machine was stolen.' }),
  });
  expect(response.status).toBeLessThan(300);
}

async function written(file: string, content: Uint8Array): Promise<string> {
  const path = join(directory.path, file);
  await writeFile(path, content);
  return path;
}

async function numberOf(der: Buffer): Promise<bigint> {
  const path = await written('number.crl', der);
  const { stdout } = await openssl('openssl', ['crl', '-in', path, '-inform', 'DER', '-noout', '-crlnumber']);
  return BigInt(`0x${/([0-9A-F]+)$/i.exec(stdout.trim())?.[1] ?? ''}`);
}

/** What OpenSSL says of the certificate of an edge with a list: "OK", or why not. */
async function checked(edge: Credentials | undefined, list: string): Promise<string> {
  if (edge === undefined) throw new Error('there is no such edge');
  const [leaf = '', ...above] = edge.certificate.toString().split(/(?=-----BEGIN)/);
  const name = new X509Certificate(leaf).serialNumber;
  const paths = {
    leaf: await written(`${name}.pem`, Buffer.from(leaf)),
    above: await written(`${name}-above.pem`, Buffer.from(above.join(''))),
    root: await written(`${name}-root.pem`, edge.root),
    // Its own: several are looked at at the same time.
    list: join(directory.path, `${name}-list.pem`),
  };
  await openssl('openssl', ['crl', '-in', list, '-inform', 'DER', '-out', paths.list]);
  const options = [
    '-crl_check',
    '-x509_strict',
    '-CAfile',
    paths.root,
    '-untrusted',
    paths.above,
    '-CRLfile',
    paths.list,
  ];
  const { stdout } = await openssl('openssl', ['verify', ...options, paths.leaf]).catch(
    ({ stdout: out, stderr }: { readonly stdout: string; readonly stderr: string }) => ({ stdout: `${out}${stderr}` }),
  );
  return /certificate revoked/.exec(stdout)?.[0] ?? stdout.trim().split(': ').at(-1) ?? '';
}
