import { afterEach, describe, expect, it, vi } from 'vitest';
import { nodeCryptoProvider } from '../../providers/node-crypto/node-crypto-provider.js';
import type { Connection } from '../../src/ike/connection.js';
import { explainHistory } from '../../src/ike/history/explain-history.js';
import { IkeSa } from '../../src/ike/ike-sa.js';
import type { IkePair, PairEnd } from '../../src/testing/pair.js';
import { EXCHANGE, PAYLOAD } from '../../src/wire/ike/iana.js';
import { encodeMessage, parseMessage } from '../../src/wire/ike/message.js';
import { NOTIFY } from '../../src/wire/ike/notify-registry.js';
import { type NotifyPayload, notify } from '../../src/wire/ike/payloads/notify.js';
import type { Payload } from '../../src/wire/ike/payloads/registry.js';
import {
  ANYWHERE,
  agreement,
  connection,
  establishedPair,
  LEFT,
  makePair,
  prefix,
  RIGHT,
  toyKeyExchange,
} from './fixtures.js';
import { rawRequest } from './raw-message.js';

const quick = { keyExchange: toyKeyExchange, engine: { provider: nodeCryptoProvider } };
const UNKNOWN = 200;
/** One unknown payload that must not be ignored. */
const CRITICAL = Uint8Array.of(PAYLOAD.NONE, 0x80, 0, 6, 1, 2);

const only = (end: PairEnd): IkeSa => {
  const [sa, ...others] = end.engine.associations();
  if (sa === undefined || others.length > 0) throw new Error(`${end.name} has not one IKE SA.`);
  return sa;
};
const receive = (pair: IkePair, end: PairEnd, octets: Uint8Array) => {
  const [own, other] = end === pair.left ? [LEFT, RIGHT] : [RIGHT, LEFT];
  const endpoints = { local: { address: own, port: 500 }, remote: { address: other, port: 500 } };
  pair.give(end, { kind: 'datagram', ...endpoints, octets });
};
const kinds = (end: PairEnd) => end.events.map(({ kind }) => kind);

/** The payloads of every message of its IKE SAs. */
const explained = (end: PairEnd) =>
  end.engine
    .associations()
    .flatMap(({ lineage }) => explainHistory(lineage.history.entries))
    .flatMap((entry) => (entry.kind === 'message' ? [entry.payloads] : []));

/** From now on the end answers with other payloads. */
function rude(end: PairEnd, change: (payloads: readonly Payload[], exchange: number) => readonly Payload[]): void {
  for (const sa of end.engine.associations()) {
    const respond = sa.respond.bind(sa);
    sa.respond = (exchange, payloads, now) => respond(exchange, change(payloads, exchange), now);
  }
}

afterEach(() => vi.restoreAllMocks());

describe('An answer in IKE_AUTH that the offer does not allow', () => {
  it('makes no Child SA at either end: the peer is told to delete its own, and one that is asked for again stands', () => {
    const pair = makePair(quick);
    pair.give(pair.left, { kind: 'initiate', connection: 'left-right' });
    while (pair.right.engine.associations().length === 0) pair.runFor(1);
    let isRude = true;
    rude(pair.right, (payloads) =>
      payloads.map((each) => (isRude && each.kind === 'TSr' ? { ...each, selectors: [prefix(10, 9, 0)] } : each)),
    );
    pair.runFor(1000);
    expect(kinds(pair.left)).toEqual(['child-failed', 'ike-established']);
    expect(kinds(pair.right)).toEqual(['ike-established', 'child-closed']);
    expect(agreement(pair)).toEqual({ pairs: 0, agree: true });
    isRude = false;
    pair.give(pair.left, { kind: 'initiate-child', connection: 'left-right', child: 'net' });
    pair.runFor(1000);
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });
});

