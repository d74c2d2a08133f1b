import { afterEach, describe, expect, it, vi } from 'vitest';
import { nodeCryptoProvider } from '../../providers/node-crypto/node-crypto-provider.js';
import type { Connection } from '../../src/ike/connection.js';
import { explainHistory } from '../../src/ike/history/explain-history.js';
import { IkeSa } from '../../src/ike/ike-sa.js';
import type { Path } from '../../src/ike/path.js';
import type { IkePair, PairEnd } from '../../src/testing/pair.js';
import { PERFECT } from '../../src/testing/simulated-network.js';
import { EXCHANGE } from '../../src/wire/ike/iana.js';
import { NOTIFY } from '../../src/wire/ike/notify-registry.js';
import { notify } from '../../src/wire/ike/payloads/notify.js';
import type { Payload } from '../../src/wire/ike/payloads/registry.js';
import {
  ANYWHERE,
  agreement,
  connection,
  establishedPair,
  LEFT,
  type MakePair,
  makePair,
  RIGHT,
  toyKeyExchange,
} from './fixtures.js';

const SECOND_LEFT = Uint8Array.of(198, 51, 100, 1);
const THIRD_LEFT = Uint8Array.of(203, 0, 113, 1);
const SECOND_RIGHT = Uint8Array.of(198, 51, 100, 2);
const NAT = { inside: LEFT, outside: { address: Uint8Array.of(203, 0, 113, 7), port: 40_000 } };
const REBOUND = { inside: LEFT, outside: { ...NAT.outside, port: 50_000 } };

const MOBIKE: Partial<Connection> = { mobike: { returnRoutability: 'before' } };

/** Left initiates, both ends have MOBIKE unless told otherwise. */
function mobilePair(options: MakePair = {}): IkePair {
  return establishedPair({
    keyExchange: toyKeyExchange,
    engine: { provider: nodeCryptoProvider },
    ...options,
    leftConnection: { ...MOBIKE, ...options.leftConnection },
    rightConnection: { ...MOBIKE, ...options.rightConnection },
  });
}

const only = (end: PairEnd): IkeSa => {
  const [sa, ...others] = end.engine.associations().filter(({ state }) => state.name === 'established');
  if (sa === undefined || others.length > 0) throw new Error(`${end.name} has not one IKE SA.`);
  return sa;
};
const move = (pair: IkePair, end: PairEnd, ...addresses: Uint8Array[]) => pair.readdress(end, 'left-right', addresses);
const failures = (pair: IkePair) =>
  [...pair.left.events, ...pair.right.events].filter(({ kind }) => /failed|closed/.test(kind));
/** What an end sent in INFORMATIONAL exchanges since then. */
const informed = (end: PairEnd, since = 0) =>
  end.engine
    .associations()
    .flatMap(sentBy)
    .filter(({ at, exchange }) => at >= since && exchange === 'INFORMATIONAL')
    .map(({ response, payloads }) => `${response ? 'response' : 'request'}: ${payloads.join(' ')}`);
/** The messages that an IKE SA and its like sent. */
const sentBy = ({ lineage }: IkeSa) =>
  explainHistory(lineage.history.entries)
    .filter((entry) => entry.kind === 'message')
    .filter(({ direction }) => direction === 'sent');
const outer = (end: PairEnd) => {
  const association = end.sad.current()?.association;
  if (association === undefined) throw new Error(`${end.name} has no Child SA.`);
  const { localEndpoint: local, remoteEndpoint: remote, encapsulate } = association;
  return { local, remote, encapsulate };
};
const at = (address: Uint8Array, port = 4500) => ({ address, port });

/** Both IKE SAs and all Child SAs are between these two, and packets arrive both ways. */
function expectPath(pair: IkePair, left: Uint8Array, right: Uint8Array, encapsulate = false): void {
  const path: Path = { local: at(left), remote: at(right) };
  const mirrored = { local: path.remote, remote: path.local };
  expect({ left: only(pair.left).lineage.path, right: only(pair.right).lineage.path }).toEqual({
    left: path,
    right: mirrored,
  });
  expect({ left: outer(pair.left), right: outer(pair.right) }).toEqual({
    left: { ...path, encapsulate },
    right: { ...mirrored, encapsulate },
  });
  expectTraffic(pair);
}

/** Every packet that both ends send now arrives. */
function expectTraffic(pair: IkePair): void {
  const before = { opened: pair.opened, strayed: pair.strayed, dropped: pair.network.unmapped };
  pair.trafficInterval = 1;
  pair.runFor(100);
  pair.trafficInterval = undefined;
  pair.runFor(100);
  expect({ strayed: pair.strayed, dropped: pair.network.unmapped, losses: pair.losses }).toEqual({
    strayed: before.strayed,
    dropped: before.dropped,
    losses: [],
  });
  expect(pair.opened - before.opened).toBeGreaterThanOrEqual(200);
}

/** Makes an end answer otherwise than it would. */
function rude(end: PairEnd, change: (payloads: readonly Payload[]) => readonly Payload[]): void {
  const sa = only(end);
  const respond = sa.respond.bind(sa);
  sa.respond = (exchange, payloads, now) => respond(exchange, change(payloads), now);
}

const isNotify = (payload: Payload, name: string) =>
  payload.kind === 'N' && payload.type === notify(name as 'COOKIE2').type;

afterEach(() => {
  vi.restoreAllMocks();
});

