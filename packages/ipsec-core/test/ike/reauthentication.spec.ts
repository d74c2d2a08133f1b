import { describe, expect, it } from 'vitest';
import { nodeCryptoProvider } from '../../providers/node-crypto/node-crypto-provider.js';
import { Secret } from '../../src/bytes/secret.js';
import type { Connection } from '../../src/ike/connection.js';
import { inform } from '../../src/ike/exchanges/inform.js';
import type { IkeInput } from '../../src/ike/outputs.js';
import type { IkePair, PairEnd } from '../../src/testing/pair.js';
import { PERFECT } from '../../src/testing/simulated-network.js';
import { notify } from '../../src/wire/ike/payloads/notify.js';
import type { WireSelector } from '../../src/wire/ike/payloads/traffic-selector.js';
import { ANYWHERE, agreement, connection, establishedPair, type MakePair, prefix, toyKeyExchange } from './fixtures.js';

const REAUTHENTICATE = { kind: 'reauthenticate', connection: 'left-right' } as const;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

function quick(options: MakePair = {}): IkePair {
  return establishedPair({ keyExchange: toyKeyExchange, engine: { provider: nodeCryptoProvider }, ...options });
}

const spi = (end: PairEnd) => end.sad.current()?.association.inboundSpi ?? 0;
const kinds = (end: PairEnd) => end.events.map(({ kind }) => kind);
const lineageOf = (end: PairEnd) => {
  const [sa] = end.engine.associations().filter(({ state }) => state.name === 'established');
  if (sa === undefined) throw new Error(`No IKE SA stands at ${end.name}.`);
  return sa.lineage;
};

/** One IKE SA and as many SA pairs at both ends, the same ones; nothing lost, nothing under way. */
function settled(pair: IkePair, pairs = 1): void {
  const ends = [pair.left, pair.right];
  const states = ends.map(({ engine }) =>
    engine
      .associations()
      .map(({ state }) => state.name)
      .filter((name) => name !== 'deleting' && name !== 'replaced'),
  );
  expect({ states, losses: pair.losses, ...agreement(pair) }).toEqual({
    states: [['established'], ['established']],
    losses: [],
    pairs,
    agree: true,
  });
  for (const end of ends) expect(end.sad.current()).toBeDefined();
}

