import { afterEach, describe, expect, it, vi } from 'vitest';
import { nodeCryptoProvider } from '../../providers/node-crypto/node-crypto-provider.js';
import { sendAuth } from '../../src/ike/exchanges/auth-initiator.js';
import { dropPending, exchangeFurther } from '../../src/ike/exchanges/followup.js';
import { IkeSa } from '../../src/ike/ike-sa.js';
import type { IkePair } from '../../src/testing/pair.js';
import { PERFECT } from '../../src/testing/simulated-network.js';
import { EXCHANGE, KE, nameOf, TRANSFORM_TYPE } from '../../src/wire/ike/iana.js';
import { parseMessageHeader } from '../../src/wire/ike/message.js';
import { NOTIFY } from '../../src/wire/ike/notify-registry.js';
import { notify } from '../../src/wire/ike/payloads/notify.js';
import type { Payload } from '../../src/wire/ike/payloads/registry.js';
import { transform } from '../../src/wire/ike/payloads/sa.js';
import { DrawnPair, eventsOf, settled } from './drawing.js';
import {
  ANYWHERE,
  agreement,
  connection,
  ESP_HYBRID,
  establishedPair,
  HYBRID,
  IKE_GCM,
  TWICE_HYBRID,
  toyKeyExchange,
} from './fixtures.js';

afterEach(() => vi.restoreAllMocks());

const hybridChild = (side: 'left' | 'right') => ({
  children: connection(side).children.map((child) => ({ ...child, proposals: [ESP_HYBRID] })),
});

function exchanges(pair: IkePair): string[] {
  return pair.sent.flatMap(({ octets }) => {
    const header = parseMessageHeader(octets);
    return header.ok && !header.value.response ? [nameOf(EXCHANGE, header.value.exchange)] : [];
  });
}

