import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { nodeCryptoProvider } from '../../providers/node-crypto/node-crypto-provider.js';
import { Secret } from '../../src/bytes/secret.js';
import type { ChildConfiguration, Connection } from '../../src/ike/connection.js';
import { explainHistory } from '../../src/ike/history/explain-history.js';
import { IkeSa } from '../../src/ike/ike-sa.js';
import type { IkePair, PairEnd } from '../../src/testing/pair.js';
import { seededRandom } from '../../src/testing/seeded-random.js';
import { PERFECT } from '../../src/testing/simulated-network.js';
import { CONFIGURATION_ATTRIBUTE, EXCHANGE, KE, TRANSFORM_TYPE } from '../../src/wire/ike/iana.js';
import { encodeMessage, type IkeMessage, parseMessage } from '../../src/wire/ike/message.js';
import { notifyName } from '../../src/wire/ike/notify-registry.js';
import { notify } from '../../src/wire/ike/payloads/notify.js';
import type { Payload } from '../../src/wire/ike/payloads/registry.js';
import { transform } from '../../src/wire/ike/payloads/sa.js';
import type { WireSelector } from '../../src/wire/ike/payloads/traffic-selector.js';
import {
  agreement,
  connection,
  ESP_GCM,
  establishedPair,
  IKE_GCM,
  LEFT,
  type MakePair,
  makePair,
  prefix,
  RIGHT,
  toyKeyExchange,
} from './fixtures.js';

const HEADER = {
  initiatorSpi: new Uint8Array(8).fill(1),
  responderSpi: new Uint8Array(8),
  fromInitiator: true,
  response: false,
  messageId: 0,
};
const quick = { keyExchange: toyKeyExchange, engine: { provider: nodeCryptoProvider } };

const only = (end: PairEnd): IkeSa => {
  const [sa, ...others] = end.engine.associations().filter(({ state }) => state.name === 'established');
  if (sa === undefined || others.length > 0) throw new Error(`${end.name} has not one IKE SA.`);
  return sa;
};
const parsed = (octets: Uint8Array | undefined): IkeMessage => {
  const message = parseMessage(octets ?? new Uint8Array(0));
  if (!message.ok) throw new Error(message.problem.code);
  return message.value;
};
const names = (payloads: readonly Payload[]) =>
  payloads.map((payload) => (payload.kind === 'N' ? notifyName(payload.type) : payload.kind));
const initMessages = (pair: IkePair) =>
  pair.sent.filter(({ octets }) => octets[18] === EXCHANGE.IKE_SA_INIT).map(({ octets }) => parsed(octets));
const received = (end: PairEnd) =>
  end.engine
    .associations()
    .flatMap(({ lineage }) => explainHistory(lineage.history.entries))
    .filter((entry) => entry.kind === 'message')
    .filter(({ direction }) => direction === 'received');

afterEach(() => vi.restoreAllMocks());

