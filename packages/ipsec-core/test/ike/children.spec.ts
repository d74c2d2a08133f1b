import { afterEach, describe, expect, it, vi } from 'vitest';
import { nodeCryptoProvider } from '../../providers/node-crypto/node-crypto-provider.js';
import type { ChildConfiguration, Connection } from '../../src/ike/connection.js';
import { spiOctets } from '../../src/ike/exchanges/child-negotiation.js';
import { COLLISIONS } from '../../src/ike/exchanges/collisions.js';
import { IkeSa } from '../../src/ike/ike-sa.js';
import type { IkePair, PairEnd } from '../../src/testing/pair.js';
import { PERFECT } from '../../src/testing/simulated-network.js';
import { ENCR, EXCHANGE, INTEG, KE, PROTOCOL, SN, TRANSFORM_TYPE } from '../../src/wire/ike/iana.js';
import type { Payload } from '../../src/wire/ike/payloads/registry.js';
import { transform } from '../../src/wire/ike/payloads/sa.js';
import type { WireSelector } from '../../src/wire/ike/payloads/traffic-selector.js';
import {
  ANYWHERE,
  agreement,
  connection,
  ESP_GCM,
  establishedPair,
  IKE_GCM,
  LEFT,
  makePair,
  prefix,
  RIGHT,
  toyKeyExchange,
} from './fixtures.js';

afterEach(() => vi.restoreAllMocks());

const quick = { keyExchange: toyKeyExchange, engine: { provider: nodeCryptoProvider } };

/** Both ends with the first child changed. */
function pairWith(changes: Partial<ChildConfiguration>, right: Partial<ChildConfiguration> = changes): IkePair {
  return establishedPair({
    ...quick,
    leftConnection: childChanges('left', changes),
    rightConnection: childChanges('right', right),
  });
}

function childChanges(side: 'left' | 'right', changes: Partial<ChildConfiguration>): Partial<Connection> {
  return { children: connection(side).children.map((child) => ({ ...child, ...changes })) };
}

const first = (end: PairEnd) => end.sad.standing()[0]?.association;
const spi = (end: PairEnd) => end.sad.current()?.association.inboundSpi ?? 0;
const address = (octets: Uint8Array): WireSelector =>
  ({ ...prefix(0, 0, 0), first: octets, last: octets }) as WireSelector;
const host = (...octets: number[]) => address(Uint8Array.from(octets));

/** A message with an SPI of the Child SA that its sender did not choose. */
function withSpi(payloads: readonly Payload[], taken: number): readonly Payload[] {
  return payloads.map((each) =>
    each.kind === 'SA'
      ? { ...each, proposals: each.proposals.map((proposal) => ({ ...proposal, spi: spiOctets(taken) })) }
      : each,
  );
}

/** The next Child SA of that end gets an SPI that another has. */
function givesOnce(end: PairEnd, taken: number): void {
  const [sa] = end.engine.associations();
  if (sa === undefined) throw new Error('There is no IKE SA.');
  const { childSpis } = sa.host;
  const allocate = childSpis.allocate.bind(childSpis);
  childSpis.allocate = () => {
    childSpis.allocate = allocate;
    return taken;
  };
}

const failures = (end: PairEnd) =>
  end.events.flatMap((event) => (event.kind === 'ike-failed' ? [event.reason.code] : []));