describe('Hybrid key exchange of the IKE SA (RFC 9242, RFC 9370)', () => {
  it.each([
    ['ML-KEM-512', KE.ML_KEM_512],
    ['ML-KEM-768', KE.ML_KEM_768],
    ['ML-KEM-1024', KE.ML_KEM_1024],
  ])('X25519 and %s, in datagrams of 576 octets, with real cryptography', (_name, method) => {
    const proposals = [[...IKE_GCM, transform(TRANSFORM_TYPE.ADDKE1, method)]];
    const pair = establishedPair({
      leftConnection: { proposals, fragmentSize: 540 },
      rightConnection: { proposals, fragmentSize: 540 },
      conditions: { ...PERFECT, maximumPayload: 540 },
    });
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    expect(pair.left.events[0]).toMatchObject({ keyExchangeMethods: [KE.CURVE25519, method] });
    expect(Math.max(...pair.sent.map(({ octets }) => octets.length))).toBeLessThanOrEqual(540);
  });

  it('falls back to classical only where a profile allows it, and says what it got', () => {
    const allowed = establishedPair({
      leftConnection: { proposals: [HYBRID, IKE_GCM] },
      rightConnection: { proposals: [IKE_GCM] },
    });
    expect(allowed.left.events[0]).toMatchObject({ kind: 'ike-established', keyExchangeMethods: [KE.CURVE25519] });
    const refused = establishedPair({
      leftConnection: { proposals: [HYBRID] },
      rightConnection: { proposals: [IKE_GCM] },
    });
    expect(refused.left.events).toMatchObject([{ kind: 'ike-failed', reason: { notify: 'NO_PROPOSAL_CHOSEN' } }]);
    expect(refused.right.events).toMatchObject([
      {
        reason: {
          code: 'no_proposal_chosen',
          refusals: [{ differences: [{ type: 'ADDKE1', theirs: ['ML_KEM_768'], ours: ['NONE'] }] }],
        },
      },
    ]);
  });

  /** The end says nothing of IKE_INTERMEDIATE. */
  function withoutIntermediate(responds: boolean): void {
    const { encodeClear } = IkeSa.prototype;
    vi.spyOn(IkeSa.prototype, 'encodeClear').mockImplementation(function (this: IkeSa, response, payloads) {
      const kept = payloads.filter(
        (each) => each.kind !== 'N' || response !== responds || each.type !== NOTIFY.INTERMEDIATE_EXCHANGE_SUPPORTED,
      );
      return encodeClear.call(this, response, kept);
    });
  }

  it('to a peer without IKE_INTERMEDIATE, proposals with additional key exchanges are none (RFC 9370 section 2.2.1)', () => {
    withoutIntermediate(false);
    const classical = establishedPair({
      keyExchange: toyKeyExchange,
      leftConnection: { proposals: [HYBRID, IKE_GCM] },
      rightConnection: { proposals: [HYBRID, IKE_GCM] },
    });
    expect(agreement(classical)).toEqual({ pairs: 1, agree: true });
    expect(exchanges(classical)).not.toContain('IKE_INTERMEDIATE');
    const nothing = establishedPair({
      keyExchange: toyKeyExchange,
      leftConnection: { proposals: [HYBRID] },
      rightConnection: { proposals: [HYBRID, IKE_GCM] },
    });
    expect(nothing.left.events).toMatchObject([{ kind: 'ike-failed', reason: { notify: 'NO_PROPOSAL_CHOSEN' } }]);
  });

  it('a peer that chooses additional key exchanges and promises no IKE_INTERMEDIATE is not followed', () => {
    withoutIntermediate(true);
    const pair = establishedPair({
      keyExchange: toyKeyExchange,
      leftConnection: { proposals: [HYBRID] },
      rightConnection: { proposals: [HYBRID] },
    });
    expect(pair.left.events).toMatchObject([{ kind: 'ike-failed', reason: { code: 'invalid_message' } }]);
    expect(exchanges(pair)).not.toContain('IKE_INTERMEDIATE');
  });

  it('data in INTERMEDIATE_EXCHANGE_SUPPORTED, which has none, are ignored (RFC 9242 section 3.1)', () => {
    const { encodeClear } = IkeSa.prototype;
    vi.spyOn(IkeSa.prototype, 'encodeClear').mockImplementation(function (this: IkeSa, response, payloads) {
      const changed = payloads.map((payload) =>
        payload.kind === 'N' && payload.type === NOTIFY.INTERMEDIATE_EXCHANGE_SUPPORTED
          ? notify('INTERMEDIATE_EXCHANGE_SUPPORTED', Uint8Array.of(1, 2, 3))
          : payload,
      );
      return encodeClear.call(this, response, changed);
    });
    const pair = establishedPair({
      leftConnection: { proposals: [HYBRID] },
      rightConnection: { proposals: [HYBRID] },
    });
    expect(exchanges(pair)).toContain('IKE_INTERMEDIATE');
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });

  it.each([
    [
      'IKE_AUTH before the key exchanges that were agreed on',
      EXCHANGE.IKE_INTERMEDIATE,
      'additional key exchanges are missing',
    ],
    ['an IKE_INTERMEDIATE more than was agreed on', EXCHANGE.IKE_AUTH, 'expected a share of method undefined'],
  ])('%s ends the attempt (RFC 9242 section 3.2)', (_name, at, detail) => {
    const { request } = IkeSa.prototype;
    vi.spyOn(IkeSa.prototype, 'request').mockImplementation(function (this: IkeSa, own, now) {
      const { state } = this;
      if (own.exchange !== at) return request.call(this, own, now);
      if (at === EXCHANGE.IKE_AUTH) {
        return request.call(this, { ...own, exchange: EXCHANGE.IKE_INTERMEDIATE, payloads: [] }, now);
      }
      if (state.name !== 'awaiting-intermediate-response') throw new Error(`The IKE SA is ${state.name}.`);
      sendAuth(this, { ...state.handshake, pending: [] }, now);
      return { datagrams: [], intermediateHeader: new Uint8Array(0), plaintext: new Uint8Array(0) };
    });
    const pair = establishedPair({
      leftConnection: { proposals: [HYBRID] },
      rightConnection: { proposals: [HYBRID] },
    });
    expect(pair.right.events).toMatchObject([{ kind: 'ike-attempt-failed', reason: { detail } }]);
    expect(agreement(pair)).toEqual({ pairs: 0, agree: true });
  });

  it('a peer cannot choose the weaker suite of another peer: its own connection must allow it', () => {
    const remote = ANYWHERE;
    const strangersMayBeClassical = connection('right', {
      name: 'strangers',
      remote,
      proposals: [IKE_GCM],
      remoteIdentity: { type: 2, data: Uint8Array.of(0x78) },
    });
    const pair = establishedPair({
      leftConnection: { proposals: [IKE_GCM] },
      rightConnections: [strangersMayBeClassical, connection('right', { remote, proposals: [HYBRID] })],
    });
    expect(pair.left.events).toMatchObject([{ kind: 'ike-failed', reason: { notify: 'AUTHENTICATION_FAILED' } }]);
    expect(pair.right.events).toMatchObject([
      { reason: { code: 'authentication_failed', detail: expect.stringContaining('suite is not allowed') } },
    ]);
  });
});