describe('IKE_SA_INIT that has to be sent again (RFC 7296 sections 2.6 and 2.6.1)', () => {
  const X25519_OR_ECP = [...IKE_GCM, transform(TRANSFORM_TYPE.KE, KE.ECP_256)];
  const ECP = [...IKE_GCM.slice(0, 2), transform(TRANSFORM_TYPE.KE, KE.ECP_256)];
  const both: MakePair = {
    ...quick,
    engine: { ...quick.engine, cookieThreshold: 0 },
    leftConnection: { proposals: [X25519_OR_ECP] },
    rightConnection: { proposals: [ECP] },
  };

  it('for a cookie and for another group takes three round trips: the cookie goes along', () => {
    const pair = establishedPair(both);
    const messages = initMessages(pair);
    expect(messages.map(({ payloads }) => names(payloads).slice(0, 4))).toEqual([
      ['SA', 'KE', 'Nonce', 'NAT_DETECTION_SOURCE_IP'],
      ['COOKIE'],
      ['COOKIE', 'SA', 'KE', 'Nonce'],
      ['INVALID_KE_PAYLOAD'],
      ['COOKIE', 'SA', 'KE', 'Nonce'],
      ['SA', 'KE', 'Nonce', 'NAT_DETECTION_SOURCE_IP'],
    ]);
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });

  it('keeps the SPI, message ID 0, a responder SPI of zero, the nonce, and offers everything again', () => {
    const requests = initMessages(establishedPair(both)).filter(({ header }) => !header.response);
    const kept = requests.map(({ header, payloads }) => [
      header.initiatorSpi,
      header.responderSpi,
      header.messageId,
      payloads.filter(({ kind }) => kind === 'SA' || kind === 'Nonce'),
    ]);
    expect(kept).toHaveLength(3);
    expect(kept[0]?.[1]).toEqual(new Uint8Array(8));
    for (const again of kept.slice(1)) expect(again).toEqual(kept[0]);
    const [first, second] = requests.map(({ payloads }) => payloads.filter(({ kind }) => kind !== 'N'));
    expect(second).toEqual(first);
  });

  it('goes on with a responder that wants a cookie for the other group, too', () => {
    let requests = 0;
    // As if its cookies covered the key share.
    const mutate = (from: string, octets: Uint8Array) => {
      if (from !== 'left' || octets[18] !== EXCHANGE.IKE_SA_INIT || ++requests !== 3) return octets;
      const changed = octets.slice();
      changed[40] = (changed[40] ?? 0) ^ 1;
      return changed;
    };
    const pair = establishedPair({ ...both, mutate });
    expect(initMessages(pair)).toHaveLength(8);
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });

  it.each([0, 65, 1000])('not for a cookie of %d octets, which is none', (length) => {
    const pair = makePair(quick);
    pair.give(pair.left, { kind: 'initiate', connection: 'left-right' });
    const { header } = parsed(pair.sent[0]?.octets);
    const forged = encodeMessage({ ...header, fromInitiator: false, response: true }, [
      notify('COOKIE', new Uint8Array(length)),
    ]);
    receive(pair, pair.left, forged);
    expect(pair.sent).toHaveLength(1);
    pair.runFor(5000);
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });

  it('for a cookie of 64 octets', () => {
    const pair = makePair(quick);
    pair.give(pair.left, { kind: 'initiate', connection: 'left-right' });
    const { header } = parsed(pair.sent[0]?.octets);
    const cookie = new Uint8Array(64).fill(7);
    receive(
      pair,
      pair.left,
      encodeMessage({ ...header, fromInitiator: false, response: true }, [notify('COOKIE', cookie)]),
    );
    expect(parsed(pair.sent[1]?.octets).payloads[0]).toMatchObject({ kind: 'N', data: cookie });
  });
});

describe('Retransmission (RFC 7296 sections 2.1 and 2.4)', () => {
  it('waits twice as long each time', () => {
    const pair = establishedPair(quick);
    const from = pair.sent.length;
    pair.network.conditions = { ...PERFECT, loss: 1 };
    pair.give(pair.left, { kind: 'rekey-ike', connection: 'left-right' });
    pair.runFor(200_000);
    const times = pair.sent
      .slice(from)
      .filter((sent) => sent.from === 'left')
      .map(({ at }) => at);
    const pauses = times.slice(1).map((at, index) => at - (times[index] ?? 0));
    expect(pauses).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000]);
  });

  it('of an answered IKE_SA_INIT request is ignored once IKE_AUTH has come', () => {
    const pair = establishedPair(quick);
    const [first] = pair.sent;
    const before = pair.sent.length;
    receive(pair, pair.right, first?.octets ?? new Uint8Array(0));
    pair.runFor(100);
    expect(pair.right.engine.associations().map(({ state }) => state.name)).toContain('established');
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    expect(pair.sent.length - before).toBeLessThanOrEqual(1);
  });
});

describe('INITIAL_CONTACT (RFC 7296 section 2.4)', () => {
  const said = (leftConnection: Partial<Connection>) =>
    received(establishedPair({ ...quick, leftConnection }).right)
      .filter(({ payloads }) => payloads.includes('N(INITIAL_CONTACT)'))
      .map(({ exchange, id }) => `${exchange} ${id}`);

  it('is said in the first IKE_AUTH request, and nowhere else', () => {
    expect(said({})).toEqual(['IKE_AUTH 1']);
  });

  it('is not said of an identity that several hosts share', () => {
    expect(said({ uniqueness: 'never' })).toEqual([]);
  });
});