describe('An unknown payload that is critical (RFC 7296 sections 2.5 and 2.21)', () => {
  it('in IKE_SA_INIT is refused by name, nothing is kept, and not without end', () => {
    const pair = makePair(quick);
    pair.give(pair.left, { kind: 'initiate', connection: 'left-right' });
    const request = parseMessage(pair.sent[0]?.octets ?? new Uint8Array(0));
    if (!request.ok) throw new Error('There is no IKE_SA_INIT request.');
    const { header, payloads } = request.value;
    const octets = encodeMessage(header, [...payloads, { kind: 'unknown', type: UNKNOWN, body: Uint8Array.of(1, 2) }]);
    octets[octets.length - 5] = 0x80;
    const before = pair.sent.length;
    for (let index = 0; index < 100; index++) receive(pair, pair.right, octets);
    const answers = pair.sent.slice(before).map((sent) => parseMessage(sent.octets));
    expect(answers).toHaveLength(20);
    expect(answers[0]).toMatchObject({
      value: {
        header: { response: true, exchange: EXCHANGE.IKE_SA_INIT, messageId: 0, initiatorSpi: header.initiatorSpi },
        payloads: [{ kind: 'N', type: NOTIFY.UNSUPPORTED_CRITICAL_PAYLOAD, data: Uint8Array.of(UNKNOWN) }],
      },
    });
    expect(pair.right.engine.associations()).toEqual([]);
    const response = octets.slice();
    response[19] = 0x20;
    receive(pair, pair.right, response);
    expect(pair.sent).toHaveLength(before + 20);
  });

  it('in IKE_AUTH is refused by name under protection, and no IKE SA is made', () => {
    const pair = makePair({
      ...quick,
      mutate: (from, octets) => (from === 'left' && octets[18] === EXCHANGE.IKE_AUTH ? undefined : octets),
    });
    pair.give(pair.left, { kind: 'initiate', connection: 'left-right' });
    pair.runFor(500);
    const request = { exchange: EXCHANGE.IKE_AUTH, messageId: 1, first: UNKNOWN, octets: CRITICAL };
    receive(pair, pair.right, rawRequest(only(pair.left), request));
    pair.runFor(500);
    expect(pair.left.events).toMatchObject([
      { kind: 'ike-failed', reason: { code: 'peer_refused', notify: 'UNSUPPORTED_CRITICAL_PAYLOAD' } },
    ]);
    expect(only(pair.right).state.name).toBe('refused');
    pair.runFor(60_000);
    expect(pair.right.engine.associations()).toEqual([]);
  });

  it('later is refused by name, and the IKE SA goes on', () => {
    const pair = establishedPair(quick);
    const request = { exchange: EXCHANGE.INFORMATIONAL, messageId: 2, first: UNKNOWN, octets: CRITICAL };
    const before = pair.sent.length;
    receive(pair, pair.right, rawRequest(only(pair.left), request));
    expect(pair.sent.length).toBe(before + 1);
    const content = only(pair.right).lineage.history.entries.at(-1);
    expect(content).toMatchObject({ kind: 'message', direction: 'sent', response: true });
    expect(kinds(pair.right)).toEqual(['ike-established']);
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });
});

