import { X509Certificate } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/parse-config.js';
import { BundleSigner } from '../../src/pki/bundle-signer.js';
import { CertificateAuthority } from '../../src/pki/certificate-authority.js';
import { Clock } from '../../src/platform/clock/clock.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const DAY = 86_400_000;
const EDGE = { tenantId: '11111111-1111-4111-8111-111111111111', edgeId: '22222222-2222-4222-8222-222222222222' };

class SetClock extends Clock {
  time = Date.parse('2026-06-01T12:00:00Z');
  override now(): Date {
    return new Date(this.time);
  }
}

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let clock: SetClock;
beforeEach(async () => {
  directory = await temporaryDirectory('rotation');
  clock = new SetClock();
});
afterEach(() => directory.remove());

const root = () => join(directory.path, 'pki', 'root.pem');
const config = () => parseConfig({ WEFT_DATA_DIR: directory.path });
const anchorsOf = ({ trusted }: CertificateAuthority) => trusted.anchors.map((der) => new X509Certificate(der));
const certificatesOf = (pem: Buffer) =>
  (pem.toString().match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(
    (one) => new X509Certificate(one),
  );

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('a certificate is missing');
  return value;
}

async function authority(): Promise<CertificateAuthority> {
  const made = new CertificateAuthority(config(), clock, pino({ level: 'silent' }));
  await made.start();
  return made;
}

async function issued(by: CertificateAuthority): Promise<X509Certificate[]> {
  const key = new X509Certificate(by.serverIdentity.chain).publicKey;
  return (await by.issueEdgeCertificate(key, EDGE)).chain.map((der) => new X509Certificate(der));
}

