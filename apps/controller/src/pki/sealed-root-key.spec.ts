import { beforeAll, describe, expect, it } from 'vitest';
import { createRoot } from './certificate-factory.js';
import type { KeyAndCertificate } from './identity-file.js';
import { sealRootKey, unsealRootKey } from './sealed-root-key.js';

const PASSPHRASE = 'correct horse battery';
let root: KeyAndCertificate;
let sealed: string;
beforeAll(async () => {
  root = await createRoot(new Date());
  sealed = await sealRootKey(root, PASSPHRASE);
});

describe('the sealed key of a root', () => {
  it('comes back with its passphrase, however that is composed, and is not in the file', async () => {
    const opened = await unsealRootKey('file', sealed, PASSPHRASE);
    expect(opened.privateKey.equals(root.privateKey)).toBe(true);
    expect(opened.certificate.fingerprint256).toBe(root.certificate.fingerprint256);
    const secret = root.privateKey.export({ format: 'jwk' }).d ?? '';
    expect(secret.length).toBeGreaterThan(40);
    const body = Buffer.from(sealed.split('KEY-----')[1] ?? '', 'base64').toString('latin1');
    expect(body).toContain('scrypt');
    expect(body).not.toContain(Buffer.from(secret, 'base64url').toString('base64').slice(0, 20));
    const composed = await sealRootKey(root, 'caf\u00e9 caf\u00e9 caf\u00e9 caf\u00e9');
    await unsealRootKey('file', composed, 'cafe\u0301 cafe\u0301 cafe\u0301 cafe\u0301');
  });

  it('does not with another, with another certificate, or when an octet is changed', async () => {
    const refused = (text: string, passphrase = PASSPHRASE) =>
      expect(unsealRootKey('file', text, passphrase)).rejects.toMatchObject({ code: 'wrong_passphrase' });
    await refused(sealed, `${PASSPHRASE}!`);
    const other = await createRoot(new Date());
    const block = sealed.slice(sealed.indexOf('-----BEGIN WEFT'));
    await refused(`${other.certificate}${block}`);
    await refused(changed({ sealed: (text) => `${text[0] === 'A' ? 'B' : 'A'}${text.slice(1)}` }));
    await refused(changed({ nonce: (text) => `${text[0] === 'A' ? 'B' : 'A'}${text.slice(1)}` }));
  });

  it('is no file of another form, or of a cost that nobody has written', async () => {
    const texts = [
      '',
      `${root.certificate}`,
      sealed.slice(sealed.indexOf('-----BEGIN WEFT')),
      changed({ N: () => 1 << 30 }),
      changed({ kdf: () => 'none' }),
      changed({ more: () => 1 }),
    ];
    for (const text of texts) {
      await expect(unsealRootKey('file', text, PASSPHRASE)).rejects.toMatchObject({ code: 'bad_file' });
    }
  });

  it('is not made with a passphrase that is short', async () => {
    await expect(sealRootKey(root, 'fifteen letters')).rejects.toMatchObject({
      message: expect.stringContaining('15'),
    });
  });
});

function changed(change: Readonly<Record<string, (before: string) => unknown>>): string {
  const [head = '', body = '', tail = ''] = sealed.split(/(?<=BEGIN WEFT SEALED ROOT KEY-----\n)|(?=-----END WEFT)/);
  const fields = JSON.parse(Buffer.from(body, 'base64').toString('utf8'));
  for (const [name, of] of Object.entries(change)) fields[name] = of(fields[name]);
  return `${head}${Buffer.from(JSON.stringify(fields)).toString('base64')}\n${tail}`;
}
