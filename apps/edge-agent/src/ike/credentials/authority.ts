import { createHash } from 'node:crypto';
import { type Certificate, parseCertificate } from './certificate.js';

/**
 * The name of an authority in CERTREQ, 20 octets: "SHA-1 hashes of the public keys of trusted CAs", taken over the whole
 * SubjectPublicKeyInfo (RFC 7296 section 3.7). It finds a certificate and proves nothing, so that SHA-1 will do.
 */
export function authorityHash({ publicKeyInfo }: Certificate): Uint8Array {
  return createHash('sha1').update(publicKeyInfo).digest();
}

/**
 * Every authority above a certificate, as far as it can be known here: those that are sent with it, and the anchor that issued the last.
 *
 * @param chain DER, the end entity's own first. Throws DerError when one is no certificate.
 */
export function authoritiesAbove(chain: readonly Uint8Array[], anchors: readonly Certificate[]): readonly Uint8Array[] {
  const certificates = chain.map(parseCertificate);
  const issuers = certificates.slice(1);
  const roots = anchors.filter(({ subject }) =>
    certificates.some(({ issuer }) => Buffer.compare(issuer, subject) === 0),
  );
  return [...issuers, ...roots].map(authorityHash);
}
