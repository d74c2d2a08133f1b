import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeCryptoProvider } from '../../providers/node-crypto/node-crypto-provider.js';
import type { Connection, PathWatch } from '../../src/ike/connection.js';
import type { IkeSa } from '../../src/ike/ike-sa.js';
import type { IkeEvent } from '../../src/ike/outputs.js';
import type { IkePair, PairEnd } from '../../src/testing/pair.js';
import { PERFECT } from '../../src/testing/simulated-network.js';
import { agreement, LEFT, type MakePair, makePair, RIGHT, toyKeyExchange } from './fixtures.js';

const SECOND_LEFT = Uint8Array.of(198, 51, 100, 1);
const SECOND_RIGHT = Uint8Array.of(198, 51, 100, 2);
const SIX_LEFT = Uint8Array.of(0x20, 1, 0xd, 0xb8, ...Array.from({ length: 12 }, () => 1));
const SIX_RIGHT = Uint8Array.of(0x20, 1, 0xd, 0xb8, ...Array.from({ length: 12 }, () => 2));

const WATCH: PathWatch = { interval: 1000, patience: 1000, missed: 2, holdDown: 10_000 };
/** An interval until it is asked, what is repeated by the path alone and by all others, and a few round trips of 20 ms. */
const LEAVES_WITHIN = WATCH.interval + (WATCH.missed + 1) * WATCH.patience + 100;
/** The same of an end that watches nothing: the peer that does has to find it. */
const COMES_BACK_WITHIN = 8 * WATCH.interval + WATCH.patience + WATCH.holdDown + 2 * WATCH.interval;

interface Ends {
  readonly left?: readonly Uint8Array[];
  readonly right?: readonly Uint8Array[];
  readonly watch?: PathWatch | undefined;
}

/** Both ends know all addresses of both, the preferred ones first. Nobody has initiated. */
function uplinkPair(ends: Ends = {}, options: MakePair = {}): IkePair {
  const { left = [LEFT], right = [RIGHT], watch = WATCH } = ends;
  const place = (addresses: readonly Uint8Array[]): Connection['remote'] => {
    const [endpoint = { address: LEFT, port: 500 }, ...others] = addresses.map((address) => ({ address, port: 500 }));
    return { kind: 'fixed', endpoint, others };
  };
  const mobike = { returnRoutability: 'before', watch } as const;
  const pair = makePair({
    keyExchange: toyKeyExchange,
    engine: { provider: nodeCryptoProvider },
    ...options,
    leftConnection: { mobike, remote: place(right), ...options.leftConnection },
    rightConnection: { mobike, remote: place(left), ...options.rightConnection },
  });
  pair.readdress(pair.left, 'left-right', left);
  pair.readdress(pair.right, 'left-right', right);
  return pair;
}

function initiated(pair: IkePair, end: PairEnd = pair.left): IkePair {
  pair.give(end, { kind: 'initiate', connection: 'left-right' });
  pair.runFor(5000);
  return pair;
}

const only = (end: PairEnd): IkeSa => {
  const [sa, ...others] = end.engine.associations().filter(({ state }) => state.name === 'established');
  if (sa === undefined || others.length > 0) throw new Error(`${end.name} has not one IKE SA.`);
  return sa;
};
const silence = (pair: IkePair, ...silent: readonly Uint8Array[]) => {
  pair.network.conditions = { ...PERFECT, silent };
};
const failures = (pair: IkePair) =>
  [...pair.left.events, ...pair.right.events].filter(({ kind }) => /failed|closed/.test(kind));
const causes = (end: PairEnd) =>
  end.events.flatMap((event: IkeEvent) => (event.kind === 'path-changed' ? [event.cause] : []));
const pathOf = (end: PairEnd) => {
  const { local, remote } = only(end).lineage.path;
  return [local.address, remote.address];
};

