import { type Certificate, KEY_USAGE } from './certificate.js';
import type { CertificateRevocationList } from './certificate-revocation-list.js';
import { covers } from './distribution-point.js';

/** Where revocation is looked up. */
export interface RevocationPolicy {
  /** The lists that the host has, bounded by it; those that the peer sends (CERT encoding 7) are looked at besides. */
  readonly lists: () => readonly CertificateRevocationList[];
  /** Whether a certificate is refused of whose issuer there is no list in force. */
  readonly required: boolean;
}

export type RevocationProblem = { readonly code: 'revoked' | 'revocation_unknown'; readonly detail: string };

/** @returns whether the issuer signed the list; it costs a signature */
export type ListVerifier = (list: CertificateRevocationList) => Promise<boolean>;

/**
 * Whether a certificate is revoked by its issuer (RFC 5280 section 6.3, for lists of all reasons that the issuer of the
 * certificate signs itself). That it is not is told by a list alone that tells of its distribution points (RFC 4945 section
 * 5.1.3.13); that it is, by any. "When a certificate is reported as revoked by one trusted source, the certificate MUST be
 * considered revoked" (RFC 4945 section 5.2.1), whatever other lists say.
 *
 * @param now milliseconds since 1970
 */
export async function revocationProblem(
  certificate: Certificate,
  issuer: Certificate,
  lists: readonly CertificateRevocationList[],
  required: boolean,
  now: number,
  verify: ListVerifier,
): Promise<RevocationProblem | undefined> {
  const { serialNumber } = certificate;
  const candidates = lists.filter((list) => isInForce(list, now) && isOf(list, issuer));
  for (const list of candidates.filter(({ revoked }) => revoked.has(serialNumber))) {
    if (await verify(list)) return { code: 'revoked', detail: `its issuer revoked certificate ${serialNumber}` };
  }
  if (!required) return undefined;
  const silent = candidates.filter(({ revoked, scope }) => !revoked.has(serialNumber) && covers(scope, certificate));
  for (const list of silent) {
    if (await verify(list)) return undefined;
  }
  return { code: 'revocation_unknown', detail: 'there is no revocation list of its issuer in force that tells of it' };
}

function isInForce({ thisUpdate, nextUpdate, unsupported }: CertificateRevocationList, now: number): boolean {
  return thisUpdate <= now && now < nextUpdate && unsupported.length === 0;
}

/** Section 6.3.3 (f): "If a key usage extension is present …, verify that the cRLSign bit is set." */
function isOf(list: CertificateRevocationList, { subject, keyUsage }: Certificate): boolean {
  return Buffer.compare(list.issuer, subject) === 0 && (keyUsage === undefined || keyUsage.has(KEY_USAGE.cRLSign));
}
