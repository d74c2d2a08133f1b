import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { nodeCryptoProvider } from '../../providers/node-crypto/node-crypto-provider.js';
import { Secret } from '../../src/bytes/secret.js';
import { CrashDetection, isToken, tokenNotify } from '../../src/ike/crash-detection.js';
import { IkeEngine } from '../../src/ike/engine.js';
import { explainHistory } from '../../src/ike/history/explain-history.js';
import type { IkeSa } from '../../src/ike/ike-sa.js';
import type { IkeOutput } from '../../src/ike/outputs.js';
import type { IkePair, PairEnd } from '../../src/testing/pair.js';
import { seededRandom } from '../../src/testing/seeded-random.js';
import { PERFECT } from '../../src/testing/simulated-network.js';
import { EXCHANGE, PAYLOAD } from '../../src/wire/ike/iana.js';
import { encodeMessage, parseMessage } from '../../src/wire/ike/message.js';
import { notify } from '../../src/wire/ike/payloads/notify.js';
import type { Payload } from '../../src/wire/ike/payloads/registry.js';
import {
  ANYWHERE,
  agreement,
  connection,
  establishedPair,
  HYBRID,
  identity,
  LEFT,
  makePair,
  RIGHT,
  toyKeyExchange,
} from './fixtures.js';
import { rawRequest } from './raw-message.js';

const quick = { keyExchange: toyKeyExchange, engine: { provider: nodeCryptoProvider } };

/** One unknown payload that must not be ignored. */
const CRITICAL = Uint8Array.of(PAYLOAD.NONE, 0x80, 0, 6, 1, 2);
const only = (end: PairEnd): IkeSa => {
  const [sa, ...others] = end.engine.associations().filter(({ state }) => state.name === 'established');
  if (sa === undefined || others.length > 0) throw new Error(`${end.name} has not one IKE SA.`);
  return sa;
};
const kinds = (end: PairEnd) => end.events.map(({ kind }) => kind);
const messages = (end: PairEnd) =>
  end.engine
    .associations()
    .flatMap(({ lineage }) => explainHistory(lineage.history.entries))
    .filter((entry) => entry.kind === 'message');

