import { type Certificate, KEY_USAGE } from './certificate.js';
import type { CertificateRevocationList } from './certificate-revocation-list.js';
import { type RevocationProblem, revocationProblem } from './revocation.js';
import { verifySignature } from './signature.js';

/** Why a certificate is not believed, in the words of a log line. */
export type PathProblem =
  | { readonly code: 'no_issuer'; readonly detail: string }
  | { readonly code: 'bad_signature'; readonly detail: string }
  | { readonly code: 'weak_signature'; readonly detail: string }
  | { readonly code: 'not_yet_valid' | 'expired'; readonly detail: string }
  | { readonly code: 'not_an_authority'; readonly detail: string }
  | { readonly code: 'path_too_long'; readonly detail: string }
  | { readonly code: 'key_usage'; readonly detail: string }
  | { readonly code: 'unsupported_extension'; readonly detail: string }
  | { readonly code: 'too_much_work'; readonly detail: string }
  | RevocationProblem;

export type PathResult = { readonly ok: true } | { readonly ok: false; readonly problem: PathProblem };

/**
 * Whether a path leads from the first certificate over others that came with it to a trust anchor (RFC 5280 section 6,
 * without policies and name constraints: a certificate that has either as critical is refused, and name constraints in
 * any case). Names are compared octet by octet, as every authority writes them.
 *
 * @param now milliseconds since 1970
 * @param revocation without it nobody is revoked: where lifetimes are short, a peer that must go is taken out of the
 *   configuration instead
 */
export async function validatePath(
  leaf: Certificate,
  intermediates: readonly Certificate[],
  anchors: readonly Certificate[],
  now: number,
  revocation?: Revocation,
): Promise<PathResult> {
  const problem = timeProblem(leaf, now) ?? leafProblem(leaf);
  if (problem !== undefined) return { ok: false, problem };
  // An anchor may be the peer's own certificate: then there is nothing to build.
  if (anchors.some((anchor) => Buffer.compare(anchor.der, leaf.der) === 0)) return { ok: true };
  const search: Search = { intermediates, anchors, now, revocation, signatures: 0, problem: undefined };
  if (await climb(leaf, [leaf], search)) return { ok: true };
  return { ok: false, problem: search.problem ?? { code: 'no_issuer', detail: 'no trust anchor issued it' } };
}

export interface Revocation {
  readonly lists: readonly CertificateRevocationList[];
  /** Whether a certificate is refused of whose issuer no list is in force. */
  readonly required: boolean;
}

interface Search {
  readonly intermediates: readonly Certificate[];
  readonly anchors: readonly Certificate[];
  readonly now: number;
  readonly revocation: Revocation | undefined;
  signatures: number;
  /** The first problem on the way is the one to tell: later ones are about detours. */
  problem: PathProblem | undefined;
}

/** Tries the anchors first, then what the peer sent; `below` is the path so far, the leaf first. */
async function climb(certificate: Certificate, below: readonly Certificate[], search: Search): Promise<boolean> {
  const issuedBy = (candidate: Certificate) => Buffer.compare(candidate.subject, certificate.issuer) === 0;
  for (const anchor of search.anchors.filter(issuedBy)) {
    if (await vouches(anchor, certificate, below, search)) return true;
  }
  if (below.length >= MAXIMUM_PATH) {
    search.problem ??= { code: 'path_too_long', detail: `more than ${MAXIMUM_PATH} certificates` };
    return false;
  }
  for (const candidate of search.intermediates.filter(issuedBy)) {
    if (below.includes(candidate)) continue;
    if (!(await vouches(candidate, certificate, below, search))) continue;
    if (await climb(candidate, [...below, candidate], search)) return true;
  }
  return false;
}

/** Whether `issuer` may have issued the certificate, and did. */
async function vouches(
  issuer: Certificate,
  certificate: Certificate,
  below: readonly Certificate[],
  search: Search,
): Promise<boolean> {
  const problem =
    timeProblem(issuer, search.now) ??
    authorityProblem(issuer, below) ??
    (await signatureProblem(issuer, certificate, search)) ??
    (await revokedBy(issuer, certificate, search));
  search.problem ??= problem;
  return problem === undefined;
}

