import { createPublicKey, type KeyObject } from 'node:crypto';
import {
  CERT_ENCODING,
  type CredentialJob,
  describeIdentity,
  type Job,
  type JobResult,
  type KeyExchangeJob,
  type KeyExchangeResult,
} from '@weft/ipsec-core/ike';
import { type Certificate, parseCertificate } from './certificate.js';
import { validatePath } from './certificate-path.js';
import { parseRevocationList } from './certificate-revocation-list.js';
import { DerError } from './der.js';
import { isNamed } from './identity-match.js';
import type { RevocationPolicy } from './revocation.js';
import { serialValue } from './serial-number.js';
import { signWith, verifySignature } from './signature.js';

/** Whom a connection believes (the authentication data of a PAD entry, RFC 4301 section 4.4.3.2). */
export type PeerTrust =
  /** Whoever shows a certificate of the expected identity under one of these, that is not revoked as far as that is looked up. */
  | {
      readonly kind: 'certificates';
      readonly anchors: readonly Certificate[];
      readonly revocation?: RevocationPolicy;
      /** Serial numbers of certificates that are refused whatever lists say, as `serialValue` writes them. */
      readonly refusedSerials?: ReadonlySet<string>;
    }
  /** Whoever has one of these keys (RFC 7670), DER SubjectPublicKeyInfo. */
  | { readonly kind: 'public-keys'; readonly keys: readonly Uint8Array[] };

/** What the jobs are done with. */
export interface JobMeans extends CredentialMeans {
  readonly keyExchange: (job: KeyExchangeJob) => Promise<KeyExchangeResult>;
}

export interface CredentialMeans {
  /** The private key of a credential. */
  readonly keyOf: (credential: string) => KeyObject | undefined;
  readonly trustOf: (connection: string) => PeerTrust | undefined;
  /** Milliseconds since 1970, for the validity of certificates. */
  readonly wallClock: () => number;
  /** Told by which certificate a peer has proved who it is: its serial number, as `serialValue` writes it. */
  readonly believed?: (connection: string, serialNumber: string) => void;
}

type SignJob = Extract<CredentialJob, { kind: 'sign' }>;
type VerifyJob = Extract<CredentialJob, { kind: 'verify' }>;

/** Does a job of the IKE engine. */
export async function runJob(job: Job, means: JobMeans): Promise<JobResult> {
  return job.kind === 'sign' || job.kind === 'verify' ? runCredentialJob(job, means) : means.keyExchange(job);
}

/** Private keys and trust stay on this side. */
export async function runCredentialJob(job: CredentialJob, means: CredentialMeans): Promise<JobResult> {
  return job.kind === 'sign' ? signJob(job, means) : verifyJob(job, means);
}

async function signJob({ credential, algorithms, octets }: SignJob, { keyOf }: CredentialMeans): Promise<JobResult> {
  const key = keyOf(credential);
  if (key === undefined) return failed(`there is no private key called ${credential}`);
  const signature = await signWith(key, algorithms, octets);
  if (signature === undefined)
    return failed(`an ${key.asymmetricKeyType} key cannot sign with ${algorithms.join(', ')}`);
  return { kind: 'signed', ...signature };
}

async function verifyJob(job: VerifyJob, means: CredentialMeans): Promise<JobResult> {
  const trust = means.trustOf(job.connection);
  if (trust === undefined) return failed(`connection ${job.connection} trusts nobody`);
  if (trust.kind === 'public-keys') {
    const known = knownKey(job, trust.keys);
    return typeof known === 'string' ? failed(known) : proofOf(job, known);
  }
  const certificate = await certified(job, trust, means.wallClock());
  if (typeof certificate === 'string') return failed(certificate);
  const proof = await proofOf(job, certificate.publicKey);
  if (proof.kind !== 'verified') return proof;
  // Asked again and last: it may have been revoked while the signatures were looked at.
  const now = means.trustOf(job.connection);
  const serialNumber = serialValue(certificate.serialNumber);
  if (now?.kind === 'certificates' && now.refusedSerials?.has(serialNumber)) {
    const name = describeIdentity(job.identity);
    return failed(`the certificate of ${name}: revoked: certificate ${serialNumber} is not believed any more`);
  }
  means.believed?.(job.connection, serialNumber);
  return proof;
}