describe('Messages and their repetition (RFC 7296 sections 2.1 to 2.3)', () => {
  it('a request is sent again bit by bit the same, and so is its answer', () => {
    const pair = establishedPair(quick);
    const from = pair.sent.length;
    pair.network.conditions = { ...PERFECT, loss: 1 };
    pair.give(pair.left, { kind: 'rekey-child', inboundSpi: pair.left.sad.current()?.association.inboundSpi ?? 0 });
    pair.runFor(10_000);
    const [first, ...repetitions] = pair.sent.slice(from).map(({ octets }) => octets.join());
    expect(repetitions.length).toBe(3);
    expect(new Set([first, ...repetitions]).size).toBe(1);
    pair.network.conditions = { ...PERFECT, duplication: 1 };
    pair.runFor(60_000);
    const answers = pair.sent.filter(({ from: side }) => side === 'right').map(({ octets }) => octets.join());
    expect(answers.length).toBeGreaterThan(new Set(answers).size);
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });

  it('what is repeated by somebody else does not keep a dead peer alive', () => {
    const pair = establishedPair(quick);
    pair.give(pair.right, { kind: 'rekey-child', inboundSpi: pair.right.sad.current()?.association.inboundSpi ?? 0 });
    pair.runFor(1000);
    const recorded = pair.sent.filter(({ from }) => from === 'right');
    pair.network.conditions = { ...PERFECT, loss: 1 };
    for (let second = 0; second < 250; second++) {
      for (const { octets } of recorded) receive(pair, pair.left, octets);
      pair.runFor(1000);
    }
    expect(pair.left.events.at(-1)).toMatchObject({ kind: 'ike-failed', reason: { code: 'peer_silent' } });
  });

  it.each([
    ['a part of a request that never becomes whole', 1, 0],
    ['a request that waits for one that never comes', 4, 1],
  ])('nor does %s, however often somebody repeats it', (_what, windowSize, which) => {
    const pair = establishedPair({ ...quick, engine: { provider: nodeCryptoProvider, windowSize } });
    const long = Array.from({ length: 100 }, () => notify('COOKIE2', new Uint8Array(32)));
    const recorded = burst(pair, 2, which === 0 ? long : [])[which] ?? new Uint8Array(0);
    pair.network.conditions = { ...PERFECT, loss: 1 };
    for (let second = 0; second < 250; second++) {
      receive(pair, pair.left, recorded);
      pair.runFor(1000);
    }
    expect(pair.left.events.at(-1)).toMatchObject({ kind: 'ike-failed', reason: { code: 'peer_silent' } });
  });

  it('within the window that was announced, a request that overtakes another waits for it', () => {
    const pair = establishedPair({ ...quick, engine: { provider: nodeCryptoProvider, windowSize: 4 } });
    const sent = burst(pair, 3);
    for (const octets of [...sent].reverse()) receive(pair, pair.left, octets);
    const answered = messages(pair.left).filter(({ exchange, response }) => response && exchange === 'INFORMATIONAL');
    expect(answered.map(({ id }) => id)).toEqual([0, 1, 2]);
  });

  it('a request that waits is answered when the one before it is refused for an unknown critical payload', () => {
    const pair = establishedPair({ ...quick, engine: { provider: nodeCryptoProvider, windowSize: 4 } });
    const critical = { exchange: EXCHANGE.INFORMATIONAL, messageId: 0, first: 200, octets: CRITICAL };
    const [, second = new Uint8Array(0)] = burst(pair, 2);
    receive(pair, pair.left, second);
    receive(pair, pair.left, rawRequest(only(pair.right), critical));
    expect(only(pair.left).nextIds.peer).toBe(2);
  });

  it('a request that waits is dropped when the one before it ends the IKE SA', () => {
    const pair = establishedPair({ ...quick, engine: { provider: nodeCryptoProvider, windowSize: 4 } });
    const [first, second] = burst(pair, 2, [notify('AUTHENTICATION_FAILED')]);
    for (const octets of [second, first]) receive(pair, pair.left, octets ?? new Uint8Array(0));
    expect(pair.left.events.at(-1)).toMatchObject({ kind: 'ike-failed', reason: { notify: 'AUTHENTICATION_FAILED' } });
    expect([pair.left.engine.associations(), pair.left.sad.installed.size]).toEqual([[], 0]);
  });

  it('beyond the window a request is dropped, and told so in an exchange of our own', () => {
    const pair = establishedPair(quick);
    const sent = burst(pair, 3);
    receive(pair, pair.left, sent[2] ?? new Uint8Array(0));
    expect(pair.left.engine.drops().get('outside_window')).toBe(1);
    pair.runFor(100);
    expect(messages(pair.right).filter(({ payloads }) => payloads.includes('N(INVALID_MESSAGE_ID)'))).toMatchObject([
      { direction: 'received', exchange: 'INFORMATIONAL', response: false, id: 2 },
    ]);
    for (const octets of sent.slice(0, 2)) receive(pair, pair.left, octets);
    expect(only(pair.left).nextIds.peer).toBe(2);
  });

  it('a window that nobody could keep is the caller’s mistake', () => {
    expect(() => makePair({ engine: { windowSize: 0 } })).toThrow(RangeError);
    expect(() => makePair({ engine: { windowSize: 17 } })).toThrow(RangeError);
  });
});

/** Requests that `right` sends without waiting for answers, as a peer with a larger window would. */
function burst(pair: IkePair, count: number, payloads: readonly Payload[] = []): readonly Uint8Array[] {
  const sa = only(pair.right);
  const sent: Uint8Array[] = [];
  for (let index = 0; index < count; index++) {
    const request = { exchange: EXCHANGE.INFORMATIONAL, payloads, onResponse: () => undefined };
    sent.push(...sa.request({ purpose: { kind: 'inform' }, ...request }, pair.now).datagrams);
    sa.forgetRequest(pair.now);
  }
  while (pair.right.engine.poll() !== undefined);
  return sent;
}