describe('INVALID_SYNTAX is fatal at both ends, without a Delete (RFC 7296 section 2.21.3)', () => {
  it('to who receives it', () => {
    const pair = establishedPair(quick);
    rude(pair.right, () => [notify('INVALID_SYNTAX')]);
    const before = pair.sent.length;
    pair.give(pair.left, { kind: 'rekey-child', inboundSpi: pair.left.sad.current()?.association.inboundSpi ?? 0 });
    pair.runFor(1000);
    expect(pair.left.events.at(-1)).toMatchObject({
      kind: 'ike-failed',
      reason: { code: 'peer_refused', notify: 'INVALID_SYNTAX', exchange: 'CREATE_CHILD_SA' },
    });
    expect([pair.left.engine.associations(), pair.left.sad.installed.size]).toEqual([[], 0]);
    expect(pair.sent.length - before).toBe(2);
  });

  it.each([
    ['a request that the grammar does not know', EXCHANGE.INFORMATIONAL, [{ kind: 'Nonce', data: new Uint8Array(16) }]],
    ['IKE_AUTH once more', EXCHANGE.IKE_AUTH, []],
    ['a Child SA without traffic selectors', EXCHANGE.CREATE_CHILD_SA, undefined],
  ] as const)('to who sends it, for %s', (_name, exchange, payloads) => {
    const pair = establishedPair(quick);
    const offer: readonly Payload[] = [
      { kind: 'SA', proposals: [{ number: 1, protocol: 3, spi: Uint8Array.of(9, 9, 9, 9), transforms: [] }] },
      { kind: 'Nonce', data: new Uint8Array(32).fill(7) },
    ];
    const request = { purpose: { kind: 'inform' }, onResponse: () => undefined } as const;
    only(pair.left).request({ ...request, exchange, payloads: payloads ?? offer }, pair.now);
    pair.give(pair.left, { kind: 'timeout' });
    pair.runFor(1000);
    for (const end of [pair.left, pair.right]) {
      expect([end.name, end.engine.associations(), end.sad.installed.size]).toEqual([end.name, [], 0]);
      expect(kinds(end).at(-1)).toBe('ike-failed');
    }
    expect(pair.right.events.at(-1)).toMatchObject({ reason: { code: 'invalid_message' } });
  });

  it.each([
    ['CREATE_CHILD_SA', EXCHANGE.CREATE_CHILD_SA],
    ['INFORMATIONAL', EXCHANGE.INFORMATIONAL],
    ['IKE_FOLLOWUP_KE', EXCHANGE.IKE_FOLLOWUP_KE],
    ['an exchange that nobody knows', 99],
  ])('as is %s of somebody who has not proved yet who he is', (_what, exchange) => {
    const pair = makePair({
      ...quick,
      mutate: (from, octets) => (from === 'left' && octets[18] === EXCHANGE.IKE_AUTH ? undefined : octets),
    });
    pair.give(pair.left, { kind: 'initiate', connection: 'left-right' });
    pair.runFor(500);
    const request = { exchange, messageId: 1, first: PAYLOAD.NONE, octets: new Uint8Array(0) };
    receive(pair, pair.right, rawRequest(only(pair.left), request));
    expect([pair.right.engine.associations(), pair.right.sad.installed.size]).toEqual([[], 0]);
    expect(pair.right.events).toMatchObject([{ kind: 'ike-attempt-failed', reason: { code: 'invalid_message' } }]);
  });

  it('as is a key share that is none of its method', () => {
    const pair = establishedPair(quick);
    const request = IkeSa.prototype.request;
    vi.spyOn(IkeSa.prototype, 'request').mockImplementation(function (this: IkeSa, asked, now) {
      const spoiled = asked.payloads.map((each) => (each.kind === 'KE' ? { ...each, data: new Uint8Array(4) } : each));
      return request.call(this, { ...asked, payloads: spoiled }, now);
    });
    pair.give(pair.left, { kind: 'rekey-ike', connection: 'left-right' });
    pair.runFor(1000);
    expect([pair.left.engine.associations(), pair.right.engine.associations()]).toEqual([[], []]);
  });
});