describe('MOBIKE is agreed in IKE_AUTH (RFC 4555 sections 3.1 to 3.4)', () => {
  it.each([
    ['both', true, true, true],
    ['the initiator only', true, false, false],
    ['the responder only', false, true, false],
  ])('when %s want it', (_who, left, right, agreed) => {
    const want = (wanted: boolean) => (wanted ? MOBIKE : {});
    const pair = establishedPair({
      leftConnection: want(left),
      rightConnection: want(right),
      keyExchange: toyKeyExchange,
    });
    expect([pair.left, pair.right].map((end) => only(end).lineage.mobility.inUse)).toEqual([agreed, agreed]);
    const said = (end: PairEnd) =>
      sentBy(only(end)).some(
        ({ exchange, payloads }) => exchange === 'IKE_AUTH' && payloads.includes('N(MOBIKE_SUPPORTED)'),
      );
    expect([said(pair.left), said(pair.right)]).toEqual([left, agreed]);
  });

  it('data in MOBIKE_SUPPORTED, which has none, are ignored (section 4.2.1)', () => {
    const { request, respond } = IkeSa.prototype;
    const sent: Payload[] = [];
    const extend = (payloads: readonly Payload[]) =>
      payloads.map((payload) => {
        if (!isNotify(payload, 'MOBIKE_SUPPORTED')) return payload;
        sent.push(payload);
        return notify('MOBIKE_SUPPORTED', Uint8Array.of(1, 2, 3));
      });
    vi.spyOn(IkeSa.prototype, 'request').mockImplementation(function (this: IkeSa, own, now) {
      return request.call(this, { ...own, payloads: extend(own.payloads) }, now);
    });
    vi.spyOn(IkeSa.prototype, 'respond').mockImplementation(function (this: IkeSa, exchange, payloads, now) {
      return respond.call(this, exchange, extend(payloads), now);
    });
    const pair = mobilePair();
    expect([pair.left, pair.right].map((end) => only(end).lineage.mobility.inUse)).toEqual([true, true]);
    expect(sent).toEqual([notify('MOBIKE_SUPPORTED'), notify('MOBIKE_SUPPORTED')]);
  });

  it('goes on at port 4500 without a NAT, and ESP is not in UDP', () => {
    expectPath(mobilePair(), LEFT, RIGHT);
  });

  it('both tell their additional addresses, of both families', () => {
    const six = Uint8Array.of(0x20, 1, 0xd, 0xb8, ...Array.from({ length: 12 }, () => 1));
    const pair = makePair({ keyExchange: toyKeyExchange, leftConnection: MOBIKE, rightConnection: MOBIKE });
    move(pair, pair.left, LEFT, SECOND_LEFT, six);
    move(pair, pair.right, RIGHT, SECOND_RIGHT);
    pair.give(pair.left, { kind: 'initiate', connection: 'left-right' });
    pair.runFor(1000);
    expect(only(pair.left).lineage.mobility.peer).toEqual([RIGHT, SECOND_RIGHT]);
    expect(only(pair.right).lineage.mobility.peer).toEqual([LEFT, SECOND_LEFT, six]);
    expect(failures(pair)).toEqual([]);
  });

  it('a child in transport mode cannot move, which is the caller’s mistake', () => {
    const children = connection('left').children.map((child) => ({ ...child, mode: 'transport' as const }));
    expect(() => makePair({ leftConnection: { ...MOBIKE, children } })).toThrow(RangeError);
  });
});