/** IKE SA and Child SA of both ends are between these two, one pair of SAs there is, and every packet arrives. */
function expectBetween(pair: IkePair, left: Uint8Array, right: Uint8Array): void {
  expect({ left: pathOf(pair.left), right: pathOf(pair.right) }).toEqual({ left: [left, right], right: [right, left] });
  const outer = [pair.left, pair.right].map(({ sad }) => {
    const { localEndpoint, remoteEndpoint } = sad.current()?.association ?? {};
    return [localEndpoint?.address, remoteEndpoint?.address];
  });
  expect(outer).toEqual([
    [left, right],
    [right, left],
  ]);
  expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  const lost = lostIn(pair, () => pair.runFor(100));
  expect(lost).toEqual({ lost: 0, losses: [] });
}

/** Packets of both ends, one each millisecond, that did not arrive while something happened. */
function lostIn(pair: IkePair, run: () => void): { readonly lost: number; readonly losses: readonly string[] } {
  const { network } = pair;
  const before = network.silenced + network.unmapped + pair.strayed;
  const losses = pair.losses.length;
  pair.trafficInterval = 1;
  run();
  pair.trafficInterval = undefined;
  pair.runFor(50);
  return { lost: network.silenced + network.unmapped + pair.strayed - before, losses: pair.losses.slice(losses) };
}

describe('The first address does not answer IKE_SA_INIT', () => {
  it.each([
    ['of the peer', { right: [RIGHT, SECOND_RIGHT] }, RIGHT, LEFT, SECOND_RIGHT],
    ['of ours', { left: [LEFT, SECOND_LEFT] }, LEFT, SECOND_LEFT, RIGHT],
    [
      'of ours, and the next is of the other family',
      { left: [LEFT, SIX_LEFT], right: [RIGHT, SIX_RIGHT] },
      LEFT,
      SIX_LEFT,
      SIX_RIGHT,
    ],
  ] as const)('%s: the next is tried, and nothing fails', (_whose, ends, silent, left, right) => {
    const pair = uplinkPair(ends);
    silence(pair, silent);
    initiated(pair);
    expect(failures(pair)).toEqual([]);
    expectBetween(pair, left, right);
  });

  it('of four pairs one is open: it is found', () => {
    const pair = uplinkPair({ left: [LEFT, SECOND_LEFT], right: [RIGHT, SECOND_RIGHT] });
    silence(pair, LEFT, RIGHT);
    pair.give(pair.left, { kind: 'initiate', connection: 'left-right' });
    pair.runFor(3 * 3000 + 1000);
    expect(failures(pair)).toEqual([]);
    expectBetween(pair, SECOND_LEFT, SECOND_RIGHT);
  });

  it('none does: it goes round as long as it would ask one, and fails once', () => {
    const pair = uplinkPair({ right: [RIGHT, SECOND_RIGHT] });
    silence(pair, LEFT);
    pair.give(pair.left, { kind: 'initiate', connection: 'left-right' });
    pair.runFor(120_000);
    expect(pair.left.events).toEqual([]);
    pair.runFor(20_000);
    expect(pair.left.events).toMatchObject([{ kind: 'ike-failed', reason: { code: 'peer_silent' } }]);
    expect(pair.left.engine.associations()).toEqual([]);
  });

  it('the answer to a call that was given up is nobody’s, and what the peer keeps of it is forgotten', () => {
    const pair = uplinkPair({ right: [RIGHT, SECOND_RIGHT] });
    pair.network.conditions = { ...PERFECT, minimumDelay: 2000, maximumDelay: 2000 };
    pair.give(pair.left, { kind: 'initiate', connection: 'left-right' });
    pair.runFor(3100);
    pair.network.conditions = PERFECT;
    pair.runFor(60_000);
    expect(failures(pair).filter(({ kind }) => kind !== 'ike-attempt-failed')).toEqual([]);
    expect(pair.right.engine.associations().length).toBe(1);
    expectBetween(pair, LEFT, RIGHT);
  });

  it('one address at either end: it is asked as before', () => {
    const pair = uplinkPair();
    silence(pair, RIGHT);
    pair.give(pair.left, { kind: 'initiate', connection: 'left-right' });
    pair.runFor(60_000);
    silence(pair);
    pair.runFor(10_000);
    expect(failures(pair)).toEqual([]);
    expectBetween(pair, LEFT, RIGHT);
  });
});

