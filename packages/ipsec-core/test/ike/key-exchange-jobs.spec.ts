import { describe, expect, it } from 'vitest';
import { nodeCryptoProvider } from '../../providers/node-crypto/node-crypto-provider.js';
import { KeyExchangeError, type KeyExchangeProvider } from '../../src/crypto/ike/key-exchange/key-exchange.js';
import type { IkeInput } from '../../src/ike/outputs.js';
import type { IkePair } from '../../src/testing/pair.js';
import { KE, TRANSFORM_TYPE } from '../../src/wire/ike/iana.js';
import { transform } from '../../src/wire/ike/payloads/sa.js';
import {
  ANYWHERE,
  agreement,
  connection,
  ESP_HYBRID,
  establishedPair,
  IKE_GCM,
  type MakePair,
  makePair,
  RIGHT,
  slowToyKeyExchange,
  TWICE_HYBRID,
} from './fixtures.js';

/** What an engine has whose host does the work: it throws on every computation of its own. */
const idle: KeyExchangeProvider = {
  ...slowToyKeyExchange,
  initiate: refuseToCompute,
  respond: refuseToCompute,
  finish: refuseToCompute,
};
const INITIATE = { kind: 'initiate', connection: 'left-right' } as const;
/** Milliseconds that a job takes. A message travels for 10. */
const DURATION = 25;

describe('Costly key exchanges are jobs, never work of the engine', () => {
  it('in IKE_SA_INIT: one for each of the three computations', () => {
    const pair = establishedPair(slow());
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    expect(kinds(pair)).toEqual(['make-share', 'answer-share', 'finish-share']);
    expect(pair.sent).toHaveLength(4);
  });

  it('in IKE_INTERMEDIATE, CREATE_CHILD_SA and IKE_FOLLOWUP_KE, whoever begins, through a whole life', () => {
    const pair = establishedPair(slow({ proposals: [TWICE_HYBRID], children: childrenOf([ESP_HYBRID]) }));
    expect(kinds(pair)).toHaveLength(9);
    for (const end of [pair.left, pair.right]) {
      for (const kind of ['rekey-child', 'rekey-ike', 'delete-child'] as const) {
        give(pair, end, kind);
        pair.runFor(5000);
        if (kind !== 'delete-child') expect([kind, agreement(pair)]).toEqual([kind, { pairs: 1, agree: true }]);
      }
      pair.give(end, { kind: 'initiate-child', connection: 'left-right', child: 'net' });
      pair.runFor(5000);
      expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    }
    expect(problems(pair)).toEqual([]);
    // Shares of a kind are as many: none is made in vain, none is computed twice.
    const count = (kind: string) => kinds(pair).filter((each) => each === kind).length;
    expect([count('answer-share'), count('finish-share')]).toEqual([count('make-share'), count('make-share')]);
  });

  it('when the responder asks for another method', () => {
    const both = [...IKE_GCM, transform(TRANSFORM_TYPE.KE, KE.ECP_256)];
    const other = [...IKE_GCM.slice(0, 2), transform(TRANSFORM_TYPE.KE, KE.ECP_256)];
    const pair = establishedPair({ ...slow({ proposals: [both] }), rightConnection: { proposals: [other] } });
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    expect(kinds(pair)).toEqual(['make-share', 'make-share', 'answer-share', 'finish-share']);
  });

  it('not with quick ones', () => {
    const pair = establishedPair({ keyExchange: undefined, engine: { keyExchange: slowButQuick() } });
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    expect(kinds(pair)).toEqual([]);
  });
});

