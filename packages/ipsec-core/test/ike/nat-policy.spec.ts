import { describe, expect, it } from 'vitest';
import { nodeCryptoProvider } from '../../providers/node-crypto/node-crypto-provider.js';
import type { Connection, NatTraversalPolicy } from '../../src/ike/connection.js';
import type { IkePair, PairEnd } from '../../src/testing/pair.js';
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