describe('Payloads stand in the order of the figures (RFC 7296 sections 1.2, 2.5 and 2.23)', () => {
  it('in IKE_SA_INIT, with NAT detection behind the nonces', () => {
    const keys = { kind: 'signature', credentials: [] } as const;
    const remote = { kind: 'signature', authorities: [new Uint8Array(20).fill(1)] } as const;
    const pair = makePair({
      ...quick,
      rightConnection: { localAuthentication: keys, remoteAuthentication: remote },
      leftConnection: { localAuthentication: keys, remoteAuthentication: remote },
    });
    pair.give(pair.left, { kind: 'initiate', connection: 'left-right' });
    pair.runFor(100);
    const [request, response] = initMessages(pair).map(({ payloads }) => names(payloads));
    const begin = ['SA', 'KE', 'Nonce', 'NAT_DETECTION_SOURCE_IP', 'NAT_DETECTION_DESTINATION_IP'];
    expect(request?.slice(0, 5)).toEqual(begin);
    expect(response?.slice(0, 5)).toEqual(begin);
    expect(response?.indexOf('CERTREQ')).toBeGreaterThan(4);
  });
});

describe('The first Child SA (RFC 7296 section 1.2)', () => {
  it('is offered without a key exchange, which IKE_AUTH cannot carry, and its successor with one', () => {
    const proposals = [[...ESP_GCM, transform(TRANSFORM_TYPE.KE, KE.CURVE25519)]];
    const children = (side: 'left' | 'right') => connection(side).children.map((each) => ({ ...each, proposals }));
    const pair = makePair({
      ...quick,
      leftConnection: { children: children('left') },
      rightConnection: { children: children('right') },
    });
    const offers = new Map<number, readonly number[]>();
    const { request } = IkeSa.prototype;
    vi.spyOn(IkeSa.prototype, 'request').mockImplementation(function (this: IkeSa, asked, now) {
      for (const each of asked.payloads) {
        const [first] = each.kind === 'SA' ? each.proposals : [];
        if (first !== undefined)
          offers.set(
            asked.exchange,
            first.transforms.map(({ type }) => type),
          );
      }
      return request.call(this, asked, now);
    });
    pair.give(pair.left, { kind: 'initiate', connection: 'left-right' });
    pair.runFor(1000);
    pair.give(pair.left, { kind: 'rekey-child', inboundSpi: pair.left.sad.current()?.association.inboundSpi ?? 0 });
    pair.runFor(1000);
    expect(offers.get(EXCHANGE.IKE_AUTH)).not.toContain(TRANSFORM_TYPE.KE);
    expect(offers.get(EXCHANGE.CREATE_CHILD_SA)).toContain(TRANSFORM_TYPE.KE);
  });

  it('comes also where one end proves itself with a shared key and the other with a signature (section 4)', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const psk = { kind: 'psk', key: new Secret(new Uint8Array(32).fill(5)) } as const;
    const own = [{ name: 'right', algorithms: ['ed25519'], certificates: [Uint8Array.of(1)] }] as const;
    const pair = establishedPair({
      ...quick,
      leftConnection: { localAuthentication: psk, remoteAuthentication: { kind: 'signature' } },
      rightConnection: {
        localAuthentication: { kind: 'signature', credentials: own },
        remoteAuthentication: psk,
      },
      runJob: (_end, job) => {
        if (job.kind === 'sign') {
          return { kind: 'signed', algorithm: 'ed25519', signature: sign(null, job.octets, privateKey) };
        }
        const good = verify(null, job.octets, publicKey, job.signature);
        return good ? { kind: 'verified' } : { kind: 'failed', reason: 'bad signature' };
      },
    });
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });
});

