import 'reflect-metadata';
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ExtendedKeyUsageExtension, Extension, KeyUsageFlags } from '@peculiar/x509';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/parse-config.js';
import { type AuthorityCommand, runAuthorityCommand } from '../../src/pki/authority-command.js';
import { CertificateAuthority } from '../../src/pki/certificate-authority.js';
import { Clock } from '../../src/platform/clock/clock.js';
import { writeAuthorityFromBefore } from '../support/authority-from-before.js';
import { type Certification, ForeignAuthority } from '../support/foreign-authority.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const EDGE = { tenantId: '11111111-1111-4111-8111-111111111111', edgeId: '22222222-2222-4222-8222-222222222222' };
const DAY = 86_400_000;

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let late: number;
beforeEach(async () => {
  directory = await temporaryDirectory('elsewhere');
  late = 0;
  await writeFile(place('passphrase'), 'correct horse battery staple\n', { mode: 0o600 });
});
afterEach(() => directory.remove());

class LateClock extends Clock {
  override now(): Date {
    return new Date(Date.now() + late);
  }
}

const place = (file: string) => join(directory.path, file);
const rootFile = () => place('data/pki/root.pem');
const text = (file: string) => readFile(place(file), 'utf8');

function run(command: AuthorityCommand): Promise<string> {
  const before = process.env['WEFT_DATA_DIR'];
  process.env['WEFT_DATA_DIR'] = place('data');
  return runAuthorityCommand(command).finally(() => {
    if (before === undefined) delete process.env['WEFT_DATA_DIR'];
    else process.env['WEFT_DATA_DIR'] = before;
  });
}

async function authority(): Promise<CertificateAuthority> {
  const config = parseConfig({ WEFT_DATA_DIR: place('data') });
  const made = new CertificateAuthority(config, new LateClock(), pino({ level: 'silent' }));
  await made.start();
  return made;
}

async function issued(by: CertificateAuthority): Promise<X509Certificate[]> {
  const key = new X509Certificate(by.serverIdentity.chain).publicKey;
  return (await by.issueEdgeCertificate(key, EDGE)).chain.map((der) => new X509Certificate(der));
}

/** OpenSSL's word on the chain of an edge, under one root. */
async function opensslVerify([leaf, ...above]: readonly X509Certificate[], root: Uint8Array): Promise<string> {
  const files = { leaf: `${leaf}`, above: above.join(''), root: `${new X509Certificate(root)}` };
  for (const [name, content] of Object.entries(files)) await writeFile(place(`${name}.pem`), content);
  const options = ['verify', '-x509_strict', '-purpose', 'sslclient', '-CAfile', place('root.pem')];
  const untrusted = above.length > 0 ? ['-untrusted', place('above.pem')] : [];
  const { stdout } = await promisify(execFile)('openssl', [...options, ...untrusted, place('leaf.pem')]).catch(
    (error: { readonly stderr: string }) => ({ stdout: error.stderr }),
  );
  return stdout.trim().split(': ').at(-1) ?? '';
}

async function certifiedBy(foreign: ForeignAuthority, how: Certification = {}): Promise<void> {
  const request = place(`request-${Math.random()}.pem`);
  await run({ kind: 'request', file: request });
  await writeFile(place('chain.pem'), await foreign.certify(await readFile(request, 'utf8'), how));
}

const imports = () => run({ kind: 'import', file: place('chain.pem') });