describe('Reauthentication (RFC 7296 section 2.8.3)', () => {
  it.each([
    ['left', 'left'],
    ['left', 'right'],
    ['right', 'left'],
  ] as const)('when the time has come that %s configures, of an IKE SA that %s initiated', (side, initiator) => {
    const lifetime = { authenticationLifetime: HOUR };
    const pair = quick({
      leftConnection: side === 'left' ? lifetime : {},
      rightConnection: side === 'right' ? lifetime : {},
    });
    if (initiator === 'right') {
      pair.give(pair.left, { kind: 'delete-ike', connection: 'left-right' });
      pair.runFor(1000);
      pair.give(pair.right, { kind: 'initiate', connection: 'left-right' });
      pair.runFor(1000);
    }
    const before = spi(pair.left);
    pair.runFor(0.7 * HOUR);
    expect(spi(pair.left)).toBe(before);
    pair.trafficInterval = 1000;
    pair.runFor(0.3 * HOUR);
    expect(spi(pair.left)).not.toBe(before);
    pair.trafficInterval = undefined;
    pair.runFor(4 * MINUTE);
    settled(pair);
    for (const end of [pair.left, pair.right]) {
      expect(kinds(end).slice(-2)).toEqual(['ike-established', 'ike-superseded']);
    }
  });

  it('goes on for days without a packet lost and without an IKE SA too many', () => {
    const lifetimes = { authenticationLifetime: HOUR, lifetime: 0.4 * HOUR };
    const pair = quick({ sadDelay: 3, leftConnection: lifetimes, rightConnection: lifetimes });
    pair.trafficInterval = 1777;
    pair.runFor(24 * HOUR);
    pair.trafficInterval = undefined;
    pair.runFor(4 * MINUTE);
    settled(pair);
    expect(kinds(pair.left).filter((kind) => kind === 'ike-superseded').length).toBeGreaterThan(24);
    expect(kinds(pair.left)).not.toContain('ike-closed');
  });

  it('traffic moves before the old IKE SA is gone at either end, whatever time the packet path takes', () => {
    for (let sadDelay = 0; sadDelay <= 40; sadDelay += 1) {
      for (const side of ['left', 'right'] as const) {
        const pair = quick({ seed: sadDelay + 1, sadDelay });
        pair.trafficInterval = 1;
        pair.give(pair.end(side), REAUTHENTICATE);
        pair.runFor(2000);
        pair.trafficInterval = undefined;
        pair.runFor(4 * MINUTE);
        settled(pair);
      }
    }
  });

  it('the answer to the Delete of the old IKE SA leaves when traffic has moved: the peer may forget the old at once', () => {
    let before = 0;
    const moved: boolean[] = [];
    const mutate = (from: string, octets: Uint8Array) => {
      const informational = octets[18] === 37 && ((octets[19] ?? 0) & 0x20) !== 0;
      if (before > 0 && from === 'right' && informational) moved.push(spi(pair.right) !== before);
      return octets;
    };
    const pair = quick({ mutate });
    before = spi(pair.right);
    pair.give(pair.left, REAUTHENTICATE);
    pair.runFor(2000);
    expect(moved).toEqual([true]);
  });

  it('the answer to the Delete of the old IKE SA overtakes nothing that was sent through its Child SAs', () => {
    for (let seed = 1; seed <= 20; seed++) {
      let answeredAt: number | undefined;
      const mutate = (from: string, octets: Uint8Array) => {
        const response = octets[18] === 37 && ((octets[19] ?? 0) & 0x20) !== 0;
        if (from === 'right' && response) answeredAt ??= pair.now;
        return octets;
      };
      const pair = quick({ seed, sadDelay: seed % 5, mutate });
      const before = spi(pair.right);
      answeredAt = undefined;
      pair.network.conditions = { ...PERFECT, minimumDelay: 1, maximumDelay: 200 };
      pair.give(pair.left, REAUTHENTICATE);
      while (spi(pair.right) === before) pair.step();
      const movedAt = pair.now;
      while (answeredAt === undefined) pair.step();
      expect(answeredAt - movedAt).toBeGreaterThan(200);
      pair.runFor(5 * MINUTE);
      settled(pair);
    }
  });

  it('a Delete that nothing takes the place of is answered at once', () => {
    const pair = quick();
    // What replaced a Child SA of the same IKE SA goes with it.
    pair.give(pair.left, { kind: 'rekey-child', inboundSpi: spi(pair.left) });
    pair.runFor(1000);
    pair.give(pair.left, { kind: 'delete-ike', connection: 'left-right' });
    pair.runFor(100);
    expect(kinds(pair.left).slice(-2)).toEqual(['child-rekeyed', 'ike-closed']);
  });

  it('the Delete of the old IKE SA leaves when what was sent through its Child SAs has arrived: it may overtake nothing', () => {
    for (let seed = 1; seed <= 20; seed++) {
      let deletedAt: number | undefined;
      const mutate = (from: string, octets: Uint8Array) => {
        const request = octets[18] === 37 && ((octets[19] ?? 0) & 0x20) === 0;
        if (from === 'left' && request) deletedAt ??= pair.now;
        return octets;
      };
      const pair = quick({ seed, sadDelay: seed % 5, mutate });
      const before = spi(pair.left);
      deletedAt = undefined;
      pair.network.conditions = { ...PERFECT, minimumDelay: 1, maximumDelay: 200 };
      pair.trafficInterval = 1;
      pair.give(pair.left, REAUTHENTICATE);
      while (spi(pair.left) === before) pair.step();
      const movedAt = pair.now;
      while (deletedAt === undefined) pair.step();
      expect(deletedAt - movedAt).toBeGreaterThan(200);
      pair.trafficInterval = undefined;
      pair.runFor(5 * MINUTE);
      settled(pair);
    }
  });

  it('loses nothing while messages and packets are lost, doubled and overtake each other', () => {
    const conditions = { ...PERFECT, loss: 0.15, duplication: 0.2, minimumDelay: 1, maximumDelay: 60 };
    for (let seed = 1; seed <= 40; seed++) {
      const pair = quick({ seed, sadDelay: seed % 7 });
      pair.trafficInterval = 5;
      pair.network.conditions = conditions;
      pair.give(pair.end(seed % 2 === 0 ? 'left' : 'right'), REAUTHENTICATE);
      pair.runFor(20_000);
      pair.network.conditions = PERFECT;
      pair.runFor(1000);
      pair.trafficInterval = undefined;
      pair.runFor(5 * MINUTE);
      settled(pair);
    }
  });

  it('soon after the IKE SA stood, of one that the other end initiated, and the Delete is lost for long: one stays', () => {
    for (let seed = 1; seed <= 10; seed++) {
      let silentUntil = 0;
      const mutate = (from: string, octets: Uint8Array) =>
        from === 'right' && octets[18] === 37 && pair.now < silentUntil ? undefined : octets;
      const pair = quick({ seed, mutate });
      pair.trafficInterval = 100;
      silentUntil = pair.now + 15_000;
      pair.give(pair.right, REAUTHENTICATE);
      pair.runFor(40_000);
      pair.trafficInterval = undefined;
      pair.runFor(5 * MINUTE);
      settled(pair);
    }
  });

  it('of a responder that sends on the new Child SA at once: its packets wait for the answer that they overtook', () => {
    const conditions = { ...PERFECT, minimumDelay: 1, maximumDelay: 40 };
    for (let seed = 1; seed <= 10; seed++) {
      const pair = quick({ seed, sadDelay: 4 });
      pair.network.conditions = conditions;
      pair.trafficInterval = 1;
      pair.give(pair.left, REAUTHENTICATE);
      for (let known = pair.right.sad.standing().length; pair.right.sad.standing().length === known; ) pair.step();
      const granted = pair.right.sad.standing().at(-1)?.association.inboundSpi ?? 0;
      pair.give(pair.right, { kind: 'inbound-used', inboundSpi: granted });
      pair.runFor(1000);
      pair.trafficInterval = undefined;
      pair.runFor(5 * MINUTE);
      settled(pair);
    }
  });

  it('takes every Child SA along, also where each flow has its own', () => {
    const host = (...octets: number[]): WireSelector =>
      ({ ...prefix(0, 0, 0), first: Uint8Array.from(octets), last: Uint8Array.from(octets) }) as WireSelector;
    const children = (side: 'left' | 'right') =>
      ['net', 'other'].flatMap((name, index) =>
        connection(side).children.map((child) => {
          const [own, other] = side === 'left' ? [1, 2] : [2, 1];
          return { ...child, name, perFlow: true, local: [prefix(10, own, index)], remote: [prefix(10, other, index)] };
        }),
      );
    const pair = quick({
      leftConnection: { children: children('left') },
      rightConnection: { children: children('right') },
    });
    const flows = [
      ['net', 0, 7],
      ['net', 0, 8],
      ['other', 1, 9],
    ] as const;
    for (const [child, net, last] of flows) {
      const flow = { local: host(10, 1, net, last), remote: host(10, 2, net, 1) };
      pair.give(pair.left, { kind: 'initiate-child', connection: 'left-right', child, flow });
      pair.runFor(500);
    }
    const flowsAt = (end: PairEnd) => end.sad.standing().map(({ association }) => association.local);
    const before = flowsAt(pair.left);
    for (const side of ['left', 'right'] as const) {
      const spis = new Set(pair.left.sad.standing().map(({ association }) => association.inboundSpi));
      pair.give(pair.end(side), REAUTHENTICATE);
      pair.runFor(4 * MINUTE);
      settled(pair, 3);
      expect(flowsAt(pair.left)).toEqual(expect.arrayContaining([...before]));
      expect(pair.left.sad.standing().some(({ association }) => spis.has(association.inboundSpi))).toBe(false);
    }
  });

  it('keeps the address that the peer assigned, and the pool lends no second one', () => {
    const child = connection('left').children[0];
    if (child === undefined) throw new Error('No child is configured.');
    const first = Uint8Array.of(10, 9, 0, 1);
    const pools = [{ first, last: Uint8Array.of(10, 9, 0, 2) }];
    const pair = quick({
      leftConnection: {
        configuration: { kind: 'client', families: [4], dns: false },
        children: [{ ...child, local: 'virtual', remote: [prefix(10, 2, 0)] }],
      },
      rightConnection: {
        configuration: { kind: 'server', pools, dns: [], domains: [], required: true },
        children: [{ ...child, local: [prefix(10, 2, 0)], remote: 'virtual' }],
      },
    });
    for (let time = 0; time < 3; time++) {
      pair.give(pair.left, REAUTHENTICATE);
      pair.runFor(5 * MINUTE);
      settled(pair);
      expect(pair.left.sad.current()?.association.local).toMatchObject([{ first, last: first }]);
    }
  });

  it('that fails leaves the old IKE SA as it is until its time is over, and is tried again', () => {
    const pair = quick({ leftConnection: { authenticationLifetime: HOUR } });
    const other = connection('right', { remoteAuthentication: { kind: 'psk', key: new Secret(Uint8Array.of(9)) } });
    pair.give(pair.right, { kind: 'configure', connections: [other] });
    pair.trafficInterval = 1000;
    pair.runFor(0.9 * HOUR);
    expect(pair.losses).toEqual([]);
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    const attempts = kinds(pair.left).filter((kind) => kind === 'ike-attempt-failed').length;
    expect(attempts).toBeGreaterThan(2);
    expect(attempts).toBeLessThan(60);
    expect(pair.left.events.at(-1)).toMatchObject({ reason: { notify: 'AUTHENTICATION_FAILED' } });
    expect(pair.right.events.at(-1)).toMatchObject({
      kind: 'ike-attempt-failed',
      reason: { code: 'authentication_failed' },
    });
    pair.trafficInterval = undefined;
    pair.runFor(0.1 * HOUR);
    expect(agreement(pair)).toEqual({ pairs: 0, agree: true });
    expect(pair.left.events.filter(({ kind }) => kind === 'ike-failed')).toMatchObject([
      { reason: { code: 'authentication_expired' } },
    ]);
  });
});