describe('The initiator has another address (RFC 4555 section 3.5)', () => {
  it('tells it in one exchange, shows that it is there, and SPIs, keys and Child SAs stay', () => {
    const pair = mobilePair();
    const before = [...pair.left.sad.installed.values()].map(({ inboundKey, outboundKey }) => [
      inboundKey,
      outboundKey,
    ]);
    pair.trafficInterval = 1;
    const start = pair.now;
    move(pair, pair.left, SECOND_LEFT);
    pair.runFor(1000);
    expect(informed(pair.left, start)).toEqual([
      'request: N(UPDATE_SA_ADDRESSES) N(NO_ADDITIONAL_ADDRESSES) N(NAT_DETECTION_SOURCE_IP) N(NAT_DETECTION_DESTINATION_IP) N(COOKIE2)',
      'response: N(COOKIE2)',
    ]);
    expect(informed(pair.right, start)).toEqual([
      'response: N(NAT_DETECTION_SOURCE_IP) N(NAT_DETECTION_DESTINATION_IP) N(COOKIE2)',
      'request: N(COOKIE2)',
    ]);
    const after = [...pair.left.sad.installed.values()].map(({ inboundKey, outboundKey }) => [inboundKey, outboundKey]);
    expect(after).toEqual(before);
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    // What right sent until the check was over: its way here, and the check's there and back, 10 ms each.
    expect(pair.strayed).toBeLessThanOrEqual(42);
    expect(pair.losses).toEqual([]);
    pair.trafficInterval = undefined;
    pair.runFor(100);
    expectPath(pair, SECOND_LEFT, RIGHT);
    expect(pair.left.events.filter(({ kind }) => kind === 'path-changed')).toHaveLength(1);
  });

  it('while a request is under way: that goes on by the new path, and the update follows', () => {
    const pair = mobilePair();
    pair.network.conditions = { ...PERFECT, loss: 1 };
    pair.give(pair.left, { kind: 'rekey-child', inboundSpi: pair.left.sad.current()?.association.inboundSpi ?? 0 });
    pair.runFor(30);
    pair.network.conditions = PERFECT;
    const from = pair.now;
    move(pair, pair.left, SECOND_LEFT);
    // At once, and not when its next repetition would have been due.
    pair.runFor(15);
    expect(informed(pair.right, from)).toEqual([]);
    pair.runFor(10_000);
    const said = informed(pair.left, from);
    expect(said[0]).toContain('N(UPDATE_SA_ADDRESSES)');
    expect(said.filter((text) => text.includes('UPDATE_SA_ADDRESSES'))).toHaveLength(1);
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    expectPath(pair, SECOND_LEFT, RIGHT);
  });

  it('and yet another before the answer is there: the answer is not looked at, and the update made anew', () => {
    const pair = mobilePair();
    const from = pair.now;
    move(pair, pair.left, SECOND_LEFT);
    pair.runFor(5);
    move(pair, pair.left, THIRD_LEFT);
    pair.runFor(5000);
    expect(informed(pair.left, from).filter((text) => text.includes('UPDATE_SA_ADDRESSES'))).toHaveLength(2);
    expectPath(pair, THIRD_LEFT, RIGHT);
  });

  it('back and forth within one round trip ends where it is', () => {
    for (let gap = 1; gap < 60; gap += 3) {
      const pair = mobilePair();
      move(pair, pair.left, SECOND_LEFT);
      pair.runFor(gap);
      move(pair, pair.left, LEFT);
      pair.runFor(gap);
      move(pair, pair.left, SECOND_LEFT);
      pair.runFor(20_000);
      expectPath(pair, SECOND_LEFT, RIGHT);
    }
  });

  it('the preferred of several, and back when it is there again', () => {
    const pair = mobilePair();
    move(pair, pair.left, SECOND_LEFT, LEFT);
    pair.runFor(1000);
    expectPath(pair, SECOND_LEFT, RIGHT);
    expect(only(pair.right).lineage.mobility.peer).toEqual([SECOND_LEFT, LEFT]);
    move(pair, pair.left, LEFT);
    pair.runFor(1000);
    expectPath(pair, LEFT, RIGHT);
  });

  it('none for a while: what is under way goes on when there is one', () => {
    const pair = mobilePair();
    move(pair, pair.left);
    pair.runFor(40_000);
    move(pair, pair.left, SECOND_LEFT);
    pair.runFor(5000);
    expect(failures(pair)).toEqual([]);
    expectPath(pair, SECOND_LEFT, RIGHT);
  });

  it('and IKE SA and Child SA are rekeyed by either end at the same time', () => {
    for (const kind of ['rekey-child', 'rekey-ike'] as const) {
      for (const name of ['left', 'right'] as const) {
        for (let offset = -40; offset <= 40; offset += 8) {
          const pair = mobilePair({ seed: offset + 100 });
          pair.trafficInterval = 1;
          const rekey = () => {
            const end = pair.end(name);
            const inboundSpi = end.sad.current()?.association.inboundSpi ?? 0;
            pair.give(end, kind === 'rekey-ike' ? { kind, connection: 'left-right' } : { kind, inboundSpi });
          };
          const [first, second] = offset < 0 ? [rekey, undefined] : [undefined, rekey];
          first?.();
          pair.runFor(Math.abs(offset));
          move(pair, pair.left, SECOND_LEFT);
          if (offset >= 0) pair.runFor(offset);
          second?.();
          pair.runFor(5000);
          pair.trafficInterval = undefined;
          pair.runFor(200_000);
          expect({ kind, name, offset, ...agreement(pair), failures: failures(pair) }).toEqual({
            kind,
            name,
            offset,
            pairs: 1,
            agree: true,
            failures: [],
          });
          expectPath(pair, SECOND_LEFT, RIGHT);
        }
      }
    }
  });

  it.each(['left', 'right'] as const)(
    'and the answer of %s, who moves, that makes the peer’s rekey of the IKE SA, is lost: the old IKE SA says where it is',
    (mover) => {
      const pair = mobilePair();
      const [moving, waiting] = mover === 'left' ? [pair.left, pair.right] : [pair.right, pair.left];
      pair.give(waiting, { kind: 'rekey-ike', connection: 'left-right' });
      pair.runFor(9);
      pair.network.conditions = { ...PERFECT, loss: 1 };
      pair.runFor(2);
      pair.network.conditions = PERFECT;
      expect(only(moving).lineage.doubtfulPredecessor).toBeDefined();
      move(pair, moving, mover === 'left' ? SECOND_LEFT : SECOND_RIGHT);
      pair.runFor(20_000);
      expect(failures(pair)).toEqual([]);
      expect(only(moving).lineage.doubtfulPredecessor).toBeUndefined();
      if (mover === 'left') expectPath(pair, SECOND_LEFT, RIGHT);
      else expectPath(pair, LEFT, SECOND_RIGHT);
    },
  );

  it('a check of one path that is answered by another does not keep the responder from saying where it is', () => {
    const pair = mobilePair();
    move(pair, pair.left, THIRD_LEFT, LEFT);
    pair.runFor(11);
    // It begins to check the path to where the initiator is no more, and is itself not where it was.
    move(pair, pair.left, LEFT);
    pair.runFor(1);
    move(pair, pair.right, SECOND_RIGHT);
    pair.runFor(60_000);
    expect(failures(pair)).toEqual([]);
    expectPath(pair, LEFT, SECOND_RIGHT);
  });

  it('UPDATE_SA_ADDRESSES of the responder, or where MOBIKE is not in use, changes nothing', () => {
    for (const pair of [mobilePair(), establishedPair({ keyExchange: toyKeyExchange })]) {
      const before = only(pair.left).lineage.path;
      const from = only(pair.left).lineage.mobility.inUse ? pair.right : pair.left;
      const other = from === pair.left ? pair.right : pair.left;
      const path = only(other).lineage.path;
      only(from).lineage.path = { ...only(from).lineage.path, local: { address: THIRD_LEFT, port: 4500 } };
      from.addresses = [...from.addresses, THIRD_LEFT];
      only(from).request(
        {
          purpose: { kind: 'inform' },
          exchange: EXCHANGE.INFORMATIONAL,
          payloads: [notify('UPDATE_SA_ADDRESSES')],
          onResponse: () => undefined,
        },
        pair.now,
      );
      pair.give(from, { kind: 'timeout' });
      pair.runFor(100);
      expect(only(other).lineage.path).toEqual(path);
      if (other === pair.left) expect(path).toEqual(before);
      expect(failures(pair)).toEqual([]);
    }
  });
});