function receive(pair: IkePair, end: PairEnd, octets: Uint8Array): void {
  const other = end === pair.left ? pair.right : pair.left;
  const endpoints = { local: { address: end.address, port: 500 }, remote: { address: other.address, port: 500 } };
  pair.give(end, { kind: 'datagram', ...endpoints, octets: octets.slice() });
}

describe('A peer that lost its state', () => {
  const secrets = () => ({
    left: new Secret(new Uint8Array(32).fill(1)),
    right: new Secret(new Uint8Array(32).fill(2)),
  });

  function crash(pair: IkePair, secret: Secret | undefined): void {
    const options = {
      provider: nodeCryptoProvider,
      keyExchange: toyKeyExchange,
      random: seededRandom(99).fill,
      connections: [connection('right')],
    };
    pair.restart(
      pair.right,
      new IkeEngine(secret === undefined ? options : { ...options, crashDetectionSecret: secret }),
    );
  }

  it('shows the token that it gave before, and the IKE SA ends at the next message (RFC 6290)', () => {
    const { left, right } = secrets();
    const pair = establishedPair({
      ...quick,
      leftEngine: { crashDetectionSecret: left },
      rightEngine: { crashDetectionSecret: right },
    });
    crash(pair, right);
    pair.runFor(30_100);
    expect(pair.left.events.at(-1)).toMatchObject({
      kind: 'ike-failed',
      connection: 'left-right',
      reason: { code: 'peer_crashed' },
    });
    expect(pair.left.sad.installed.size).toBe(0);
  });

  it('shows several tokens, of which one is the right one (RFC 6290 section 4.5)', () => {
    const { left, right } = secrets();
    const engines = { leftEngine: { crashDetectionSecret: left }, rightEngine: { crashDetectionSecret: right } };
    const pair = establishedPair({ ...quick, ...engines });
    const { initiatorSpi, responderSpi, peerToken = new Uint8Array(0) } = only(pair.left);
    const header = { initiatorSpi, responderSpi, exchange: EXCHANGE.INFORMATIONAL, messageId: 9 };
    const shown = (tokens: readonly Uint8Array[]) =>
      encodeMessage({ ...header, fromInitiator: false, response: true }, [
        notify('INVALID_IKE_SPI'),
        ...tokens.map((token) => notify('QUICK_CRASH_DETECTION', token)),
      ]);
    const wrong = [1, 2, 3].map((value) => new Uint8Array(peerToken.length).fill(value));
    receive(pair, pair.left, shown(wrong));
    expect(kinds(pair.left)).toEqual(['ike-established']);
    receive(pair, pair.left, shown([...wrong, peerToken]));
    expect(pair.left.events.at(-1)).toMatchObject({ kind: 'ike-failed', reason: { code: 'peer_crashed' } });
  });

  it('names the IKE SA as what its token is about (RFC 6290 section 4.1), and takes tokens of 16 to 128 octets', () => {
    const token = tokenNotify(new Uint8Array(32));
    expect([token.protocol, token.spi.length, token.type]).toEqual([1, 0, 16419]);
    expect([15, 16, 128, 129].map((length) => isToken(new Uint8Array(length)))).toEqual([false, true, true, false]);
  });

  it.each(['request', 'response'] as const)(
    'gave another token since, in a protected %s: that is the one (section 4.4)',
    (kind) => {
      const { left, right } = secrets();
      const engines = { leftEngine: { crashDetectionSecret: left }, rightEngine: { crashDetectionSecret: right } };
      const pair = establishedPair({ ...quick, ...engines });
      const [sa, peer] = [only(pair.left), only(pair.right)];
      const { initiatorSpi, responderSpi, peerToken: first = new Uint8Array(0) } = sa;
      const second = new Uint8Array(16).fill(7);
      const [asks, asked] = kind === 'request' ? [peer, sa] : [sa, peer];
      const respond = asked.respond.bind(asked);
      const told = kind === 'response' ? [tokenNotify(second)] : [];
      asked.respond = (exchange, payloads, now) => respond(exchange, [...payloads, ...told], now);
      const payloads = kind === 'request' ? [tokenNotify(second)] : [];
      const request = {
        purpose: { kind: 'inform' },
        exchange: EXCHANGE.INFORMATIONAL,
        payloads,
        onResponse: () => undefined,
      } as const;
      const { datagrams } = asks.request(request, pair.now);
      for (const octets of datagrams) receive(pair, kind === 'request' ? pair.left : pair.right, octets);
      pair.runFor(100);
      const shown = (token: Uint8Array) =>
        encodeMessage(
          {
            initiatorSpi,
            responderSpi,
            exchange: EXCHANGE.INFORMATIONAL,
            messageId: 9,
            fromInitiator: false,
            response: true,
          },
          [notify('INVALID_IKE_SPI'), tokenNotify(token)],
        );
      receive(pair, pair.left, shown(first));
      expect(kinds(pair.left)).toEqual(['ike-established']);
      receive(pair, pair.left, shown(second));
      expect(pair.left.events.at(-1)).toMatchObject({ kind: 'ike-failed', reason: { code: 'peer_crashed' } });
    },
  );

  it('is looked up by a few tokens at a time: beyond that none is compared (section 8.1)', () => {
    const { left, right } = secrets();
    const engines = { leftEngine: { crashDetectionSecret: left }, rightEngine: { crashDetectionSecret: right } };
    const pair = establishedPair({ ...quick, ...engines });
    const { initiatorSpi, responderSpi, peerToken = new Uint8Array(0) } = only(pair.left);
    const shown = (token: Uint8Array) =>
      encodeMessage(
        {
          initiatorSpi,
          responderSpi,
          exchange: EXCHANGE.INFORMATIONAL,
          messageId: 9,
          fromInitiator: false,
          response: true,
        },
        [notify('INVALID_IKE_SPI'), tokenNotify(token)],
      );
    for (let guess = 0; guess < 20; guess++) receive(pair, pair.left, shown(new Uint8Array(32).fill(guess)));
    receive(pair, pair.left, shown(peerToken));
    expect(kinds(pair.left)).toEqual(['ike-established']);
    pair.runFor(60_000);
    receive(pair, pair.left, shown(peerToken));
    expect(pair.left.events.at(-1)).toMatchObject({ kind: 'ike-failed', reason: { code: 'peer_crashed' } });
  });

  it('has a token that nobody makes without its secret: HMAC-SHA-256 of both SPIs (section 5)', () => {
    const key = new Uint8Array(32).fill(3);
    const [initiatorSpi, responderSpi] = [new Uint8Array(8).fill(1), new Uint8Array(8).fill(2)];
    const tokenOf = (spis: { initiatorSpi: Uint8Array; responderSpi: Uint8Array }) =>
      new CrashDetection(nodeCryptoProvider, new Secret(key.slice())).tokenOf(spis);
    const expected = createHmac('sha256', key).update(initiatorSpi).update(responderSpi).digest();
    expect(tokenOf({ initiatorSpi, responderSpi })).toEqual(new Uint8Array(expected));
    expect(tokenOf({ initiatorSpi, responderSpi })).toEqual(tokenOf({ initiatorSpi, responderSpi }));
    expect(tokenOf({ initiatorSpi: responderSpi, responderSpi: initiatorSpi })).not.toEqual(new Uint8Array(expected));
  });

  it.each(['left', 'right'] as const)('the token of a rekeyed IKE SA is known, too, when %s rekeyed it', (side) => {
    const { left, right } = secrets();
    const pair = establishedPair({
      ...quick,
      leftEngine: { crashDetectionSecret: left },
      rightEngine: { crashDetectionSecret: right },
    });
    pair.give(pair.end(side), { kind: 'rekey-ike', connection: 'left-right' });
    pair.runFor(200);
    crash(pair, right);
    pair.runFor(31_000);
    expect(pair.left.events.at(-1)).toMatchObject({ reason: { code: 'peer_crashed' } });
  });

  it.each(['left', 'right'] as const)(
    'the token of an IKE SA that stands is never shown: %s says nothing of what has its SPIs the wrong way round (RFC 6290 section 9.2)',
    (side) => {
      const { left, right } = secrets();
      const engines = { leftEngine: { crashDetectionSecret: left }, rightEngine: { crashDetectionSecret: right } };
      const pair = establishedPair({ ...quick, ...engines });
      const request = pair.sent.find(({ from, octets }) => from === 'left' && octets[18] === EXCHANGE.IKE_AUTH);
      const forged = (request?.octets ?? new Uint8Array(0)).slice();
      // A request of the initiator comes back to it; one to the responder pretends to be of a responder.
      if (side === 'right') forged[19] = (forged[19] ?? 0) & ~FLAG_INITIATOR;
      const before = pair.sent.length;
      receive(pair, pair.end(side), forged);
      expect(pair.sent.slice(before)).toEqual([]);
      expect(pair.end(side).engine.drops().get('unknown_spi')).toBe(1);
    },
  );

  it.each([
    ['without a token', undefined],
    ['with the token of another secret', new Secret(new Uint8Array(32).fill(9))],
  ])('%s it is only asked whether it lives', (_name, secret) => {
    const { left, right } = secrets();
    const pair = establishedPair({
      ...quick,
      leftEngine: { crashDetectionSecret: left },
      rightEngine: { crashDetectionSecret: right },
    });
    crash(pair, secret);
    pair.runFor(100_000);
    expect(kinds(pair.left)).toEqual(['ike-established']);
    pair.runFor(100_000);
    expect(pair.left.events.at(-1)).toMatchObject({ reason: { code: 'peer_silent' } });
  });

  it('comes back with INITIAL_CONTACT: what it does not know any more is forgotten here, too (section 2.4)', () => {
    const pair = establishedPair(quick);
    crash(pair, undefined);
    pair.right.sad.installed.clear();
    pair.give(pair.right, { kind: 'initiate', connection: 'left-right' });
    pair.runFor(1000);
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    expect(pair.left.sad.installed.size).toBe(1);
  });

  it('lost only a Child SA: INVALID_SPI on the IKE SA has it made anew (section 1.5)', () => {
    const pair = establishedPair(quick);
    const [entry] = pair.right.sad.standing();
    const spi = entry?.association.inboundSpi ?? 0;
    const child = only(pair.right).lineage.children.byInboundSpi(spi);
    if (child !== undefined) only(pair.right).lineage.children.remove(child);
    const endpoints = { local: { address: RIGHT, port: 4500 }, remote: { address: LEFT, port: 4500 } };
    pair.give(pair.right, { kind: 'unknown-spi', ...endpoints, spi });
    pair.runFor(1000);
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    expect(pair.left.sad.current()?.association.outboundSpi).not.toBe(spi);
  });

  it('did not, though somebody made it say so: no packet is lost, and both ends have the same', () => {
    const pair = establishedPair(quick);
    pair.trafficInterval = 1;
    pair.runFor(1000);
    const spi = pair.right.sad.current()?.association.inboundSpi ?? 0;
    const endpoints = { local: { address: RIGHT, port: 4500 }, remote: { address: LEFT, port: 4500 } };
    pair.give(pair.right, { kind: 'unknown-spi', ...endpoints, spi });
    for (let step = 0; step < 100; step++) {
      pair.runFor(1);
      expect(pair.left.sad.current()).toBeDefined();
    }
    pair.runFor(10_000);
    expect([pair.losses, agreement(pair)]).toEqual([[], { pairs: 1, agree: true }]);
  });

  it('a report of an SPI that we do not send on changes nothing, and reports are limited', () => {
    const pair = establishedPair(quick);
    const before = pair.sent.length;
    const endpoints = { local: { address: RIGHT, port: 4500 }, remote: { address: LEFT, port: 4500 } };
    for (let spi = 1000; spi < 1100; spi++) {
      pair.give(pair.right, { kind: 'unknown-spi', ...endpoints, spi });
      pair.runFor(20);
    }
    expect((pair.sent.length - before) / 2).toBeLessThanOrEqual(4);
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });
});

