import { describe, expect, it } from 'vitest';
import { nodeCryptoProvider } from '../../providers/node-crypto/node-crypto-provider.js';
import type { Connection, NatTraversalPolicy } from '../../src/ike/connection.js';
import type { IkePair, PairEnd } from '../../src/testing/pair.js';
import { seededRandom } from '../../src/testing/seeded-random.js';
import { type NetworkConditions, PERFECT } from '../../src/testing/simulated-network.js';
import { agreement, connection, establishedPair, LEFT, RIGHT, toyKeyExchange } from './fixtures.js';

const PLACES = {
  left: { kind: 'roaming', endpoint: { address: RIGHT, port: 500 } },
  right: { kind: 'roaming', endpoint: { address: LEFT, port: 500 } },
} as const;
const MOBIKE: Partial<Connection> = { mobike: { returnRoutability: 'before' } };

const as = (side: 'left' | 'right', natTraversal: NatTraversalPolicy) => ({
  ...MOBIKE,
  remote: PLACES[side],
  natTraversal,
});

function configure(pair: IkePair, end: PairEnd, natTraversal: NatTraversalPolicy): void {
  const side = end === pair.left ? 'left' : 'right';
  pair.give(end, { kind: 'configure', connections: [connection(side, as(side, natTraversal))] });
}

/** Established with one policy, under traffic; then either end gets another, one so much later than the other. */
function change(
  from: NatTraversalPolicy,
  to: NatTraversalPolicy,
  first: 'left' | 'right',
  pause: number,
  conditions: NetworkConditions = PERFECT,
): IkePair {
  const pair = establishedPair({
    seed: pause + 1,
    conditions,
    keyExchange: toyKeyExchange,
    engine: { provider: nodeCryptoProvider },
    leftConnection: as('left', from),
    rightConnection: as('right', from),
  });
  pair.trafficInterval = 1;
  pair.runFor(100);
  const [one, other] = first === 'left' ? [pair.left, pair.right] : [pair.right, pair.left];
  configure(pair, one, to);
  pair.runFor(pause);
  configure(pair, other, to);
  pair.runFor(2000);
  pair.trafficInterval = undefined;
  pair.runFor(200_000);
  return pair;
}

const COME_TO_IT = { asWanted: [true, true], pairs: 1, agree: true, lost: 0, strayed: 0, failures: [] };

/** One to four changes to and fro, the ends told at different moments, often while what the one before began is under way. */
function changes(seed: number, conditions: NetworkConditions): typeof COME_TO_IT {
  const { next } = seededRandom(seed);
  let policy: NatTraversalPolicy = next() < 0.5 ? 'forced' : 'detected';
  const pair = establishedPair({
    seed: seed + 1,
    conditions,
    keyExchange: toyKeyExchange,
    engine: { provider: nodeCryptoProvider },
    leftConnection: as('left', policy),
    rightConnection: as('right', policy),
  });
  pair.trafficInterval = 1;
  for (let left = 1 + Math.floor(next() * 4); left > 0; left--) {
    policy = policy === 'forced' ? 'detected' : 'forced';
    const [one, other] = next() < 0.5 ? [pair.left, pair.right] : [pair.right, pair.left];
    configure(pair, one, policy);
    pair.runFor(Math.floor(next() * (next() < 0.5 ? 40 : 800)));
    configure(pair, other, policy);
    pair.runFor(Math.floor(next() * (next() < 0.5 ? 100 : 6000)));
  }
  pair.runFor(2000);
  pair.trafficInterval = undefined;
  pair.runFor(90_000);
  return {
    asWanted: [pair.left, pair.right].map(
      ({ sad }) => sad.current()?.association.encapsulate === (policy === 'forced'),
    ),
    ...agreement(pair),
    lost: pair.losses.length,
    strayed: pair.strayed,
    failures: [...pair.left.events, ...pair.right.events].filter(({ kind }) => /failed|closed/.test(kind)) as never[],
  };
}

describe('Whether ESP is to travel in UDP, changed on the fly (RFC 7296 section 2.23)', () => {
  const cases = (['left', 'right'] as const).flatMap((first) => [
    ['forced', 'detected', first] as const,
    ['detected', 'forced', first] as const,
  ]);

  it.each(cases)('from %s to %s, at %s first: both ends come to it, and no packet is lost', (from, to, first) => {
    for (const pause of [0, 5, 10, 15, 20, 25, 30, 35, 45, 60, 100, 500, 3000]) {
      const pair = change(from, to, first, pause);
      const entries = [pair.left, pair.right].map(({ sad }) => sad.current()?.association.encapsulate);
      const failures = [...pair.left.events, ...pair.right.events].filter(({ kind }) => /failed|closed/.test(kind));
      expect({ pause, entries, ...agreement(pair), losses: pair.losses, strayed: pair.strayed, failures }).toEqual({
        pause,
        entries: [to === 'forced', to === 'forced'],
        pairs: 1,
        agree: true,
        losses: [],
        strayed: 0,
        failures: [],
      });
      const ikeSas = [pair.left, pair.right].map(({ engine }) => engine.associations().length);
      expect(ikeSas).toEqual([1, 1]);
    }
  });

  it('changes as often as it may, each end at its own moment, into what is asked for at last, and no packet is lost', () => {
    for (let seed = 0; seed < 100; seed++) expect({ seed, ...changes(seed, PERFECT) }).toEqual({ seed, ...COME_TO_IT });
  });

  it('comes to it over a bad network, too', () => {
    const bad = { ...PERFECT, loss: 0.05, duplication: 0.05, minimumDelay: 2, maximumDelay: 60 };
    for (let seed = 0; seed < 100; seed++) {
      expect({ seed, ...changes(seed, bad) }).toMatchObject({ seed, ...COME_TO_IT, lost: expect.any(Number) });
    }
  });

  it('leaves the IKE SA as it is where a NAT lies before the end that began, which alone can say where that is', () => {
    const nat = { inside: LEFT, outside: { address: Uint8Array.of(203, 0, 113, 7), port: 40_000 } };
    for (const first of ['left', 'right'] as const) {
      const pair = change('forced', 'detected', first, 100, { ...PERFECT, nat });
      expect(pair.right.engine.associations().map(({ lineage }) => lineage.initiator)).toEqual(['peer']);
      expect([pair.right.events, pair.left.events].flat().map(({ kind }) => kind)).toEqual([
        'ike-established',
        'ike-established',
      ]);
      expect(pair.right.sad.current()?.association.encapsulate).toBe(true);
      expect({ losses: pair.losses, strayed: pair.strayed }).toEqual({ losses: [], strayed: 0 });
    }
  });

  it.each([
    ['detected', 'detected'],
    ['forced', 'detected'],
    ['forced', 'forced'],
  ] as const)(
    'with %s at one end and then %s at the other makes no other IKE SA where nothing would be otherwise',
    (left, right) => {
      const pair = establishedPair({
        keyExchange: toyKeyExchange,
        engine: { provider: nodeCryptoProvider },
        leftConnection: as('left', left),
        rightConnection: as('right', 'detected'),
      });
      const before = pair.right.engine.associations();
      configure(pair, pair.left, left);
      configure(pair, pair.right, right);
      pair.runFor(10_000);
      expect(pair.right.engine.associations()).toEqual(before);
      expect(pair.right.sad.current()?.association.encapsulate).toBe(left === 'forced');
    },
  );
});