describe('While the host computes', () => {
  it('a repeated IKE_SA_INIT begins nothing new, and its answer is one', () => {
    const pair = makePair({ ...slow(), jobDuration: () => 3000 });
    pair.give(pair.left, INITIATE);
    pair.runFor(60_000);
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    expect(kinds(pair)).toEqual(['make-share', 'answer-share', 'finish-share']);
    expect(pair.right.engine.associations()).toHaveLength(1);
    expect(pair.right.engine.drops().size).toBe(0);
  });

  it('a repeated request of an established IKE SA is not answered twice, and traffic does not stop', () => {
    let duration = DURATION;
    const pair = establishedPair({ ...slow({ children: childrenOf([ESP_HYBRID]) }), jobDuration: () => duration });
    duration = 2500;
    pair.trafficInterval = 7;
    give(pair, pair.left, 'rekey-child');
    give(pair, pair.right, 'rekey-ike');
    pair.runFor(60_000);
    pair.trafficInterval = undefined;
    pair.runFor(200_000);
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    expect(pair.losses).toEqual([]);
    expect(problems(pair)).toEqual([]);
  });

  it('a connection that is given up leaves nothing behind, and what the host brings later is not taken', () => {
    const pair = makePair({ ...slow(), jobDuration: () => 400 });
    for (const moment of [100, 500, 900]) {
      pair.give(pair.left, INITIATE);
      pair.runFor(moment);
      pair.give(pair.left, { kind: 'configure', connections: [] });
      pair.runFor(200_000);
      expect([moment, pair.left.engine.associations().length, pair.right.engine.associations().length]).toEqual([
        moment,
        0,
        0,
      ]);
      pair.give(pair.left, { kind: 'configure', connections: [connection('left')] });
    }
  });
});

describe('What the host could not compute', () => {
  it('at the initiator fails the negotiation and says why', () => {
    const pair = makePair({ ...slow(), keyExchange: failing(1) });
    pair.give(pair.left, INITIATE);
    pair.runFor(5000);
    expect(pair.left.events).toMatchObject([{ kind: 'ike-failed', reason: { code: 'invalid_key_exchange' } }]);
    expect(pair.left.engine.associations()).toEqual([]);
  });

  it('at the responder is not answered, counted, and computed at the next attempt', () => {
    const pair = makePair({ ...slow(), keyExchange: failing(1, 'respond') });
    pair.give(pair.left, INITIATE);
    pair.runFor(20_000);
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    expect(pair.right.engine.drops()).toEqual(new Map([['refused_init', 1]]));
  });

  it.each(['initiate', 'respond', 'finish'] as const)('in a rekey (%s) is tried again later, without loss', (step) => {
    const provider = failing(0, step);
    const pair = establishedPair({ ...slow({ children: childrenOf([ESP_HYBRID]) }), keyExchange: provider });
    pair.trafficInterval = 7;
    provider.left = 1;
    give(pair, pair.left, 'rekey-child');
    pair.runFor(20_000);
    pair.trafficInterval = undefined;
    pair.runFor(200_000);
    expect([provider.left, pair.losses]).toEqual([0, []]);
    // What our own host cannot finish is an answer that we cannot use: then everything is made anew.
    if (step === 'finish') return;
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    expect(pair.left.events.map(({ kind }) => kind)).toContain('child-rekeyed');
  });

  it('because the share is none is refused like any other', () => {
    const pair = makePair({
      ...slow(),
      // Zero is no value of the toy groups.
      mutate: (from, octets) => (from === 'left' && octets[18] === 34 ? withoutShare(octets) : octets),
    });
    pair.give(pair.left, INITIATE);
    pair.runFor(20_000);
    expect(pair.right.engine.drops().get('refused_init')).toBeGreaterThan(0);
    expect(pair.right.engine.associations()).toEqual([]);
    expect(pair.left.events).toMatchObject([{ kind: 'ike-failed', reason: { notify: 'INVALID_SYNTAX' } }]);
  });
});