describe('NAT keepalives (RFC 3948 section 4)', () => {
  it('are one octet every 20 seconds, by who is behind the NAT only, and never answered', () => {
    const outside = { address: Uint8Array.of(203, 0, 113, 7), port: 40_000 };
    const pair = establishedPair({
      ...quick,
      rightConnection: { remote: ANYWHERE },
      conditions: { ...PERFECT, nat: { inside: LEFT, outside } },
    });
    const from = pair.sent.length;
    pair.runFor(100_000);
    const keepalives = pair.sent.slice(from).filter(({ octets }) => octets.length === 1);
    expect(keepalives.map(({ from: side, octets }) => [side, octets[0]])).toEqual(
      Array.from({ length: 5 }, () => ['left', 0xff]),
    );
    expect(pair.right.engine.drops().size).toBe(0);
  });
});

describe('What strangers send', () => {
  it('a flood of 100,000 spoofed IKE_SA_INIT leaves the tunnel and a new honest handshake working', () => {
    const pair = establishedPair({ ...quick, rightConnections: anybodyAtRight() });
    const template = pair.sent[0]?.octets ?? new Uint8Array(0);
    const engine = pair.right.engine;
    const flood = (from: number, count: number) => {
      for (let i = from; i < from + count; i++) {
        const octets = template.slice();
        octets.set([i >>> 16, i >>> 8, i, 1], 1);
        const remote = { address: Uint8Array.of(198, 18, i >>> 8, i), port: 500 };
        engine.handle({ kind: 'datagram', local: { address: RIGHT, port: 500 }, remote, octets }, pair.now);
        while (engine.poll() !== undefined);
      }
    };
    flood(0, 50_000);
    const third = new ThirdParty(pair);
    third.handshake(() => flood(50_000, 10_000));
    flood(60_000, 40_000);
    expect(third.events).toContain('ike-established');
    expect(engine.associations().length).toBeLessThanOrEqual(2 + 32 + 1);
    expect(engine.drops().get('cookie_required')).toBeGreaterThan(99_900);
    pair.give(pair.left, { kind: 'rekey-ike', connection: 'left-right' });
    pair.runFor(100_000);
    expect(engine.associations().length).toBe(3);
    expect(kinds(pair.left)).toEqual(['ike-established', 'ike-rekeyed']);
  }, 120_000);

  it('changes nothing: mutations and recordings of real messages, at both ends', () => {
    const pair = establishedPair({
      ...quick,
      keyExchange: undefined,
      leftConnection: { proposals: [HYBRID] },
      rightConnection: { proposals: [HYBRID] },
    });
    for (const [side, kind] of LIFE) {
      const inboundSpi = pair.end(side).sad.current()?.association.inboundSpi ?? 0;
      pair.give(pair.end(side), kind === 'rekey-ike' ? { kind, connection: 'left-right' } : { kind, inboundSpi });
      pair.runFor(2000);
    }
    const recorded = pair.sent.map(({ from, octets }) => ({ from, octets }));
    const before = snapshot(pair);
    const random = seededRandom(7);
    for (const { from, octets } of recorded) {
      const to = from === 'left' ? pair.right : pair.left;
      receive(pair, to, octets);
      for (let round = 0; round < 40; round++) receive(pair, to, mutated(octets, random));
    }
    expect(snapshot(pair)).toEqual(before);
    pair.give(pair.left, { kind: 'rekey-ike', connection: 'left-right' });
    pair.runFor(1000);
    expect(kinds(pair.left).at(-1)).toBe('ike-rekeyed');
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });

  it('a refusal that somebody forges does not end a handshake that the peer grants', () => {
    const pair = makePair(quick);
    pair.give(pair.left, { kind: 'initiate', connection: 'left-right' });
    const sent = parseMessage(pair.sent[0]?.octets ?? new Uint8Array(0));
    if (!sent.ok) throw new Error('IKE_SA_INIT is not one.');
    const header = { ...sent.value.header, fromInitiator: false, response: true };
    receive(pair, pair.left, encodeMessage(header, [notify('NO_PROPOSAL_CHOSEN')]));
    receive(pair, pair.left, encodeMessage(header, [notify('INVALID_KE_PAYLOAD', Uint8Array.of(0, 14))]));
    pair.runFor(5000);
    expect(kinds(pair.left)).toEqual(['ike-established']);
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });

  it('INVALID_IKE_SPI that anybody may have sent makes us ask the peer, three times at most', () => {
    const pair = establishedPair(quick);
    const sa = only(pair.left);
    const header = { initiatorSpi: sa.initiatorSpi, responderSpi: sa.responderSpi, exchange: EXCHANGE.INFORMATIONAL };
    const forged = encodeMessage({ ...header, fromInitiator: false, response: true, messageId: 2 }, [
      notify('INVALID_IKE_SPI'),
    ]);
    const before = pair.sent.length;
    for (let index = 0; index < 100; index++) {
      receive(pair, pair.left, forged);
      pair.runFor(30);
    }
    expect((pair.sent.length - before) / 2).toBeLessThanOrEqual(3);
    expect(kinds(pair.left)).toEqual(['ike-established']);
  });

  it('a request for an IKE SA that is not there gets INVALID_IKE_SPI, a response gets nothing, and not without end', () => {
    const pair = establishedPair(quick);
    const recorded = pair.sent.filter(({ octets }) => octets[18] === EXCHANGE.IKE_AUTH);
    const stranger = (octets: Uint8Array) => {
      const changed = octets.slice();
      changed[3] = (changed[3] ?? 0) ^ 1;
      changed[11] = (changed[11] ?? 0) ^ 1;
      return changed;
    };
    const before = pair.sent.length;
    const [request, response] = recorded;
    receive(pair, pair.left, stranger(response?.octets ?? new Uint8Array(0)));
    expect(pair.sent.length).toBe(before);
    for (let index = 0; index < 100; index++) receive(pair, pair.right, stranger(request?.octets ?? new Uint8Array(0)));
    const answers = pair.sent.slice(before).map(({ octets }) => parseMessage(octets));
    expect(answers).toHaveLength(20);
    expect(answers[0]).toMatchObject({
      value: { header: { response: true, exchange: EXCHANGE.IKE_AUTH }, payloads: [{ kind: 'N', type: 4 }] },
    });
  });

  it('a message of a later major version gets the one that we speak (section 2.5)', () => {
    const pair = establishedPair(quick);
    const later = (pair.sent[0]?.octets ?? new Uint8Array(0)).slice();
    later[17] = 0x30;
    const before = pair.sent.length;
    receive(pair, pair.right, later);
    expect(parseMessage(pair.sent[before]?.octets ?? new Uint8Array(0))).toMatchObject({
      value: { header: { response: true }, payloads: [{ kind: 'N', type: 5, data: Uint8Array.of(2) }] },
    });
  });
});