describe('a root whose key is elsewhere', () => {
  const exported = { kind: 'export', file: '', passphrase: '' } as const;
  const exports = () => run({ ...exported, file: place('root.key'), passphrase: place('passphrase') });

  it('leaves the host sealed, and the controller issues without it', async () => {
    const before = await authority();
    const key = before.rootKey.privateKey;
    await exports();
    expect((await stat(place('root.key'))).mode & 0o777).toBe(0o600);
    const pkcs8 = key.export({ type: 'pkcs8', format: 'pem' }).toString();
    for (const file of [await text('root.key'), await readFile(rootFile(), 'utf8')]) {
      expect(file).not.toContain(pkcs8.split('\n')[2]);
    }
    const after = await authority();
    expect([after.trusted, after.serverIdentity]).toEqual([before.trusted, before.serverIdentity]);
    expect(await opensslVerify(await issued(after), after.trusted.anchors[0] ?? new Uint8Array())).toBe('OK');
    await expect(after.rotate()).rejects.toMatchObject({ code: 'root_key_elsewhere' });
    await expect(after.rotateIntermediate()).rejects.toMatchObject({ code: 'root_key_elsewhere' });
    await expect(exports()).rejects.toMatchObject({ code: 'root_key_elsewhere' });
  });

  it('certifies another intermediate where it is, and comes back when it must', async () => {
    const [, first] = await issued(await authority());
    await exports();
    await run({ kind: 'request', file: place('request.pem') });
    const rootKey = place('root.key');
    const sign = { kind: 'sign', file: place('request.pem'), rootKey, passphrase: place('passphrase') } as const;
    await run({ ...sign, out: place('chain.pem') });
    await imports();
    const after = await authority();
    const [edge, second, ...more] = await issued(after);
    expect([second?.subject, second?.publicKey.equals(first?.publicKey as never), more]).toEqual([
      first?.subject,
      false,
      [],
    ]);
    expect(await opensslVerify([edge, second] as X509Certificate[], after.trusted.anchors[0] ?? new Uint8Array())).toBe(
      'OK',
    );
    await expect(imports()).rejects.toMatchObject({ code: 'no_request' });
    await run({ kind: 'restore', file: rootKey, passphrase: place('passphrase') });
    await (await authority()).rotate();
    await expect(run({ kind: 'restore', file: rootKey, passphrase: place('passphrase') })).rejects.toMatchObject({
      code: 'other_root',
    });
  });

  it('is missed when the intermediate has expired, and its request repairs that', async () => {
    await authority();
    await exports();
    late = 1900 * DAY;
    await expect(authority()).rejects.toMatchObject({ code: 'intermediate_expired' });
    await run({ kind: 'request', file: place('request.pem') });
  });

  it('stays where it issues itself', async () => {
    await writeAuthorityFromBefore(place('data'));
    await authority();
    await expect(exports()).rejects.toMatchObject({ code: 'path_length' });
    await authority();
  });

  it('is not exported over a file, nor with a passphrase that others can read, or that is short', async () => {
    await authority();
    await writeFile(place('root.key'), 'precious');
    await expect(exports()).rejects.toMatchObject({ code: 'bad_file' });
    expect(await text('root.key')).toBe('precious');
    for (const [content, mode] of [
      ['correct horse battery staple', 0o644],
      ['short', 0o600],
    ] as const) {
      await writeFile(place(`other-${mode}`), content, { mode });
      const refused = run({ ...exported, file: place('new.key'), passphrase: place(`other-${mode}`) });
      await expect(refused).rejects.toThrow();
    }
    expect((await authority()).rootKey).toBeDefined();
  });
});

