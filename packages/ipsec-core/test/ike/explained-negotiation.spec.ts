import { describe, expect, it } from 'vitest';
import { nodeCryptoProvider } from '../../providers/node-crypto/node-crypto-provider.js';
import { Secret } from '../../src/bytes/secret.js';
import { describeFailure } from '../../src/ike/describe-failure.js';
import { explainHistory } from '../../src/ike/history/explain-history.js';
import { historyTable } from '../../src/ike/history/history-table.js';
import { sequenceDiagram } from '../../src/ike/history/sequence-diagram.js';
import type { PairEnd } from '../../src/testing/pair.js';
import { PERFECT } from '../../src/testing/simulated-network.js';
import { ENCR, KE, TRANSFORM_TYPE } from '../../src/wire/ike/iana.js';
import { transform } from '../../src/wire/ike/payloads/sa.js';
import {
  connection,
  ESP_GCM,
  establishedPair,
  HYBRID,
  IKE_GCM,
  type MakePair,
  makePair,
  prefix,
  toyKeyExchange,
} from './fixtures.js';

const quick = { keyExchange: toyKeyExchange, engine: { provider: nodeCryptoProvider } };
const history = (end: PairEnd) =>
  explainHistory(end.engine.associations().flatMap(({ lineage }) => lineage.history.entries));
const [child] = connection('left').children;

const REFUSALS: ReadonlySet<string> = new Set(['ike-failed', 'ike-attempt-failed', 'child-failed']);

/** What either end says when the two do not come together. */
function told(options: MakePair): { readonly left: string; readonly right: string } {
  const pair = establishedPair({ ...quick, ...options });
  const failure = (end: PairEnd) => {
    const event = end.events.find(({ kind }) => REFUSALS.has(kind));
    return event !== undefined && 'reason' in event ? describeFailure(event.reason) : 'nothing';
  };
  return { left: failure(pair.left), right: failure(pair.right) };
}

describe('The history of a negotiation', () => {
  it('says what was offered and chosen, by whom, in how long, with which keys, and that no NAT lies between', () => {
    const pair = establishedPair({
      ...quick,
      conditions: { ...PERFECT, minimumDelay: 20, maximumDelay: 20 },
      leftConnection: { proposals: [HYBRID, IKE_GCM] },
      rightConnection: { proposals: [HYBRID] },
    });
    const [left, right] = [history(pair.left), history(pair.right)];
    expect(
      left.map((entry) => (entry.kind === 'message' ? `${entry.direction} ${entry.exchange}` : entry.kind)),
    ).toEqual([
      'sent IKE_SA_INIT',
      'received IKE_SA_INIT',
      'nat-found',
      'sent IKE_INTERMEDIATE',
      'received IKE_INTERMEDIATE',
      'sent IKE_AUTH',
      'received IKE_AUTH',
      'child-installed',
      'established',
    ]);
    expect(left[0]).toMatchObject({
      response: false,
      proposals: [
        '1: IKE ENCR AES_GCM_16/128, PRF HMAC_SHA2_256, KE CURVE25519, ADDKE1 ML_KEM_768',
        '2: IKE ENCR AES_GCM_16/128, PRF HMAC_SHA2_256, KE CURVE25519',
      ],
      keyExchange: 'CURVE25519',
    });
    const chosen = { proposals: ['1: IKE ENCR AES_GCM_16/128, PRF HMAC_SHA2_256, KE CURVE25519, ADDKE1 ML_KEM_768'] };
    expect(left[1]).toMatchObject({ ...chosen, response: true, roundTrip: 40 });
    expect(left[2]).toMatchObject({ weBehind: false, peerBehind: false });
    expect(left[5]).toMatchObject({
      identities: ['left', 'right'],
      authentication: 'SHARED_KEY',
      initiatorSelectors: ['10.1.0.0-10.1.0.255'],
      responderSelectors: ['10.2.0.0-10.2.0.255'],
    });
    expect(left.at(-1)).toMatchObject({
      keyExchange: ['CURVE25519', 'ML_KEM_768'],
      local: 'left',
      remote: 'right',
    });
    expect(right.find((entry) => entry.kind === 'message' && entry.direction === 'sent')).toMatchObject(chosen);
    expect(right.at(-1)).toMatchObject({ kind: 'established', keyExchange: ['CURVE25519', 'ML_KEM_768'] });
  });

  it('holds no key, share, signature or nonce', () => {
    const pair = establishedPair({
      ...quick,
      leftConnection: { proposals: [HYBRID] },
      rightConnection: { proposals: [HYBRID] },
    });
    const octets = pair.left.engine
      .associations()
      .flatMap(({ lineage }) => lineage.history.entries)
      .flatMap((entry) => longest(entry));
    // Addresses and names; whatever is secret or random has 32 octets and more.
    expect(Math.max(...octets)).toBeLessThan(20);
  });

  it('counts repetitions, of our requests and of our answers', () => {
    const pair = makePair({ ...quick, conditions: { ...PERFECT, loss: 1 } });
    pair.give(pair.left, { kind: 'initiate', connection: 'left-right' });
    pair.runFor(4000);
    pair.network.conditions = { ...PERFECT, duplication: 1 };
    pair.runFor(20_000);
    expect(history(pair.left)).toContainEqual(
      expect.objectContaining({ kind: 'retransmitted', exchange: 'IKE_SA_INIT', id: 0, attempt: 2 }),
    );
    expect(history(pair.right)).toContainEqual(
      expect.objectContaining({ kind: 'answered-again', exchange: 'IKE_AUTH', id: 1 }),
    );
  });

  it('comes with the event that ends it', () => {
    const pair = establishedPair(quick);
    pair.give(pair.left, { kind: 'delete-ike', connection: 'left-right' });
    pair.runFor(1000);
    for (const end of [pair.left, pair.right]) {
      const closed = end.events.find((event) => event.kind === 'ike-closed');
      const kinds = explainHistory(closed?.history.entries ?? []).map(({ kind }) => kind);
      expect(kinds).toContain('established');
      expect(closed?.history.omitted).toBe(0);
    }
  });
});