async function revokedBy(
  issuer: Certificate,
  certificate: Certificate,
  search: Search,
): Promise<PathProblem | undefined> {
  if (search.revocation === undefined) return undefined;
  const { lists, required } = search.revocation;
  let exhausted: PathProblem | undefined;
  const verify = async (list: CertificateRevocationList) => {
    const problem = await signatureProblem(issuer, list, search);
    if (problem?.code === 'too_much_work') exhausted = problem;
    return problem === undefined;
  };
  const problem = await revocationProblem(certificate, issuer, lists, required, search.now, verify);
  return exhausted ?? problem;
}

async function signatureProblem(
  issuer: Certificate,
  { signature, signedOctets }: Pick<Certificate, 'signature' | 'signedOctets'>,
  search: Search,
): Promise<PathProblem | undefined> {
  if (signature === undefined) {
    return { code: 'weak_signature', detail: 'it is signed with an algorithm that is not accepted' };
  }
  if (++search.signatures > MAXIMUM_SIGNATURES) {
    return { code: 'too_much_work', detail: `no path within ${MAXIMUM_SIGNATURES} signatures` };
  }
  const verdict = await verifySignature(issuer.publicKey, signature, signedOctets);
  if (verdict.ok) return undefined;
  const code = verdict.reason === 'mismatch' ? 'bad_signature' : 'weak_signature';
  return { code, detail: `the signature of its issuer: ${verdict.reason}` };
}

function timeProblem({ notBefore, notAfter }: Certificate, now: number): PathProblem | undefined {
  if (now < notBefore) return { code: 'not_yet_valid', detail: `valid from ${new Date(notBefore).toISOString()}` };
  if (now > notAfter) return { code: 'expired', detail: `expired ${new Date(notAfter).toISOString()}` };
  return undefined;
}

/** RFC 4945 sections 5.1.3.2 and 5.1.3.12: what an end entity must be allowed to do. */
function leafProblem({ keyUsage, extendedKeyUsage, unsupported }: Certificate): PathProblem | undefined {
  if (unsupported.length > 0) return unsupportedProblem(unsupported);
  const signs =
    keyUsage === undefined || keyUsage.has(KEY_USAGE.digitalSignature) || keyUsage.has(KEY_USAGE.nonRepudiation);
  if (!signs) return { code: 'key_usage', detail: 'its key is not for signatures' };
  const forIke = extendedKeyUsage === undefined || extendedKeyUsage.some((purpose) => IKE_PURPOSES.has(purpose));
  if (!forIke) return { code: 'key_usage', detail: 'its extended key usage has neither id-kp-ipsecIKE nor any' };
  return undefined;
}

/** RFC 5280 section 6.1.4, (k) to (o). */
function authorityProblem(
  { authority, keyUsage, unsupported }: Certificate,
  below: readonly Certificate[],
): PathProblem | undefined {
  if (unsupported.length > 0) return unsupportedProblem(unsupported);
  if (authority === undefined) return { code: 'not_an_authority', detail: 'an issuer is no certificate authority' };
  if (keyUsage !== undefined && !keyUsage.has(KEY_USAGE.keyCertSign)) {
    return { code: 'key_usage', detail: 'the key of an issuer is not for certificates' };
  }
  // "the maximum number of non-self-issued intermediate certificates that may follow this certificate" (4.2.1.9).
  const between = below.slice(1).filter(({ subject, issuer }) => Buffer.compare(subject, issuer) !== 0).length;
  if (authority.pathLength !== undefined && between > authority.pathLength) {
    return { code: 'path_too_long', detail: `an issuer allows ${authority.pathLength} authorities below it` };
  }
  return undefined;
}

function unsupportedProblem(unsupported: readonly string[]): PathProblem {
  return { code: 'unsupported_extension', detail: `extension ${unsupported[0]} is not understood` };
}

/** id-kp-ipsecIKE and anyExtendedKeyUsage. */
const IKE_PURPOSES: ReadonlySet<string> = new Set(['1.3.6.1.5.5.7.3.17', '2.5.29.37.0']);
const MAXIMUM_PATH = 8;
const MAXIMUM_SIGNATURES = 32;
