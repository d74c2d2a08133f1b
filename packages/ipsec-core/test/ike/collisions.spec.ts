import { describe, expect, it } from 'vitest';
import { nodeCryptoProvider } from '../../providers/node-crypto/node-crypto-provider.js';
import type { IkeInput } from '../../src/ike/outputs.js';
import type { IkePair, PairEnd } from '../../src/testing/pair.js';
import { agreement, establishedPair, toyKeyExchange } from './fixtures.js';
import { runSchedule } from './schedules.js';

const SCHEDULES = 400;
/** Of those beyond, the ones that once went wrong. */
const ONCE_WRONG = [3367, 3803, 4130, 4682, 5597, 7301, 7984, 8000, 8624, 9319];

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
  const children = pair.left.engine.associations().flatMap((sa) => sa.lineage.children.all);
  expect({ agree, established, losses: pair.losses, phases: children.map((child) => child.phase) }).toEqual({
    agree: true,
    established: [1, 1],
    losses: [],
    phases: children.map(() => 'live'),
  });
  expect(expectedPairs).toContain(pairs);
  const failures = [...pair.left.events, ...pair.right.events].filter((event) => /failed|ike-closed/.test(event.kind));
  expect(failures).toEqual([]);
}

describe('Simultaneous exchanges (RFC 7296 sections 2.8.1 and 2.25)', () => {
  const cases = ACTIONS.flatMap((left) => ACTIONS.map((right) => [left, right] as const));

  it.each(cases)('%s at one end and %s at the other, at every offset, without loss on the way', (left, right) => {
    for (const offset of OFFSETS) {
      for (const seed of [1, 2, 3]) {
        const pair = quick(seed);
        pair.trafficInterval = 1;
        perform(pair, pair.left, left);
        pair.runFor(offset);
        perform(pair, pair.right, right);
        pair.runFor(300);
        pair.trafficInterval = undefined;
        pair.runFor(200_000);
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
      const lost = pair.left.engine.associations().flatMap((sa) => sa.lineage.history.entries.map(({ kind }) => kind));
      winners.add(lost.includes('rekey-lost') ? 'right' : 'left');
    }
    expect([...winners].sort()).toEqual(['left', 'right']);
  });
});

describe('Seeded schedules of keying over a bad network', () => {
  it(`end with one IKE SA, one SA pair per policy and no packet lost (${SCHEDULES} of the 10,000 of test:ike-schedules)`, () => {
    let opened = 0;
    const first = Array.from({ length: SCHEDULES }, (_unused, index) => index + 1);
    for (const seed of [...first, ...ONCE_WRONG]) {
      const result = runSchedule(seed);
      expect({ seed, trace: result.trace, problems: result.problems }).toEqual({
        seed,
        trace: result.trace,
        problems: [],
      });
      opened += result.opened;
    }
    expect(opened).toBeGreaterThan(1000 * SCHEDULES);
  }, 300_000);
});