/** What happens in the recorded life. */
const LIFE = [
  ['left', 'rekey-child'],
  ['right', 'rekey-ike'],
  ['right', 'rekey-child'],
  ['left', 'rekey-ike'],
] as const;

function snapshot(pair: IkePair): unknown {
  return [pair.left, pair.right].map((end) => ({
    events: end.events.length,
    sad: [...end.sad.installed.values()].map(({ association, inboundKey, outboundKey }) => [
      association.inboundSpi,
      association.outboundSpi,
      inboundKey,
      outboundKey,
    ]),
    ikes: proved(end).map((sa) => ({
      state: sa.state.name,
      ids: sa.nextIds,
      path: sa.lineage.path,
      heard: sa.lineage.lastHeard,
      children: sa.lineage.children.all.map(({ phase, outboundInUse }) => [phase, outboundInUse]),
    })),
  }));
}

/** A recorded IKE_SA_INIT is a new handshake, which nobody will finish; the ones that stand are what must not move. */
function proved(end: PairEnd): readonly IkeSa[] {
  return end.engine.associations().filter(({ lineage }) => lineage.establishedAt !== undefined);
}

/** One to four octets changed, or the end cut off or made longer. */
function mutated(octets: Uint8Array, random: ReturnType<typeof seededRandom>): Uint8Array {
  const at = () => Math.floor(random.next() * octets.length);
  const kind = random.next();
  if (kind < 0.1) return octets.slice(0, at());
  if (kind < 0.2) return Uint8Array.of(...octets, ...octets.subarray(0, at()));
  const changed = octets.slice();
  for (let count = 1 + Math.floor(random.next() * 4); count > 0; count--) {
    const place = random.next() < 0.5 ? Math.floor(random.next() * 28) : at();
    changed[place] = (changed[place] ?? 0) ^ (1 + Math.floor(random.next() * 255));
  }
  return changed;
}