describe('Reauthentication that meets something else', () => {
  /** Milliseconds between the two commands: a handshake takes 40, and the Delete 20 more. */
  const OFFSETS = [0, 1, 9, 10, 11, 19, 20, 21, 29, 30, 31, 39, 40, 41, 49, 50, 55, 60, 70];
  const inputs: Readonly<Record<string, (end: PairEnd) => IkeInput>> = {
    'a reauthentication': () => REAUTHENTICATE,
    'a rekey of the IKE SA': () => ({ kind: 'rekey-ike', connection: 'left-right' }),
    'a rekey of the Child SA': (end) => ({ kind: 'rekey-child', inboundSpi: spi(end) }),
  };

  it.each(Object.entries(inputs))('%s at the other end and at the same, at every offset', (_name, inputOf) => {
    for (const offset of OFFSETS) {
      for (const [seed, side] of [
        [1, 'right'],
        [2, 'left'],
      ] as const) {
        for (const reversed of [false, true]) {
          const pair = quick({ seed, sadDelay: seed });
          pair.trafficInterval = 1;
          const second = pair.end(side);
          const give = [() => pair.give(pair.left, REAUTHENTICATE), () => pair.give(second, inputOf(second))];
          if (reversed) give.reverse();
          give[0]?.();
          pair.runFor(offset);
          give[1]?.();
          pair.runFor(1500);
          pair.trafficInterval = undefined;
          pair.runFor(6 * MINUTE);
          settled(pair);
          const failures = [...kinds(pair.left), ...kinds(pair.right)].filter((kind) => /failed|ike-closed/.test(kind));
          expect({ offset, seed, reversed, failures }).toEqual({ offset, seed, reversed, failures: [] });
        }
      }
    }
  });

  it('the end of everything: neither end has anything left', () => {
    for (const offset of OFFSETS) {
      for (const side of ['left', 'right'] as const) {
        const pair = quick({ seed: offset + 1 });
        pair.give(pair.left, REAUTHENTICATE);
        pair.runFor(offset);
        pair.give(pair.end(side), { kind: 'delete-ike', connection: 'left-right' });
        pair.runFor(6 * MINUTE);
        const { agree } = agreement(pair);
        const standing = [pair.left, pair.right].map(({ engine }) => engine.associations().length);
        const failed = [...pair.left.events, ...pair.right.events].filter(({ kind }) => kind === 'ike-failed');
        expect({ offset, agree, same: standing[0] === standing[1], failed }).toEqual({
          offset,
          agree: true,
          same: true,
          failed: [],
        });
        if (side === 'left') expect(standing).toEqual([0, 0]);
      }
    }
  });
});