describe('The responder has another address (RFC 4555 sections 3.5 and 3.6)', () => {
  it('tells it from there, and the initiator moves', () => {
    const pair = mobilePair();
    const from = pair.now;
    move(pair, pair.right, SECOND_RIGHT);
    pair.runFor(1000);
    expect(informed(pair.right, from)[0]).toBe('request: N(NO_ADDITIONAL_ADDRESSES)');
    expect(informed(pair.left, from)[1]).toContain('N(UPDATE_SA_ADDRESSES)');
    expectPath(pair, LEFT, SECOND_RIGHT);
  });

  it('beside the one in use: the initiator knows it, and stays', () => {
    const pair = mobilePair();
    move(pair, pair.right, RIGHT, SECOND_RIGHT);
    pair.runFor(1000);
    expect(only(pair.left).lineage.mobility.peer).toEqual([RIGHT, SECOND_RIGHT]);
    expectPath(pair, LEFT, RIGHT);
    move(pair, pair.right, SECOND_RIGHT);
    pair.runFor(1000);
    expectPath(pair, LEFT, SECOND_RIGHT);
  });

  it('and so has the initiator, at the same time: it is found by the addresses that were told before', () => {
    const pair = mobilePair();
    move(pair, pair.left, LEFT, SECOND_LEFT);
    move(pair, pair.right, RIGHT, SECOND_RIGHT);
    pair.runFor(1000);
    move(pair, pair.left, SECOND_LEFT);
    move(pair, pair.right, SECOND_RIGHT);
    pair.runFor(20_000);
    expectPath(pair, SECOND_LEFT, SECOND_RIGHT);
    expect(failures(pair)).toEqual([]);
  });

  it('is repeated for five minutes before it gives up: the initiator has time to find a path (section 3.11)', () => {
    const pair = mobilePair();
    pair.network.conditions = { ...PERFECT, loss: 1 };
    const from = pair.now;
    pair.give(pair.right, { kind: 'rekey-child', inboundSpi: pair.right.sad.current()?.association.inboundSpi ?? 0 });
    pair.runFor(300_000);
    expect(pair.right.events.some(({ kind }) => kind === 'ike-failed')).toBe(false);
    pair.runFor(60_000);
    expect(pair.right.events.at(-1)).toMatchObject({ kind: 'ike-failed', reason: { code: 'peer_silent' } });
    expect(pair.now - from).toBeGreaterThan(300_000);
  });
});

describe('The path fails (RFC 4555 sections 3.10 and 3.11)', () => {
  /** Only these two can hear each other. */
  const onlyBetween = (pair: IkePair, left: Uint8Array, right: Uint8Array) => {
    pair.left.addresses = [left];
    pair.right.addresses = [right];
  };

  it.each([
    ['of the initiator', SECOND_LEFT, RIGHT],
    ['of the responder', LEFT, SECOND_RIGHT],
    ['of both', SECOND_LEFT, SECOND_RIGHT],
  ])('and that to another address %s is found before the peer is given up', (_whose, left, right) => {
    const pair = mobilePair();
    move(pair, pair.left, LEFT, SECOND_LEFT);
    move(pair, pair.right, RIGHT, SECOND_RIGHT);
    pair.runFor(1000);
    onlyBetween(pair, left, right);
    pair.runFor(60_000);
    expect(failures(pair)).toEqual([]);
    expectPath(pair, left, right);
  });

  it('and no other is there: the peer is silent', () => {
    const pair = mobilePair();
    move(pair, pair.left, LEFT, SECOND_LEFT);
    pair.runFor(1000);
    onlyBetween(pair, THIRD_LEFT, RIGHT);
    pair.runFor(200_000);
    expect(pair.left.events.at(-1)).toMatchObject({ kind: 'ike-failed', reason: { code: 'peer_silent' } });
  });

  it('while an update is under way: that to which the peer has moved is the one, or it is told again', () => {
    const pair = mobilePair();
    move(pair, pair.left, LEFT, SECOND_LEFT, THIRD_LEFT);
    pair.runFor(1000);
    pair.left.addresses = [THIRD_LEFT];
    pair.give(pair.left, { kind: 'local-addresses', connection: 'left-right', addresses: [SECOND_LEFT, THIRD_LEFT] });
    pair.runFor(60_000);
    expect(failures(pair)).toEqual([]);
    expectPath(pair, THIRD_LEFT, RIGHT);
  });
});