describe('What protects a Child SA', () => {
  it.each([
    ['HMAC-SHA2-256', INTEG.HMAC_SHA2_256_128, 32, 'hmac-sha2-256-128'],
    ['AES-XCBC', INTEG.AES_XCBC_96, 16, 'aes-xcbc-96'],
    ['AES-128-GMAC', INTEG.AES_128_GMAC, 20, 'aes-gmac'],
    ['AES-256-GMAC', INTEG.AES_256_GMAC, 36, 'aes-gmac'],
  ])('AH with %s: keys of the right length, rekeyed and deleted as AH', (_name, integrity, octets, name) => {
    const proposals = [[transform(TRANSFORM_TYPE.INTEG, integrity), transform(TRANSFORM_TYPE.SN, SN.ESN)]];
    const pair = pairWith({ protocol: 'ah', proposals });
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    const [entry] = pair.left.sad.standing();
    expect(entry?.association.suite).toMatchObject({ protocol: 'ah', integrity: name, extendedSequenceNumbers: true });
    expect(entry?.inboundKey.split(',')).toHaveLength(octets);
    pair.give(pair.right, { kind: 'rekey-child', inboundSpi: spi(pair.right) });
    pair.runFor(6000);
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    pair.give(pair.left, { kind: 'delete-child', inboundSpi: spi(pair.left) });
    pair.runFor(1000);
    expect(agreement(pair)).toEqual({ pairs: 0, agree: true });
  });

  it('AH is not ESP: an offer of the one does not meet a policy of the other', () => {
    const proposals = [
      [transform(TRANSFORM_TYPE.INTEG, INTEG.HMAC_SHA2_256_128), transform(TRANSFORM_TYPE.SN, SN.ESN)],
    ];
    const pair = pairWith({ protocol: 'ah', proposals }, {});
    expect(pair.right.events[0]).toMatchObject({
      kind: 'child-failed',
      reason: { code: 'no_proposal_chosen', refusals: [{ reason: 'protocol' }] },
    });
  });

  it('perfect forward secrecy on a rekey, with the group that the peer wants', () => {
    const groups = (...methods: number[]) => [[...ESP_GCM, ...methods.map((id) => transform(TRANSFORM_TYPE.KE, id))]];
    const pair = pairWith({ proposals: groups(KE.CURVE25519, KE.ECP_256) }, { proposals: groups(KE.ECP_256) });
    expect(first(pair.left)?.suite.keyExchange).toBeUndefined();
    pair.give(pair.left, { kind: 'rekey-child', inboundSpi: spi(pair.left) });
    pair.runFor(6000);
    expect(first(pair.left)?.suite.keyExchange).toBe(KE.ECP_256);
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });

  it.each([
    ['at both ends', 'transport', 'transport', PERFECT, 'transport'],
    ['at one end only', 'transport', 'tunnel', PERFECT, 'tunnel'],
    ['with a NAT between', 'transport', 'transport', nat(), 'tunnel'],
  ] as const)('transport mode %s', (_name, left, right, conditions, mode) => {
    const selectors = (side: 'left' | 'right') => {
      const [own, other] = side === 'left' ? [LEFT, RIGHT] : [RIGHT, LEFT];
      return { local: [address(own)], remote: [address(other)] };
    };
    const pair = establishedPair({
      ...quick,
      conditions,
      leftConnection: childChanges('left', { mode: left, ...selectors('left') }),
      rightConnection: { remote: ANYWHERE, ...childChanges('right', { mode: right, ...selectors('right') }) },
    });
    expect([first(pair.left)?.mode, first(pair.right)?.mode]).toEqual([mode, mode]);
  });

  const required = (side: 'left' | 'right', mode: 'transport' | 'tunnel') => {
    const [own, other] = side === 'left' ? [LEFT, RIGHT] : [RIGHT, LEFT];
    const selectors = { local: [address(own)], remote: [address(other)] };
    return childChanges(side, { mode, transportRequired: mode === 'transport', ...selectors });
  };

  it.each([
    ['made where both ends require it', 'transport', 'transport', PERFECT, [], 1],
    // The initiator MUST delete what the responder has made of its offer (section 1.3.1).
    ['deleted by the initiator whom the peer declines', 'transport', 'tunnel', PERFECT, ['transport_declined'], 0],
    ['refused to a peer that does not ask for it', 'tunnel', 'transport', PERFECT, ['peer_refused'], 0],
    ['refused with a NAT between', 'transport', 'transport', nat(), ['transport_behind_nat'], 0],
  ] as const)('transport mode that is required: a Child SA is %s', (_name, left, right, conditions, failed, pairs) => {
    const pair = establishedPair({
      ...quick,
      conditions,
      leftConnection: required('left', left),
      rightConnection: { remote: ANYWHERE, ...required('right', right) },
    });
    pair.runFor(1000);
    const failures = pair.left.events.flatMap((event) => (event.kind === 'child-failed' ? [event.reason.code] : []));
    expect(failures).toEqual(failed);
    expect(agreement(pair)).toEqual({ pairs, agree: true });
    expect(pair.left.sad.standing().map(({ association }) => association.mode)).toEqual(pairs ? ['transport'] : []);
    // What is asked for by itself meets the same, and the IKE SA goes on.
    pair.give(pair.left, { kind: 'initiate-child', connection: 'left-right', child: 'net' });
    pair.runFor(1000);
    expect(agreement(pair)).toEqual({ pairs, agree: true });
    expect(pair.left.engine.associations()).toHaveLength(1);
  });

  it('transport mode over a NAT is refused for that by the responder, too, which knows the peer by another address', () => {
    const outside = address(Uint8Array.of(203, 0, 113, 9));
    const changes = { mode: 'transport', transportRequired: true, local: [address(RIGHT)], remote: [outside] } as const;
    const pair = establishedPair({
      ...quick,
      conditions: nat(),
      leftConnection: required('left', 'transport'),
      rightConnection: { remote: ANYWHERE, ...childChanges('right', changes) },
    });
    const failures = pair.right.events.flatMap((event) => (event.kind === 'child-failed' ? [event.reason.code] : []));
    expect(failures).toEqual(['transport_behind_nat']);
  });

  it('transport mode that is required and not granted to a successor leaves the Child SA as it is', () => {
    const pair = establishedPair({
      ...quick,
      leftConnection: required('left', 'transport'),
      rightConnection: required('right', 'transport'),
    });
    const before = spi(pair.left);
    const other = { ...connection('right'), ...required('right', 'tunnel') };
    pair.give(pair.right, { kind: 'configure', connections: [other] });
    pair.give(pair.left, { kind: 'rekey-child', inboundSpi: before });
    pair.runFor(1000);
    expect([spi(pair.left), first(pair.left)?.mode]).toEqual([before, 'transport']);
    expect(pair.left.events).toContainEqual(
      expect.objectContaining({ kind: 'child-failed', reason: { code: 'transport_declined' } }),
    );
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });

  it('padding for traffic flow confidentiality is sent to who takes it', () => {
    const pair = pairWith({ acceptTfcPadding: false }, {});
    expect([first(pair.left)?.tfcPadding, first(pair.right)?.tfcPadding]).toEqual([true, false]);
  });

  it.each([
    ['both ends say so', true, true, true],
    ['one end does not', true, false, false],
    ['the other does not', false, true, false],
  ])('fragments that hide their ports go over it where %s, and after a rekey too', (_name, left, right, agreed) => {
    const pair = pairWith({ nonFirstFragmentsAlso: left }, { nonFirstFragmentsAlso: right });
    const negotiated = () => [first(pair.left)?.nonFirstFragmentsAlso, first(pair.right)?.nonFirstFragmentsAlso];
    expect(negotiated()).toEqual([agreed, agreed]);
    pair.give(pair.right, { kind: 'rekey-child', inboundSpi: spi(pair.right) });
    pair.runFor(6000);
    expect(negotiated()).toEqual([agreed, agreed]);
  });
});