/** Each broke a hybrid handshake of another implementation. */
describe('Regressions known from the field', () => {
  it('AUTH when IKE_INTERMEDIATE is announced and skipped covers no IntAuth', () => {
    const proposals = [HYBRID, IKE_GCM];
    const pair = establishedPair({ leftConnection: { proposals }, rightConnection: { proposals: [IKE_GCM] } });
    expect(exchanges(pair)).toEqual(['IKE_SA_INIT', 'IKE_AUTH']);
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });

  it('IKE_INTERMEDIATE is fragmented in both directions', () => {
    const pair = establishedPair({
      leftConnection: { proposals: [HYBRID], fragmentSize: 1200 },
      rightConnection: { proposals: [HYBRID], fragmentSize: 600 },
    });
    const intermediate = pair.sent.filter(({ octets }) => octets[18] === EXCHANGE.IKE_INTERMEDIATE);
    expect(intermediate.filter(({ from }) => from === 'left')).toHaveLength(2);
    expect(intermediate.filter(({ from }) => from === 'right')).toHaveLength(3);
    expect(intermediate.every(({ octets }) => octets[16] === 53)).toBe(true);
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });

  it.each([
    ['offered with NONE by us', [0, KE.ML_KEM_768], []],
    ['offered with NONE only', [0], [0]],
    ['offered with NONE last, taken with a method', [KE.ML_KEM_768, 0], [KE.ML_KEM_768]],
    ['not offered, and NONE allowed', [], [0, KE.ML_KEM_768]],
  ])('ADDKE %s: the two meet', (_name, ours, theirs) => {
    const proposal = (methods: readonly number[]) => [
      ...IKE_GCM,
      ...methods.map((method) => transform(TRANSFORM_TYPE.ADDKE1, method)),
    ];
    const pair = establishedPair({
      keyExchange: toyKeyExchange,
      leftConnection: { proposals: [proposal(ours)] },
      rightConnection: { proposals: [proposal(theirs)] },
    });
    const common = ours.filter((method) => method !== 0 && theirs.includes(method));
    expect(pair.left.events[0]).toMatchObject({
      kind: 'ike-established',
      keyExchangeMethods: [KE.CURVE25519, ...common],
    });
    expect(pair.right.events[0]).toMatchObject({
      kind: 'ike-established',
      keyExchangeMethods: [KE.CURVE25519, ...common],
    });
  });

  it.each([1, 3000])('the link of IKE_FOLLOWUP_KE goes back as it came, be it of %i octets', (length) => {
    const pair = new DrawnPair();
    const link = Uint8Array.from({ length }, (_unused, index) => index);
    const sa = pair.left.engine.associations()[0];
    if (sa === undefined) throw new Error('There is no IKE SA.');
    const sent: Payload[] = [];
    const request = sa.request.bind(sa);
    sa.request = (asked, now) => {
      sent.push(...asked.payloads);
      return request(asked, now);
    };
    const nothing = () => undefined;
    const answer = [notify('ADDITIONAL_KEY_EXCHANGE', link)];
    const purpose = { kind: 'inform' } as const;
    exchangeFurther(
      sa,
      { purpose, methods: [KE.ML_KEM_768], answer, done: nothing, failed: nothing, abandon: nothing },
      0,
    );
    expect(sent).toContainEqual(notify('ADDITIONAL_KEY_EXCHANGE', link));
  });

  it('a link that is not the latest gets STATE_NOT_FOUND, and the rekey begins anew', () => {
    const pair = new DrawnPair({ connection: () => ({ proposals: [TWICE_HYBRID] }) });
    const peer = pair.right.engine.associations()[0];
    pair.play(`
      left  rekey-ike
      left  --> right  CREATE_CHILD_SA request 4 { SA Nonce KE }
      right ... left   CREATE_CHILD_SA response 4 { SA Nonce KE N(ADDITIONAL_KEY_EXCHANGE) }
    `);
    if (peer?.pending !== undefined) peer.pending = { ...peer.pending, link: Uint8Array.of(1) };
    pair.play(`
      right =>> left   CREATE_CHILD_SA response 4
      left  --> right  IKE_FOLLOWUP_KE request 5 { KE N(ADDITIONAL_KEY_EXCHANGE) }
      right --> left   IKE_FOLLOWUP_KE response 5 { N(STATE_NOT_FOUND) }
    `);
    settled(pair, { pairs: 1 });
    expect(eventsOf(pair, 'left')).toEqual(['ike-rekeyed']);
  });
});