describe('The return routability check (RFC 4555 section 3.7)', () => {
  const withPolicy = (returnRoutability: 'before' | 'after' | 'omitted') =>
    mobilePair({
      leftConnection: { mobike: { returnRoutability } },
      rightConnection: { mobike: { returnRoutability } },
    });

  it.each([
    ['before', 'packets of Child SAs go there', LEFT, true],
    ['after', 'packets of Child SAs went there', SECOND_LEFT, true],
    ['omitted', 'never', SECOND_LEFT, false],
  ] as const)('%s: %s', (policy, _when, whileChecking, checks) => {
    const pair = withPolicy(policy);
    const from = pair.now;
    move(pair, pair.left, SECOND_LEFT);
    // The update has arrived, and the answer to the check has not.
    pair.runFor(12);
    expect(outer(pair.right).remote).toEqual(at(whileChecking));
    pair.runFor(1000);
    expect(informed(pair.right, from).includes('request: N(COOKIE2)')).toBe(checks);
    expectPath(pair, SECOND_LEFT, RIGHT);
  });

  it('before: somebody who only says that he is elsewhere draws no packets there', () => {
    const pair = withPolicy('before');
    const victim = at(Uint8Array.of(192, 0, 2, 99));
    const sa = only(pair.left);
    sa.lineage.path = { ...sa.lineage.path, local: victim };
    pair.left.addresses = [LEFT, victim.address];
    const lie = { purpose: { kind: 'inform' }, exchange: EXCHANGE.INFORMATIONAL, onResponse: () => undefined } as const;
    sa.request({ ...lie, payloads: [notify('UPDATE_SA_ADDRESSES')] }, pair.now);
    pair.give(pair.left, { kind: 'timeout' });
    // He does not get what goes to the victim.
    pair.left.addresses = [LEFT];
    pair.runFor(100_000);
    expect(outer(pair.right).remote).toEqual(at(LEFT));
    pair.runFor(400_000);
    expect(pair.right.sad.installed.size).toBe(0);
  });

  it.each([
    [
      'another cookie',
      (payloads: readonly Payload[]) =>
        payloads.map((payload) => (isNotify(payload, 'COOKIE2') ? notify('COOKIE2', new Uint8Array(16)) : payload)),
    ],
    ['none', (payloads: readonly Payload[]) => payloads.filter((payload) => !isNotify(payload, 'COOKIE2'))],
  ])('an answer with %s closes the IKE SA, at whichever end', (_what, change) => {
    for (const name of ['left', 'right'] as const) {
      const pair = mobilePair();
      rude(pair.end(name), change);
      move(pair, pair.left, SECOND_LEFT);
      pair.runFor(200_000);
      const other = name === 'left' ? pair.right : pair.left;
      expect(other.events.find(({ kind }) => kind === 'ike-failed')).toMatchObject({
        reason: { code: 'invalid_message' },
      });
      expect([pair.left.sad.installed.size, pair.right.sad.installed.size]).toEqual([0, 0]);
    }
  });

  it.each([7, 8, 64, 65])('a cookie of %d octets is copied as it is, if it is one', (length) => {
    const pair = mobilePair();
    const cookie = notify(
      'COOKIE2',
      Uint8Array.from({ length }, (_, index) => index),
    );
    let answer: readonly Payload[] = [];
    const onResponse = (payloads: readonly Payload[]) => {
      answer = payloads;
    };
    only(pair.left).request(
      { purpose: { kind: 'inform' }, exchange: EXCHANGE.INFORMATIONAL, payloads: [cookie], onResponse },
      pair.now,
    );
    pair.give(pair.left, { kind: 'timeout' });
    pair.runFor(100);
    expect(answer).toEqual(length >= 8 && length <= 64 ? [cookie] : []);
  });
});

describe('Addresses that policy does not take (RFC 4555 section 3.5)', () => {
  const range = (address: Uint8Array) => ({ first: address, last: address });
  const taking = (...addresses: Uint8Array[]): MakePair => ({
    rightConnection: { mobike: { returnRoutability: 'before', peerAddresses: addresses.map(range) } },
  });

  it('UNACCEPTABLE_ADDRESSES makes the initiator try its others', () => {
    const pair = mobilePair(taking(LEFT, THIRD_LEFT));
    const from = pair.now;
    move(pair, pair.left, SECOND_LEFT, THIRD_LEFT);
    pair.runFor(5000);
    expect(informed(pair.right, from)[0]).toBe('response: N(UNACCEPTABLE_ADDRESSES) N(COOKIE2)');
    expectPath(pair, THIRD_LEFT, RIGHT);
    expect(failures(pair)).toEqual([]);
  });

  it('when none is left the IKE SA is closed, and the reason told', () => {
    const pair = mobilePair(taking(LEFT));
    move(pair, pair.left, SECOND_LEFT);
    pair.runFor(5000);
    expect(pair.left.events.at(-1)).toMatchObject({
      kind: 'ike-failed',
      connection: 'left-right',
      reason: { code: 'addresses_refused' },
    });
    expect([pair.left.sad.installed.size, pair.right.sad.installed.size]).toEqual([0, 0]);
  });

  it('an additional address that policy does not take is not remembered', () => {
    const pair = mobilePair(taking(LEFT, THIRD_LEFT));
    move(pair, pair.left, LEFT, SECOND_LEFT, THIRD_LEFT);
    pair.runFor(1000);
    expect(only(pair.right).lineage.mobility.peer).toEqual([LEFT, THIRD_LEFT]);
  });
});

