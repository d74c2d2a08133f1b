import 'reflect-metadata';
import { CERT_ENCODING, ID_TYPE, type Job, type JobResult } from '@weft/ipsec-core/ike';
import { beforeAll, describe, expect, it } from 'vitest';
import { TestCredential } from '../../../test/support/test-authority.js';
import { parseCertificate } from './certificate.js';
import { type JobMeans, type PeerTrust, runJob } from './job-runner.js';
import { signWith } from './signature.js';

const OCTETS = Buffer.from('signed octets');
const IDENTITY = { type: ID_TYPE.FQDN, data: Buffer.from('edge.example') };
type VerifyJob = Extract<Job, { kind: 'verify' }>;

describe('Jobs of the IKE engine', () => {
  let root: TestCredential;
  let middle: TestCredential;
  let edge: TestCredential;
  let publicKeyInfo: Uint8Array;
  let signature: Uint8Array;

  beforeAll(async () => {
    root = await TestCredential.root('CN=Root');
    middle = await root.issue('CN=Middle', { pathLength: 0 });
    edge = await middle.issue('CN=edge', { names: [{ type: 'dns', value: 'edge.example' }] });
    publicKeyInfo = parseCertificate(edge.der).publicKeyInfo;
    signature = (await signWith(edge.privateKey, ['ecdsa-sha2-256'], OCTETS))!.signature;
  });

  const means = (trust: PeerTrust | undefined): JobMeans => ({
    keyOf: (name) => (name === 'edge' ? edge.privateKey : undefined),
    trustOf: (name) => (name === 'c' ? trust : undefined),
    wallClock: () => Date.now(),
  });
  const certificates = (...chain: readonly TestCredential[]) =>
    chain.map(({ der }) => ({ encoding: CERT_ENCODING.X509_SIGNATURE, data: der }));
  const verify = (changes: Partial<VerifyJob> = {}, trust?: PeerTrust): Promise<JobResult> =>
    runJob(
      {
        kind: 'verify',
        connection: 'c',
        identity: IDENTITY,
        certificates: certificates(edge, middle),
        algorithm: 'ecdsa-sha2-256',
        signature,
        octets: OCTETS,
        ...changes,
      },
      means(trust ?? { kind: 'certificates', anchors: [parseCertificate(root.der)] }),
    );

  it('sign with the private key of the credential', async () => {
    const job: Job = { kind: 'sign', credential: 'edge', algorithms: ['ed25519', 'ecdsa-sha2-256'], octets: OCTETS };
    const result = await runJob(job, means(undefined));
    expect(result).toMatchObject({ kind: 'signed', algorithm: 'ecdsa-sha2-256' });
    if (result.kind !== 'signed') return;
    expect(await verify({ signature: result.signature })).toEqual({ kind: 'verified' });
    expect(await runJob({ ...job, credential: 'other' }, means(undefined))).toMatchObject({ kind: 'failed' });
    expect(await runJob({ ...job, algorithms: ['ed25519'] }, means(undefined))).toMatchObject({ kind: 'failed' });
  });

  it('believe a peer with a path, the name and the key', async () => {
    expect(await verify()).toEqual({ kind: 'verified' });
  });

  it.each<[string, () => Partial<VerifyJob>, RegExp]>([
    [
      'the identity is another',
      () => ({ identity: { ...IDENTITY, data: Buffer.from('else.example') } }),
      /not one of else.example/,
    ],
    ['the intermediate is missing', () => ({ certificates: certificates(edge) }), /no_issuer/],
    ['there is no certificate', () => ({ certificates: [] }), /no certificate/],
    [
      'the certificate is rubbish',
      () => ({ certificates: [{ encoding: 4, data: Uint8Array.of(0x30, 1) }] }),
      /cannot be read/,
    ],
    ['there are too many', () => ({ certificates: certificates(...new Array(11).fill(edge)) }), /more than 10/],
    ['another key signed', () => ({ octets: Buffer.from('else') }), /mismatch/],
    ['the algorithm is not of the key', () => ({ algorithm: 'ed25519' }), /wrong key type/],
    ['only a raw key is shown', () => ({ certificates: [{ encoding: 15, data: publicKeyInfo }] }), /no certificate/],
    ['the connection trusts nobody', () => ({ connection: 'other' }), /trusts nobody/],
  ])('do not believe it when %s', async (_, changes, reason) => {
    expect(await verify(changes())).toEqual({ kind: 'failed', reason: expect.stringMatching(reason) });
  });

  it('pass over an intermediate that cannot be read', async () => {
    const rubbish = { encoding: CERT_ENCODING.X509_SIGNATURE, data: Uint8Array.of(1, 2, 3) };
    expect(await verify({ certificates: [...certificates(edge), rubbish, ...certificates(middle)] })).toEqual({
      kind: 'verified',
    });
  });

  it('believe a known public key, sent or not (RFC 7670)', async () => {
    const trust: PeerTrust = { kind: 'public-keys', keys: [publicKeyInfo] };
    const raw = (data: Uint8Array) => [{ encoding: CERT_ENCODING.RAW_PUBLIC_KEY, data }];
    expect(await verify({ certificates: raw(publicKeyInfo) }, trust)).toEqual({ kind: 'verified' });
    expect(await verify({ certificates: [] }, trust)).toEqual({ kind: 'verified' });
    const other = parseCertificate(root.der).publicKeyInfo;
    expect(await verify({ certificates: raw(other) }, trust)).toMatchObject({ kind: 'failed' });
    expect(await verify({ certificates: [] }, { kind: 'public-keys', keys: [publicKeyInfo, other] })).toMatchObject({
      kind: 'failed',
    });
    expect(await verify({ certificates: [] }, { kind: 'public-keys', keys: [other] })).toMatchObject({
      kind: 'failed',
    });
  });
});
