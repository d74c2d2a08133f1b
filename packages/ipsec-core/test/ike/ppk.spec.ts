import { inspect } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { nodeCryptoProvider } from '../../providers/node-crypto/node-crypto-provider.js';
import { Secret } from '../../src/bytes/secret.js';
import type { Ppk, PpkConfiguration } from '../../src/ike/connection.js';
import { explainHistory } from '../../src/ike/history/explain-history.js';
import { IkeSa } from '../../src/ike/ike-sa.js';
import type { JobResult } from '../../src/ike/outputs.js';
import type { IkePair, PairEnd } from '../../src/testing/pair.js';
import { EXCHANGE, KE, TRANSFORM_TYPE } from '../../src/wire/ike/iana.js';
import { encodeMessage, parseMessage } from '../../src/wire/ike/message.js';
import { NOTIFY } from '../../src/wire/ike/notify-registry.js';
import { notify } from '../../src/wire/ike/payloads/notify.js';
import type { Payload } from '../../src/wire/ike/payloads/registry.js';
import { transform } from '../../src/wire/ike/payloads/sa.js';
import {
  ANYWHERE,
  agreement,
  connection,
  establishedPair,
  HYBRID,
  IKE_GCM,
  identity,
  type MakePair,
  makePair,
  toyKeyExchange,
} from './fixtures.js';

const ppk = (name: string, octet = name.length, type: 'opaque' | 'fixed' = 'fixed'): Ppk => ({
  id: { type, data: Uint8Array.from(name, (character) => character.charCodeAt(0)) },
  key: new Secret(new Uint8Array(32).fill(octet)),
});
const uses = (required: boolean, ...keys: readonly Ppk[]): { readonly ppk: PpkConfiguration } => ({
  ppk: { keys, required, mixing: 'ike-auth' },
});

function quick(options: MakePair): IkePair {
  return establishedPair({ keyExchange: toyKeyExchange, engine: { provider: nodeCryptoProvider }, ...options });
}

/** A pair whose ends send in IKE_AUTH what `left` and `right` make of what they would have sent. */
function rude(
  options: MakePair,
  { left = (payloads) => payloads, right = (payloads) => payloads }: { left?: Rewrite; right?: Rewrite },
): IkePair {
  vi.restoreAllMocks();
  const { request, respond } = IkeSa.prototype;
  vi.spyOn(IkeSa.prototype, 'request').mockImplementation(function (this: IkeSa, own, now) {
    const changed = own.exchange === EXCHANGE.IKE_AUTH ? { ...own, payloads: left(own.payloads) } : own;
    return request.call(this, changed, now);
  });
  vi.spyOn(IkeSa.prototype, 'respond').mockImplementation(function (this: IkeSa, exchange, payloads, now) {
    return respond.call(this, exchange, exchange === EXCHANGE.IKE_AUTH ? right(payloads) : payloads, now);
  });
  return quick(options);
}
type Rewrite = (payloads: readonly Payload[]) => readonly Payload[];
const isPpkIdentity = (payload: Payload) => payload.kind === 'N' && payload.type === NOTIFY.PPK_IDENTITY;

const protectionAt = (end: PairEnd) => end.events.find(({ kind }) => kind === 'ike-established');
const sent = (end: PairEnd, exchange: string): unknown =>
  end.engine
    .associations()
    .flatMap(({ lineage }) => explainHistory(lineage.history.entries))
    .filter((entry) => entry.kind === 'message')
    .find(
      (message) =>
        message.direction === 'sent' && `${message.exchange} ${message.response ? 'response' : 'request'}` === exchange,
    )?.payloads;

afterEach(() => {
  vi.restoreAllMocks();
});