const THIRD = Uint8Array.of(192, 0, 2, 3);

/** From whatever address, so that every spoofed request could be the beginning of a handshake. */
function anybodyAtRight() {
  const remote = ANYWHERE;
  return [
    connection('right', { remote }),
    connection('right', { name: 'third-right', remote, remoteIdentity: identity('third') }),
  ];
}

/** Another peer of `right`, by hand. */
class ThirdParty {
  readonly events: string[] = [];
  readonly #pair: IkePair;
  readonly #engine: IkeEngine;

  constructor(pair: IkePair) {
    this.#pair = pair;
    this.#engine = new IkeEngine({
      provider: nodeCryptoProvider,
      keyExchange: toyKeyExchange,
      random: seededRandom(3).fill,
      connections: [
        connection('left', {
          name: 'third',
          local: { address: THIRD, port: 500 },
          localIdentity: identity('third'),
        }),
      ],
    });
  }

  /** All messages of a handshake, and `between` before each. */
  handshake(between: () => void): void {
    this.#engine.handle({ kind: 'initiate', connection: 'third' }, this.#pair.now);
    for (let turn = 0; turn < 4; turn++) {
      between();
      for (const octets of this.#drain(this.#engine)) this.#give(this.#pair.right.engine, RIGHT, THIRD, octets);
      for (const octets of this.#drain(this.#pair.right.engine)) this.#give(this.#engine, THIRD, RIGHT, octets);
    }
  }

  #give(engine: IkeEngine, local: Uint8Array, remote: Uint8Array, octets: Uint8Array): void {
    const endpoints = { local: { address: local, port: 500 }, remote: { address: remote, port: 500 } };
    engine.handle({ kind: 'datagram', ...endpoints, octets }, this.#pair.now);
  }

  #drain(engine: IkeEngine): readonly Uint8Array[] {
    const sent: Uint8Array[] = [];
    for (let output: IkeOutput | undefined = engine.poll(); output !== undefined; output = engine.poll()) {
      if (output.kind === 'transmit') sent.push(output.octets);
      if (output.kind === 'event' && engine === this.#engine) this.events.push(output.event.kind);
    }
    return sent;
  }
}

const FLAG_INITIATOR = 0x08;
