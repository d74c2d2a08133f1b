import { createPublicKey, verify, X509Certificate } from 'node:crypto';
import { chmod, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/parse-config.js';
import { BundleSigner } from '../../src/pki/bundle-signer.js';
import { CertificateAuthority } from '../../src/pki/certificate-authority.js';
import { Clock } from '../../src/platform/clock/clock.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { TestController } from '../support/test-controller.js';
import { TestPostgres } from '../support/test-postgres.js';

const DAY = 86_400_000;

class SetClock extends Clock {
  time = Date.parse('2026-06-01T12:00:00Z');
  override now(): Date {
    return new Date(this.time);
  }
}

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let clock: SetClock;
beforeEach(async () => {
  directory = await temporaryDirectory('pki');
  clock = new SetClock();
});
afterEach(() => directory.remove());

describe('keys on disk', () => {
  it('are made once, for the owner only, and are the same after a restart', async () => {
    const first = await authority();
    const signer = await bundleSigner();
    const files = (await readdir(pki())).sort();
    expect(files).toEqual(['bundle-signing.pem', 'root.pem', 'server.pem']);
    expect((await stat(pki())).mode & 0o777).toBe(0o700);
    for (const file of files) expect((await stat(join(pki(), file))).mode & 0o777).toBe(0o600);
    const [root, server] = [first.anchorsPem, first.serverIdentity.chain].map((pem) => new X509Certificate(pem));
    for (const certificate of [root, server]) {
      expect(certificate?.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
    }
    expect([root?.ca, server?.ca]).toEqual([true, false]);
    const second = await authority();
    expect(second.rootFingerprint).toEqual(first.rootFingerprint);
    expect(second.serverIdentity).toEqual(first.serverIdentity);
    expect((await bundleSigner()).keyId).toBe(signer.keyId);
  });

  it('are the same for controllers that start at the same moment', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => authority()));
    expect(new Set(all.map((one) => one.rootFingerprint.toString('hex'))).size).toBe(1);
    const signers = await Promise.all(Array.from({ length: 8 }, () => bundleSigner()));
    expect(new Set(signers.map((one) => one.keyId)).size).toBe(1);
    expect((await readdir(pki())).filter((file) => file.endsWith('.new'))).toEqual([]);
  });

  it('are refused when others can read them, when damaged, and when they do not fit', async () => {
    await authority();
    const path = join(pki(), 'root.pem');
    await chmod(path, 0o640);
    await expect(authority()).rejects.toMatchObject({
      code: 'bad_file',
      message: expect.stringContaining('chmod 600'),
    });
    await chmod(path, 0o600);
    const whole = await readFile(path, 'utf8');
    await writeFile(path, whole.slice(0, whole.length / 2));
    await expect(authority()).rejects.toMatchObject({ code: 'bad_file', message: expect.stringContaining(path) });
    const server = await readFile(join(pki(), 'server.pem'), 'utf8');
    const key = server.slice(0, server.indexOf('-----BEGIN CERT'));
    await writeFile(path, key + whole.slice(whole.indexOf('-----BEGIN CERT')));
    await expect(authority()).rejects.toMatchObject({ message: expect.stringContaining('is not for the key') });
  });

  it('the server certificate is renewed when a third of its life is left, and not before', async () => {
    const serial = (one: CertificateAuthority) => new X509Certificate(one.serverIdentity.chain).serialNumber;
    const first = await authority();
    clock.time += 59 * DAY;
    expect(serial(await authority())).toBe(serial(first));
    clock.time += 2 * DAY;
    const renewed = await authority();
    expect(serial(renewed)).not.toBe(serial(first));
    expect(renewed.rootFingerprint).toEqual(first.rootFingerprint);
    expect(await renewed.renewServerIdentityIfDue()).toBe(false);
  });

  it('an expired root stops the start', async () => {
    await authority();
    clock.time += 3653 * DAY;
    await expect(authority()).rejects.toMatchObject({ code: 'root_expired' });
  });

  it('bundle signatures verify with the published key', async () => {
    const signer = await bundleSigner();
    const { keyId, signature } = signer.sign(Buffer.from('manifest'));
    const key = createPublicKey({ key: signer.publicKey, format: 'der', type: 'spki' });
    expect(keyId).toBe(signer.keyId);
    expect(verify(null, Buffer.from('manifest'), key, signature)).toBe(true);
    expect(verify(null, Buffer.from('manifesu'), key, signature)).toBe(false);
  });
});