function nat() {
  return { ...PERFECT, nat: { inside: LEFT, outside: { address: Uint8Array.of(203, 0, 113, 7), port: 40_000 } } };
}

describe('Several Child SAs of one connection', () => {
  const three = (side: 'left' | 'right'): Partial<Connection> => ({
    children: ['a', 'b', 'c'].flatMap((name, index) =>
      connection(side).children.map((child) => {
        const [own, other] = side === 'left' ? [1, 2] : [2, 1];
        return { ...child, name, local: [prefix(10, own, index)], remote: [prefix(10, other, index)] };
      }),
    ),
  });

  it('the first comes with IKE_AUTH, the others follow one by one, and each is rekeyed by itself', () => {
    const pair = establishedPair({ ...quick, leftConnection: three('left'), rightConnection: three('right') });
    expect(agreement(pair)).toEqual({ pairs: 3, agree: true });
    const before = pair.right.sad.standing().map(({ association }) => association.child);
    expect(before).toEqual(['a', 'b', 'c']);
    const inboundSpi = pair.left.sad.current('b')?.association.inboundSpi ?? 0;
    pair.give(pair.left, { kind: 'rekey-child', inboundSpi });
    pair.runFor(6000);
    expect(agreement(pair)).toEqual({ pairs: 3, agree: true });
    expect(pair.left.sad.current('b')?.association.inboundSpi).not.toBe(inboundSpi);
  });

  it('other connections by command: what is gone is deleted, what is new can be asked for, the rest goes on', () => {
    const pair = establishedPair({ ...quick, leftConnection: three('left'), rightConnection: three('right') });
    const [a] = pair.left.sad.standing();
    const changed = connection('left', three('left'));
    const children = changed.children.filter(({ name }) => name !== 'c');
    pair.give(pair.left, { kind: 'configure', connections: [{ ...changed, children }] });
    pair.runFor(1000);
    expect(pair.right.sad.standing().map(({ association }) => association.child)).toEqual(['a', 'b']);
    expect(pair.left.sad.standing()[0]).toBe(a);
    pair.give(pair.left, { kind: 'configure', connections: [changed] });
    pair.give(pair.left, { kind: 'initiate-child', connection: 'left-right', child: 'c' });
    pair.runFor(1000);
    expect(agreement(pair)).toEqual({ pairs: 3, agree: true });
    pair.give(pair.left, { kind: 'configure', connections: [] });
    pair.runFor(1000);
    expect(agreement(pair)).toEqual({ pairs: 0, agree: true });
    expect(pair.right.events.at(-1)).toMatchObject({ kind: 'ike-closed', by: 'peer' });
  });

  it('a connection that goes while it comes up leaves nothing at either end, and makes no Child SA', () => {
    for (let at = 0; at <= 45; at += 5) {
      const pair = makePair(quick);
      pair.give(pair.left, { kind: 'initiate', connection: 'left-right' });
      pair.runFor(at);
      pair.give(pair.left, { kind: 'configure', connections: [] });
      // Not even for a moment: nobody here knows what it would be for.
      for (let later = at; at < 40 && later < 100; later += 5) {
        expect({ at, later, installed: pair.left.sad.installed.size }).toEqual({ at, later, installed: 0 });
        pair.runFor(5);
      }
      pair.runFor(60_000);
      expect([pair.left, pair.right].map(({ sad }) => sad.installed.size)).toEqual([0, 0]);
      const states = [pair.left, pair.right].flatMap(({ engine }) =>
        engine.associations().map(({ state }) => state.name),
      );
      expect({ at, states: states.filter((name) => name !== 'deleting') }).toEqual({ at, states: [] });
    }
  });

  it('a child that goes while it is asked for, or waits to be asked for again, is not there in the end', () => {
    for (const wait of [0, 5, 10, 15, 20, 1000]) {
      const pair = establishedPair({ ...quick, leftConnection: three('left'), rightConnection: three('right') });
      const [child] = pair.left.sad.standing();
      pair.give(pair.left, { kind: 'delete-child', inboundSpi: child?.association.inboundSpi ?? 0 });
      pair.runFor(1000);
      const changed = connection('left', three('left'));
      const [gone, ...others] = changed.children;
      if (gone === undefined) throw new Error('There are no children.');
      const row = COLLISIONS['create-child'] as { nothing: string };
      row.nothing = wait === 1000 ? 'temporary_failure' : 'proceed';
      pair.give(pair.left, { kind: 'initiate-child', connection: 'left-right', child: gone.name });
      pair.runFor(wait);
      row.nothing = 'proceed';
      pair.give(pair.left, { kind: 'configure', connections: [{ ...changed, children: others }] });
      pair.runFor(20_000);
      const names = pair.left.sad.standing().map(({ association }) => association.child);
      expect({ wait, names: names.sort() }).toEqual({ wait, names: others.map(({ name }) => name) });
      expect(agreement(pair)).toEqual({ pairs: 2, agree: true });
    }
  });

  it('nor is one that goes while IKE_AUTH asks for it', () => {
    for (let at = 0; at <= 60; at += 5) {
      const pair = makePair({ ...quick, leftConnection: three('left'), rightConnection: three('right') });
      pair.give(pair.left, { kind: 'initiate', connection: 'left-right' });
      pair.runFor(at);
      const changed = connection('left', three('left'));
      pair.give(pair.left, { kind: 'configure', connections: [{ ...changed, children: changed.children.slice(1) }] });
      pair.runFor(20_000);
      const names = pair.left.sad.standing().map(({ association }) => association.child);
      expect({ at, names: names.sort() }).toEqual({ at, names: ['b', 'c'] });
      expect(agreement(pair)).toEqual({ pairs: 2, agree: true });
    }
  });

  it('two connections of one name, or two children of one name, are the caller’s mistake', () => {
    const pair = establishedPair(quick);
    const twice = (connections: readonly Connection[]) => () =>
      pair.give(pair.left, { kind: 'configure', connections });
    expect(twice([connection('left'), connection('left')])).toThrow(RangeError);
    const [child] = connection('left').children;
    if (child !== undefined) expect(twice([connection('left', { children: [child, child] })])).toThrow(RangeError);
  });
});