describe('What is drawn at random (RFC 7296 sections 2.6, 2.10 and 3.9)', () => {
  it('an SPI that an IKE SA has is not given to another, nor is zero', () => {
    const random = seededRandom(5);
    const draws = [new Uint8Array(8).fill(7), new Uint8Array(8).fill(7), new Uint8Array(8)];
    const fill = (out: Uint8Array) => {
      const drawn = out.length === 8 ? draws.shift() : undefined;
      if (drawn === undefined) random.fill(out);
      else out.set(drawn);
    };
    const pair = establishedPair({ ...quick, leftEngine: { random: fill } });
    expect(only(pair.left).localSpi).toEqual(new Uint8Array(8).fill(7));
    pair.give(pair.left, { kind: 'rekey-ike', connection: 'left-right' });
    pair.runFor(1000);
    expect(draws).toEqual([]);
    expect(only(pair.left).localSpi).not.toEqual(new Uint8Array(8).fill(7));
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });

  it('nonces have 32 octets, half the key of every PRF, and none comes twice', () => {
    const nonces: Uint8Array[] = [];
    const { request, respond, encodeClear } = IkeSa.prototype;
    const note = (payloads: readonly Payload[]) => {
      for (const each of payloads) if (each.kind === 'Nonce') nonces.push(each.data);
    };
    vi.spyOn(IkeSa.prototype, 'request').mockImplementation(function (this: IkeSa, asked, now) {
      note(asked.payloads);
      return request.call(this, asked, now);
    });
    vi.spyOn(IkeSa.prototype, 'respond').mockImplementation(function (this: IkeSa, exchange, payloads, now) {
      note(payloads);
      return respond.call(this, exchange, payloads, now);
    });
    vi.spyOn(IkeSa.prototype, 'encodeClear').mockImplementation(function (this: IkeSa, response, payloads) {
      note(payloads);
      return encodeClear.call(this, response, payloads);
    });
    const pair = establishedPair(quick);
    for (const end of [pair.left, pair.right]) {
      pair.give(end, { kind: 'rekey-child', inboundSpi: end.sad.current()?.association.inboundSpi ?? 0 });
      pair.runFor(6000);
      pair.give(end, { kind: 'rekey-ike', connection: 'left-right' });
      pair.runFor(6000);
    }
    expect(nonces.map(({ length }) => length)).toEqual(new Array(10).fill(32));
    expect(new Set(nonces.map((nonce) => nonce.join())).size).toBe(10);
  });

  it.each([15, 16, 256, 257])('a nonce of %d octets is one only if it has 16 to 256', (length) => {
    const header = { ...HEADER, exchange: EXCHANGE.IKE_SA_INIT };
    const message = parseMessage(encodeMessage(header, [{ kind: 'Nonce', data: new Uint8Array(length) }]));
    expect(message.ok).toBe(length >= 16 && length <= 256);
  });
});

describe('A successor of the IKE SA (RFC 7296 sections 1.3.2 and 2.18)', () => {
  it('begins with message ID 0 in both directions, with SPIs of its own, and a window of one', () => {
    const pair = establishedPair({ ...quick, engine: { ...quick.engine, windowSize: 4 } });
    const before = only(pair.left);
    pair.give(pair.right, { kind: 'rekey-ike', connection: 'left-right' });
    pair.runFor(1000);
    const after = only(pair.left);
    expect([after.role, after.nextIds]).toEqual(['responder', { own: 0, peer: 0 }]);
    for (const spi of [before.initiatorSpi, before.responderSpi]) {
      expect([after.initiatorSpi, after.responderSpi]).not.toContainEqual(spi);
    }
    pair.give(pair.left, { kind: 'rekey-child', inboundSpi: pair.left.sad.current()?.association.inboundSpi ?? 0 });
    pair.runFor(5000);
    expect(only(pair.left).nextIds.own).toBe(2);
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });

  it.each([
    ['offers no key exchange', [...IKE_GCM.slice(0, 2), transform(TRANSFORM_TYPE.KE, KE.NONE)]],
    ['leaves it out', IKE_GCM.slice(0, 2)],
  ])('is refused to who %s', (_what, transforms) => {
    const pair = establishedPair(quick);
    const sa = only(pair.left);
    const payloads: Payload[] = [
      { kind: 'SA', proposals: [{ number: 1, protocol: 1, spi: new Uint8Array(8).fill(9), transforms }] },
      { kind: 'Nonce', data: new Uint8Array(32).fill(1) },
    ];
    let answer: readonly string[] = [];
    const onResponse = (response: readonly Payload[]) => {
      answer = names(response);
    };
    const exchange = EXCHANGE.CREATE_CHILD_SA;
    sa.request({ purpose: { kind: 'inform' }, exchange, payloads, onResponse }, pair.now);
    pair.give(pair.left, { kind: 'timeout' });
    pair.runFor(1000);
    expect(answer).toEqual(['NO_PROPOSAL_CHOSEN']);
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });
});

