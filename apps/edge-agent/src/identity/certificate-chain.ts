import { X509Certificate } from 'node:crypto';
import { type Certificate, KEY_USAGE, parseCertificate } from '../ike/credentials/certificate.js';

/** A certificate as OpenSSL reads it, which compares and verifies, and as we do, who see its path length. */
export interface ChainLink {
  readonly certificate: X509Certificate;
  readonly parsed: Certificate;
}

/** Throws DerError, or what OpenSSL says, when it is none. */
export function chainLink(pem: string): ChainLink {
  const certificate = new X509Certificate(pem);
  return { certificate, parsed: parseCertificate(certificate.raw) };
}

/**
 * Whether a path leads from the first certificate, over those that come with it in their order, to a root (RFC 5280 section 6.1):
 * each has the name of the next as its issuer and its signature, and each of the others is an authority whose key is for
 * certificates and whose path length leaves room for those below. What is in force now is not asked here.
 */
export function leadsToOneOf(roots: readonly ChainLink[], chain: readonly ChainLink[]): boolean {
  for (const [index, link] of chain.entries()) {
    if (index >= MAXIMUM_DEPTH) return false;
    const below = chain.slice(0, index);
    if (roots.some((root) => isSame(root, link) || mayIssue(root, [...below, link]))) return true;
    const above = chain[index + 1];
    if (above === undefined || !mayIssue(above, [...below, link])) return false;
  }
  return false;
}

/** @param below the path so far, the end entity first */
function mayIssue(issuer: ChainLink, below: readonly ChainLink[]): boolean {
  const child = below.at(-1);
  const { authority, keyUsage, unsupported } = issuer.parsed;
  if (child === undefined || authority === undefined || unsupported.length > 0) return false;
  if (keyUsage?.has(KEY_USAGE.keyCertSign) === false) return false;
  // "the maximum number of non-self-issued intermediate certificates that may follow this certificate" (section 4.2.1.9).
  const between = below.slice(1).filter(({ parsed }) => Buffer.compare(parsed.subject, parsed.issuer) !== 0).length;
  if (between > (authority.pathLength ?? Number.POSITIVE_INFINITY)) return false;
  return child.certificate.checkIssued(issuer.certificate) && child.certificate.verify(issuer.certificate.publicKey);
}

function isSame({ parsed }: ChainLink, other: ChainLink): boolean {
  return Buffer.compare(parsed.der, other.parsed.der) === 0;
}

/** As in IKE. */
const MAXIMUM_DEPTH = 8;