describe('Traffic selectors (RFC 7296 section 2.9)', () => {
  it('that do not meet are explained: which end, what was offered, what is allowed', () => {
    const pair = pairWith({ remote: [prefix(10, 9, 0)] }, {});
    expect(pair.left.events[0]).toMatchObject({
      kind: 'child-failed',
      child: 'net',
      reason: { notify: 'TS_UNACCEPTABLE' },
    });
    expect(pair.right.events[0]).toMatchObject({
      kind: 'child-failed',
      reason: {
        code: 'ts_unacceptable',
        side: 'local',
        offered: ['10.9.0.0-10.9.0.255'],
        allowed: ['10.2.0.0-10.2.0.255'],
      },
    });
  });

  it('of a flow that needs the Child SA come first, and the whole policy is asked for beside it', () => {
    const pair = pairWith({});
    pair.give(pair.left, { kind: 'delete-child', inboundSpi: spi(pair.left) });
    pair.runFor(1000);
    const flow = { local: host(10, 1, 0, 7), remote: host(10, 2, 0, 9) };
    pair.give(pair.left, { kind: 'initiate-child', connection: 'left-right', child: 'net', flow });
    pair.runFor(1000);
    expect(first(pair.right)).toMatchObject({
      remote: [host(10, 1, 0, 7), prefix(10, 1, 0)],
      local: [host(10, 2, 0, 9), prefix(10, 2, 0)],
    });
  });

  it('where each flow has an SA pair of its own, there are as many as flows, and no two of one', () => {
    const pair = pairWith({ perFlow: true });
    expect(pair.left.events).toMatchObject([
      { kind: 'child-failed', reason: { notify: 'SINGLE_PAIR_REQUIRED' } },
      { kind: 'ike-established' },
    ]);
    const flows = [7, 8, 7].map((last) => ({ local: host(10, 1, 0, last), remote: host(10, 2, 0, 9) }));
    for (const flow of flows) {
      pair.give(pair.left, { kind: 'initiate-child', connection: 'left-right', child: 'net', flow });
      pair.runFor(1000);
    }
    expect(agreement(pair)).toEqual({ pairs: 2, agree: true });
    pair.give(pair.right, {
      kind: 'rekey-child',
      inboundSpi: pair.right.sad.standing()[0]?.association.inboundSpi ?? 0,
    });
    pair.runFor(30_000);
    expect(agreement(pair)).toEqual({ pairs: 2, agree: true });
    expect(pair.left.sad.standing().map(({ association }) => association.local)).toEqual([
      [host(10, 1, 0, 8)],
      [host(10, 1, 0, 7)],
    ]);
  });

  it('protocol and ports narrow like addresses; OPAQUE meets OPAQUE and any', () => {
    const tcp = { ...prefix(10, 1, 0), protocol: 6, startPort: 443, endPort: 443 } as WireSelector;
    const opaque = { ...prefix(10, 2, 0), protocol: 6, startPort: 65535, endPort: 0 } as WireSelector;
    const pair = pairWith({ local: [tcp], remote: [opaque] }, {});
    expect(first(pair.right)).toMatchObject({ remote: [tcp], local: [opaque] });
  });
});