describe('AUTH_LIFETIME (RFC 4478)', () => {
  const onlyResponds: Partial<Connection> = { remote: ANYWHERE, authenticationLifetime: 10 * MINUTE };

  it('is sent by the responder, and the initiator authenticates anew within it, and so for the successor', () => {
    const pair = quick({ rightConnection: onlyResponds });
    pair.trafficInterval = 500;
    pair.runFor(65 * MINUTE);
    pair.trafficInterval = undefined;
    pair.runFor(4 * MINUTE);
    settled(pair);
    expect(kinds(pair.right).filter((kind) => kind === 'ike-superseded').length).toBeGreaterThanOrEqual(6);
    expect(kinds(pair.right)).not.toContain('ike-failed');
  });

  it('a rekey of the IKE SA does not make it longer', () => {
    const pair = quick({ rightConnection: onlyResponds });
    pair.runFor(7 * MINUTE);
    pair.give(pair.right, { kind: 'rekey-ike', connection: 'left-right' });
    pair.runFor(3 * MINUTE);
    expect(kinds(pair.right)).toContain('ike-superseded');
  });

  it('whoever does not heed it is cut off soon after', () => {
    let silenced = false;
    const mutate = (from: string, octets: Uint8Array) =>
      silenced && from === 'left' && octets[18] === 34 ? undefined : octets;
    const pair = quick({ rightConnection: onlyResponds, mutate });
    silenced = true;
    pair.runFor(10 * MINUTE - 6000);
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    pair.runFor(10_000);
    expect(agreement(pair)).toEqual({ pairs: 0, agree: true });
    expect(pair.right.events.at(-1)).toMatchObject({ kind: 'ike-failed', reason: { code: 'authentication_expired' } });
  });

  it('comes in an INFORMATIONAL request when the policy of the original responder changes', () => {
    const pair = quick();
    const changed = connection('right', { ...onlyResponds });
    pair.give(pair.right, { kind: 'configure', connections: [changed] });
    const before = spi(pair.left);
    pair.runFor(7 * MINUTE);
    expect(spi(pair.left)).toBe(before);
    pair.runFor(3 * MINUTE);
    expect(spi(pair.left)).not.toBe(before);
    settled(pair);
  });

  it('of nothing asks for it at once, once', () => {
    const pair = quick();
    const lineage = lineageOf(pair.right);
    pair.runFor(MINUTE);
    inform(lineage, 'test', [notify('AUTH_LIFETIME', new Uint8Array(4))], pair.now);
    pair.give(pair.right, { kind: 'timeout' });
    pair.runFor(MINUTE);
    expect(kinds(pair.left)).toEqual(['ike-established', 'ike-established', 'ike-superseded']);
    settled(pair);
  });

  it('of the original initiator, or of another length, is none', () => {
    const pair = quick();
    for (const [end, octets] of [
      [pair.left, 4],
      [pair.right, 3],
    ] as const) {
      inform(lineageOf(end), 'test', [notify('AUTH_LIFETIME', new Uint8Array(octets))], pair.now);
      pair.give(end, { kind: 'timeout' });
      pair.runFor(MINUTE);
    }
    expect([kinds(pair.left), kinds(pair.right)]).toEqual([['ike-established'], ['ike-established']]);
  });
});

