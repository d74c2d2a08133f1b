import { describe, expect, it } from 'vitest';
import { toHex } from '../../src/bytes/hex.js';
import { Secret } from '../../src/bytes/secret.js';
import { algorithmIdentifier, type SignatureAlgorithm } from '../../src/crypto/ike/signature.js';
import type { Connection, Credential } from '../../src/ike/connection.js';
import { respondIntermediate } from '../../src/ike/exchanges/ike-intermediate.js';
import { explainHistory } from '../../src/ike/history/explain-history.js';
import type { IkeSa } from '../../src/ike/ike-sa.js';
import type { CredentialJob, JobResult } from '../../src/ike/outputs.js';
import { mermaid } from '../../src/testing/mermaid.js';
import type { IkePair } from '../../src/testing/pair.js';
import { PERFECT } from '../../src/testing/simulated-network.js';
import { parseAuthMethods } from '../../src/wire/ike/auth-methods.js';
import { CERT_ENCODING, EXCHANGE, ID_TYPE, KE } from '../../src/wire/ike/iana.js';
import { encodeMessage, parseMessage } from '../../src/wire/ike/message.js';
import { NOTIFY } from '../../src/wire/ike/notify-registry.js';
import type { Payload } from '../../src/wire/ike/payloads/registry.js';
import {
  agreement,
  connection,
  establishedPair,
  HYBRID,
  IKE_GCM,
  identity,
  LEFT,
  type MakePair,
  makePair,
  RIGHT,
} from './fixtures.js';

const hash = (octet: number) => new Uint8Array(20).fill(octet);
const [CA1, CA2] = [hash(1), hash(2)];
const RSA: Credential = {
  name: 'rsa',
  algorithms: ['rsa-pss-sha2-256', 'rsa-pkcs1-sha2-256'],
  certificates: [Uint8Array.of(1), Uint8Array.of(11)],
  authorities: [CA1],
};
const ECDSA: Credential = {
  name: 'ecdsa',
  algorithms: ['ecdsa-sha2-256'],
  certificates: [Uint8Array.of(2)],
  authorities: [CA2],
};
const RAW: Credential = { name: 'raw', algorithms: ['ed25519'], certificates: [], rawPublicKey: Uint8Array.of(3) };

type Remote = Extract<Connection['remoteAuthentication'], { kind: 'signature' }>;

function signing(credentials: readonly Credential[], remote: Omit<Remote, 'kind'> = {}): Partial<Connection> {
  return {
    localAuthentication: { kind: 'signature', credentials },
    remoteAuthentication: { kind: 'signature', ...remote },
  };
}

/** A host whose signatures are the name of the credential, and who takes every one; it keeps the jobs. */
function signedPair(options: MakePair): { pair: IkePair; jobs: (CredentialJob & { end: string })[] } {
  const jobs: (CredentialJob & { end: string })[] = [];
  const runJob = (end: string, job: CredentialJob): JobResult => {
    jobs.push({ end, ...job });
    if (job.kind === 'verify') return { kind: 'verified' };
    const [algorithm = 'ed25519'] = job.algorithms;
    return { kind: 'signed', algorithm, signature: Uint8Array.from(job.credential, (c) => c.charCodeAt(0)) };
  };
  return { pair: establishedPair({ ...options, runJob }), jobs };
}

const signedBy = (jobs: readonly (CredentialJob & { end: string })[], end: string) =>
  jobs.flatMap((job) => (job.kind === 'sign' && job.end === end ? [[job.credential, ...job.algorithms]] : []));
const verifiedAt = (jobs: readonly (CredentialJob & { end: string })[], end: string) =>
  jobs.find(
    (job): job is Extract<CredentialJob, { kind: 'verify' }> & { end: string } =>
      job.kind === 'verify' && job.end === end,
  );

