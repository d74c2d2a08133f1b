import { describe, expect, it } from 'vitest';
import { nodeCryptoProvider } from '../../providers/node-crypto/node-crypto-provider.js';
import type { IkeInput } from '../../src/ike/outputs.js';
import type { IkePair, PairEnd } from '../../src/testing/pair.js';
import { type SeededRandom, seededRandom } from '../../src/testing/seeded-random.js';
import { agreement, establishedPair, toyKeyExchange } from './fixtures.js';

const ACTIONS = ['rekey-child', 'rekey-ike', 'delete-child'] as const;
type Action = (typeof ACTIONS)[number];
/** Milliseconds between the two commands: same instant, crossing on the wire, just answered, later. */
const OFFSETS = [0, 1, 5, 9, 10, 11, 15, 20, 21, 25, 30, 35, 40, 45, 60];

function perform(pair: IkePair, end: PairEnd, action: Action): void {
  const inboundSpi = end.sad.current()?.association.inboundSpi ?? 0;
  const input: IkeInput =
    action === 'rekey-ike' ? { kind: 'rekey-ike', connection: 'left-right' } : { kind: action, inboundSpi };
  pair.give(end, input);
}

function quick(seed: number): IkePair {
  return establishedPair({ seed, keyExchange: toyKeyExchange, engine: { provider: nodeCryptoProvider } });
}

/** Everything that must hold when nothing is under way any more. */
function settled(pair: IkePair, expectedPairs: readonly number[]): void {
  const { pairs, agree } = agreement(pair);
  const established = [pair.left, pair.right].map(
    (end) => end.engine.associations().filter((sa) => sa.state.name === 'established').length,
  );
  const children = pair.left.engine.associations().flatMap((sa) => sa.children);
  expect({ agree, established, losses: pair.losses, phases: children.map((child) => child.phase) }).toEqual({
    agree: true,
    established: [1, 1],
    losses: [],
    phases: children.map(() => 'live'),
  });
  expect(expectedPairs).toContain(pairs);
  const failures = [...pair.left.events, ...pair.right.events].filter((event) => /failed|closed/.test(event.kind));
  expect(failures).toEqual([]);
}

describe('Simultaneous exchanges (RFC 7296 sections 2.8.1 and 2.25)', () => {
  const cases = ACTIONS.flatMap((left) => ACTIONS.map((right) => [left, right] as const));

  it.each(cases)('%s at one end and %s at the other, at every offset, without loss on the way', (left, right) => {
    for (const offset of OFFSETS) {
      for (const seed of [1, 2, 3]) {
        const pair = quick(seed);
        perform(pair, pair.left, left);
        pair.runFor(offset);
        perform(pair, pair.right, right);
        pair.runFor(20_000);
        const deletes = [left, right].filter((action) => action === 'delete-child').length;
        settled(pair, deletes === 0 ? [1] : [0, 1]);
      }
    }
  });

  it('both ends decide a rekey collision alike, whichever nonces they draw', () => {
    const winners = new Set<string>();
    for (let seed = 0; seed < 12; seed++) {
      const pair = quick(seed);
      perform(pair, pair.left, 'rekey-child');
      perform(pair, pair.right, 'rekey-child');
      pair.runFor(20_000);
      settled(pair, [1]);
      const lost = pair.left.engine.associations().flatMap((sa) => sa.history.entries.map((entry) => entry.what));
      winners.add(lost.includes('our rekey lost the collision') ? 'right' : 'left');
    }
    expect([...winners].sort()).toEqual(['left', 'right']);
  });
});

/** WEFT_SCHEDULES makes the walk longer; what it walks depends on the seed alone. */
const SCHEDULES = Number(process.env['WEFT_SCHEDULES'] ?? 600);
const WALK_LIMIT = 3_600_000;

describe('Seeded schedules of keying over a bad network', () => {
  it(
    `${SCHEDULES} schedules end with both SADs agreeing on one pair`,
    () => {
      for (let seed = 1; seed <= SCHEDULES; seed++) {
        const random = seededRandom(seed * 7919);
        const pair = quick(seed);
        const trace = walk(pair, random);
        const { pairs, agree } = agreement(pair);
        const established = pair.left.engine.associations().filter((sa) => sa.state.name === 'established').length;
        const failed = [...pair.left.events, ...pair.right.events].filter((event) => event.kind === 'ike-failed');
        expect({ seed, trace, failed, agree, pairs, established }).toEqual({
          seed,
          trace,
          failed: [],
          agree: true,
          pairs: 1,
          established: 1,
        });
      }
    },
    WALK_LIMIT,
  );
});

/** Rekeys at random ends and times while datagrams are lost, doubled and overtake each other; then a good network. */
function walk(pair: IkePair, random: SeededRandom): string {
  const good = pair.network.conditions;
  const trace: string[] = [];
  pair.network.conditions = {
    ...good,
    loss: 0.15 * random.next(),
    duplication: 0.2,
    minimumDelay: 1,
    maximumDelay: 60,
  };
  const steps = 2 + Math.floor(random.next() * 5);
  for (let step = 0; step < steps; step++) {
    const end = random.next() < 0.5 ? pair.left : pair.right;
    const action = random.next() < 0.65 ? 'rekey-child' : 'rekey-ike';
    perform(pair, end, action);
    const pause = random.next() < 0.5 ? random.next() * 40 : random.next() * 4000;
    trace.push(`${end.name} ${action} +${Math.round(pause)}`);
    pair.runFor(pause);
  }
  pair.network.conditions = good;
  pair.runFor(300_000);
  return trace.join(', ');
}
