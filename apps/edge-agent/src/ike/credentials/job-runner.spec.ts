import 'reflect-metadata';
import { CERT_ENCODING, type CredentialJob, ID_TYPE, type JobResult } from '@weft/ipsec-core/ike';
import { beforeAll, describe, expect, it } from 'vitest';
import { type KeyKind, TestCredential } from '../../../test/support/test-authority.js';
import { parseCertificate } from './certificate.js';
import { parseRevocationList } from './certificate-revocation-list.js';
import { type CredentialMeans, type PeerTrust, runCredentialJob } from './job-runner.js';
import { serialValue } from './serial-number.js';
import { algorithmsOf, signWith } from './signature.js';

const OCTETS = Buffer.from('signed octets');
/** RFC 7670 appendix A.2. */
const RFC7670_RSA =
  '30819f300d06092a864886f70d010101050003818d0030818902818100bc7b434749c7b38600bfa84b44f881879a2dda08d1f0145af5806c2aed6a6172ff0dc3d4cd601638e8ca348ebdca574231cadc9712e209b1fddba58a8c62b369038a3d1eaa727c1f39ae49ed6ebc30f8d9b52e23385a401915858c59be72f343fb1eb87b16ffc5ab0f8f8fe9f7cb3e663d8fe9f9ecfa123066f368358ceaefd30203010001';
/** Appendix A.1. */
const RFC7670_ECDSA =
  '3059301306072a8648ce3d020106082a8648ce3d03010703420004cb28e0999b9c7715fd0a80d8e47a77079716cbbf917dd72e97566ea1c066957c2b57c0235fb7489768d058ff4911c20fdbe71e3699d91339afbb903ee17255dc';