function payloadsOf(octets: Uint8Array): readonly Payload[] {
  const parsed = parseMessage(octets);
  if (!parsed.ok) throw new Error(parsed.problem.code);
  return parsed.value.payloads;
}
const dataOf = (payloads: readonly Payload[], type: number) =>
  payloads.flatMap((payload) => (payload.kind === 'N' && payload.type === type ? [payload.data] : []));
const requestsOf = (payloads: readonly Payload[]) =>
  payloads.flatMap((payload) =>
    payload.kind === 'CERTREQ' ? [[payload.encoding, toHex(payload.authorities)] as const] : [],
  );
const failures = (end: { events: readonly { kind: string }[] }) => end.events.filter(({ kind }) => /failed/.test(kind));
const messagesOf = (sa: IkeSa | undefined) =>
  explainHistory(sa?.lineage.history.entries ?? []).filter((entry) => entry.kind === 'message');
const labels = (pair: IkePair) =>
  messagesOf(pair.left.engine.associations()[0]).map(
    ({ direction, exchange, response, payloads }) =>
      `${direction} ${exchange} ${response ? 'response' : 'request'} ${String(payloads)}`,
  );

describe('A connection that is for another peer from now on', () => {
  const another = {
    kind: 'configure',
    connections: [connection('left', { remoteIdentity: identity('another') })],
  } as const;

  it('has nothing left of the one that proved to be who it was for, and that is told', () => {
    const { pair } = signedPair({});
    pair.give(pair.left, another);
    expect(pair.left.sad.installed.size).toBe(0);
    pair.runFor(1000);
    expect(pair.left.events.at(-1)).toMatchObject({ kind: 'ike-closed', by: 'us' });
    expect(pair.right.events.at(-1)).toMatchObject({ kind: 'ike-closed', by: 'peer' });
    expect(agreement(pair)).toEqual({ pairs: 0, agree: true });
  });

  it('does not wait for that one to answer what it was asked', () => {
    const { pair } = signedPair({});
    pair.network.conditions = { ...PERFECT, loss: 1 };
    pair.give(pair.left, { kind: 'rekey-ike', connection: 'left-right' });
    pair.give(pair.left, another);
    expect(pair.left.events.at(-1)).toMatchObject({ kind: 'ike-failed', reason: { code: 'authentication_failed' } });
    expect([pair.left.engine.associations(), pair.left.sad.installed.size]).toEqual([[], 0]);
  });

  it.each(['left', 'right'] as const)('does not come up with one that %s is just making sure of', (verifier) => {
    for (let at = 60; at <= 200; at += 5) {
      const runJob = (_end: string, job: CredentialJob): JobResult =>
        job.kind === 'verify'
          ? { kind: 'verified' }
          : { kind: 'signed', algorithm: 'ed25519', signature: Uint8Array.of(1) };
      const both = signing([RAW]);
      const pair = makePair({ leftConnection: both, rightConnection: both, runJob, jobDuration: () => 20 });
      pair.give(pair.left, { kind: 'initiate', connection: 'left-right' });
      pair.runFor(at);
      const changed = connection(verifier, { ...both, remoteIdentity: identity('another') });
      pair.give(pair.end(verifier), { kind: 'configure', connections: [changed] });
      expect({ at, installed: pair.end(verifier).sad.installed.size }).toEqual({ at, installed: 0 });
      pair.runFor(60_000);
      expect({ at, installed: pair.end(verifier).sad.installed.size }).toEqual({ at, installed: 0 });
    }
  });
});