async function proofOf(job: VerifyJob, key: KeyObject): Promise<JobResult> {
  const verdict = await verifySignature(key, job, job.octets);
  return verdict.ok
    ? { kind: 'verified' }
    : failed(`the signature of ${describeIdentity(job.identity)}: ${verdict.reason}`);
}

/** The peer's certificate, when it is good and the peer's. */
async function certified(
  { certificates, identity }: VerifyJob,
  { anchors, revocation }: Extract<PeerTrust, { kind: 'certificates' }>,
  now: number,
): Promise<Certificate | string> {
  const encoded = ofEncoding(certificates, CERT_ENCODING.X509_SIGNATURE);
  if (encoded.length > MAXIMUM_CERTIFICATES) return `more than ${MAXIMUM_CERTIFICATES} certificates`;
  const [leaf, ...others] = encoded.map((data) => readOrProblem(parseCertificate, data));
  if (leaf === undefined) return `the peer sent no certificate${instead(certificates)}`;
  if (typeof leaf === 'string') return `the certificate cannot be read: ${leaf}`;
  if (!isNamed(leaf, identity)) return `the certificate is not one of ${describeIdentity(identity)}`;
  const sent = ofEncoding(certificates, CERT_ENCODING.CRL);
  if (sent.length > MAXIMUM_LISTS) return `more than ${MAXIMUM_LISTS} revocation lists`;
  // What cannot be read cannot vouch, nor revoke, and harms nobody else.
  const intermediates = others.filter((other) => typeof other !== 'string');
  const lists = sent.map((data) => readOrProblem(parseRevocationList, data)).filter((list) => typeof list !== 'string');
  const known = revocation && { lists: [...revocation.lists(), ...lists], required: revocation.required };
  const path = await validatePath(leaf, intermediates, anchors, now, known);
  return path.ok
    ? leaf
    : `the certificate of ${describeIdentity(identity)}: ${path.problem.code}: ${path.problem.detail}`;
}

/**
 * The peer need not send its key; when it does, it is one of those known, and comes first. SubjectPublicKeyInfo is
 * compared as it stands: "most of the ASN.1 part can be included literally and recognized by block comparison" (RFC 7670
 * section 3).
 */
function knownKey({ certificates, identity }: VerifyJob, keys: readonly Uint8Array[]): KeyObject | string {
  const [sent] = ofEncoding(certificates, CERT_ENCODING.RAW_PUBLIC_KEY);
  const [only, ...others] = keys;
  const unnamed = others.length === 0 ? only : undefined;
  const key = sent === undefined ? unnamed : keys.find((known) => Buffer.compare(known, sent) === 0);
  if (key === undefined) {
    return `the peer showed no public key that is known for ${describeIdentity(identity)}${instead(certificates)}`;
  }
  return createPublicKey({ key: Buffer.from(key), format: 'der', type: 'spki' });
}

function ofEncoding(certificates: VerifyJob['certificates'], wanted: number): readonly Uint8Array[] {
  return certificates.filter(({ encoding }) => encoding === wanted).map(({ data }) => data);
}

/** What the peer sent in place of what was wanted, if that explains anything. */
function instead(certificates: VerifyJob['certificates']): string {
  const { RAW_RSA_KEY, RAW_PUBLIC_KEY, HASH_AND_URL, HASH_AND_URL_BUNDLE } = CERT_ENCODING;
  const sent = new Set(certificates.map(({ encoding }) => encoding));
  if (sent.has(RAW_RSA_KEY))
    return ', but a raw RSA key of encoding 11, which RFC 7296 removed: RFC 7670 has encoding 15';
  if (sent.has(HASH_AND_URL) || sent.has(HASH_AND_URL_BUNDLE)) return ', but where to find one, which nobody asked for';
  return sent.has(RAW_PUBLIC_KEY) ? ', but a raw public key' : '';
}

function readOrProblem<T>(parse: (data: Uint8Array) => T, data: Uint8Array): T | string {
  try {
    return parse(data);
  } catch (error) {
    if (error instanceof DerError) return error.message;
    throw error;
  }
}

function failed(reason: string): JobResult {
  return { kind: 'failed', reason };
}

const MAXIMUM_CERTIFICATES = 10;
/** From the peer: one for each authority of a path of usual length. */
const MAXIMUM_LISTS = 4;