describe('An answer to a rekey that is narrower than what it replaces (RFC 7296 section 2.9.2)', () => {
  const half = { ...prefix(10, 2, 0), last: Uint8Array.of(10, 2, 0, 127) } as WireSelector;

  /** What the right end grants at the next rekey. */
  function narrowAt(end: PairEnd): void {
    for (const sa of end.engine.associations()) {
      for (const child of sa.lineage.children.all) child.configuration = { ...child.configuration, local: [half] };
    }
  }

  it('does not take its place: another IKE SA does, without a packet lost', () => {
    const pair = establishedPair(quick);
    const before = spi(pair.left);
    pair.trafficInterval = 10;
    narrowAt(pair.right);
    pair.give(pair.left, { kind: 'rekey-child', inboundSpi: before });
    pair.runFor(60_000);
    expect(pair.left.events).toContainEqual({
      kind: 'child-failed',
      connection: 'left-right',
      child: 'net',
      reason: {
        code: 'rekey_narrowed',
        side: 'remote',
        answered: ['10.2.0.0-10.2.0.127'],
        before: ['10.2.0.0-10.2.0.255'],
      },
    });
    expect(pair.left.events.at(-1)).toMatchObject({ kind: 'ike-superseded', by: 'us' });
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    expect(spi(pair.left)).not.toBe(before);
    expect(first(pair.left)?.remote).toEqual([prefix(10, 2, 0)]);
    expect(pair.losses).toEqual([]);
  });

  it('does with a peer that we cannot call, and that is told: what it still carries goes on', () => {
    const pair = makePair({ ...quick, leftConnection: { remote: ANYWHERE } });
    pair.give(pair.right, { kind: 'initiate', connection: 'left-right' });
    pair.runFor(1000);
    const before = spi(pair.left);
    narrowAt(pair.right);
    pair.give(pair.left, { kind: 'rekey-child', inboundSpi: before });
    pair.runFor(10_000);
    expect(pair.left.events.slice(-2)).toMatchObject([
      { kind: 'child-failed', reason: { code: 'rekey_narrowed' } },
      { kind: 'child-rekeyed', oldInboundSpi: before },
    ]);
    expect(first(pair.left)?.remote).toEqual([half]);
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });

  it('does, where our own policy has become as narrow', () => {
    const pair = establishedPair(quick);
    const before = spi(pair.left);
    const [child] = connection('left').children;
    if (child === undefined) throw new Error('There is no child.');
    const narrower = connection('left', { children: [{ ...child, remote: [half] }] });
    pair.give(pair.left, { kind: 'configure', connections: [narrower] });
    pair.give(pair.left, { kind: 'rekey-child', inboundSpi: before });
    pair.runFor(10_000);
    expect(first(pair.left)).toMatchObject({ remote: [half] });
    expect(pair.left.events.map(({ kind }) => kind)).not.toContain('child-failed');
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });
});