describe('the authority of somebody else', () => {
  it('follows ours: who trusts either believes what it issues, and ours can be retired', async () => {
    const before = await authority();
    const [ours] = before.trusted.anchors;
    const foreign = await ForeignAuthority.root();
    await certifiedBy(await foreign.below());
    await imports();
    const overlap = await authority();
    const [theirs, same] = overlap.trusted.anchors;
    expect([overlap.trusted.version, same, theirs]).toEqual([2, ours, Buffer.from(foreign.certificate.rawData)]);
    const chain = await issued(overlap);
    expect(chain).toHaveLength(4);
    expect(new X509Certificate(theirs ?? '').subject).toBe(chain[3]?.subject);
    for (const root of [ours, theirs]) expect(await opensslVerify(chain, root ?? new Uint8Array())).toBe('OK');
    expect(await opensslVerify(await issued(before), ours ?? new Uint8Array())).toBe('OK');
    await overlap.retirePrevious();
    const after = await authority();
    expect(after.trusted.anchors).toEqual([theirs]);
    const last = await issued(after);
    expect([last.length, await opensslVerify(last, theirs ?? new Uint8Array())]).toEqual([3, 'OK']);
    // A chain from the overlap is believed still.
    expect(await opensslVerify(chain, theirs ?? new Uint8Array())).toBe('OK');
    // It certifies the next intermediate too, and its root needs no key of ours.
    await certifiedBy(await foreign.below());
    await imports();
    expect((await authority()).trusted).toEqual(after.trusted);
  });

  it('comes one at a time, and not below a root that has no room for it', async () => {
    await authority();
    const deep = await (await (await ForeignAuthority.root()).below()).below();
    await certifiedBy(await deep.below());
    await expect(imports()).rejects.toMatchObject({ code: 'path_length' });
    await certifiedBy(await ForeignAuthority.root());
    await imports();
    await certifiedBy(await ForeignAuthority.root());
    await expect(imports()).rejects.toMatchObject({ code: 'rotation_underway' });
  });

  it.each<[string, Certification, Certification, string]>([
    ['it is no authority', { ca: false }, {}, 'CA:TRUE'],
    ['an authority above it is none', {}, { ca: false }, 'CN=Example Issuing is no certificate authority'],
    ['there is no room for it', {}, { pathLength: 0 }, 'CN=Example Issuing allows 0 authorities below it'],
    ['it may not sign certificates', { keyUsage: KeyUsageFlags.cRLSign }, {}, 'lacks keyCertSign'],
    ['it may not sign revocation lists', { keyUsage: KeyUsageFlags.keyCertSign }, {}, 'lacks cRLSign'],
    ['it has expired', { from: -10, to: -1 }, {}, 'has expired at'],
    ['it ends soon', { to: 10 }, {}, 'in less than 30 days'],
    ['it is not valid yet', { from: 1 }, {}, 'is not valid before'],
    ['one above it has expired', {}, { from: -10, to: -1 }, 'CN=Example Issuing has expired at'],
    [
      'its purposes leave IKE out',
      { extensions: [new ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'])] },
      {},
      'leaves out 1.3.6.1.5.5.7.3.17',
    ],
    [
      'its names are constrained',
      { extensions: [new Extension('2.5.29.30', true, Uint8Array.of(0x30, 0))] },
      {},
      'the extension 2.5.29.30',
    ],
  ])('is refused when %s, and says so; all stays as it was', async (_, how, above, message) => {
    const before = await authority();
    await certifiedBy(await (await ForeignAuthority.root()).below(above), how);
    await expect(imports()).rejects.toMatchObject({
      code: 'authority_refused',
      message: expect.stringContaining(message),
    });
    expect((await authority()).trusted).toEqual(before.trusted);
  });

  it('is refused without a link, for another key, and when it is no certificate', async () => {
    await authority();
    await certifiedBy(await (await ForeignAuthority.root()).below());
    const [, ...blocks] = (await text('chain.pem'))
      .split(/(?=-----BEGIN)/)
      .map((_, index, all) => all.toSpliced(index, 1).join(''));
    for (const [content, message] of [
      [blocks[0], 'the issuer of CN=Weft intermediate'],
      [blocks[1], 'the issuer of C=DE'],
      [
        (await text('chain.pem'))
          .split(/(?=-----BEGIN)/)
          .slice(1)
          .join(''),
        'is for the key of the request',
      ],
      ['nothing', 'no certificate in PEM'],
      ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', 'cannot be read'],
    ] as const) {
      await writeFile(place('chain.pem'), content ?? '');
      await expect(imports()).rejects.toMatchObject({ message: expect.stringContaining(message) });
    }
  });
});