describe('Peers that prove themselves with signatures', () => {
  it('ask for certificates of what they trust, and announce what they accept: the responder with IKE_SA_INIT', () => {
    const { pair } = signedPair({
      leftConnection: signing([ECDSA], { authorities: [CA2] }),
      rightConnection: signing([ECDSA], { authorities: [CA1, CA2], algorithms: ['ed25519', 'ecdsa-sha2-384'] }),
    });
    expect(agreement(pair)).toEqual({ pairs: 0, agree: true });
    const [request, response] = pair.sent.map(({ octets }) => payloadsOf(octets));
    expect(requestsOf(request!)).toEqual([]);
    expect(dataOf(request!, NOTIFY.SUPPORTED_AUTH_METHODS)).toEqual([]);
    expect(requestsOf(response!)).toEqual([[CERT_ENCODING.X509_SIGNATURE, toHex(CA1) + toHex(CA2)]]);
    expect(dataOf(response!, NOTIFY.SIGNATURE_HASH_ALGORITHMS)).toEqual([Uint8Array.of(0, 3, 0, 5)]);
    expect(parseAuthMethods(dataOf(response!, NOTIFY.SUPPORTED_AUTH_METHODS)[0]!)).toEqual([
      { kind: 'digital-signature', certLink: 0, algorithm: algorithmIdentifier('ed25519') },
      { kind: 'digital-signature', certLink: 0, algorithm: algorithmIdentifier('ecdsa-sha2-384') },
    ]);
  });

  it('and the initiator with IKE_AUTH', () => {
    const { pair } = signedPair({
      leftConnection: signing([ECDSA], { authorities: [CA1] }),
      rightConnection: signing([RSA], { authorities: [CA2] }),
    });
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    const auth = labels(pair).find((label) => label.startsWith('sent IKE_AUTH request'));
    expect(auth).toMatch(/IDi,CERT,CERTREQ,IDr,AUTH,.*N\(SUPPORTED_AUTH_METHODS\)/);
    expect(pair.sent).toHaveLength(4);
  });

  it('ask for no more authorities than announcements can link to, and set up all the same', () => {
    const many = Array.from({ length: 4000 }, (_, i) => Uint8Array.from({ length: 20 }, (_, at) => (i >>> at) & 0xff));
    const { pair, jobs } = signedPair({
      leftConnection: signing([ECDSA], { authorities: many }),
      rightConnection: { ...signing([ECDSA], { authorities: many }), fragmentSize: 65_000 },
    });
    expect(requestsOf(payloadsOf(pair.sent[1]!.octets)).map(([, hashes]) => hashes.length)).toEqual([2 * 20 * 255]);
    expect(verifiedAt(jobs, 'left')).toBeDefined();
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });

  it('never offer to look certificates up by HTTP', () => {
    const { pair } = signedPair({ leftConnection: signing([ECDSA]), rightConnection: signing([ECDSA]) });
    const clear = pair.sent.slice(0, 2).flatMap(({ octets }) => payloadsOf(octets));
    expect(dataOf(clear, NOTIFY.HTTP_CERT_LOOKUP_SUPPORTED)).toEqual([]);
    expect(labels(pair).join()).not.toContain('HTTP_CERT_LOOKUP');
  });

  it('choose the certificate that the other trusts, in both roles', () => {
    const { pair, jobs } = signedPair({
      leftConnection: signing([RSA, ECDSA], { authorities: [CA1] }),
      rightConnection: signing([ECDSA, RSA], { authorities: [CA2] }),
    });
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    expect(signedBy(jobs, 'left')).toEqual([['ecdsa', 'ecdsa-sha2-256']]);
    expect(signedBy(jobs, 'right')).toEqual([['rsa', 'rsa-pss-sha2-256', 'rsa-pkcs1-sha2-256']]);
    expect(verifiedAt(jobs, 'left')?.certificates.map(({ encoding, data }) => [encoding, data[0]])).toEqual([
      [4, 1],
      [4, 11],
    ]);
  });

  it('choose the algorithm that the other announced, in both roles', () => {
    const { pair, jobs } = signedPair({
      leftConnection: signing([ECDSA, RSA], { algorithms: ['rsa-pkcs1-sha2-256'] }),
      rightConnection: signing([ECDSA, RSA], { algorithms: ['rsa-pss-sha2-256'] }),
    });
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    expect(signedBy(jobs, 'left')).toEqual([['rsa', 'rsa-pss-sha2-256']]);
    expect(signedBy(jobs, 'right')).toEqual([['rsa', 'rsa-pkcs1-sha2-256']]);
  });

  it('are asked as they are configured now, not as they were when the first one came', () => {
    const { pair } = signedPair({ leftConnection: signing([ECDSA]), rightConnection: signing([ECDSA]) });
    const accepted = (algorithms: readonly SignatureAlgorithm[]) => [
      connection('right', signing([ECDSA], { algorithms })),
    ];
    const hashes = () => {
      pair.give(pair.left, { kind: 'delete-ike', connection: 'left-right' });
      pair.runFor(60_000);
      const from = pair.sent.length;
      pair.give(pair.left, { kind: 'initiate', connection: 'left-right' });
      pair.runFor(5000);
      return dataOf(payloadsOf(pair.sent[from + 1]!.octets), NOTIFY.SIGNATURE_HASH_ALGORITHMS);
    };
    expect(hashes()).toEqual([Uint8Array.of(0, 2, 0, 3, 0, 4, 0, 5)]);
    pair.give(pair.right, { kind: 'configure', connections: accepted(['ecdsa-sha2-256']) });
    expect(hashes()).toEqual([Uint8Array.of(0, 2)]);
  });

  it('link methods to authorities where one address may be several peers (RFC 9593 section 3.2.2)', () => {
    const peer = (name: string, remote: Omit<Remote, 'kind'>): Connection => ({
      ...connection('right', signing([ECDSA], remote)),
      name,
      remoteIdentity: identity(name),
    });
    const { pair, jobs } = signedPair({
      leftConnection: signing([RSA, ECDSA]),
      rightConnections: [
        peer('other', { authorities: [CA1], algorithms: ['ed25519'] }),
        peer('left', { authorities: [CA2], algorithms: ['ecdsa-sha2-256', 'rsa-pss-sha2-256'] }),
      ],
    });
    expect(parseAuthMethods(dataOf(payloadsOf(pair.sent[1]!.octets), NOTIFY.SUPPORTED_AUTH_METHODS)[0]!)).toEqual([
      { kind: 'digital-signature', certLink: 1, algorithm: algorithmIdentifier('ed25519') },
      { kind: 'digital-signature', certLink: 2, algorithm: algorithmIdentifier('ecdsa-sha2-256') },
      { kind: 'digital-signature', certLink: 2, algorithm: algorithmIdentifier('rsa-pss-sha2-256') },
    ]);
    expect(signedBy(jobs, 'left')).toEqual([['ecdsa', 'ecdsa-sha2-256']]);
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });

  it('show raw public keys to each other, asked for with an empty CERTREQ (RFC 7670 section 3)', () => {
    const { pair, jobs } = signedPair({
      leftConnection: signing([RAW], { rawPublicKeys: true }),
      rightConnection: signing([ECDSA, RAW], { rawPublicKeys: true }),
    });
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    expect(requestsOf(payloadsOf(pair.sent[1]!.octets))).toEqual([[CERT_ENCODING.RAW_PUBLIC_KEY, '']]);
    for (const end of ['left', 'right']) {
      expect(verifiedAt(jobs, end)?.certificates).toMatchObject([{ encoding: 15, data: Uint8Array.of(3) }]);
    }
  });

  it('are refused with the reason when they sign with what is not accepted', () => {
    const { pair, jobs } = signedPair({
      leftConnection: signing([ECDSA]),
      rightConnection: signing([ECDSA], { algorithms: ['rsa-pss-sha2-256'] }),
    });
    expect(failures(pair.left)).toMatchObject([{ reason: { code: 'peer_refused', notify: 'AUTHENTICATION_FAILED' } }]);
    expect(failures(pair.right)).toMatchObject([
      {
        reason: {
          code: 'authentication_failed',
          detail: 'the peer signed with ecdsa-sha2-256, of which the connection accepts rsa-pss-sha2-256',
        },
      },
    ]);
    expect(verifiedAt(jobs, 'right')).toBeUndefined();
  });

  it('do not sign for a peer without a hash that they have', () => {
    const { pair } = signedPair({
      leftConnection: signing([ECDSA]),
      rightConnection: signing([ECDSA], { algorithms: ['ed25519'] }),
    });
    expect(failures(pair.left)).toMatchObject([{ reason: { code: 'signing_failed' } }]);
  });

  it.each<[string, readonly SignatureAlgorithm[], readonly number[]]>([
    ['only EdDSA: only the identity hash', ['ed25519', 'ed448'], [0, 5]],
    ['no EdDSA: no identity hash', ['ecdsa-sha2-256', 'rsa-pss-sha2-512', 'rsa-pkcs1'], [0, 2, 0, 4]],
    ['all there is: all but SHA-1', [], [0, 2, 0, 3, 0, 4, 0, 5]],
  ])('announce the hashes of %s (RFC 8420 section 3)', (_, algorithms, hashes) => {
    const accepted = algorithms.length === 0 ? {} : { algorithms };
    const { pair } = signedPair({ leftConnection: signing([ECDSA], accepted), rightConnection: signing([ECDSA]) });
    const data = dataOf(payloadsOf(pair.sent[0]!.octets), NOTIFY.SIGNATURE_HASH_ALGORITHMS);
    expect(data).toEqual([Uint8Array.from(hashes)]);
  });

  it.each([
    ['no EdDSA', ECDSA, [0, 2]],
    ['only EdDSA', RAW, [0, 5]],
  ])('announce the hashes of what they sign with themselves to a peer that does not sign: %s', (_, own, hashes) => {
    const psk = { kind: 'psk', key: new Secret(new Uint8Array(32).fill(5)) } as const;
    const { pair } = signedPair({
      leftConnection: { ...signing([own]), remoteAuthentication: psk },
      rightConnection: { ...signing([]), localAuthentication: psk },
    });
    expect(dataOf(payloadsOf(pair.sent[0]!.octets), NOTIFY.SIGNATURE_HASH_ALGORITHMS)).toEqual([
      Uint8Array.from(hashes),
    ]);
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });

  it.each(['left', 'right'] as const)(
    'sign by the methods before RFC 7427, both, where %s takes no other: only who hears of hashes from each other does not (section 3)',
    (side) => {
      const classic: Credential = { ...RSA, algorithms: ['rsa-pkcs1'] };
      const both: Credential = { ...RSA, algorithms: ['rsa-pss-sha2-256', 'rsa-pkcs1'] };
      const [old, young] = [signing([classic], { algorithms: ['rsa-pkcs1'] }), signing([both])];
      const { pair, jobs } = signedPair({
        leftConnection: side === 'left' ? old : young,
        rightConnection: side === 'left' ? young : old,
      });
      const announced = pair.sent.slice(0, 2).map(({ octets }) => payloadsOf(octets));
      expect(announced.map((payloads) => dataOf(payloads, NOTIFY.SIGNATURE_HASH_ALGORITHMS).length)).toEqual(
        side === 'left' ? [0, 1] : [1, 0],
      );
      for (const end of ['left', 'right']) expect(signedBy(jobs, end)).toEqual([['rsa', 'rsa-pkcs1']]);
      expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    },
  );

  it('call themselves by an address only if they are there (RFC 4945 section 3.1.1)', () => {
    const named = (address: Uint8Array, changes: Omit<Remote, 'kind'> = {}) => {
      const id = { type: ID_TYPE.IPV4_ADDR, data: address };
      const { pair } = signedPair({
        leftConnection: { ...signing([ECDSA]), localIdentity: id },
        rightConnection: { ...signing([ECDSA], changes), remoteIdentity: id },
      });
      return failures(pair.right);
    };
    expect(named(LEFT)).toEqual([]);
    expect(named(RIGHT)).toMatchObject([
      {
        reason: { code: 'authentication_failed', detail: expect.stringMatching(/192.0.2.2, which is not the address/) },
      },
    ]);
    expect(named(RIGHT, { anySourceAddress: true })).toEqual([]);
  });
});