describe('Where no NAT may be (RFC 4555 section 3.9)', () => {
  const PROHIBITED: MakePair = {
    leftConnection: { natTraversal: 'prohibited' },
    rightConnection: { natTraversal: 'prohibited' },
  };
  const without = () => mobilePair(PROHIBITED);

  it('messages that change addresses have them inside, and nothing is hashed or moved to port 4500', () => {
    const pair = without();
    const auth = sentBy(only(pair.left)).find(({ exchange }) => exchange === 'IKE_AUTH');
    expect(auth?.payloads).toContain('N(NO_NATS_ALLOWED)');
    const from = pair.now;
    move(pair, pair.left, SECOND_LEFT);
    move(pair, pair.right, RIGHT, SECOND_RIGHT);
    pair.runFor(1000);
    const changing = [...informed(pair.left, from), ...informed(pair.right, from)].filter((text) =>
      /UPDATE_SA|ADDITIONAL/.test(text),
    );
    expect(changing).toHaveLength(3);
    for (const text of changing) expect(text).toContain('N(NO_NATS_ALLOWED)');
    expect(JSON.stringify(explainHistory(only(pair.left).lineage.history.entries))).not.toContain('NAT_DETECTION');
    expect(only(pair.left).lineage.path).toEqual({ local: at(SECOND_LEFT, 500), remote: at(RIGHT, 500) });
    expectTraffic(pair);
  });

  it('a NAT on the new path is not taken: UNEXPECTED_NAT_DETECTED, several times, then the IKE SA is closed', () => {
    const pair = without();
    const from = pair.now;
    pair.network.conditions = { ...PERFECT, nat: { inside: SECOND_LEFT, outside: NAT.outside } };
    move(pair, pair.left, SECOND_LEFT);
    pair.runFor(5000);
    const refused = informed(pair.right, from).filter((text) => text.includes('UNEXPECTED_NAT_DETECTED'));
    expect(refused).toHaveLength(5);
    expect(pair.left.events.find(({ kind }) => kind === 'ike-failed')).toMatchObject({
      reason: { code: 'nat_detected' },
    });
    expect(pair.right.events.filter(({ kind }) => kind === 'path-changed')).toEqual([]);
  });

  it('one that changes a single message does not keep the path from being used', () => {
    const pair = without();
    pair.network.conditions = { ...PERFECT, nat: { inside: SECOND_LEFT, outside: NAT.outside } };
    move(pair, pair.left, SECOND_LEFT);
    pair.runFor(15);
    pair.network.conditions = PERFECT;
    // The refusal went to where the message came from, which is nobody's now: the request comes again, and is answered so.
    pair.runFor(10_000);
    expect(failures(pair)).toEqual([]);
    expect(only(pair.right).lineage.path.remote).toEqual(at(SECOND_LEFT, 500));
    expectTraffic(pair);
  });

  it('a NAT between them from the beginning: IKE_AUTH is refused', () => {
    const pair = makePair({
      ...PROHIBITED,
      keyExchange: toyKeyExchange,
      leftConnection: { ...MOBIKE, natTraversal: 'prohibited' },
      rightConnection: { ...MOBIKE, natTraversal: 'prohibited', remote: ANYWHERE },
      conditions: { ...PERFECT, nat: NAT },
    });
    pair.give(pair.left, { kind: 'initiate', connection: 'left-right' });
    pair.runFor(1000);
    expect(pair.right.events).toMatchObject([{ kind: 'stranger-refused', reason: { code: 'nat_detected' } }]);
    expect(pair.left.events).toMatchObject([
      { kind: 'ike-failed', reason: { code: 'peer_refused', notify: 'UNEXPECTED_NAT_DETECTED', exchange: 'IKE_AUTH' } },
    ]);
  });
});