describe('Traffic selectors of a Child SA (RFC 7296 sections 2.9 and 2.9.2)', () => {
  const child = (
    side: 'left' | 'right',
    name: string,
    local: WireSelector,
    remote: WireSelector,
  ): ChildConfiguration => ({
    ...(connection(side).children[0] as ChildConfiguration),
    name,
    proposals: [ESP_GCM],
    local: [local],
    remote: [remote],
  });

  it('are those of the policy that allows what the initiator wants most, though another one comes first', () => {
    const all = { ...prefix(10, 0, 0), last: Uint8Array.of(10, 255, 255, 255) } as WireSelector;
    const pair = establishedPair({
      ...quick,
      leftConnection: { children: [child('left', 'wide', prefix(10, 1, 0), all)] },
      rightConnection: {
        children: [
          child('right', 'a', prefix(10, 2, 0), prefix(10, 1, 0)),
          child('right', 'b', prefix(10, 3, 0), prefix(10, 1, 0)),
        ],
      },
    });
    expect(pair.right.sad.standing().map(({ association }) => association.child)).toEqual(['a']);
    pair.give(pair.left, { kind: 'delete-child', inboundSpi: pair.left.sad.current()?.association.inboundSpi ?? 0 });
    pair.runFor(1000);
    const host = (a: number, b: number) => ({
      ...prefix(10, a, 0),
      first: Uint8Array.of(10, a, 0, b),
      last: Uint8Array.of(10, a, 0, b),
    });
    const flow = { local: host(1, 7), remote: host(3, 9) } as { local: WireSelector; remote: WireSelector };
    pair.give(pair.left, { kind: 'initiate-child', connection: 'left-right', child: 'wide', flow });
    pair.runFor(1000);
    expect(pair.right.sad.standing().map(({ association }) => association.child)).toEqual(['b']);
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });

  it('are no narrower after a rekey, whoever asks, and those of a packet are not sent again', () => {
    const wide = { ...prefix(10, 0, 0), last: Uint8Array.of(10, 255, 255, 255) } as WireSelector;
    const pair = establishedPair({ ...quick, leftConnection: { children: [child('left', 'net', wide, wide)] } });
    const selectors = () => [pair.left, pair.right].map((end) => end.sad.current()?.association.local);
    const before = selectors();
    const offers: (readonly WireSelector[])[] = [];
    for (const end of [pair.left, pair.right]) {
      const sa = only(end);
      const request = sa.request.bind(sa);
      sa.request = (asked, now) => {
        for (const each of asked.payloads) if (each.kind === 'TSi') offers.push(each.selectors);
        return request(asked, now);
      };
      pair.give(end, { kind: 'rekey-child', inboundSpi: end.sad.current()?.association.inboundSpi ?? 0 });
      pair.runFor(10_000);
      expect(selectors()).toEqual(before);
    }
    expect(offers).toEqual([[wide], [prefix(10, 2, 0)]]);
  });

  it('a key exchange that is offered, and not chosen, is ignored', () => {
    const optional = [...ESP_GCM, transform(TRANSFORM_TYPE.KE, KE.CURVE25519), transform(TRANSFORM_TYPE.KE, KE.NONE)];
    const pair = establishedPair({
      ...quick,
      leftConnection: {
        children: [{ ...child('left', 'net', prefix(10, 1, 0), prefix(10, 2, 0)), proposals: [optional] }],
      },
    });
    pair.give(pair.left, { kind: 'rekey-child', inboundSpi: pair.left.sad.current()?.association.inboundSpi ?? 0 });
    pair.runFor(1000);
    const [request] = received(pair.right).filter(({ exchange }) => exchange === 'CREATE_CHILD_SA');
    const [response] = received(pair.left).filter(({ exchange }) => exchange === 'CREATE_CHILD_SA');
    expect([request?.payloads.includes('KE'), response?.payloads.includes('KE')]).toEqual([true, false]);
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    expect(pair.left.sad.current()?.association.suite.keyExchange).toBeUndefined();
  });
});