describe('Additional key exchanges of rekeys: IKE_FOLLOWUP_KE (RFC 9370 section 2.2.4)', () => {
  it('of a Child SA, and of the IKE SA, with real ML-KEM', () => {
    const pair = establishedPair({
      engine: { provider: nodeCryptoProvider },
      leftConnection: { proposals: [HYBRID], ...hybridChild('left') },
      rightConnection: { proposals: [HYBRID], ...hybridChild('right') },
    });
    const inboundSpi = pair.left.sad.current()?.association.inboundSpi ?? 0;
    pair.give(pair.left, { kind: 'rekey-child', inboundSpi });
    pair.runFor(1000);
    pair.give(pair.right, { kind: 'rekey-ike', connection: 'left-right' });
    pair.runFor(1000);
    expect(exchanges(pair).slice(4)).toEqual(
      [
        ...['CREATE_CHILD_SA', 'IKE_FOLLOWUP_KE', 'INFORMATIONAL'],
        // Two fragments each: an ML-KEM-768 key does not fit one datagram of 1,200 octets.
        ...['CREATE_CHILD_SA', 'IKE_FOLLOWUP_KE', 'INFORMATIONAL'],
      ].flatMap((name) => (name === 'IKE_FOLLOWUP_KE' ? [name, name] : [name])),
    );
    pair.runFor(6000);
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });

  it('a request that comes late, to rekey the Child SA whose key shares are under way, gets TEMPORARY_FAILURE', () => {
    const pair = new DrawnPair({ left: [0x40, 0x80], right: [0x00, 0x80], connection: hybridChild });
    pair.play(`
      left  rekey-child
      right rekey-child
      left  --> right  CREATE_CHILD_SA request 2 { N(REKEY_SA) SA Nonce KE TSi TSr }
      right ... left   CREATE_CHILD_SA request 0 { N(REKEY_SA) SA Nonce KE TSi TSr }
      right --> left   CREATE_CHILD_SA response 2 { SA Nonce KE TSi TSr N(ADDITIONAL_KEY_EXCHANGE) }
      left  ... right  IKE_FOLLOWUP_KE request 3 { KE N(ADDITIONAL_KEY_EXCHANGE) }
      right =>> left   CREATE_CHILD_SA request 0
      left  --> right  CREATE_CHILD_SA response 0 { N(TEMPORARY_FAILURE) }
      left  =>> right  IKE_FOLLOWUP_KE request 3
      right --> left   IKE_FOLLOWUP_KE response 3 { KE }
      left  --> right  INFORMATIONAL request 4 { D }
      right --> left   INFORMATIONAL response 4 { D }
    `);
    settled(pair, { pairs: 1 });
    expect(eventsOf(pair, 'left')).toEqual(['child-rekeyed']);
  });

  it('a request that comes late, to rekey the IKE SA whose key shares are under way, gets TEMPORARY_FAILURE', () => {
    const pair = new DrawnPair({ connection: () => ({ proposals: [HYBRID] }) });
    pair.play(`
      left  rekey-ike
      right rekey-ike
      left  --> right  CREATE_CHILD_SA request 3 { SA Nonce KE }
      right ... left   CREATE_CHILD_SA request 0 { SA Nonce KE }
      right --> left   CREATE_CHILD_SA response 3 { SA Nonce KE N(ADDITIONAL_KEY_EXCHANGE) }
      left  ... right  IKE_FOLLOWUP_KE request 4 { KE N(ADDITIONAL_KEY_EXCHANGE) }
      right =>> left   CREATE_CHILD_SA request 0
      left  --> right  CREATE_CHILD_SA response 0 { N(TEMPORARY_FAILURE) }
      left  =>> right  IKE_FOLLOWUP_KE request 4
      right --> left   IKE_FOLLOWUP_KE response 4 { KE }
      left  --> right  INFORMATIONAL request 5 { D }
      right --> left   INFORMATIONAL response 5 { }
    `);
    settled(pair, { pairs: 1 });
    expect(eventsOf(pair, 'left')).toEqual(['ike-rekeyed']);
  });

  it('when both rekey a Child SA, the loser does not go on, so that nothing has to be deleted', () => {
    const pair = new DrawnPair({
      left: [0x00, 0x80],
      right: [0x40, 0x80],
      connection: hybridChild,
    });
    pair.play(`
      left  rekey-child
      right rekey-child
      left  --> right  CREATE_CHILD_SA request 2 { N(REKEY_SA) SA Nonce KE TSi TSr }
      right --> left   CREATE_CHILD_SA request 0 { N(REKEY_SA) SA Nonce KE TSi TSr }
      right --> left   CREATE_CHILD_SA response 2 { SA Nonce KE TSi TSr N(ADDITIONAL_KEY_EXCHANGE) }
      # left has lost, and says no more about its own.
      left  --> right  CREATE_CHILD_SA response 0 { SA Nonce KE TSi TSr N(ADDITIONAL_KEY_EXCHANGE) }
      right --> left   IKE_FOLLOWUP_KE request 1 { KE N(ADDITIONAL_KEY_EXCHANGE) }
      left  --> right  IKE_FOLLOWUP_KE response 1 { KE }
      right --> left   INFORMATIONAL request 2 { D }
      left  --> right  INFORMATIONAL response 2 { D }
    `);
    settled(pair, { pairs: 1 });
  });

  it('a Child SA whose key shares do not come is forgotten, and made again', () => {
    const pair = new DrawnPair({ connection: hybridChild });
    pair.play(`
      left  rekey-child
      left  --> right  CREATE_CHILD_SA request 2 { N(REKEY_SA) SA Nonce KE TSi TSr }
      right --x left   CREATE_CHILD_SA response 2 { SA Nonce KE TSi TSr N(ADDITIONAL_KEY_EXCHANGE) }
      right waits
      left  waits
      left  --> right  CREATE_CHILD_SA request 2 { N(REKEY_SA) SA Nonce KE TSi TSr }
      right --> left   CREATE_CHILD_SA response 2 { SA Nonce KE TSi TSr N(ADDITIONAL_KEY_EXCHANGE) }
      left  --> right  IKE_FOLLOWUP_KE request 3 { KE N(ADDITIONAL_KEY_EXCHANGE) }
      right --> left   IKE_FOLLOWUP_KE response 3 { N(STATE_NOT_FOUND) }
    `);
    settled(pair, { pairs: 1 });
    expect(eventsOf(pair, 'left')).toEqual(['child-rekeyed']);
  });

  it.each(['rekey-ike', 'rekey-child'] as const)(
    '%s with a peer that never knows how to go on, for minutes, ends the IKE SA as out of step',
    (command) => {
      const pair = new DrawnPair({ connection: (side) => ({ proposals: [TWICE_HYBRID], ...hybridChild(side) }) });
      const respond = IkeSa.prototype.respond;
      vi.spyOn(IkeSa.prototype, 'respond').mockImplementation(function (this: IkeSa, exchange, payloads, now) {
        const sent = respond.call(this, exchange, payloads, now);
        dropPending(this, now);
        return sent;
      });
      pair.command('left', command);
      pair.settle();
      expect(pair.left.events.slice(1)).toMatchObject([
        { kind: 'ike-failed', connection: 'left-right', reason: { code: 'out_of_step' } },
      ]);
      settled(pair, { pairs: 0, ikes: 0 });
    },
  );

  it('nothing is installed before all key shares are there', () => {
    const pair = new DrawnPair({ connection: hybridChild });
    pair.play(`
      left  rekey-child
      left  --> right  CREATE_CHILD_SA request 2 { N(REKEY_SA) SA Nonce KE TSi TSr }
      right --> left   CREATE_CHILD_SA response 2 { SA Nonce KE TSi TSr N(ADDITIONAL_KEY_EXCHANGE) }
      left  ... right  IKE_FOLLOWUP_KE request 3 { KE N(ADDITIONAL_KEY_EXCHANGE) }
    `);
    expect([pair.left.sad.installed.size, pair.right.sad.installed.size]).toEqual([1, 1]);
    pair.play('left =>> right IKE_FOLLOWUP_KE request 3\nright ... left IKE_FOLLOWUP_KE response 3 { KE }');
    expect([pair.left.sad.installed.size, pair.right.sad.installed.size]).toEqual([1, 2]);
    pair.play(
      'right =>> left IKE_FOLLOWUP_KE response 3\nleft --> right INFORMATIONAL request 4 { D }\nright --> left INFORMATIONAL response 4 { D }',
    );
    settled(pair, { pairs: 1 });
  });
});

