import { describe, expect, it } from 'vitest';
import { nodeCryptoProvider } from '../../providers/node-crypto/node-crypto-provider.js';
import type { IkePair, PairEnd } from '../../src/testing/pair.js';
import { seededRandom } from '../../src/testing/seeded-random.js';
import { agreement, type MakePair, makePair, slowToyKeyExchange, TWICE_HYBRID, toyKeyExchange } from './fixtures.js';

const INITIATE = { kind: 'initiate', connection: 'left-right' } as const;
/** So that no end notices the other's attempt before it has made its own, or so that it sometimes does. */
const WITHIN = 40;
/** When one is left, and when nothing is left of the other: packets that were under way to it had their time. */
const SOON = 5000;
const AFTERWARDS = 10_000;
const SEEDS = Array.from({ length: 60 }, (_, index) => index + 1);

/** Both ends begin, the second a moment later; packets go both ways from then on, if they are to. */
function begunAtOnce(seed: number, traffic: boolean, changes: MakePair = {}): IkePair {
  const random = seededRandom(seed);
  const pair = makePair({
    seed,
    keyExchange: toyKeyExchange,
    engine: { provider: nodeCryptoProvider },
    sadDelay: seed % 5,
    ...changes,
  });
  const [first, second] = random.next() < 0.5 ? [pair.left, pair.right] : [pair.right, pair.left];
  pair.give(first, INITIATE);
  pair.runFor(WITHIN * random.next());
  pair.give(second, INITIATE);
  if (traffic) pair.trafficInterval = 5;
  return pair;
}

function established({ engine }: PairEnd): number {
  return engine.associations().filter(({ state }) => state.name === 'established').length;
}

function expectOne(pair: IkePair): void {
  expect([established(pair.left), established(pair.right)]).toEqual([1, 1]);
  expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
}

/** RFC 7296 section 2.8: "there may be redundant SAs … the implementation SHOULD close" them. */
describe('Two ends that begin at once', () => {
  it.each([
    ['without traffic', false],
    ['under traffic', true],
  ])('have one IKE SA and one SA pair after seconds, and nothing left of the other soon after: %s', (_, traffic) => {
    let redundant = 0;
    for (const seed of SEEDS) {
      const pair = begunAtOnce(seed, traffic);
      pair.runFor(1000);
      if (established(pair.left) === 2) redundant++;
      pair.runFor(SOON - pair.now);
      expectOne(pair);
      pair.runFor(AFTERWARDS - pair.now);
      expect([pair.left.sad.installed.size, pair.right.sad.installed.size]).toEqual([1, 1]);
      expect(pair.losses).toEqual([]);
    }
    expect(redundant).toBeGreaterThan(SEEDS.length / 2);
  });

  it('and whose key exchanges take long: the same', () => {
    for (const seed of SEEDS) {
      const random = seededRandom(seed * 31);
      const hybrid = { proposals: [TWICE_HYBRID] };
      const pair = begunAtOnce(seed, true, {
        keyExchange: slowToyKeyExchange,
        jobDuration: () => 80 * random.next(),
        leftConnection: hybrid,
        rightConnection: hybrid,
      });
      pair.runFor(SOON);
      expectOne(pair);
      expect(pair.losses).toEqual([]);
    }
  });

  it('and lose what they say: one remains, and no packet is lost', () => {
    for (const seed of SEEDS) {
      const pair = begunAtOnce(seed, false);
      const good = pair.network.conditions;
      pair.trafficInterval = 40;
      pair.network.conditions = { ...good, loss: 0.2, duplication: 0.2, minimumDelay: 1, maximumDelay: 60 };
      pair.runFor(20_000);
      pair.network.conditions = good;
      pair.runFor(40_000);
      expectOne(pair);
      expect(pair.losses).toEqual([]);
    }
  });
});
