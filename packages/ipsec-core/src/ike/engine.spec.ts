import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  ANYWHERE,
  agreement,
  ESP_GCM,
  establishedPair,
  HYBRID,
  IKE_GCM,
  LEFT,
  prefix,
} from '../../test/ike/fixtures.js';
import { Secret } from '../bytes/secret.js';
import { mermaid } from '../testing/mermaid.js';
import { PERFECT } from '../testing/simulated-network.js';
import { ENCR, INTEG, KE, PRF, TRANSFORM_TYPE } from '../wire/ike/iana.js';
import { transform } from '../wire/ike/payloads/sa.js';
import type { CredentialJob, JobResult } from './outputs.js';

const failures = (end: { events: readonly { kind: string }[] }) =>
  end.events.filter((event) => /failed|closed/.test(event.kind));

describe('Two engines', () => {
  it('set up one IKE SA and one Child SA with a pre-shared key, in four messages', () => {
    const pair = establishedPair();
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    expect(pair.sent).toHaveLength(4);
    expect(mermaid(pair.sent)).toContain('left->>right: 20 ms IKE_AUTH request 1 SK');
    expect(pair.left.events[0]).toMatchObject({ kind: 'ike-established', keyExchangeMethods: [KE.CURVE25519] });
    expect(failures(pair.left).concat(failures(pair.right))).toEqual([]);
  });

  it('number the requests of each side on their own: the first of the responder is 0 (section 2.2)', () => {
    const pair = establishedPair();
    pair.give(pair.right, { kind: 'rekey-ike', connection: 'left-right' });
    pair.runFor(5000);
    expect(mermaid(pair.sent)).toContain('CREATE_CHILD_SA request 0 SK');
    expect(failures(pair.left).concat(failures(pair.right))).toEqual([]);
  });

  it.each([
    [
      'AES-CBC with HMAC',
      [
        transform(1, ENCR.AES_CBC, 256),
        transform(2, PRF.HMAC_SHA2_512),
        transform(3, INTEG.HMAC_SHA2_256_128),
        transform(4, KE.ECP_256),
      ],
    ],
    [
      'AES-CTR',
      [
        transform(1, ENCR.AES_CTR, 128),
        transform(2, PRF.AES128_XCBC),
        transform(3, INTEG.AES_XCBC_96),
        transform(4, KE.CURVE25519),
      ],
    ],
    ['AES-CCM', [transform(1, ENCR.AES_CCM_8, 192), transform(2, PRF.AES128_CMAC), transform(4, KE.ECP_384)]],
    [
      'ChaCha20-Poly1305',
      [transform(1, ENCR.CHACHA20_POLY1305), transform(2, PRF.HMAC_SHA2_384), transform(4, KE.CURVE448)],
    ],
  ])('with %s', (_name, proposal) => {
    const pair = establishedPair({
      leftConnection: { proposals: [proposal] },
      rightConnection: { proposals: [IKE_GCM, proposal] },
    });
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });

  it('go through IKE_INTERMEDIATE with ML-KEM-768, in fragments, and say so', () => {
    const pair = establishedPair({
      leftConnection: { proposals: [HYBRID] },
      rightConnection: { proposals: [HYBRID] },
      conditions: { ...PERFECT, maximumPayload: 1200 },
    });
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    expect(pair.left.events[0]).toMatchObject({ keyExchangeMethods: [KE.CURVE25519, KE.ML_KEM_768] });
    expect(mermaid(pair.sent)).toContain('IKE_INTERMEDIATE request 1 SKF');
  });

  it('meet where one side offers ADDKE with NONE and the other has none (no IKE_INTERMEDIATE then)', () => {
    const optional = [
      ...IKE_GCM,
      transform(TRANSFORM_TYPE.ADDKE1, KE.NONE),
      transform(TRANSFORM_TYPE.ADDKE1, KE.ML_KEM_768),
    ];
    const pair = establishedPair({ leftConnection: { proposals: [optional] } });
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    expect(pair.left.events[0]).toMatchObject({ keyExchangeMethods: [KE.CURVE25519] });
    expect(mermaid(pair.sent)).not.toContain('INTERMEDIATE');
  });

  it('retry with the group that the responder asks for', () => {
    const both = [...IKE_GCM.slice(0, 2), transform(4, KE.CURVE25519), transform(4, KE.ECP_256)];
    const pair = establishedPair({
      leftConnection: { proposals: [both] },
      rightConnection: { proposals: [[...IKE_GCM.slice(0, 2), transform(4, KE.ECP_256)]] },
    });
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    expect(pair.sent).toHaveLength(6);
  });

  it('ask a stranger for a cookie under load, and take it', () => {
    const pair = establishedPair({ engine: { cookieThreshold: 0 } });
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    expect(pair.right.engine.drops().get('cookie_required')).toBe(1);
  });

  it('authenticate with Ed25519 signatures made and checked outside', () => {
    const keys = { left: generateKeyPairSync('ed25519'), right: generateKeyPairSync('ed25519') };
    const runJob = (end: string, job: CredentialJob): JobResult => {
      const [own, peer] = end === 'left' ? [keys.left, keys.right] : [keys.right, keys.left];
      if (job.kind === 'sign')
        return { kind: 'signed', algorithm: 'ed25519', signature: sign(null, job.octets, own.privateKey) };
      const good = verify(null, job.octets, peer.publicKey, job.signature) && job.certificates.length === 1;
      return good ? { kind: 'verified' } : { kind: 'failed', reason: 'bad signature' };
    };
    const auth = (credential: string) =>
      ({
        localAuthentication: {
          kind: 'signature',
          credentials: [{ name: credential, algorithms: ['ed25519'], certificates: [Uint8Array.of(1)] }],
        },
        remoteAuthentication: { kind: 'signature' },
      }) as const;
    const pair = establishedPair({ leftConnection: auth('l'), rightConnection: auth('r'), runJob });
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    const bad = establishedPair({
      leftConnection: auth('l'),
      rightConnection: auth('r'),
      runJob: (end, job) =>
        end === 'left' && job.kind === 'verify' ? { kind: 'failed', reason: 'chain' } : runJob(end, job),
    });
    expect(failures(bad.left)).toMatchObject([
      { kind: 'ike-failed', connection: 'left-right', reason: { code: 'authentication_failed', detail: 'chain' } },
    ]);
    expect(bad.right.sad.installed.size).toBe(0);
  });

  it.each([
    [
      'another key',
      { localAuthentication: { kind: 'psk', key: new Secret(Uint8Array.of(9)) } as const },
      'AUTHENTICATION_FAILED',
    ],
    ['another identity', { localIdentity: { type: 2, data: Uint8Array.of(0x78) } }, 'AUTHENTICATION_FAILED'],
    [
      'no common suite',
      { proposals: [[transform(1, ENCR.AES_CBC, 128), transform(2, 5), transform(3, 12), transform(4, 31)]] },
      'NO_PROPOSAL_CHOSEN',
    ],
  ])('refuse %s with the right notify and nothing left behind', (_name, leftConnection, notify) => {
    const pair = establishedPair({ leftConnection });
    expect(failures(pair.left)).toMatchObject([{ kind: 'ike-failed', reason: { code: 'peer_refused', notify } }]);
    expect(agreement(pair)).toEqual({ pairs: 0, agree: true });
    pair.runFor(60_000);
    expect(pair.left.engine.associations()).toHaveLength(0);
    expect(pair.right.engine.associations()).toHaveLength(0);
  });

  it('keep the IKE SA when only the Child SA is refused, and explain which transform did not meet', () => {
    const child = {
      name: 'net',
      local: [prefix(10, 1, 0)],
      remote: [prefix(10, 2, 0)],
      mode: 'tunnel',
      lifetime: 3.6e6,
    } as const;
    const pair = establishedPair({
      leftConnection: {
        children: [{ ...child, proposals: [[transform(1, ENCR.CHACHA20_POLY1305), transform(5, 0)]] }],
      },
    });
    expect(failures(pair.left)).toMatchObject([
      { kind: 'child-failed', reason: { code: 'peer_refused', notify: 'NO_PROPOSAL_CHOSEN' } },
    ]);
    expect(failures(pair.right)).toMatchObject([
      {
        kind: 'child-failed',
        reason: {
          code: 'no_proposal_chosen',
          refusals: [
            {
              reason: 'transforms',
              differences: [
                { type: 'ENCR', theirs: ['CHACHA20_POLY1305'], ours: ['AES_GCM_16/128'] },
                { type: 'SN', theirs: ['NO_ESN'], ours: ['ESN'] },
              ],
            },
          ],
        },
      },
    ]);
    expect(pair.left.engine.associations()).toHaveLength(1);
    const selectors = establishedPair({
      leftConnection: { children: [{ ...child, proposals: [ESP_GCM], remote: [prefix(10, 9, 0)] }] },
    });
    expect(failures(selectors.left)).toMatchObject([{ reason: { notify: 'TS_UNACCEPTABLE' } }]);
  });

  it('narrow to what both policies allow', () => {
    const wide = {
      type: 'range',
      protocol: 0,
      startPort: 0,
      endPort: 65535,
      first: Uint8Array.of(0, 0, 0, 0),
      last: Uint8Array.of(255, 255, 255, 255),
    } as const;
    const child = {
      name: 'net',
      proposals: [ESP_GCM],
      local: [wide],
      remote: [wide],
      mode: 'tunnel',
      lifetime: 3.6e6,
    } as const;
    const pair = establishedPair({ leftConnection: { children: [child] } });
    const [entry] = pair.left.sad.installed.values();
    expect(entry?.association).toMatchObject({ local: [prefix(10, 1, 0)], remote: [prefix(10, 2, 0)] });
  });

  it('find the NAT between them, move to port 4500 and encapsulate', () => {
    const outside = { address: Uint8Array.of(203, 0, 113, 7), port: 40_000 };
    const pair = establishedPair({
      rightConnection: { remote: ANYWHERE },
      conditions: { ...PERFECT, nat: { inside: LEFT, outside } },
    });
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    const [entry] = pair.right.sad.installed.values();
    expect(entry?.association.encapsulate).toBe(true);
    const rebound = { address: outside.address, port: 41_000 };
    pair.network.conditions = { ...PERFECT, nat: { inside: LEFT, outside: rebound } };
    pair.runFor(120_000);
    expect(pair.right.engine.associations()[0]?.lineage.path.remote).toEqual(rebound);
    expect(failures(pair.left).concat(failures(pair.right))).toEqual([]);
  });

  it('notice a dead peer after the retransmissions, once', () => {
    const pair = establishedPair();
    pair.network.conditions = { ...PERFECT, loss: 1 };
    pair.runFor(400_000);
    expect(failures(pair.left)).toMatchObject([
      { kind: 'ike-failed', connection: 'left-right', reason: { code: 'peer_silent' } },
    ]);
    expect(pair.left.sad.installed.size).toBe(0);
  });

  it('delete on request, both ends clean', () => {
    const pair = establishedPair();
    pair.give(pair.left, { kind: 'delete-ike', connection: 'left-right' });
    pair.runFor(200_000);
    expect([pair.left.sad.installed.size, pair.right.sad.installed.size]).toEqual([0, 0]);
    expect([pair.left.engine.associations(), pair.right.engine.associations()]).toEqual([[], []]);
    expect(failures(pair.left)).toMatchObject([{ kind: 'ike-closed', connection: 'left-right', by: 'us' }]);
    expect(failures(pair.right)).toMatchObject([{ kind: 'ike-closed', connection: 'left-right', by: 'peer' }]);
  });
});