describe('A ciphertext that is none (draft-ietf-ipsecme-ikev2-mlkem)', () => {
  const shortened = (exchange: number) => {
    const respond = IkeSa.prototype.respond;
    vi.spyOn(IkeSa.prototype, 'respond').mockImplementation(function (this: IkeSa, of, payloads, now) {
      const cut = (payload: Payload): Payload =>
        payload.kind === 'KE' ? { ...payload, data: payload.data.subarray(1) } : payload;
      return respond.call(this, of, of === exchange ? payloads.map(cut) : payloads, now);
    });
  };
  const options = {
    engine: { provider: nodeCryptoProvider },
    leftConnection: { proposals: [HYBRID], ...hybridChild('left') },
    rightConnection: { proposals: [HYBRID], ...hybridChild('right') },
  };

  it('in IKE_INTERMEDIATE ends the exchange, and no IKE_AUTH is begun', () => {
    shortened(EXCHANGE.IKE_INTERMEDIATE);
    const pair = establishedPair(options);
    expect(pair.left.events[0]).toMatchObject({ kind: 'ike-failed', reason: { code: 'invalid_key_exchange' } });
    expect(exchanges(pair)).not.toContain('IKE_AUTH');
  });

  it.each(['rekey-child', 'rekey-ike'] as const)('in what follows on %s ends the IKE SA, with a Delete', (kind) => {
    const pair = establishedPair(options);
    shortened(EXCHANGE.IKE_FOLLOWUP_KE);
    const inboundSpi = pair.left.sad.current()?.association.inboundSpi ?? 0;
    pair.give(pair.left, kind === 'rekey-child' ? { kind, inboundSpi } : { kind, connection: 'left-right' });
    pair.runFor(200);
    expect(pair.left.events.slice(1)).toMatchObject([{ kind: 'ike-failed', reason: { code: 'invalid_message' } }]);
    expect(exchanges(pair).slice(-2)).toEqual(['IKE_FOLLOWUP_KE', 'INFORMATIONAL']);
    expect(pair.left.sad.installed.size).toBe(0);
    // The peer has gone over to the successor of the IKE SA with its last answer, and finds out that nobody is there.
    expect(pair.right.events.slice(1).map((event) => event.kind)).toEqual([
      kind === 'rekey-child' ? 'ike-closed' : 'ike-rekeyed',
    ]);
  });
});