describe('When the responder moves its traffic (RFC 7296 section 2.8)', () => {
  it('when the first packet came on the new Child SA, though the Delete of the old one does not come', () => {
    const pair = quick();
    const [before] = pair.right.sad.standing();
    pair.give(pair.left, { kind: 'rekey-child', inboundSpi: spi(pair.left) });
    pair.runFor(15);
    // Granted, and the answer is on its way.
    expect(pair.right.sad.standing()).toHaveLength(2);
    expect(pair.right.sad.current()).toBe(before);
    pair.network.conditions = { ...PERFECT, loss: 1 };
    const granted = pair.right.sad.standing()[1]?.association.inboundSpi ?? 0;
    pair.give(pair.right, { kind: 'inbound-used', inboundSpi: granted });
    expect(pair.right.sad.current()?.association.inboundSpi).toBe(granted);
  });

  it('or when the Delete of the old one came, though no packet did', () => {
    const pair = quick();
    const before = spi(pair.right);
    pair.give(pair.left, { kind: 'rekey-child', inboundSpi: spi(pair.left) });
    pair.runFor(1000);
    expect(spi(pair.right)).not.toBe(before);
    settled(pair);
  });

  it('or, after a reauthentication, when the initiator shows on the new IKE SA that it has our answer', () => {
    // It has forgotten all it had, says nothing of it, and sends nothing: traffic to it must not wait to be found lost.
    const pair = quick({ rightConnection: { uniqueness: 'replace' } });
    const before = spi(pair.right);
    const lost = lineageOf(pair.left);
    lost.host.established = () => [lost];
    pair.give(pair.left, REAUTHENTICATE);
    lost.current.retire('deleting', pair.now);
    lost.timers.clearAll();
    pair.runFor(2000);
    expect(spi(pair.right)).toBe(before);
    pair.runFor(10_000);
    expect(spi(pair.right)).not.toBe(before);
  });
});