describe('rotation of the bundle-signing key', () => {
  it('has the key before sign the next one, keeps how that came about, and signs with the next one', async () => {
    const signer = await bundleSigner();
    expect(signer.successions).toEqual([]);
    const keys = [signer.publicKey];
    for (const _ of [1, 2]) {
      await signer.rotate();
      keys.push(signer.publicKey);
    }
    const restarted = await bundleSigner();
    expect(restarted.keyId).toBe(signer.keyId);
    expect(restarted.successions).toEqual(signer.successions);
    expect((await stat(join(pki(), 'bundle-signing.pem'))).mode & 0o777).toBe(0o600);
    for (const [index, { previousKeyId, next, signature }] of restarted.successions.entries()) {
      expect(next.publicKey).toEqual(keys[index + 1]);
      const before = createPublicKey({ key: keys[index] ?? Buffer.alloc(0), format: 'der', type: 'spki' });
      const octets = Buffer.from(`weft signing key succession v1\0${previousKeyId}`, 'ascii');
      expect(verify(null, Buffer.concat([octets, next.publicKey]), before, signature)).toBe(true);
    }
    const { keyId, signature } = restarted.sign(Buffer.from('manifest'));
    const last = createPublicKey({ key: keys[2] ?? Buffer.alloc(0), format: 'der', type: 'spki' });
    expect([keyId, verify(null, Buffer.from('manifest'), last, signature)]).toEqual([signer.keyId, true]);
  });

  it('leaves no file that a controller would take and no edge would follow', async () => {
    const signer = await bundleSigner();
    await signer.rotate();
    const path = join(pki(), 'bundle-signing.pem');
    const text = await readFile(path, 'utf8');
    const [key = ''] = text.split('-----BEGIN WEFT');
    await rm(path);
    const other = await bundleSigner();
    await other.rotate();
    const foreign = (await readFile(path, 'utf8')).slice((await readFile(path, 'utf8')).indexOf('-----BEGIN WEFT'));
    await writeFile(path, `${key}${foreign}`);
    await expect(bundleSigner()).rejects.toMatchObject({ code: 'bad_file' });
  });
});

describe('keys and database', () => {
  let postgres: TestPostgres;
  beforeAll(async () => {
    postgres = await TestPostgres.start();
  });
  afterAll(() => postgres.remove());

  it('belong together: with other keys the controller does not start on the same database', async () => {
    const databaseUrl = await postgres.createDatabase();
    const dataDirectory = directory.path;
    await (await TestController.start({ databaseUrl, dataDirectory })).stop();
    await (await TestController.start({ databaseUrl, dataDirectory })).stop();
    // A bundle-signing key that was rotated belongs to it too, and from then on that one alone.
    const before = await readFile(join(pki(), 'bundle-signing.pem'));
    await (await bundleSigner()).rotate();
    await (await TestController.start({ databaseUrl, dataDirectory })).stop();
    await writeFile(join(pki(), 'bundle-signing.pem'), before);
    await expect(TestController.start({ databaseUrl, dataDirectory })).rejects.toMatchObject({
      code: 'foreign_database',
    });
    await rm(pki(), { recursive: true });
    await expect(TestController.start({ databaseUrl, dataDirectory })).rejects.toMatchObject({
      code: 'foreign_database',
      message: expect.stringContaining('WEFT_DATA_DIR/pki'),
    });
  });
});

function pki(): string {
  return join(directory.path, 'pki');
}

async function authority(): Promise<CertificateAuthority> {
  const config = parseConfig({ WEFT_DATA_DIR: directory.path });
  const made = new CertificateAuthority(config, clock, pino({ level: 'silent' }));
  await made.start();
  return made;
}

async function bundleSigner(): Promise<BundleSigner> {
  const made = new BundleSigner(parseConfig({ WEFT_DATA_DIR: directory.path }));
  await made.start();
  return made;
}