describe('Duplicate SPIs', () => {
  it('of one peer are refused: two SAs would be one', () => {
    const pair = establishedPair({
      ...quick,
      leftConnection: { proposals: [IKE_GCM] },
    });
    const [left] = pair.left.engine.associations();
    const taken = spi(pair.left);
    if (left === undefined) throw new Error('There is no IKE SA.');
    const allocate = left.host.childSpis.allocate.bind(left.host.childSpis);
    left.host.childSpis.allocate = () => taken;
    pair.give(pair.left, { kind: 'rekey-child', inboundSpi: taken });
    left.host.childSpis.allocate = allocate;
    pair.runFor(1000);
    expect(pair.left.events.at(-1)).toMatchObject({ kind: 'child-failed', reason: { notify: 'NO_PROPOSAL_CHOSEN' } });
    expect(pair.right.events.at(-1)).toMatchObject({
      kind: 'child-failed',
      reason: { code: 'invalid_message', detail: expect.stringContaining('SPI') },
    });
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });

  it('in an answer to a rekey are none that our offer allows: there is another IKE SA, with SPIs of their own', () => {
    const pair = establishedPair(quick);
    const [rude] = pair.right.engine.associations();
    if (rude === undefined) throw new Error('There is no IKE SA.');
    const taken = spi(pair.right);
    const respond = rude.respond.bind(rude);
    rude.respond = (exchange, payloads, now) => respond(exchange, withSpi(payloads, taken), now);
    pair.give(pair.left, { kind: 'rekey-child', inboundSpi: spi(pair.left) });
    pair.runFor(60_000);
    expect(failures(pair.left)).toEqual(['invalid_message']);
    expect(pair.left.sad.installed.size).toBe(0);
    pair.give(pair.left, { kind: 'initiate', connection: 'left-right' });
    pair.runFor(1000);
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });

  it.each(['request', 'answer'] as const)(
    'in the %s of the IKE_AUTH exchange of another IKE SA are refused: it gets others',
    (where) => {
      const pair = establishedPair(quick);
      const [rude, refusing] = where === 'request' ? [pair.left, pair.right] : [pair.right, pair.left];
      const taken = spi(rude);
      const { host } = rude.engine.associations()[0] ?? {};
      const changed = (sa: IkeSa, exchange: number, payloads: readonly Payload[]): readonly Payload[] =>
        sa.host === host && exchange === EXCHANGE.IKE_AUTH ? withSpi(payloads, taken) : payloads;
      const { request, respond } = IkeSa.prototype;
      vi.spyOn(IkeSa.prototype, 'request').mockImplementation(function (this: IkeSa, asked, now) {
        return request.call(this, { ...asked, payloads: changed(this, asked.exchange, asked.payloads) }, now);
      });
      vi.spyOn(IkeSa.prototype, 'respond').mockImplementation(function (this: IkeSa, exchange, payloads, now) {
        return respond.call(this, exchange, changed(this, exchange, payloads), now);
      });
      pair.give(pair.left, { kind: 'reauthenticate', connection: 'left-right' });
      pair.runFor(60_000);
      expect(refusing.events).toContainEqual(expect.objectContaining({ kind: 'child-failed' }));
      expect(refusing.sad.standing().map(({ association }) => association.outboundSpi)).not.toContain(taken);
      expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    },
  );

  it('of ESP and of AH are two', () => {
    const children = (['esp', 'ah'] as const).map((protocol) => {
      const [child] = connection('left').children;
      if (child === undefined) throw new Error('There is no child.');
      const ah = [transform(TRANSFORM_TYPE.INTEG, INTEG.HMAC_SHA2_256_128), transform(TRANSFORM_TYPE.SN, SN.ESN)];
      return protocol === 'esp' ? child : { ...child, name: protocol, protocol, proposals: [ah] };
    });
    const mirrored = children.map((child) => ({ ...child, local: child.remote, remote: child.local }));
    const pair = establishedPair(quick);
    pair.give(pair.left, { kind: 'configure', connections: [connection('left', { children })] });
    pair.give(pair.right, { kind: 'configure', connections: [connection('right', { children: mirrored })] });
    const taken = first(pair.left)?.outboundSpi ?? 0;
    givesOnce(pair.right, taken);
    pair.give(pair.left, { kind: 'initiate-child', connection: 'left-right', child: 'ah' });
    pair.runFor(1000);
    expect(pair.left.sad.standing().map(({ association }) => [association.child, association.outboundSpi])).toEqual([
      ['net', taken],
      ['ah', taken],
    ]);
  });
});