describe('A refusal explains itself at both ends', () => {
  it('NO_PROPOSAL_CHOSEN of the IKE SA', () => {
    const other = [...IKE_GCM.slice(0, 2), transform(TRANSFORM_TYPE.KE, KE.ECP_256)];
    expect(told({ leftConnection: { proposals: [other] } })).toEqual({
      left: 'the peer refused in IKE_SA_INIT: NO_PROPOSAL_CHOSEN; it accepts none of what was offered: ENCR AES_GCM_16/128, PRF HMAC_SHA2_256, KE ECP_256',
      right:
        'no proposal of the peer is accepted here; proposal 1 comes closest: for KE it offers ECP_256, accepted is CURVE25519',
    });
  });

  it('NO_PROPOSAL_CHOSEN of a Child SA', () => {
    const proposals = [[transform(TRANSFORM_TYPE.ENCR, ENCR.CHACHA20_POLY1305), ...ESP_GCM.slice(1)]];
    expect(told({ leftConnection: { children: [{ ...child!, proposals }] } })).toEqual({
      left: 'the peer refused in IKE_AUTH: NO_PROPOSAL_CHOSEN; it accepts none of what was offered: ENCR CHACHA20_POLY1305, SN ESN',
      right:
        'no proposal of the peer is accepted here; proposal 1 comes closest: for ENCR it offers CHACHA20_POLY1305, accepted is AES_GCM_16/128',
    });
  });

  it('TS_UNACCEPTABLE', () => {
    expect(told({ leftConnection: { children: [{ ...child!, remote: [prefix(10, 9, 0)] }] } })).toEqual({
      left: 'the peer refused in IKE_AUTH: TS_UNACCEPTABLE; it allows none of the traffic selectors that were offered: local 10.1.0.0-10.1.0.255; remote 10.9.0.0-10.9.0.255',
      right:
        'of the local traffic selectors nothing is common: the peer offered 10.9.0.0-10.9.0.255; allowed here is 10.2.0.0-10.2.0.255',
    });
  });

  it('AUTHENTICATION_FAILED', () => {
    const key = new Secret(new Uint8Array(32).fill(7));
    expect(told({ leftConnection: { localAuthentication: { kind: 'psk', key } } })).toEqual({
      left: 'the peer refused in IKE_AUTH: AUTHENTICATION_FAILED; it does not believe that this is left, proved by a pre-shared key: its log says why',
      right: 'the peer did not prove who it is: the pre-shared keys differ',
    });
  });

  it('and the responder has its history although it made no IKE SA', () => {
    const other = [...IKE_GCM.slice(0, 2), transform(TRANSFORM_TYPE.KE, KE.ECP_256)];
    const pair = establishedPair({ ...quick, leftConnection: { proposals: [other] } });
    const failed = pair.right.events.find((event) => event.kind === 'ike-attempt-failed');
    expect(explainHistory(failed?.history.entries ?? [])).toMatchObject([
      {
        kind: 'message',
        direction: 'received',
        proposals: ['1: IKE ENCR AES_GCM_16/128, PRF HMAC_SHA2_256, KE ECP_256'],
      },
      { kind: 'failed', why: expect.stringContaining('for KE it offers ECP_256') },
    ]);
  });
});

