import 'reflect-metadata';
import { createHash, X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { TestCredential } from '../../../test/support/test-authority.js';
import { authoritiesAbove, authorityHash } from './authority.js';
import { parseCertificate } from './certificate.js';

/** By OpenSSL: the hash of the public key as it stands in the certificate. */
const expected = ({ der }: TestCredential) =>
  createHash('sha1')
    .update(new X509Certificate(der).publicKey.export({ format: 'der', type: 'spki' }))
    .digest();

describe('The authorities of CERTREQ (RFC 7296 section 3.7)', () => {
  let root: TestCredential;
  let middle: TestCredential;
  let leaf: TestCredential;
  let stranger: TestCredential;

  beforeAll(async () => {
    root = await TestCredential.root('CN=Root');
    middle = await root.issue('CN=Middle', { pathLength: 0 });
    leaf = await middle.issue('CN=leaf');
    stranger = await TestCredential.root('CN=Stranger');
  });

  it('are named by the SHA-1 of their SubjectPublicKeyInfo', () => {
    for (const credential of [root, middle, stranger]) {
      expect(authorityHash(parseCertificate(credential.der))).toEqual(expected(credential));
    }
  });

  it('above a certificate are those sent with it, and the anchor over them, of those that are known', () => {
    const anchors = [stranger, root].map(({ der }) => parseCertificate(der));
    expect(authoritiesAbove([leaf.der, middle.der], anchors)).toEqual([expected(middle), expected(root)]);
    expect(authoritiesAbove([leaf.der, middle.der], [])).toEqual([expected(middle)]);
    expect(authoritiesAbove([leaf.der], anchors)).toEqual([]);
    expect(authoritiesAbove([], anchors)).toEqual([]);
  });
});