describe('NATs that come, go and change (RFC 4555 section 3.8)', () => {
  it('one on the new path: ESP goes into UDP at both ends, keepalives begin, and without it both end', () => {
    const pair = mobilePair();
    expect(outer(pair.left).encapsulate).toBe(false);
    pair.network.conditions = { ...PERFECT, nat: { inside: SECOND_LEFT, outside: NAT.outside } };
    move(pair, pair.left, SECOND_LEFT);
    pair.runFor(1000);
    expect([outer(pair.left).encapsulate, outer(pair.right).encapsulate]).toEqual([true, true]);
    expect(outer(pair.right).remote).toEqual(NAT.outside);
    expectTraffic(pair);
    const from = pair.sent.length;
    pair.runFor(50_000);
    expect(pair.sent.slice(from).filter(({ octets }) => octets.length === 1)).toHaveLength(2);
    pair.network.conditions = PERFECT;
    move(pair, pair.left, THIRD_LEFT);
    pair.runFor(30_000);
    expectPath(pair, THIRD_LEFT, RIGHT);
    const later = pair.sent.length;
    pair.runFor(100_000);
    expect(pair.sent.slice(later).filter(({ octets }) => octets.length === 1)).toEqual([]);
  });

  const behindNat = () => mobilePair({ rightConnection: { remote: ANYWHERE }, conditions: { ...PERFECT, nat: NAT } });

  it('that forgets its mapping: the initiator sees it when it asks whether the peer lives, and tells it', () => {
    const pair = behindNat();
    pair.runFor(40_000);
    expectTraffic(pair);
    pair.network.conditions = { ...PERFECT, nat: REBOUND };
    pair.runFor(40_000);
    expect(only(pair.right).lineage.path.remote).toEqual(REBOUND.outside);
    expect(outer(pair.right).remote).toEqual(REBOUND.outside);
    expectTraffic(pair);
    expect(failures(pair)).toEqual([]);
  });

  it.each([
    ['begins a new IKE SA when the other end asks it to', true],
    ['is called where it is when it does not know how to be asked (RFC 4478)', false],
  ])('who is behind one %s', (_, knows) => {
    const pair = mobilePair({
      rightConnection: { remote: { kind: 'roaming', endpoint: NAT.outside } },
      conditions: { ...PERFECT, nat: NAT },
    });
    if (!knows) {
      const { request } = IkeSa.prototype;
      const isKnown = (payload: Payload) => payload.kind !== 'N' || payload.type !== NOTIFY.AUTH_LIFETIME;
      vi.spyOn(IkeSa.prototype, 'request').mockImplementation(function (this: IkeSa, asked, now) {
        return request.call(this, { ...asked, payloads: asked.payloads.filter(isKnown) }, now);
      });
    }
    const before = outer(pair.left);
    const inboundSpi = pair.left.sad.current()?.association.inboundSpi;
    pair.trafficInterval = 1000;
    pair.give(pair.right, { kind: 'reauthenticate', connection: 'left-right' });
    pair.runFor(60_000);
    expect(pair.left.sad.current()?.association.inboundSpi).not.toBe(inboundSpi);
    expect(outer(pair.left)).toEqual(before);
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    expect(pair.losses).toEqual([]);
    expect([pair.left, pair.right].map((end) => only(end).lineage.initiator)).toEqual(
      knows ? ['us', 'peer'] : ['peer', 'us'],
    );
    if (!knows) return;
    pair.trafficInterval = undefined;
    pair.network.conditions = { ...PERFECT, nat: REBOUND };
    pair.runFor(80_000);
    expect(outer(pair.right).remote).toEqual(REBOUND.outside);
    expectTraffic(pair);
  });

  it('a request that is no update moves nothing, and its answer goes where it came from', () => {
    const pair = behindNat();
    const before = only(pair.right).lineage.path;
    pair.network.conditions = { ...PERFECT, nat: REBOUND };
    const request = { purpose: { kind: 'inform' }, exchange: EXCHANGE.INFORMATIONAL, payloads: [] } as const;
    let answered = false;
    const onResponse = () => {
      answered = true;
    };
    only(pair.left).request({ ...request, onResponse }, pair.now);
    pair.give(pair.left, { kind: 'timeout' });
    pair.runFor(100);
    expect(answered).toBe(true);
    expect(only(pair.right).lineage.path).toEqual(before);
    expect(outer(pair.right).remote).toEqual(before.remote);
  });

  it('a NAT that appears in front of an address that has not changed is found, too', () => {
    const pair = mobilePair({ rightConnection: { remote: ANYWHERE } });
    pair.network.conditions = { ...PERFECT, nat: NAT };
    pair.runFor(80_000);
    expect([outer(pair.left).encapsulate, outer(pair.right).encapsulate]).toEqual([true, true]);
    expect(only(pair.right).lineage.path.remote).toEqual({ ...NAT.outside, port: NAT.outside.port });
    expectTraffic(pair);
  });
});