describe('SPIs that nobody may have (RFC 7296 section 3.1, RFC 4303 section 2.1)', () => {
  /** Replaces the SPIs of the proposals. */
  const withSpi = (payloads: readonly Payload[], lowest: number): readonly Payload[] =>
    payloads.map((payload) => {
      if (payload.kind !== 'SA') return payload;
      const proposals = payload.proposals.map((each) => {
        const spi = new Uint8Array(each.spi.length);
        spi[spi.length - 1] = lowest;
        return { ...each, spi };
      });
      return { ...payload, proposals };
    });
  const command = (pair: IkePair, what: 'rekey-child' | 'rekey-ike') => {
    const inboundSpi = pair.left.sad.current()?.association.inboundSpi ?? 0;
    pair.give(pair.left, what === 'rekey-ike' ? { kind: what, connection: 'left-right' } : { kind: what, inboundSpi });
    pair.runFor(1000);
  };
  const cases = [
    ['rekey-child', 0],
    ['rekey-child', 255],
    ['rekey-ike', 0],
  ] as const;

  it.each(cases)('%s with one of %i is refused, and what stands goes on', (what, lowest) => {
    const pair = establishedPair(quick);
    const sa = only(pair.left);
    const request = sa.request.bind(sa);
    sa.request = (asked, now) => request({ ...asked, payloads: withSpi(asked.payloads, lowest) }, now);
    command(pair, what);
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    expect(only(pair.right)).toBe(pair.right.engine.associations()[0]);
    expect(explained(pair.right)).toContainEqual(['N(NO_PROPOSAL_CHOSEN)']);
  });

  it.each(cases)('an answer to %s with one of %i is none that the offer allows', (what, lowest) => {
    const pair = establishedPair(quick);
    rude(pair.right, (payloads) => withSpi(payloads, lowest));
    command(pair, what);
    expect(pair.left.events.at(-1)).toMatchObject({ kind: 'ike-failed', reason: { code: 'invalid_message' } });
    expect(pair.left.sad.installed.size).toBe(0);
  });

  it('nor is an answer to IKE_SA_INIT with a responder’s SPI of zero', () => {
    const mutate = (from: string, octets: Uint8Array) =>
      from === 'right' && octets[18] === EXCHANGE.IKE_SA_INIT ? Uint8Array.from(octets).fill(0, 8, 16) : octets;
    const pair = makePair({ ...quick, mutate });
    pair.give(pair.left, { kind: 'initiate', connection: 'left-right' });
    pair.runFor(60_000);
    expect(pair.sent.filter(({ octets }) => octets[18] === EXCHANGE.IKE_AUTH)).toEqual([]);
    expect(pair.left.events).toMatchObject([{ kind: 'ike-failed', reason: { code: 'invalid_message' } }]);
  });
});

describe('What a later version of the protocol might say (RFC 7296 sections 2.5 and 3.10.1)', () => {
  const strange: readonly Payload[] = [
    { kind: 'N', type: 50_000, protocol: 0, spi: new Uint8Array(0), data: Uint8Array.of(1) },
    { kind: 'V', data: Uint8Array.of(0x77, 0x65) },
    { kind: 'unknown', type: UNKNOWN, body: Uint8Array.of(1, 2, 3) },
  ];
  const unknownError: NotifyPayload = {
    kind: 'N',
    type: 8191,
    protocol: 0,
    spi: new Uint8Array(0),
    data: new Uint8Array(0),
  };

  /** Both ends send other payloads, in every message of every IKE SA. */
  function disguised(request: (all: readonly Payload[]) => readonly Payload[], response = request): void {
    const { request: ask, respond, encodeClear } = IkeSa.prototype;
    vi.spyOn(IkeSa.prototype, 'request').mockImplementation(function (this: IkeSa, asked, now) {
      return ask.call(this, { ...asked, payloads: request(asked.payloads) }, now);
    });
    vi.spyOn(IkeSa.prototype, 'respond').mockImplementation(function (this: IkeSa, exchange, payloads, now) {
      return respond.call(this, exchange, response(payloads), now);
    });
    vi.spyOn(IkeSa.prototype, 'encodeClear').mockImplementation(function (this: IkeSa, answers, payloads) {
      return encodeClear.call(this, answers, (answers ? response : request)(payloads));
    });
  }

  /** Everything that two ends do with each other. */
  function wholeLife(pair: IkePair): void {
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    const spi = () => pair.left.sad.current()?.association.inboundSpi ?? 0;
    for (const end of [pair.left, pair.right]) {
      pair.give(end, { kind: 'rekey-child', inboundSpi: end.sad.current()?.association.inboundSpi ?? 0 });
      pair.runFor(10_000);
      pair.give(end, { kind: 'rekey-ike', connection: 'left-right' });
      pair.runFor(60_000);
    }
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    pair.give(pair.left, { kind: 'delete-child', inboundSpi: spi() });
    pair.runFor(1000);
    expect(agreement(pair)).toEqual({ pairs: 0, agree: true });
    pair.give(pair.right, { kind: 'delete-ike', connection: 'left-right' });
    pair.runFor(200_000);
    expect([pair.left.engine.associations(), pair.right.engine.associations()]).toEqual([[], []]);
  }

  it('is passed over in every message: notifies, vendor IDs and payloads that nobody knows, errors in requests', () => {
    disguised(
      (all) => [...strange, ...all, unknownError, ...strange],
      (all) => [...strange, ...all, ...strange],
    );
    wholeLife(establishedPair(quick));
  });

  it('may come in any order: each message with its payloads the other way round', () => {
    disguised((all) => [...all].reverse());
    wholeLife(establishedPair(quick));
  });

  it('an error that nobody knows, in a response, is a refusal all the same', () => {
    const pair = establishedPair(quick);
    const spi = pair.left.sad.current()?.association.inboundSpi;
    rude(pair.right, (payloads) => [...payloads, unknownError]);
    pair.give(pair.left, { kind: 'rekey-child', inboundSpi: spi ?? 0 });
    pair.runFor(1000);
    expect(pair.left.events.at(-1)).toMatchObject({ kind: 'child-failed', reason: { code: 'peer_refused' } });
    expect(pair.left.sad.current()?.association.inboundSpi).toBe(spi);
  });
});