describe('A peer that asks for Child SAs without end', () => {
  it('and deletes none of those that it replaced, has to wait, and what stands goes on', () => {
    const pair = establishedPair(quick);
    const [sa] = pair.right.engine.associations();
    if (sa === undefined) throw new Error('There is no IKE SA.');
    const request = sa.request.bind(sa);
    sa.request = (own, now) => {
      const rude = own.payloads.some(({ kind }) => kind === 'D') ? { ...own, payloads: [] } : own;
      return request(rude, now);
    };
    for (let round = 0; round < 50; round++) {
      pair.give(pair.right, { kind: 'rekey-child', inboundSpi: spi(pair.right) });
      pair.runFor(100);
    }
    expect(pair.left.sad.installed.size).toBe(8);
    // What it replaced is deleted here in the end.
    sa.request = request;
    pair.runFor(200_000);
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });

  it('one for each flow, gets a thousand and no more', () => {
    const pair = pairWith({ perFlow: true });
    for (let flow = 0; flow < 1030; flow++) {
      const hosts = { local: host(10, 1, 0, flow & 255), remote: host(10, 2, 0, flow >>> 8) };
      pair.give(pair.left, { kind: 'initiate-child', connection: 'left-right', child: 'net', flow: hosts });
      pair.runFor(50);
    }
    expect(pair.right.sad.installed.size).toBe(1024);
    expect(pair.left.events.at(-1)).toMatchObject({ kind: 'child-failed', reason: { notify: 'NO_ADDITIONAL_SAS' } });
  });
});