describe('Postquantum preshared keys (RFC 8784)', () => {
  it.each([
    ['opaque', true],
    ['fixed', true],
    ['opaque', false],
    ['fixed', false],
  ] as const)('of type %s, required: %s, are mixed in, and both ends say so', (type, required) => {
    const key = uses(required, ppk('a', 1, type));
    const pair = quick({ leftConnection: key, rightConnection: key });
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    for (const end of [pair.left, pair.right]) expect(protectionAt(end)).toMatchObject({ postQuantum: ['ppk'] });
    const proof = ['IDi', 'IDr', 'AUTH', 'N(PPK_IDENTITY)', ...(required ? [] : ['N(NO_PPK_AUTH)'])];
    expect((sent(pair.left, 'IKE_AUTH request') as string[]).slice(0, proof.length)).toEqual(proof);
    expect(sent(pair.right, 'IKE_AUTH response')).toContain('N(PPK_IDENTITY)');
  });

  it('is said again with a cookie, and with another key share', () => {
    const groups = (...methods: readonly number[]) => [
      [...IKE_GCM.slice(0, 2), ...methods.map((id) => transform(TRANSFORM_TYPE.KE, id))],
    ];
    const key = uses(true, ppk('a'));
    const pair = quick({
      rightEngine: { cookieThreshold: 0 },
      leftConnection: { ...key, proposals: groups(KE.CURVE25519, KE.ECP_256) },
      rightConnection: { ...key, proposals: groups(KE.ECP_256) },
    });
    expect(pair.sent.filter(({ from, octets }) => from === 'left' && octets[18] === EXCHANGE.IKE_SA_INIT)).toHaveLength(
      3,
    );
    expect(protectionAt(pair.left)).toMatchObject({ postQuantum: ['ppk'] });
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });

  it('change the keys of the Child SA, and of those that follow from rekeys, and not those of the IKE SA', () => {
    const keysWith = (octet: number | undefined) => {
      const key = octet === undefined ? {} : uses(true, ppk('a', octet));
      const pair = quick({ seed: 7, leftConnection: key, rightConnection: key });
      const [sa] = pair.left.engine.associations();
      const ei = sa?.keys.ei.reveal((octets) => octets.join());
      const first = pair.left.sad.current();
      for (const kind of ['rekey-ike', 'rekey-child'] as const) {
        const inboundSpi = first?.association.inboundSpi ?? 0;
        pair.give(
          pair.right,
          kind === 'rekey-ike'
            ? { kind, connection: 'left-right' }
            : { kind, inboundSpi: pair.right.sad.current()?.association.inboundSpi ?? inboundSpi },
        );
        pair.runFor(2000);
      }
      expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
      return { ei, first: first?.outboundKey, later: pair.left.sad.current()?.outboundKey };
    };
    const [none, one, other] = [keysWith(undefined), keysWith(1), keysWith(2)];
    expect(new Set([none.ei, one.ei, other.ei]).size).toBe(1);
    expect(new Set([none.first, one.first, other.first]).size).toBe(3);
    expect(new Set([none.later, one.later, other.later]).size).toBe(3);
  });

  it('together with a key encapsulation mechanism: both are told', () => {
    const hybrid = { proposals: [HYBRID], ...uses(true, ppk('a')) };
    const pair = quick({ leftConnection: hybrid, rightConnection: hybrid });
    for (const end of [pair.left, pair.right]) expect(protectionAt(end)).toMatchObject({ postQuantum: ['kem', 'ppk'] });
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });

  it('nothing at all: that is told as well', () => {
    const pair = quick({});
    for (const end of [pair.left, pair.right]) expect(protectionAt(end)).toMatchObject({ postQuantum: [] });
  });

  it('are optional: with an end that has none, or not this one, the IKE SA comes up without, and says so', () => {
    const cases = [
      [uses(false, ppk('a')), {}],
      [{}, uses(false, ppk('a'))],
      [uses(false, ppk('a')), uses(false, ppk('another'))],
    ];
    for (const [leftConnection = {}, rightConnection = {}] of cases) {
      const pair = quick({ leftConnection, rightConnection });
      expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
      for (const end of [pair.left, pair.right]) expect(protectionAt(end)).toMatchObject({ postQuantum: [] });
      expect(sent(pair.right, 'IKE_AUTH response')).not.toContain('N(PPK_IDENTITY)');
    }
  });

  it('are rotated one end after the other: the first is offered, each is taken', () => {
    const [old, young] = [ppk('old', 1), ppk('young', 2)];
    for (const [left, right] of [
      [uses(true, old), uses(true, young, old)],
      [uses(true, young, old), uses(true, young)],
    ] as const) {
      const pair = quick({ leftConnection: left, rightConnection: right });
      expect(protectionAt(pair.left)).toMatchObject({ postQuantum: ['ppk'] });
      expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    }
  });

  it.each([
    ['the peer uses none', uses(true, ppk('a')), {}, { code: 'ppk_required' }, undefined],
    [
      'the initiator uses none',
      {},
      uses(true, ppk('a')),
      { code: 'peer_refused', notify: 'AUTHENTICATION_FAILED' },
      { code: 'authentication_failed', detail: 'a PPK is required, and the peer uses none' },
    ],
    [
      'the responder does not have it',
      uses(true, ppk('a')),
      uses(false, ppk('another')),
      { code: 'peer_refused', notify: 'AUTHENTICATION_FAILED' },
      { code: 'authentication_failed', detail: 'the peer requires a PPK with a PPK_ID that is not known here' },
    ],
    [
      'the responder requires another',
      uses(false, ppk('a')),
      uses(true, ppk('another')),
      { code: 'peer_refused', notify: 'AUTHENTICATION_FAILED' },
      {
        code: 'authentication_failed',
        detail: 'a PPK is required, and that of the peer has a PPK_ID that is not known here',
      },
    ],
    [
      'the keys of one PPK_ID differ',
      uses(false, ppk('a', 1)),
      uses(false, ppk('a', 2)),
      { code: 'peer_refused', notify: 'AUTHENTICATION_FAILED' },
      {
        code: 'authentication_failed',
        detail: 'the pre-shared keys differ; or the PPKs of this PPK_ID do',
      },
    ],
  ])('there is no IKE SA when %s', (_name, leftConnection, rightConnection, left, right) => {
    const pair = quick({ leftConnection, rightConnection });
    expect(agreement(pair)).toEqual({ pairs: 0, agree: true });
    expect(pair.left.events).toMatchObject([{ kind: 'ike-failed', reason: left }]);
    if (right !== undefined) expect(pair.right.events).toMatchObject([{ kind: 'ike-attempt-failed', reason: right }]);
  });

  it('an answer of the responder without it does not do where it is required, nor one with it where none was offered', () => {
    for (const [options, right] of [
      [uses(true, ppk('a')), (payloads) => payloads.filter((payload) => !isPpkIdentity(payload))],
      [{}, (payloads) => [...payloads, notify('PPK_IDENTITY')]],
    ] satisfies [object, Rewrite][]) {
      const pair = rude({ leftConnection: options, rightConnection: options }, { right });
      expect(pair.left.events).toMatchObject([{ kind: 'ike-failed', reason: { code: 'authentication_failed' } }]);
      // "sending the AUTHENTICATION_FAILED notification in the INFORMATIONAL exchange"
      expect(
        vi.mocked(IkeSa.prototype.request).mock.calls.map(([{ exchange, payloads }]) => [exchange, payloads]),
      ).toEqual([
        [EXCHANGE.IKE_AUTH, expect.anything()],
        [EXCHANGE.INFORMATIONAL, [notify('AUTHENTICATION_FAILED')]],
      ]);
      expect(agreement(pair)).toEqual({ pairs: 0, agree: true });
    }
  });

  it('are refused by the responder when they were agreed on and the initiator names none, required or not', () => {
    for (const required of [true, false]) {
      const key = uses(required, ppk('a'));
      const without: Rewrite = (payloads) => payloads.filter((payload) => !isPpkIdentity(payload));
      const pair = rude({ leftConnection: key, rightConnection: key }, { left: without });
      expect(pair.left.events).toMatchObject([
        { kind: 'ike-failed', reason: { code: 'peer_refused', notify: 'AUTHENTICATION_FAILED' } },
      ]);
      expect(pair.right.events).toMatchObject([
        { kind: 'ike-attempt-failed', reason: { detail: 'the peer agreed to use a PPK and names none' } },
      ]);
    }
  });

  it('whatever the responder says in its PPK_IDENTITY is ignored', () => {
    const right: Rewrite = (payloads) =>
      payloads.map((payload) => (isPpkIdentity(payload) ? notify('PPK_IDENTITY', Uint8Array.of(2, 98)) : payload));
    const key = uses(true, ppk('a'));
    const pair = rude({ leftConnection: key, rightConnection: key }, { right });
    for (const end of [pair.left, pair.right]) expect(protectionAt(end)).toMatchObject({ postQuantum: ['ppk'] });
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });

  it('are those of the identity that the initiator proves, and not of another at its address', () => {
    const open = { remote: ANYWHERE };
    const pair = quick({
      leftConnection: uses(true, ppk('of another')),
      rightConnections: [
        connection('right', { ...open, ...uses(false, ppk('own')) }),
        connection('right', {
          ...open,
          name: 'other',
          remoteIdentity: identity('other'),
          ...uses(false, ppk('of another')),
        }),
      ],
    });
    expect(agreement(pair)).toEqual({ pairs: 0, agree: true });
    expect(pair.right.events).toMatchObject([
      {
        kind: 'ike-attempt-failed',
        reason: { detail: 'the peer requires a PPK with a PPK_ID that is not known here' },
      },
    ]);
  });

  it('are mixed in once, and not again when the IKE SA is rekeyed', () => {
    const mix = vi.spyOn(IkeSa.prototype, 'mix');
    const key = uses(true, ppk('a'));
    const pair = quick({ leftConnection: key, rightConnection: key });
    expect(mix).toHaveBeenCalledTimes(2);
    const before = pair.left.engine.associations()[0];
    for (const end of [pair.left, pair.right]) {
      pair.give(end, { kind: 'rekey-ike', connection: 'left-right' });
      pair.runFor(2000);
    }
    expect(pair.left.engine.associations()[0]).not.toBe(before);
    expect(mix).toHaveBeenCalledTimes(2);
    expect(sent(pair.left, 'CREATE_CHILD_SA request')).not.toContain('N(PPK_IDENTITY)');
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });

  it('where they are required, a response without USE_PPK is not the last word: the genuine one may follow', () => {
    const key = uses(true, ppk('a'));
    const pair = quick({
      leftConnection: key,
      rightConnection: key,
      // The first response has lost it on the way, as when somebody answered before the responder did.
      mutate: withoutFirstUsePpk(),
    });
    for (const end of [pair.left, pair.right]) expect(protectionAt(end)).toMatchObject({ postQuantum: ['ppk'] });
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });

  it('with signatures: two proofs where it may be done without, one where it may not', () => {
    for (const required of [false, true]) {
      for (const known of [true, false]) {
        if (required && !known) continue;
        const signed: string[] = [];
        const signature = (side: 'left' | 'right') =>
          ({
            localIdentity: identity(side),
            localAuthentication: {
              kind: 'signature',
              credentials: [{ name: side, algorithms: ['ed25519'], certificates: [] }],
            },
            remoteAuthentication: { kind: 'signature' },
          }) as const;
        const pair = quick({
          leftConnection: { ...signature('left'), ...uses(required, ppk('a')) },
          rightConnection: { ...signature('right'), ...uses(false, ppk(known ? 'a' : 'another')) },
          runJob: (end, job): JobResult => {
            if (job.kind === 'verify') {
              const same = signed.includes(Array.from(job.octets).join());
              return same ? { kind: 'verified' } : { kind: 'failed', reason: 'nobody signed that' };
            }
            if (job.kind !== 'sign') return { kind: 'failed', reason: 'not a job of this test' };
            signed.push(Array.from(job.octets).join());
            if (end === 'left') expect(job.algorithms).toEqual(['ed25519']);
            return { kind: 'signed', algorithm: 'ed25519', signature: new Uint8Array(64) };
          },
        });
        expect(signed).toHaveLength(required ? 2 : 3);
        expect(protectionAt(pair.left)).toMatchObject({ postQuantum: known ? ['ppk'] : [] });
        expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
      }
    }
  });

  it('are refused when they are too short, and never shown, and what was not used is wiped', () => {
    const weak = { ...ppk('a'), key: new Secret(new Uint8Array(31)) };
    const nameless = ppk('');
    for (const key of [weak, nameless]) {
      expect(() => makePair({ leftConnection: uses(true, key) })).toThrow(RangeError);
    }
    expect(() => makePair({ leftConnection: uses(true) })).toThrow(RangeError);
    const key = uses(false, ppk('a'));
    expect(inspect(connection('left', key), { depth: 9 })).not.toContain('01, 01');
    const pair = quick({ leftConnection: key, rightConnection: key });
    const [sa] = pair.left.engine.associations();
    const keys = sa?.keys;
    pair.give(pair.left, { kind: 'delete-ike', connection: 'left-right' });
    pair.runFor(200_000);
    for (const secret of [keys?.d, keys?.pi, keys?.pr]) {
      expect(secret?.reveal((octets) => octets.every((octet) => octet === 0))).toBe(true);
    }
  });
});

function withoutFirstUsePpk(): (from: string, octets: Uint8Array) => Uint8Array {
  let responses = 0;
  return (from, octets) => {
    if (from !== 'right' || octets[18] !== EXCHANGE.IKE_SA_INIT || ++responses > 1) return octets;
    const message = parseMessage(octets);
    if (!message.ok) throw new Error(message.problem.code);
    const { header, payloads } = message.value;
    return encodeMessage(
      header,
      payloads.filter((payload) => payload.kind !== 'N' || payload.type !== NOTIFY.USE_PPK),
    );
  };
}
