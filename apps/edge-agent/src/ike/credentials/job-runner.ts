import { createPublicKey, type KeyObject } from 'node:crypto';
import { CERT_ENCODING, describeIdentity, type Job, type JobResult } from '@weft/ipsec-core/ike';
import { type Certificate, parseCertificate } from './certificate.js';
import { validatePath } from './certificate-path.js';
import { DerError } from './der.js';
import { isNamed } from './identity-match.js';
import { signWith, verifySignature } from './signature.js';

/** Whom a connection believes (the authentication data of a PAD entry, RFC 4301 section 4.4.3.2). */
export type PeerTrust =
  /** Whoever shows a certificate of the expected identity under one of these. */
  | { readonly kind: 'certificates'; readonly anchors: readonly Certificate[] }
  /** Whoever has one of these keys (RFC 7670), DER SubjectPublicKeyInfo. */
  | { readonly kind: 'public-keys'; readonly keys: readonly Uint8Array[] };

/** What the jobs are done with. */
export interface JobMeans {
  /** The private key of a credential. */
  readonly keyOf: (credential: string) => KeyObject | undefined;
  readonly trustOf: (connection: string) => PeerTrust | undefined;
  /** Milliseconds since 1970, for the validity of certificates. */
  readonly wallClock: () => number;
}

type SignJob = Extract<Job, { kind: 'sign' }>;
type VerifyJob = Extract<Job, { kind: 'verify' }>;

/** Does a job of the IKE engine: private keys and trust stay on this side. */
export async function runJob(job: Job, means: JobMeans): Promise<JobResult> {
  return job.kind === 'sign' ? signJob(job, means) : verifyJob(job, means);
}

async function signJob({ credential, algorithms, octets }: SignJob, { keyOf }: JobMeans): Promise<JobResult> {
  const key = keyOf(credential);
  if (key === undefined) return failed(`there is no private key called ${credential}`);
  const signature = await signWith(key, algorithms, octets);
  if (signature === undefined)
    return failed(`an ${key.asymmetricKeyType} key cannot sign with ${algorithms.join(', ')}`);
  return { kind: 'signed', ...signature };
}

async function verifyJob(job: VerifyJob, means: JobMeans): Promise<JobResult> {
  const trust = means.trustOf(job.connection);
  if (trust === undefined) return failed(`connection ${job.connection} trusts nobody`);
  const believed =
    trust.kind === 'certificates'
      ? await certifiedKey(job, trust.anchors, means.wallClock())
      : knownKey(job, trust.keys);
  if (typeof believed === 'string') return failed(believed);
  const verdict = await verifySignature(believed, job, job.octets);
  return verdict.ok
    ? { kind: 'verified' }
    : failed(`the signature of ${describeIdentity(job.identity)}: ${verdict.reason}`);
}

/** The key of the peer's certificate, when the certificate is good and the peer's. */
async function certifiedKey(
  { certificates, identity }: VerifyJob,
  anchors: readonly Certificate[],
  now: number,
): Promise<KeyObject | string> {
  const encoded = certificates.filter(({ encoding }) => encoding === CERT_ENCODING.X509_SIGNATURE);
  if (encoded.length > MAXIMUM_CERTIFICATES) return `more than ${MAXIMUM_CERTIFICATES} certificates`;
  const parsed = encoded.map(({ data }) => parsedOrProblem(data));
  const [leaf, ...others] = parsed;
  if (leaf === undefined) return 'the peer sent no certificate';
  if (typeof leaf === 'string') return `the certificate cannot be read: ${leaf}`;
  if (!isNamed(leaf, identity)) return `the certificate is not one of ${describeIdentity(identity)}`;
  // An intermediate that cannot be read cannot vouch, and harms nobody else.
  const intermediates = others.filter((other) => typeof other !== 'string');
  const path = await validatePath(leaf, intermediates, anchors, now);
  return path.ok
    ? leaf.publicKey
    : `the certificate of ${describeIdentity(identity)}: ${path.problem.code}: ${path.problem.detail}`;
}

/** The peer need not send its key; when it does, it is one of those known, and comes first. */
function knownKey({ certificates, identity }: VerifyJob, keys: readonly Uint8Array[]): KeyObject | string {
  const sent = certificates.find(({ encoding }) => encoding === CERT_ENCODING.RAW_PUBLIC_KEY)?.data;
  const key =
    sent === undefined
      ? keys.length === 1
        ? keys[0]
        : undefined
      : keys.find((known) => Buffer.compare(known, sent) === 0);
  if (key === undefined) return `the peer showed no public key that is known for ${describeIdentity(identity)}`;
  return createPublicKey({ key: Buffer.from(key), format: 'der', type: 'spki' });
}

function parsedOrProblem(data: Uint8Array): Certificate | string {
  try {
    return parseCertificate(data);
  } catch (error) {
    if (error instanceof DerError) return error.message;
    throw error;
  }
}

function failed(reason: string): JobResult {
  return { kind: 'failed', reason };
}

const MAXIMUM_CERTIFICATES = 10;