describe('A second IKE SA of the same peer', () => {
  const twice = (uniqueness: Connection['uniqueness'], initialContact: boolean) => {
    const policy = uniqueness === undefined ? {} : { uniqueness };
    const pair = quick({ leftConnection: policy, rightConnection: policy });
    const lineage = lineageOf(pair.left);
    if (initialContact) lineage.close(pair.now);
    else pair.give(pair.left, REAUTHENTICATE);
    pair.give(pair.left, { kind: 'initiate', connection: 'left-right' });
    return pair;
  };
  const established = (end: PairEnd) =>
    end.engine.associations().filter(({ state }) => state.name === 'established').length;

  it.each(['replace', 'keep', undefined] as const)('%s: INITIAL_CONTACT drops the earlier one', (uniqueness) => {
    const pair = twice(uniqueness, true);
    pair.runFor(1000);
    settled(pair);
  });

  it('never: INITIAL_CONTACT drops nothing, and the duplicate stays', () => {
    const pair = twice('never', true);
    pair.runFor(20_000);
    expect([established(pair.left), established(pair.right)]).toEqual([1, 2]);
    expect(pair.right.sad.standing()).toHaveLength(2);
  });

  it('never: one of them is authenticated anew, and the other is not taken for what replaces it', () => {
    const pair = twice('never', true);
    pair.runFor(1000);
    const changed = connection('right', {
      uniqueness: 'never',
      remote: ANYWHERE,
      authenticationLifetime: 10 * MINUTE,
    });
    pair.give(pair.right, { kind: 'configure', connections: [changed] });
    // The first has no host any more.
    pair.runFor(11 * MINUTE);
    expect([established(pair.left), established(pair.right)]).toEqual([1, 1]);
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    expect(kinds(pair.left).at(-1)).toBe('ike-superseded');
  });

  it('keep: without INITIAL_CONTACT a second one is refused while the first stands', () => {
    const pair = twice('keep', false);
    pair.runFor(1000);
    expect(pair.left.events.at(-1)).toMatchObject({
      kind: 'ike-attempt-failed',
      reason: { code: 'peer_refused', notify: 'AUTHENTICATION_FAILED' },
    });
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });
});
