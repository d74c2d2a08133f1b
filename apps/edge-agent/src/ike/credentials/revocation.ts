import { type Certificate, KEY_USAGE } from './certificate.js';
import type { CertificateRevocationList } from './certificate-revocation-list.js';

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
 * Whether a certificate is revoked by its issuer (RFC 5280 section 6.3, for complete lists that the issuer of the
 * certificate signs itself). "When a certificate is reported as revoked by one trusted source, the certificate MUST be
 * considered revoked" (RFC 4945 section 5.2.1), whatever other lists say.
 *
 * @param now milliseconds since 1970
 */
export async function revocationProblem(
  { serialNumber }: Certificate,
  issuer: Certificate,
  lists: readonly CertificateRevocationList[],
  required: boolean,
  now: number,
  verify: ListVerifier,
): Promise<RevocationProblem | undefined> {
  const candidates = lists.filter((list) => isInForce(list, now) && isOf(list, issuer));
  for (const list of candidates.filter(({ revoked }) => revoked.has(serialNumber))) {
    if (await verify(list)) return { code: 'revoked', detail: `its issuer revoked certificate ${serialNumber}` };
  }
  if (!required) return undefined;
  for (const list of candidates.filter(({ revoked }) => !revoked.has(serialNumber))) {
    if (await verify(list)) return undefined;
  }
  return { code: 'revocation_unknown', detail: 'there is no revocation list of its issuer in force' };
}

function isInForce({ thisUpdate, nextUpdate, unsupported }: CertificateRevocationList, now: number): boolean {
  return thisUpdate <= now && now < nextUpdate && unsupported.length === 0;
}

/** Section 6.3.3 (f): "If a key usage extension is present …, verify that the cRLSign bit is set." */
function isOf(list: CertificateRevocationList, { subject, keyUsage }: Certificate): boolean {
  return Buffer.compare(list.issuer, subject) === 0 && (keyUsage === undefined || keyUsage.has(KEY_USAGE.cRLSign));
}