describe('The path in use drops everything, and nobody is told', () => {
  it.each([
    ['the initiator has two', { left: [LEFT, SECOND_LEFT] }, LEFT, SECOND_LEFT, RIGHT],
    ['the responder has two', { right: [RIGHT, SECOND_RIGHT] }, RIGHT, LEFT, SECOND_RIGHT],
    [
      'the second is of the other family',
      { left: [LEFT, SIX_LEFT], right: [RIGHT, SIX_RIGHT] },
      LEFT,
      SIX_LEFT,
      SIX_RIGHT,
    ],
  ] as const)(
    '%s: both are elsewhere in bounded time, and back when it is good for long enough',
    (_who, ends, silent, left, right) => {
      const pair = initiated(uplinkPair(ends));
      expectBetween(pair, LEFT, RIGHT);
      const keys = [...pair.left.sad.installed.keys()];
      silence(pair, silent);
      pair.runFor(LEAVES_WITHIN);
      expectBetween(pair, left, right);
      expect(causes(pair.left)).toEqual(['path_silent']);
      silence(pair);
      const { lost, losses } = lostIn(pair, () => pair.runFor(COMES_BACK_WITHIN));
      // The packets on the way when both have agreed: nothing is lost on a path that is not dead.
      expect({ lost, losses }).toEqual({ lost: 0, losses: [] });
      expectBetween(pair, LEFT, RIGHT);
      expect(causes(pair.left)).toEqual(['path_silent', 'preferred_answers']);
      expect([...pair.left.sad.installed.keys()]).toEqual(keys);
      expect(failures(pair)).toEqual([]);
    },
  );

  it('before anything is lost on the path it is not left, however long it is quiet', () => {
    const pair = initiated(uplinkPair({ left: [LEFT, SECOND_LEFT] }));
    pair.runFor(600_000);
    expect([causes(pair.left), causes(pair.right)]).toEqual([[], []]);
    expectBetween(pair, LEFT, RIGHT);
  });

  it('when nobody watches it is still found, with the next request that is not answered', () => {
    const pair = initiated(uplinkPair({ left: [LEFT, SECOND_LEFT], watch: undefined }));
    silence(pair, LEFT);
    pair.runFor(40_000);
    expectBetween(pair, SECOND_LEFT, RIGHT);
  });

  it('the preferred one comes and goes: it is taken again when it has been good without a break', () => {
    const pair = initiated(uplinkPair({ left: [LEFT, SECOND_LEFT] }));
    silence(pair, LEFT);
    pair.runFor(LEAVES_WITHIN);
    for (let flap = 0; flap < 20; flap++) {
      silence(pair);
      pair.runFor(WATCH.holdDown / 2);
      silence(pair, LEFT);
      pair.runFor(2 * WATCH.interval + WATCH.patience);
    }
    expect(causes(pair.left)).toEqual(['path_silent']);
    expectBetween(pair, SECOND_LEFT, RIGHT);
    silence(pair);
    pair.runFor(COMES_BACK_WITHIN);
    expectBetween(pair, LEFT, RIGHT);
  });

  it('the other one dies while the preferred one is on probation: that is better than none', () => {
    const pair = initiated(uplinkPair({ left: [LEFT, SECOND_LEFT] }));
    silence(pair, LEFT);
    pair.runFor(LEAVES_WITHIN);
    silence(pair, SECOND_LEFT);
    pair.runFor(LEAVES_WITHIN + 8 * WATCH.interval);
    expectBetween(pair, LEFT, RIGHT);
    expect(causes(pair.left)).toEqual(['path_silent', 'path_silent']);
  });

  it('of two IKE SAs that both ends began at once, that which was deleted says nothing of paths', () => {
    const pair = uplinkPair({ left: [LEFT, SECOND_LEFT] });
    pair.give(pair.left, { kind: 'initiate', connection: 'left-right' });
    initiated(pair, pair.right);
    silence(pair, LEFT);
    pair.runFor(LEAVES_WITHIN + 10_000);
    const told = [pair.left, pair.right].map(({ engine }) =>
      engine.establishedPaths().map(({ local }) => local.address),
    );
    expect(told).toEqual([[SECOND_LEFT], [RIGHT]]);
    expectBetween(pair, SECOND_LEFT, RIGHT);
  });

  it('both die, and one comes back: the IKE SA is still there', () => {
    const pair = initiated(uplinkPair({ left: [LEFT, SECOND_LEFT] }));
    silence(pair, LEFT, SECOND_LEFT);
    pair.runFor(60_000);
    silence(pair, LEFT);
    pair.runFor(70_000);
    expect(failures(pair)).toEqual([]);
    expectBetween(pair, SECOND_LEFT, RIGHT);
  });

  it('of a peer without MOBIKE nothing is watched', () => {
    const pair = initiated(
      uplinkPair({ left: [LEFT, SECOND_LEFT] }, { rightConnection: { mobike: undefined as never } }),
    );
    const before = pair.sent.length;
    pair.runFor(20_000);
    expect(pair.sent.length).toBe(before);
  });

  it('a peer that tells of no other address, and we have none: nothing is asked between its liveness checks', () => {
    const pair = initiated(uplinkPair());
    const before = pair.sent.length;
    pair.runFor(20_000);
    expect(pair.sent.length).toBe(before);
  });
});