describe('Without MOBIKE: the peer behind a NAT is followed (RFC 7296 section 2.23)', () => {
  const quick = { keyExchange: toyKeyExchange, engine: { provider: nodeCryptoProvider } };
  const behindNat = (options: MakePair = {}) =>
    establishedPair({
      ...quick,
      rightConnection: { remote: ANYWHERE },
      conditions: { ...PERFECT, nat: NAT },
      ...options,
    });
  const sendSomething = (pair: IkePair, end: PairEnd) => {
    const request = { purpose: { kind: 'inform' }, exchange: EXCHANGE.INFORMATIONAL, payloads: [] } as const;
    only(end).request({ ...request, onResponse: () => undefined }, pair.now);
    pair.give(end, { kind: 'timeout' });
  };

  it('by every new authentic message of it, and so are its Child SAs', () => {
    const pair = behindNat();
    expectTraffic(pair);
    pair.network.conditions = { ...PERFECT, nat: REBOUND };
    sendSomething(pair, pair.left);
    pair.runFor(100);
    expect(only(pair.right).lineage.path.remote).toEqual(REBOUND.outside);
    expect(outer(pair.right)).toMatchObject({ remote: REBOUND.outside, encapsulate: true });
    expectTraffic(pair);
  });

  it('never by what is repeated, changed or cut', () => {
    const pair = behindNat();
    sendSomething(pair, pair.left);
    pair.runFor(100);
    const before = only(pair.right).lineage.path;
    const elsewhere = { local: before.local, remote: at(THIRD_LEFT, 1234) };
    for (const { from, octets } of [...pair.sent]) {
      if (from !== 'left') continue;
      pair.give(pair.right, { kind: 'datagram', ...elsewhere, octets: octets.slice() });
      for (let at = 0; at < octets.length; at += 7) {
        const changed = octets.slice();
        changed[at] = (changed[at] ?? 0) ^ 1;
        pair.give(pair.right, { kind: 'datagram', ...elsewhere, octets: changed });
      }
      pair.give(pair.right, { kind: 'datagram', ...elsewhere, octets: octets.slice(0, -1) });
    }
    pair.runFor(100);
    expect(only(pair.right).lineage.path).toEqual(before);
    expectTraffic(pair);
  });

  it('by answers of it as well, when they come from elsewhere', () => {
    const pair = behindNat();
    sendSomething(pair, pair.right);
    pair.runFor(5);
    // The request has passed the old mapping; the answer passes the new one.
    pair.network.conditions = { ...PERFECT, nat: REBOUND };
    pair.runFor(100);
    expect(only(pair.right).lineage.path.remote).toEqual(REBOUND.outside);
    expectTraffic(pair);
  });

  it('who is behind a NAT itself, and began, stays with what it began with', () => {
    const pair = behindNat();
    const path = only(pair.left).lineage.path;
    const sa = only(pair.right);
    sa.lineage.path = { ...sa.lineage.path, local: at(SECOND_RIGHT) };
    pair.right.addresses = [RIGHT, SECOND_RIGHT];
    only(pair.left).lineage.nat = { present: true, peerBehind: true, weBehind: true };
    sendSomething(pair, pair.right);
    pair.runFor(100);
    expect(only(pair.left).lineage.path).toEqual(path);
  });

  it('without a NAT nobody is followed', () => {
    const pair = establishedPair(quick);
    const path = only(pair.right).lineage.path;
    only(pair.left).lineage.path = { ...only(pair.left).lineage.path, local: at(SECOND_LEFT, 500) };
    pair.left.addresses = [LEFT, SECOND_LEFT];
    sendSomething(pair, pair.left);
    pair.runFor(100);
    expect(only(pair.right).lineage.path).toEqual(path);
  });

  it('an address that goes away ends the IKE SA, unless the peer will follow', () => {
    const plain = establishedPair(quick);
    move(plain, plain.left, SECOND_LEFT);
    expect(plain.left.events.at(-1)).toMatchObject({
      kind: 'ike-failed',
      connection: 'left-right',
      reason: { code: 'local_address_gone' },
    });
    expect(plain.left.sad.installed.size).toBe(0);
    const natted = behindNat();
    natted.network.conditions = { ...PERFECT, nat: { inside: SECOND_LEFT, outside: NAT.outside } };
    move(natted, natted.left, SECOND_LEFT);
    natted.runFor(1000);
    expect(failures(natted)).toEqual([]);
    expectTraffic(natted);
  });

  it('and ends a handshake, so that the next begins from an address that is there', () => {
    const pair = makePair({ ...quick, rightConnection: { remote: ANYWHERE } });
    pair.give(pair.left, { kind: 'initiate', connection: 'left-right' });
    move(pair, pair.left, SECOND_LEFT);
    expect(pair.left.events).toMatchObject([{ kind: 'ike-failed', reason: { code: 'local_address_gone' } }]);
    pair.give(pair.left, { kind: 'initiate', connection: 'left-right' });
    pair.runFor(1000);
    expect(only(pair.left).lineage.path.local).toEqual(at(SECOND_LEFT, 500));
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });

  it('which is one of the family of the peer', () => {
    const pair = makePair({ ...quick, rightConnection: { remote: ANYWHERE } });
    move(pair, pair.left, new Uint8Array(16).fill(1), SECOND_LEFT);
    pair.give(pair.left, { kind: 'initiate', connection: 'left-right' });
    pair.runFor(1000);
    expect(only(pair.left).lineage.path.local).toEqual(at(SECOND_LEFT, 500));
  });
});

describe('Encapsulation that is forced (RFC 7296 section 2.23)', () => {
  const conditions = { ...PERFECT, dropsProtocol50: true };

  it.each(['left', 'right'] as const)(
    'by %s alone: both ends put ESP into UDP, and a path that drops it otherwise carries it',
    (name) => {
      const forced = { natTraversal: 'forced' } as const;
      const pair = establishedPair({ keyExchange: toyKeyExchange, conditions, [`${name}Connection`]: forced });
      expect([outer(pair.left), outer(pair.right)]).toMatchObject([
        { encapsulate: true, local: { port: 4500 }, remote: { port: 4500 } },
        { encapsulate: true, local: { port: 4500 }, remote: { port: 4500 } },
      ]);
      expectTraffic(pair);
      expect(only(pair.left).lineage.nat.weBehind).toBe(false);
    },
  );

  it('without it nothing arrives there', () => {
    const pair = establishedPair({ keyExchange: toyKeyExchange, conditions });
    pair.trafficInterval = 10;
    pair.runFor(1000);
    expect(pair.opened).toBe(0);
  });

  it('stays forced when the path changes', () => {
    const pair = mobilePair({ conditions, leftConnection: { natTraversal: 'forced' } });
    move(pair, pair.left, SECOND_LEFT);
    pair.runFor(1000);
    expectPath(pair, SECOND_LEFT, RIGHT, true);
  });
});

describe('A request that waited for another (RFC 7296 section 2.11)', () => {
  it('is answered where it came from itself', () => {
    const pair = mobilePair({ engine: { provider: nodeCryptoProvider, windowSize: 4 } });
    const sa = only(pair.right);
    const sent: Uint8Array[] = [];
    for (let index = 0; index < 2; index++) {
      const request = { exchange: EXCHANGE.INFORMATIONAL, payloads: [], onResponse: () => undefined };
      sent.push(...sa.request({ purpose: { kind: 'inform' }, ...request }, pair.now).datagrams);
      sa.forgetRequest(pair.now);
    }
    while (pair.right.engine.poll() !== undefined);
    const arrive = (octets: Uint8Array | undefined, port: number) => {
      const endpoints = { local: at(LEFT), remote: at(RIGHT, port) };
      pair.left.engine.handle(
        { kind: 'datagram', ...endpoints, octets: (octets ?? new Uint8Array(0)).slice() },
        pair.now,
      );
    };
    arrive(sent[1], 1111);
    arrive(sent[0], 2222);
    const ports: number[] = [];
    for (let output = pair.left.engine.poll(); output !== undefined; output = pair.left.engine.poll()) {
      if (output.kind === 'transmit') ports.push(output.remote.port);
    }
    expect(ports).toEqual([2222, 1111]);
  });
});