describe('More strangers than the host can compute for', () => {
  it('wait outside, each counted; who is established goes on', () => {
    const pair = establishedPair({
      ...slow(),
      leftEngine: { cookieThreshold: 4096, halfOpenLimit: 4096 },
      rightEngine: { cookieThreshold: 4096, halfOpenLimit: 4096 },
      rightConnections: [connection('right', { remote: ANYWHERE })],
    });
    const template = pair.sent[0]?.octets ?? new Uint8Array(0);
    const { engine } = pair.right;
    let jobs = 0;
    for (let stranger = 0; stranger < 1000; stranger++) {
      const octets = template.slice();
      octets.set([0xee, stranger >>> 8, stranger], 0);
      const remote = { address: Uint8Array.of(198, 18, stranger >>> 8, stranger), port: 500 };
      engine.handle({ kind: 'datagram', local: { address: RIGHT, port: 500 }, remote, octets }, pair.now);
      for (let output = engine.poll(); output !== undefined; output = engine.poll()) if (output.kind === 'job') jobs++;
    }
    expect([jobs, engine.drops().get('busy')]).toEqual([256, 744]);
    give(pair, pair.left, 'rekey-ike');
    pair.runFor(5000);
    expect(pair.left.events.map(({ kind }) => kind)).toEqual(['ike-established', 'ike-rekeyed']);
  });
});

function slow(changes: MakePair['leftConnection'] = {}): MakePair {
  return {
    keyExchange: slowToyKeyExchange,
    engine: { provider: nodeCryptoProvider, keyExchange: idle },
    leftConnection: changes,
    rightConnection: mirrored(changes),
    jobDuration: () => DURATION,
  };
}

function childrenOf(proposals: NonNullable<MakePair['leftConnection']>['proposals']) {
  return connection('left').children.map((child) => ({ ...child, proposals: proposals ?? [] }));
}

function mirrored(changes: NonNullable<MakePair['leftConnection']>): NonNullable<MakePair['leftConnection']> {
  const children = changes.children?.map((child) => ({ ...child, local: child.remote, remote: child.local }));
  return { ...changes, ...(children === undefined ? {} : { children }) };
}

function give(pair: IkePair, end: IkePair['left'], kind: 'rekey-child' | 'rekey-ike' | 'delete-child'): void {
  const inboundSpi = end.sad.current()?.association.inboundSpi ?? 0;
  const input: IkeInput = kind === 'rekey-ike' ? { kind, connection: 'left-right' } : { kind, inboundSpi };
  pair.give(end, input);
}

function kinds(pair: IkePair): readonly string[] {
  return pair.jobs.map(({ kind }) => kind);
}

function problems(pair: IkePair): readonly string[] {
  return [...pair.left.events, ...pair.right.events]
    .map(({ kind }) => kind)
    .filter((kind) => /failed|ike-closed/.test(kind));
}

function refuseToCompute(): never {
  throw new TypeError('The engine computed what is for its host.');
}

/** Fails so often in one step as if there had been no thread to do it. */
function failing(times: number, step: 'initiate' | 'respond' | 'finish' = 'initiate') {
  const provider = {
    ...slowToyKeyExchange,
    left: times,
    [step]: (...args: never[]) => {
      if (provider.left-- > 0) throw new KeyExchangeError('not_computed', 0);
      provider.left = 0;
      const compute = slowToyKeyExchange[step] as (...args: never[]) => unknown;
      return compute(...args);
    },
  } as KeyExchangeProvider & { left: number };
  return provider;
}

function slowButQuick(): KeyExchangeProvider {
  return { ...slowToyKeyExchange, costly: new Set() };
}

/** IKE_SA_INIT whose key share, four octets behind the header of the KE payload, is zero. */
function withoutShare(octets: Uint8Array): Uint8Array {
  const changed = octets.slice();
  let at = 28;
  for (let type = octets[16] ?? 0; type !== 0; ) {
    const [next = 0, length = 0] = [octets[at], ((octets[at + 2] ?? 0) << 8) | (octets[at + 3] ?? 0)];
    if (type === 34) changed.fill(0, at + 8, at + length);
    at += length;
    type = next;
  }
  return changed;
}