describe('another certificate authority', () => {
  it('issues with a key of its own, and is vouched for by the one before, for its owner alone', async () => {
    const first = await authority();
    expect([first.trusted.version, first.wasRotated, (await issued(first)).length]).toEqual([1, false, 1]);
    const [old] = anchorsOf(first);
    await first.rotate();
    const second = await authority();
    const [next, same] = anchorsOf(second);
    expect(second.trusted.version).toBe(2);
    expect(second.wasRotated).toBe(true);
    expect(same?.fingerprint256).toBe(old?.fingerprint256);
    // The name is the same, so that what lies between them counts for no path length; the key is not.
    expect([next?.subject, next?.publicKey.equals(must(old).publicKey)]).toEqual([old?.subject, false]);
    const [edge, newWithOld, ...more] = await issued(second);
    expect(more).toEqual([]);
    expect([edge?.verify(must(next).publicKey), edge?.verify(must(old).publicKey)]).toEqual([true, false]);
    expect(newWithOld?.publicKey.equals(must(next).publicKey)).toBe(true);
    expect([newWithOld?.checkIssued(must(old)), newWithOld?.verify(must(old).publicKey)]).toEqual([true, true]);
    expect([edge?.checkIssued(must(newWithOld)), edge?.checkIssued(must(next)), edge?.checkIssued(must(old))]).toEqual([
      true,
      true,
      false,
    ]);
    expect(Date.parse(newWithOld?.validTo ?? '')).toBeLessThanOrEqual(Date.parse(old?.validTo ?? ''));
    expect((await stat(root())).mode & 0o777).toBe(0o600);
    expect((await readdir(join(directory.path, 'pki'))).filter((file) => file.endsWith('.new'))).toEqual([]);
  });

  it('shows the root that tokens pin, with a path from the server to it', async () => {
    const first = await authority();
    expect(first.pinnedFingerprint).toEqual(first.rootFingerprint);
    await first.rotate();
    const second = await authority();
    expect(second.pinnedFingerprint).toEqual(first.previousFingerprint);
    expect(second.pinnedFingerprint).not.toEqual(second.rootFingerprint);
    const chain = certificatesOf(second.serverIdentity.chain);
    const [next, old] = anchorsOf(second);
    expect(chain.map(({ fingerprint256 }) => fingerprint256).at(-1)).toBe(old?.fingerprint256);
    for (const [index, issuer] of chain.slice(1).entries()) expect(chain[index]?.verify(issuer.publicKey)).toBe(true);
    expect(chain[0]?.verify(must(next).publicKey)).toBe(true);
    expect(certificatesOf(second.anchorsPem).map(({ fingerprint256 }) => fingerprint256)).toEqual(
      anchorsOf(second).map(({ fingerprint256 }) => fingerprint256),
    );
    expect(second.validity().map(({ certificate }) => certificate)).toEqual(['root', 'previous_root', 'server']);
  });

  it('keeps nothing of the key before', async () => {
    const first = await authority();
    const before = await readFile(root(), 'utf8');
    await first.rotate();
    const after = await readFile(root(), 'utf8');
    const [key = ''] = before.match(/-----BEGIN PRIVATE KEY-----[^-]+/) ?? [];
    expect(key.length).toBeGreaterThan(100);
    expect(after).not.toContain(key.split('\n')[1]);
    expect(after.match(/BEGIN PRIVATE KEY/g)).toHaveLength(1);
  });

  it('comes one at a time, is alone when the one before is retired, and then may be followed', async () => {
    const one = await authority();
    await expect(one.retirePrevious()).rejects.toMatchObject({ code: 'no_rotation' });
    await one.rotate();
    await expect(one.rotate()).rejects.toMatchObject({ code: 'rotation_underway' });
    const [next] = anchorsOf(one);
    await one.retirePrevious();
    const restarted = await authority();
    expect(anchorsOf(restarted).map(({ fingerprint256 }) => fingerprint256)).toEqual([next?.fingerprint256]);
    expect([restarted.trusted.version, restarted.previousFingerprint]).toEqual([3, undefined]);
    expect(await issued(restarted)).toHaveLength(1);
    await restarted.rotate();
    expect((await authority()).trusted.version).toBe(4);
  });

  it('whose file is cut or mixed with that of another is refused', async () => {
    await (await authority()).rotate();
    const whole = await readFile(root(), 'utf8');
    const blocks = whole.split(/(?=-----BEGIN CERTIFICATE-----)/);
    const others = await temporaryDirectory('rotation-other');
    try {
      const foreign = new CertificateAuthority(
        parseConfig({ WEFT_DATA_DIR: others.path }),
        clock,
        pino({ level: 'silent' }),
      );
      await foreign.start();
      await foreign.rotate();
      const theirs = (await readFile(join(others.path, 'pki', 'root.pem'), 'utf8')).split(
        /(?=-----BEGIN CERTIFICATE-----)/,
      );
      const bad = [
        blocks.slice(0, 3).join(''),
        [...blocks.slice(0, 2), ...theirs.slice(2)].join(''),
        [...blocks.slice(0, 3), ...theirs.slice(3)].join(''),
        [...blocks, ...blocks.slice(3)].join(''),
      ];
      for (const text of bad) {
        await writeFile(root(), text);
        await expect(authority()).rejects.toMatchObject({ code: 'bad_file' });
      }
    } finally {
      await others.remove();
    }
    await writeFile(root(), whole);
    expect((await authority()).trusted.version).toBe(2);
  });

  it('that ends sooner than the new one stops nothing when it has expired', async () => {
    await authority();
    clock.time += 3600 * DAY;
    await (await authority()).rotate();
    clock.time += 60 * DAY;
    const later = await authority();
    expect(later.validity()[0]?.notAfter.getTime()).toBeGreaterThan(clock.time);
    expect((await issued(later)).length).toBe(2);
  });

  it('is told to edges under the signature of the bundle-signing key', async () => {
    const signer = new BundleSigner(config());
    await signer.start();
    const one = await authority();
    await one.rotate();
    const { version, anchors, keyId, signature } = signer.signTrustBundle(one.trusted);
    expect([version, anchors.length, keyId, signature.length]).toEqual([2n, 2, signer.keyId, 64]);
  });
});