describe('What a Delete or REKEY_SA is about', () => {
  it('is a protocol and an SPI: one of another protocol names nothing', () => {
    const pair = establishedPair(quick);
    const [sa] = pair.left.engine.associations();
    if (sa === undefined) throw new Error('There is no IKE SA.');
    const request = sa.request.bind(sa);
    sa.request = (own, now) => {
      const payloads = own.payloads.map((each) =>
        each.kind === 'D' || (each.kind === 'N' && each.spi.length > 0) ? { ...each, protocol: PROTOCOL.AH } : each,
      );
      return request({ ...own, payloads }, now);
    };
    const [before] = pair.right.sad.standing();
    pair.give(pair.left, { kind: 'rekey-child', inboundSpi: spi(pair.left) });
    pair.runFor(500);
    // It was not found, so that another one was made, without a Delete of the first.
    const standing = pair.right.sad.standing();
    expect([standing.length, standing[0]]).toEqual([2, before]);
    pair.give(pair.left, { kind: 'delete-child', inboundSpi: spi(pair.left) });
    pair.runFor(500);
    expect(pair.right.sad.standing()).toEqual(standing);
  });

  it('is that of the SA, whatever is configured for the next', () => {
    const ah = [[transform(TRANSFORM_TYPE.INTEG, INTEG.HMAC_SHA2_256_128), transform(TRANSFORM_TYPE.SN, SN.ESN)]];
    for (const what of ['rekey-child', 'delete-child'] as const) {
      const pair = establishedPair(quick);
      for (const end of [pair.left, pair.right]) {
        const side = end === pair.left ? 'left' : 'right';
        const changed = connection(side, childChanges(side, { protocol: 'ah', proposals: ah }));
        pair.give(end, { kind: 'configure', connections: [changed] });
      }
      pair.give(pair.left, { kind: what, inboundSpi: spi(pair.left) });
      pair.runFor(6000);
      const protocols = pair.right.sad.standing().map(({ association }) => association.suite.protocol);
      expect([what, protocols, agreement(pair).agree]).toEqual([what, what === 'rekey-child' ? ['ah'] : [], true]);
    }
  });
});

describe('ENCR without which there is no ESP', () => {
  it('a proposal of integrity alone is no ESP suite', () => {
    const proposals = [
      [transform(TRANSFORM_TYPE.INTEG, INTEG.HMAC_SHA2_256_128), transform(TRANSFORM_TYPE.SN, SN.ESN)],
    ];
    const pair = pairWith({ proposals });
    expect(pair.right.events[0]).toMatchObject({ kind: 'child-failed', reason: { code: 'no_proposal_chosen' } });
    const nothing = [
      [
        transform(TRANSFORM_TYPE.ENCR, ENCR.NULL),
        transform(TRANSFORM_TYPE.INTEG, INTEG.HMAC_SHA2_256_128),
        transform(TRANSFORM_TYPE.SN, SN.ESN),
      ],
    ];
    expect(first(pairWith({ proposals: nothing }).left)?.suite).toMatchObject({ protocol: 'esp', encryption: 'null' });
  });
});