const IDENTITY = { type: ID_TYPE.FQDN, data: Buffer.from('edge.example') };
type VerifyJob = Extract<CredentialJob, { kind: 'verify' }>;

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

  const means = (trust: PeerTrust | undefined): CredentialMeans => ({
    keyOf: (name) => (name === 'edge' ? edge.privateKey : undefined),
    trustOf: (name) => (name === 'c' ? trust : undefined),
    wallClock: () => Date.now(),
  });
  const certificates = (...chain: readonly TestCredential[]) =>
    chain.map(({ der }) => ({ encoding: CERT_ENCODING.X509_SIGNATURE, data: der }));
  const verify = (changes: Partial<VerifyJob> = {}, trust?: PeerTrust): Promise<JobResult> =>
    runCredentialJob(
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
    const job: CredentialJob = {
      kind: 'sign',
      credential: 'edge',
      algorithms: ['ed25519', 'ecdsa-sha2-256'],
      octets: OCTETS,
    };
    const result = await runCredentialJob(job, means(undefined));
    expect(result).toMatchObject({ kind: 'signed', algorithm: 'ecdsa-sha2-256' });
    if (result.kind !== 'signed') return;
    expect(await verify({ signature: result.signature })).toEqual({ kind: 'verified' });
    expect(await runCredentialJob({ ...job, credential: 'other' }, means(undefined))).toMatchObject({ kind: 'failed' });
    expect(await runCredentialJob({ ...job, algorithms: ['ed25519'] }, means(undefined))).toMatchObject({
      kind: 'failed',
    });
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
    [
      'only a raw key is shown',
      () => ({ certificates: [{ encoding: 15, data: publicKeyInfo }] }),
      /no certificate, but a raw public key/,
    ],
    [
      'a raw RSA key of the old kind is shown',
      () => ({ certificates: [{ encoding: 11, data: Uint8Array.of(0x30, 0) }] }),
      /no certificate, but a raw RSA key of encoding 11, which RFC 7296 removed/,
    ],
    [
      'it only says where the certificate is',
      () => ({ certificates: [{ encoding: 12, data: new Uint8Array(40) }] }),
      /no certificate, but where to find one/,
    ],
    [
      'there are too many revocation lists',
      () => ({
        certificates: [...certificates(edge, middle), ...new Array(5).fill({ encoding: 7, data: publicKeyInfo })],
      }),
      /more than 4 revocation lists/,
    ],
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

  it('look revocation up in what the host has and in what the peer sends, where the connection says so', async () => {
    const crl = (data: Uint8Array) => ({ encoding: CERT_ENCODING.CRL, data });
    const chain = certificates(edge, middle);
    const lists = [await root.revoke([]), await middle.revoke([edge])];
    const good = [await root.revoke([]), await middle.revoke([])];
    const trust = (own: readonly Uint8Array[], required: boolean): PeerTrust => ({
      kind: 'certificates',
      anchors: [parseCertificate(root.der)],
      revocation: { lists: () => own.map(parseRevocationList), required },
    });
    const sent = (data: readonly Uint8Array[]) => ({ certificates: [...chain, ...data.map(crl)] });
    expect(await verify(sent(lists))).toEqual({ kind: 'verified' });
    expect(await verify(sent(good), trust([], true))).toEqual({ kind: 'verified' });
    expect(await verify({}, trust(good, true))).toEqual({ kind: 'verified' });
    for (const result of [await verify(sent(lists), trust([], false)), await verify({}, trust(lists, false))]) {
      expect(result).toEqual({ kind: 'failed', reason: expect.stringMatching(/revoked: its issuer revoked/) });
    }
    expect(await verify({}, trust([], true))).toMatchObject({ reason: expect.stringMatching(/revocation_unknown/) });
    expect(await verify(sent([Uint8Array.of(1, 2)]), trust(good, true))).toEqual({ kind: 'verified' });
  });

  it('refuse a certificate by its serial number, also when that is learnt while its signatures are looked at', async () => {
    const serialNumber = serialValue(parseCertificate(edge.der).serialNumber);
    const trust = (refused: readonly string[]): PeerTrust => ({
      kind: 'certificates',
      anchors: [parseCertificate(root.der)],
      refusedSerials: new Set(refused),
    });
    expect(await verify({}, trust(['00']))).toEqual({ kind: 'verified' });
    const reason = expect.stringMatching(/revoked: certificate [0-9a-f]+ is not believed any more/);
    expect(await verify({}, trust([serialNumber]))).toEqual({ kind: 'failed', reason });
    const asked = [trust([]), trust([serialNumber])];
    const believed: string[] = [];
    const job: VerifyJob = {
      kind: 'verify',
      connection: 'c',
      identity: IDENTITY,
      certificates: certificates(edge, middle),
      algorithm: 'ecdsa-sha2-256',
      signature,
      octets: OCTETS,
    };
    const told = {
      ...means(trust([])),
      believed: (name: string, serial: string) => believed.push(`${name} ${serial}`),
    };
    expect(await runCredentialJob(job, { ...told, trustOf: () => asked.shift() })).toEqual({ kind: 'failed', reason });
    expect(believed).toEqual([]);
    expect(await runCredentialJob(job, told)).toEqual({ kind: 'verified' });
    expect(believed).toEqual([`c ${serialNumber}`]);
  });

  it.each<KeyKind>(['p256', 'p384', 'p521', 'rsa', 'rsa-pss', 'ed25519', 'ed448'])(
    'believe a raw public key of kind %s, and no other of that kind (RFC 7670)',
    async (key) => {
      const [peer, other] = await Promise.all([
        TestCredential.root('CN=a', { key }),
        TestCredential.root('CN=b', { key }),
      ]);
      const info = (credential: TestCredential) => parseCertificate(credential.der).publicKeyInfo;
      const [algorithm = 'ed25519'] = algorithmsOf(peer.privateKey);
      const signed = (await signWith(peer.privateKey, [algorithm], OCTETS))!;
      const job = {
        ...signed,
        certificates: [{ encoding: CERT_ENCODING.RAW_PUBLIC_KEY, data: info(peer) }],
      };
      expect(await verify(job, { kind: 'public-keys', keys: [info(other), info(peer)] })).toEqual({ kind: 'verified' });
      expect(await verify(job, { kind: 'public-keys', keys: [info(other)] })).toMatchObject({
        reason: expect.stringMatching(/no public key that is known for edge.example/),
      });
      const impostor = { ...job, ...(await signWith(other.privateKey, [algorithm], OCTETS)) };
      expect(await verify(impostor, { kind: 'public-keys', keys: [info(peer)] })).toMatchObject({ kind: 'failed' });
    },
  );

  it('read raw public keys as RFC 7670 appendix A prints them, and refuse RSA of 1024 bits', async () => {
    const verdict = (hex: string) => {
      const key = Buffer.from(hex, 'hex');
      const certificates = [{ encoding: CERT_ENCODING.RAW_PUBLIC_KEY, data: key }];
      return verify(
        { certificates, algorithm: hex === RFC7670_RSA ? 'rsa-pss-sha2-256' : 'ecdsa-sha2-256' },
        { kind: 'public-keys', keys: [key] },
      );
    };
    expect(await verdict(RFC7670_RSA)).toMatchObject({ reason: expect.stringMatching(/key too weak/) });
    expect(await verdict(RFC7670_ECDSA)).toMatchObject({ reason: expect.stringMatching(/mismatch/) });
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
