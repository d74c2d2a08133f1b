import { X509Certificate } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/parse-config.js';
import { BundleSigner } from '../../src/pki/bundle-signer.js';
import { CertificateAuthority } from '../../src/pki/certificate-authority.js';
import { Clock } from '../../src/platform/clock/clock.js';
import { writeAuthorityFromBefore } from '../support/authority-from-before.js';
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
    expect([first.trusted.version, first.wasRotated, (await issued(first)).length]).toEqual([1, false, 2]);
    const [old] = anchorsOf(first);
    await first.rotate();
    const second = await authority();
    const [next, same] = anchorsOf(second);
    expect(second.trusted.version).toBe(2);
    expect(second.wasRotated).toBe(true);
    expect(same?.fingerprint256).toBe(old?.fingerprint256);
    // The name is the same, so that what lies between them counts for no path length; the key is not.
    expect([next?.subject, next?.publicKey.equals(must(old).publicKey)]).toEqual([old?.subject, false]);
    const [edge, intermediate, newWithOld, ...more] = await issued(second);
    expect(more).toEqual([]);
    expect(edge?.verify(must(intermediate).publicKey)).toBe(true);
    expect([intermediate?.verify(must(next).publicKey), intermediate?.verify(must(old).publicKey)]).toEqual([
      true,
      false,
    ]);
    expect(newWithOld?.publicKey.equals(must(next).publicKey)).toBe(true);
    expect([newWithOld?.checkIssued(must(old)), newWithOld?.verify(must(old).publicKey)]).toEqual([true, true]);
    expect([newWithOld, next, old].map((one) => intermediate?.checkIssued(must(one)))).toEqual([true, true, false]);
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
    expect(chain[1]?.verify(must(next).publicKey)).toBe(true);
    expect(certificatesOf(second.anchorsPem).map(({ fingerprint256 }) => fingerprint256)).toEqual(
      anchorsOf(second).map(({ fingerprint256 }) => fingerprint256),
    );
    expect(second.validity().map(({ certificate }) => certificate)).toEqual([
      'root',
      'previous_root',
      'intermediate',
      'server',
    ]);
  });

  it('keeps nothing of the key before', async () => {
    const first = await authority();
    const before = await readFile(root(), 'utf8');
    await first.rotate();
    const after = await readFile(root(), 'utf8');
    const keys = before.match(/(?<=-----BEGIN PRIVATE KEY-----\n)[^-]+/g) ?? [];
    expect(keys).toHaveLength(2);
    for (const one of keys) expect(after).not.toContain(one);
    expect(after.match(/BEGIN PRIVATE KEY/g)).toHaveLength(2);
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
    expect(await issued(restarted)).toHaveLength(2);
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
        [...blocks, ...blocks.slice(4)].join(''),
        [...blocks.slice(0, 4), ...theirs.slice(4)].join(''),
        [whole, whole.slice(whole.indexOf('Weft-Intermediate:'))].join(''),
        whole.slice(0, whole.lastIndexOf('-----BEGIN CERT')),
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
    expect((await issued(later)).length).toBe(3);
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

describe('the intermediate', () => {
  it('issues from the first start on, below the root, and comes with what it issues', async () => {
    const one = await authority();
    const [root] = anchorsOf(one);
    const [edge, intermediate] = await issued(one);
    expect(edge?.checkIssued(must(intermediate))).toBe(true);
    expect([intermediate?.ca, intermediate?.subject]).toEqual([true, expect.stringMatching(/^CN=Weft intermediate /)]);
    expect([intermediate?.checkIssued(must(root)), intermediate?.verify(must(root).publicKey)]).toEqual([true, true]);
    const chain = certificatesOf(one.serverIdentity.chain);
    expect(chain.slice(1).map(({ fingerprint256 }) => fingerprint256)).toEqual(
      [intermediate, root].map((certificate) => certificate?.fingerprint256),
    );
    expect(chain[0]?.verify(must(intermediate).publicKey)).toBe(true);
    expect((await authority()).serverIdentity).toEqual(one.serverIdentity);
  });

  it('is followed by another of the same name, and nobody has to hear of it', async () => {
    const first = await authority();
    const [, before] = await issued(first);
    const [key] = (await readFile(root(), 'utf8')).split('Weft-Intermediate:\n')[1]?.split('-----BEGIN CERT') ?? [];
    await first.rotateIntermediate();
    const second = await authority();
    const [edge, after] = await issued(second);
    expect([after?.subject, after?.publicKey.equals(must(before).publicKey)]).toEqual([before?.subject, false]);
    expect([edge?.checkIssued(must(after)), edge?.checkIssued(must(before))]).toEqual([true, false]);
    expect(second.trusted).toEqual(first.trusted);
    expect(certificatesOf(second.serverIdentity.chain)[0]?.verify(must(after).publicKey)).toBe(true);
    expect(await readFile(root(), 'utf8')).not.toContain(key?.trim());
  });

  it('that has expired is followed by itself with the next start: it would leave every edge outside', async () => {
    const [, before] = await issued(await authority());
    clock.time += 1825 * DAY;
    expect((await issued(await authority()))[1]?.fingerprint256).toBe(before?.fingerprint256);
    clock.time += 2 * DAY;
    const [, after] = await issued(await authority());
    expect(Date.parse(must(after).validTo)).toBeGreaterThan(clock.time + 1000 * DAY);
    expect((await issued(await authority()))[1]?.fingerprint256).toBe(after?.fingerprint256);
  });

  it('is not where a root allows none below it, and is there when that root is retired', async () => {
    await writeAuthorityFromBefore(directory.path, clock.now());
    const before = await authority();
    expect(await issued(before)).toHaveLength(1);
    await expect(before.rotateIntermediate()).rejects.toMatchObject({
      code: 'path_length',
      message: expect.stringContaining('--rotate-certificate-authority'),
    });
    await before.rotate();
    const overlap = await authority();
    expect(await issued(overlap)).toHaveLength(2);
    await expect(overlap.rotateIntermediate()).rejects.toMatchObject({
      code: 'path_length',
      message: expect.stringContaining('--retire-certificate-authority'),
    });
    await overlap.retirePrevious();
    const [edge, intermediate, ...more] = await issued(await authority());
    expect([edge?.checkIssued(must(intermediate)), more]).toEqual([true, []]);
  });
});