describe('When an SA is rekeyed (RFC 7296 sections 2.8 and 2.8.1)', () => {
  it('is drawn at random in the last tenth of its lifetime, and before that is over', () => {
    const times = [1, 2, 3, 4, 5, 6].map((seed) => {
      const pair = establishedPair({ ...quick, seed });
      const [child] = only(pair.left).lineage.children.all;
      return [child?.dueAt ?? 0, only(pair.left).lineage.timers.at('rekey-ike') ?? 0] as const;
    });
    for (const [kind, lifetime] of [
      [0, 3_600_000],
      [1, 14_400_000],
    ] as const) {
      const all = times.map((each) => each[kind]);
      expect(new Set(all).size).toBe(all.length);
      expect(Math.min(...all)).toBeGreaterThan(0.9 * lifetime);
      expect(Math.max(...all)).toBeLessThanOrEqual(lifetime + 1000);
    }
  });
});

describe('Configuration that is asked for later (RFC 7296 sections 2.20 and 3.15)', () => {
  it('is an empty version, and nothing of what is not known', () => {
    const pair = establishedPair(quick);
    const { APPLICATION_VERSION, SUPPORTED_ATTRIBUTES, INTERNAL_IP4_ADDRESS } = CONFIGURATION_ATTRIBUTE;
    const attributes = [APPLICATION_VERSION, SUPPORTED_ATTRIBUTES, INTERNAL_IP4_ADDRESS, 0x4000].map((type) => ({
      type,
      value: new Uint8Array(0),
    }));
    let answer: readonly Payload[] = [];
    const onResponse = (response: readonly Payload[]) => {
      answer = response;
    };
    const request = { purpose: { kind: 'inform' }, exchange: EXCHANGE.INFORMATIONAL, onResponse } as const;
    only(pair.left).request({ ...request, payloads: [{ kind: 'CP', type: 1, attributes }] }, pair.now);
    pair.give(pair.left, { kind: 'timeout' });
    pair.runFor(1000);
    expect(answer).toEqual([
      { kind: 'CP', type: 2, attributes: [{ type: APPLICATION_VERSION, value: new Uint8Array(0) }] },
    ]);
    only(pair.left).request({ ...request, payloads: [{ kind: 'CP', type: 3, attributes }] }, pair.now);
    pair.give(pair.left, { kind: 'timeout' });
    pair.runFor(1000);
    expect(answer).toEqual([]);
  });
});

describe('Keys (RFC 7296 section 2.12)', () => {
  it('are forgotten when the IKE SA is closed, at both ends, and by what it was rekeyed to', () => {
    const pair = establishedPair(quick);
    const first = [only(pair.left).keys, only(pair.right).keys];
    pair.give(pair.left, { kind: 'rekey-ike', connection: 'left-right' });
    pair.runFor(200_000);
    const second = [only(pair.left).keys, only(pair.right).keys];
    const known = (all: typeof first) =>
      all
        .flatMap(({ d, ei, er, pi, pr }) => [d, ei, er, pi, pr])
        .map((secret) => secret.reveal((octets) => octets.some(Boolean)));
    expect(known(second)).not.toContain(false);
    expect(known(first)).not.toContain(true);
    pair.give(pair.left, { kind: 'delete-ike', connection: 'left-right' });
    pair.runFor(200_000);
    expect(known(second)).not.toContain(true);
  });
});

function receive(pair: IkePair, end: PairEnd, octets: Uint8Array): void {
  const [own, other] = end === pair.left ? [LEFT, RIGHT] : [RIGHT, LEFT];
  const endpoints = { local: { address: own, port: 500 }, remote: { address: other, port: 500 } };
  pair.give(end, { kind: 'datagram', ...endpoints, octets });
}