describe('An address of ours comes back', () => {
  it('and is taken when it has answered for a while, not at once', () => {
    const pair = initiated(uplinkPair({ left: [LEFT, SECOND_LEFT] }));
    pair.readdress(pair.left, 'left-right', [SECOND_LEFT]);
    pair.runFor(1000);
    expectBetween(pair, SECOND_LEFT, RIGHT);
    pair.readdress(pair.left, 'left-right', [LEFT, SECOND_LEFT]);
    pair.runFor(WATCH.holdDown - WATCH.interval);
    expectBetween(pair, SECOND_LEFT, RIGHT);
    pair.runFor(4 * WATCH.interval);
    expectBetween(pair, LEFT, RIGHT);
    expect(causes(pair.left)).toEqual(['own_addresses', 'preferred_answers']);
  });
});

describe('Whatever providers do', () => {
  it('ends on the most preferred pair of addresses that is open, with one pair of SAs', { timeout: 120_000 }, () => {
    const addresses = { left: [LEFT, SECOND_LEFT], right: [RIGHT, SECOND_RIGHT] };
    const all = [...addresses.left, ...addresses.right];
    const weather = fc.array(fc.tuple(fc.subarray(all), fc.integer({ min: 1, max: 20_000 })), { maxLength: 8 });
    // At the end at least one address of either end is open.
    const last = fc.tuple(
      fc.subarray(addresses.left, { maxLength: 1 }),
      fc.subarray(addresses.right, { maxLength: 1 }),
    );
    const initiator = fc.constantFrom('left' as const, 'right' as const);
    fc.assert(
      fc.property(weather, last, initiator, fc.nat(), (changes, silentAtLast, first, seed) => {
        const pair = uplinkPair(addresses, { seed });
        initiated(pair, pair.end(first));
        // So little in all that neither end gives up.
        let left = 60_000;
        for (const [silent, duration] of changes) {
          silence(pair, ...silent);
          pair.runFor(Math.min(duration, left));
          left = Math.max(0, left - duration);
        }
        silence(pair, ...silentAtLast.flat());
        pair.runFor(120_000 + 2 * COMES_BACK_WITHIN);
        const open = (own: readonly Uint8Array[]) =>
          own.find((address) => !silentAtLast.flat().some((silent) => silent === address)) ?? Uint8Array.of();
        expect(failures(pair)).toEqual([]);
        expectBetween(pair, open(addresses.left), open(addresses.right));
      }),
      { numRuns: 25 },
    );
  });
});
