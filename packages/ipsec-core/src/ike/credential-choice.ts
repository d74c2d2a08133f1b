import { toHex } from '../bytes/hex.js';
import { algorithmOf, HASH_OF, isClassic, methodOf, type SignatureAlgorithm } from '../crypto/ike/signature.js';
import type { AuthMethodAnnouncement } from '../wire/ike/auth-methods.js';
import { CERT_ENCODING } from '../wire/ike/iana.js';
import type { CertificatePayload } from '../wire/ike/payloads/certificate.js';
import type { AuthenticationHints } from './authentication-hints.js';
import type { Credential } from './connection.js';

export interface CredentialChoice {
  readonly credential: Credential;
  /** Those that both sides can use, in our order of preference; never empty. */
  readonly algorithms: readonly SignatureAlgorithm[];
}

/**
 * Which of our credentials convinces the peer: the first one that it announced a method for (RFC 9593), of these one whose
 * authorities it asked for (RFC 7296 section 3.7). Without hints, or when none fits, the first that can sign at all.
 *
 * @param hashes SIGNATURE_HASH_ALGORITHMS of the peer: "a peer MUST pick one algorithm sent by the other peer" (RFC 7427
 *   section 4). Undefined when it sent none or was sent none, and then only the methods before RFC 7427 are for it
 *   (section 3).
 */
export function chooseCredential(
  credentials: readonly Credential[],
  hashes: readonly number[] | undefined,
  hints: AuthenticationHints,
): CredentialChoice | undefined {
  let best: (CredentialChoice & { readonly rank: number }) | undefined;
  for (const credential of credentials) {
    const usable = credential.algorithms.filter((algorithm) => isUsable(algorithm, hashes));
    if (usable.length === 0) continue;
    const announced = usable.filter((algorithm) => isAnnounced(algorithm, credential, hints));
    const rank = (announced.length > 0 ? 2 : 0) + (isAskedFor(credential, hints) ? 1 : 0);
    if (best !== undefined && rank <= best.rank) continue;
    best = { credential, algorithms: announced.length > 0 ? announced : usable, rank };
  }
  return best === undefined ? undefined : { credential: best.credential, algorithms: best.algorithms };
}

/**
 * What shows the public key to the peer, "the first certificate MUST contain the public key associated with the private
 * key used to sign the AUTH payload" (RFC 7296 section 3.6): certificates, or the raw key (RFC 7670) where there are none
 * or only that was asked for.
 */
export function certificatePayloads(credential: Credential, hints: AuthenticationHints): readonly CertificatePayload[] {
  const { certificates, rawPublicKey } = credential;
  const rawOnly = hints.asksForRawPublicKey && !hints.asksForCertificate;
  if (rawPublicKey !== undefined && (certificates.length === 0 || rawOnly)) {
    return [{ kind: 'CERT', encoding: CERT_ENCODING.RAW_PUBLIC_KEY, data: rawPublicKey }];
  }
  return certificates.map((data) => ({ kind: 'CERT', encoding: CERT_ENCODING.X509_SIGNATURE, data }));
}

function isUsable(algorithm: SignatureAlgorithm, hashes: readonly number[] | undefined): boolean {
  if (isClassic(algorithm)) return hashes === undefined;
  return hashes?.includes(HASH_OF[algorithm]) === true;
}

function isAnnounced(
  algorithm: SignatureAlgorithm,
  credential: Credential,
  { methods = [], authorities }: AuthenticationHints,
): boolean {
  return methods.some(
    (announcement) =>
      announcement.kind !== 'method' &&
      names(announcement, algorithm) &&
      isLinked(announcement.certLink, credential, authorities),
  );
}

function names(
  announcement: Exclude<AuthMethodAnnouncement, { kind: 'method' }>,
  algorithm: SignatureAlgorithm,
): boolean {
  if (announcement.kind === 'digital-signature') return algorithmOf(announcement.algorithm) === algorithm;
  return isClassic(algorithm) && methodOf(algorithm) === announcement.method;
}

/** RFC 9593 section 3.2.2: "If no Certificate Request payload were received, the content of this field MUST be ignored and treated as zero." */
function isLinked(certLink: number, credential: Credential, authorities: readonly string[]): boolean {
  if (certLink === 0 || authorities.length === 0) return true;
  const authority = authorities[certLink - 1];
  return authority !== undefined && isUnder(credential, authority);
}

function isAskedFor(credential: Credential, { authorities, asksForRawPublicKey }: AuthenticationHints): boolean {
  if (asksForRawPublicKey && credential.rawPublicKey !== undefined) return true;
  return authorities.some((authority) => isUnder(credential, authority));
}

function isUnder({ authorities = [] }: Credential, authority: string): boolean {
  return authorities.some((hash) => toHex(hash) === authority);
}