describe('A peer that does not rekey (RFC 7296 sections 2.8 and 4)', () => {
  it('is left for another IKE SA at once when it says NO_ADDITIONAL_SAS, and no packet is lost', () => {
    const pair = pairWithLifetime(60_000);
    pair.trafficInterval = 10;
    const [before] = pair.left.engine.associations();
    rude(pair.right, (payloads, exchange) => (exchange === EXCHANGE.CREATE_CHILD_SA ? refusal : payloads));
    pair.runFor(62_000);
    const [after] = pair.left.engine.associations().filter(({ state }) => state.name === 'established');
    expect(after).not.toBe(before);
    pair.trafficInterval = undefined;
    pair.runFor(20_000);
    expect({ losses: pair.losses, ...agreement(pair) }).toEqual({ losses: [], pairs: 1, agree: true });
    expect(kinds(pair.left)).not.toContain('ike-failed');
  });

  it('is closed after three refusals when nothing takes its place', () => {
    const pair = pairWithLifetime(60_000, { remote: ANYWHERE });
    rude(pair.left, (payloads, exchange) => (exchange === EXCHANGE.CREATE_CHILD_SA ? refusal : payloads));
    pair.runFor(64_000);
    expect(kinds(pair.right)).not.toContain('ike-failed');
    pair.runFor(10_000);
    expect(pair.right.events.find(({ kind }) => kind === 'ike-failed')).toMatchObject({
      reason: { code: 'rekey_refused', notify: 'NO_ADDITIONAL_SAS' },
    });
    pair.runFor(1000);
    expect([pair.left.sad.standing(), pair.right.sad.standing()]).toEqual([[], []]);
  });

  const refusal = [notify('NO_ADDITIONAL_SAS')];

  /** Only the right end, or only the left one, comes to rekey. */
  function pairWithLifetime(lifetime: number, right: Partial<Pick<Connection, 'remote'>> = {}): IkePair {
    const long = 86_400_000;
    const changes = (side: 'left' | 'right', own: number) => ({
      children: connection(side).children.map((each) => ({ ...each, lifetime: own })),
    });
    const leftFirst = !('remote' in right);
    return establishedPair({
      ...quick,
      leftConnection: changes('left', leftFirst ? lifetime : long),
      rightConnection: { ...changes('right', leftFirst ? long : lifetime), ...right },
    });
  }
});