describe('Drawn', () => {
  const pair = establishedPair({ ...quick, conditions: { ...PERFECT, minimumDelay: 20, maximumDelay: 20 } });
  const entries = history(pair.left).map((entry) => ({ ...entry, sa: '5e1f0a2b' }));
  /** What is drawn at random, and announcements that are nothing to a negotiation. */
  const plain = (text: string) => text.replace(/0x[0-9a-f]{8}/g, '0x…').replace(/ N\([A-Z0-9_]+\)/g, '');

  it('as a table', () => {
    expect(plain(historyTable(entries))).toMatchInlineSnapshot(`
      "+0.000 s  5e1f0a2b  -->  IKE_SA_INIT request 0 { SA KE Nonce }
                               offered 1: IKE ENCR AES_GCM_16/128, PRF HMAC_SHA2_256, KE CURVE25519
                               key share: CURVE25519
      +0.040 s  5e1f0a2b  <--  IKE_SA_INIT response 0 { SA KE Nonce }, after 40 ms
                               chosen 1: IKE ENCR AES_GCM_16/128, PRF HMAC_SHA2_256, KE CURVE25519
                               key share: CURVE25519
      +0.040 s  5e1f0a2b       no NAT between
      +0.040 s  5e1f0a2b  -->  IKE_AUTH request 1 { IDi IDr AUTH SA TSi TSr }
                               offered 1: ESP ENCR AES_GCM_16/128, SN ESN
                               identity: left, wants to speak with right
                               proof: SHARED_KEY
                               TSi: 10.1.0.0-10.1.0.255
                               TSr: 10.2.0.0-10.2.0.255
      +0.080 s  5e1f0a2b  <--  IKE_AUTH response 1 { IDr AUTH SA TSi TSr }, after 40 ms
                               chosen 1: ESP ENCR AES_GCM_16/128, SN ESN
                               identity: right
                               proof: SHARED_KEY
                               TSi: 10.1.0.0-10.1.0.255
                               TSr: 10.2.0.0-10.2.0.255
      +0.080 s  5e1f0a2b       Child SA net installed, SPI 0x… in, 0x… out
                               esp aes-gcm-16/128 esn, tunnel mode
                               here: 10.1.0.0-10.1.0.255
                               there: 10.2.0.0-10.2.0.255
      +0.080 s  5e1f0a2b       established
                               keys: CURVE25519
                               us: left
                               peer: right"
    `);
  });

  it('as a sequence diagram', () => {
    const diagram = sequenceDiagram(entries, { us: 'paris', peer: 'tokyo; <b>' });
    expect(plain(diagram)).toMatchInlineSnapshot(`
      "sequenceDiagram
        participant us as paris
        participant peer as tokyo#59; #60;b#62;
        us->>peer: 0 ms IKE_SA_INIT request 0 { SA KE Nonce }<br/>offered 1: IKE ENCR AES_GCM_16/128, PRF HMAC_SHA2_256, KE CURVE25519<br/>key share: CURVE25519
        peer-->>us: 40 ms IKE_SA_INIT response 0 { SA KE Nonce }, after 40 ms<br/>chosen 1: IKE ENCR AES_GCM_16/128, PRF HMAC_SHA2_256, KE CURVE25519<br/>key share: CURVE25519
        Note over us: 40 ms no NAT between
        us->>peer: 40 ms IKE_AUTH request 1 { IDi IDr AUTH SA TSi TSr }<br/>offered 1: ESP ENCR AES_GCM_16/128, SN ESN<br/>identity: left, wants to speak with right<br/>proof: SHARED_KEY<br/>TSi: 10.1.0.0-10.1.0.255<br/>TSr: 10.2.0.0-10.2.0.255
        peer-->>us: 80 ms IKE_AUTH response 1 { IDr AUTH SA TSi TSr }, after 40 ms<br/>chosen 1: ESP ENCR AES_GCM_16/128, SN ESN<br/>identity: right<br/>proof: SHARED_KEY<br/>TSi: 10.1.0.0-10.1.0.255<br/>TSr: 10.2.0.0-10.2.0.255
        Note over us: 80 ms Child SA net installed, SPI 0x… in, 0x… out<br/>esp aes-gcm-16/128 esn, tunnel mode<br/>here: 10.1.0.0-10.1.0.255<br/>there: 10.2.0.0-10.2.0.255
        Note over us: 80 ms established<br/>keys: CURVE25519<br/>us: left<br/>peer: right"
    `);
  });
});

/** Lengths of all octet strings in a value. */
function longest(value: unknown): number[] {
  if (value instanceof Uint8Array) return [value.length];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(longest) : [];
}