describe('Peers with a pre-shared key', () => {
  it('announce that, and no hashes', () => {
    const pair = establishedPair();
    const [request, response] = pair.sent.map(({ octets }) => payloadsOf(octets));
    for (const payloads of [request!, response!])
      expect(dataOf(payloads, NOTIFY.SIGNATURE_HASH_ALGORITHMS)).toEqual([]);
    expect(dataOf(response!, NOTIFY.SUPPORTED_AUTH_METHODS)).toEqual([Uint8Array.of(2, 2)]);
  });
});

describe('Authentication methods that do not fit IKE_SA_INIT (RFC 9593 section 3.1)', () => {
  const small = { fragmentSize: 450 };

  it('come with IKE_INTERMEDIATE, which is for them alone, and are used', () => {
    const { pair, jobs } = signedPair({
      leftConnection: signing([ECDSA, RSA]),
      rightConnection: { ...signing([ECDSA], { authorities: [CA1] }), ...small },
    });
    const response = payloadsOf(pair.sent[1]!.octets);
    expect(pair.sent[1]!.octets.length).toBeLessThanOrEqual(small.fragmentSize);
    expect(dataOf(response, NOTIFY.SUPPORTED_AUTH_METHODS)).toEqual([new Uint8Array(0)]);
    expect(labels(pair)).toContain('sent IKE_INTERMEDIATE request IDi,IDr');
    expect(labels(pair)).toContain('received IKE_INTERMEDIATE response CERTREQ,N(SUPPORTED_AUTH_METHODS)');
    expect(pair.left.events[0]).toMatchObject({ kind: 'ike-established', keyExchangeMethods: [KE.CURVE25519] });
    expect(signedBy(jobs, 'left')).toEqual([['rsa', 'rsa-pss-sha2-256', 'rsa-pkcs1-sha2-256']]);
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });

  it('are those for the initiator alone, which says who it is as it will in IKE_AUTH', () => {
    const peer = (name: string, algorithms: readonly SignatureAlgorithm[]): Connection => ({
      ...connection('right', { ...signing([ECDSA], { algorithms }), fragmentSize: 200 }),
      name,
      remoteIdentity: identity(name),
    });
    const { pair, jobs } = signedPair({
      leftConnection: signing([RAW, RSA]),
      rightConnections: [peer('other', ['ed25519']), peer('left', ['rsa-pkcs1-sha2-256'])],
    });
    expect(labels(pair)).toContain('sent IKE_INTERMEDIATE request IDi,IDr');
    expect(signedBy(jobs, 'left')).toEqual([['rsa', 'rsa-pkcs1-sha2-256']]);
    expect(verifiedAt(jobs, 'right')?.identity).toEqual(identity('left'));
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });

  it('come with the last of the additional key exchanges where there are any', () => {
    const { pair, jobs } = signedPair({
      leftConnection: { ...signing([ECDSA, RSA]), proposals: [HYBRID] },
      rightConnection: {
        ...signing([ECDSA], { authorities: [CA1], algorithms: ['rsa-pss-sha2-512', 'rsa-pkcs1-sha2-256'] }),
        ...{ fragmentSize: 300 },
        proposals: [HYBRID],
      },
    });
    expect(mermaid(pair.sent).match(/IKE_INTERMEDIATE request/g)?.length).toBeGreaterThan(0);
    expect(labels(pair)).toContain('sent IKE_INTERMEDIATE request KE,IDi,IDr');
    expect(labels(pair)).toContain('received IKE_INTERMEDIATE response KE,CERTREQ,N(SUPPORTED_AUTH_METHODS)');
    expect(signedBy(jobs, 'left')).toEqual([['rsa', 'rsa-pkcs1-sha2-256']]);
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });

  it('survive the loss of any one datagram of the exchange', () => {
    for (let lost = 0; lost < 8; lost++) {
      let count = 0;
      const { pair } = signedPair({
        leftConnection: signing([RSA]),
        rightConnection: { ...signing([ECDSA]), ...small },
        mutate: (_from, octets) => (count++ === lost ? undefined : octets),
      });
      pair.runFor(30_000);
      expect([lost, agreement(pair)]).toEqual([lost, { pairs: 1, agree: true }]);
    }
  });

  it('are left out for a peer without IKE_INTERMEDIATE, and the authorities only when they do not fit either', () => {
    const answerOf = (fragmentSize: number, authorities: readonly Uint8Array[]) => {
      const pair = makePair({
        leftConnection: signing([RSA]),
        rightConnection: { ...signing([ECDSA], { authorities }), fragmentSize },
      });
      pair.give(pair.left, { kind: 'initiate', connection: 'left-right' });
      const [{ octets } = { octets: new Uint8Array(0) }] = pair.sent;
      const parsed = parseMessage(octets);
      if (!parsed.ok) throw new Error('no request');
      const { header, payloads } = parsed.value;
      const without = payloads.filter(
        (payload) => payload.kind !== 'N' || payload.type !== NOTIFY.INTERMEDIATE_EXCHANGE_SUPPORTED,
      );
      const spi = Uint8Array.of(9, 9, 9, 9, 9, 9, 9, 9);
      const request = encodeMessage({ ...header, initiatorSpi: spi }, without);
      pair.give(pair.right, {
        kind: 'datagram',
        local: { address: RIGHT, port: 500 },
        remote: { address: LEFT, port: 500 },
        octets: request,
      });
      return payloadsOf(pair.sent.at(-1)!.octets);
    };
    const some = answerOf(400, [CA1]);
    expect(dataOf(some, NOTIFY.SUPPORTED_AUTH_METHODS)).toEqual([]);
    expect(dataOf(some, NOTIFY.INTERMEDIATE_EXCHANGE_SUPPORTED)).toEqual([]);
    expect(requestsOf(some)).toHaveLength(1);
    expect(
      requestsOf(
        answerOf(
          400,
          Array.from({ length: 40 }, (_, i) => hash(i)),
        ),
      ),
    ).toEqual([]);
  });

  it('are not asked for when they came, and an empty IKE_INTERMEDIATE that asks again breaks the grammar', () => {
    const { pair } = signedPair({ leftConnection: signing([RSA]), rightConnection: signing([ECDSA]) });
    expect(mermaid(pair.sent)).not.toContain('IKE_INTERMEDIATE');
    const { right, now } = makeHalfOpen();
    const [sa] = right.engine.associations();
    const header = {
      initiatorSpi: sa!.initiatorSpi,
      responderSpi: sa!.responderSpi,
      nextPayload: 0,
      exchange: EXCHANGE.IKE_INTERMEDIATE,
      fromInitiator: true,
      response: false,
      messageId: 1,
    };
    const message = { header, payloads: [], intermediateHeader: new Uint8Array(0), plaintext: new Uint8Array(0) };
    respondIntermediate(sa!, message, now);
    expect(sa?.state.name).toBe('closed');
    expect(messagesOf(sa)).toContainEqual(
      expect.objectContaining({ exchange: 'IKE_INTERMEDIATE', response: true, payloads: ['N(INVALID_SYNTAX)'] }),
    );
  });
});

/** The initiator's IKE_AUTH is lost for ever. */
function makeHalfOpen(): IkePair {
  const pair = makePair({
    leftConnection: { ...signing([RSA]), proposals: [IKE_GCM] },
    rightConnection: signing([ECDSA]),
    mutate: (_from, octets) => (octets[18] === EXCHANGE.IKE_AUTH ? undefined : octets),
    runJob: () => ({ kind: 'signed', algorithm: 'rsa-pss-sha2-256', signature: Uint8Array.of(1) }),
  });
  pair.give(pair.left, { kind: 'initiate', connection: 'left-right' });
  pair.runFor(1000);
  return pair;
}
