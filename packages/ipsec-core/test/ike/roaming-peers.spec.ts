import { describe, expect, it } from 'vitest';
import { nodeCryptoProvider } from '../../providers/node-crypto/node-crypto-provider.js';
import { Secret } from '../../src/bytes/secret.js';
import type { Connection, PeerPlace } from '../../src/ike/connection.js';
import { IkeEngine } from '../../src/ike/engine.js';
import type { IkeSa } from '../../src/ike/ike-sa.js';
import type { IkePair, PairEnd } from '../../src/testing/pair.js';
import { seededRandom } from '../../src/testing/seeded-random.js';
import { PERFECT } from '../../src/testing/simulated-network.js';
import {
  agreement,
  connection,
  HYBRID,
  IKE_GCM,
  identity,
  LEFT,
  type MakePair,
  makePair,
  RIGHT,
  toyKeyExchange,
} from './fixtures.js';

const ELSEWHERE = Uint8Array.of(198, 51, 100, 1);
const NAT = { inside: LEFT, outside: { address: Uint8Array.of(203, 0, 113, 7), port: 40_000 } };
const REBOUND = { inside: LEFT, outside: { address: Uint8Array.of(203, 0, 113, 8), port: 50_000 } };
const MOBIKE = { mobike: { returnRoutability: 'before' } } as const;
const INITIATE = { kind: 'initiate', connection: 'left-right' } as const;

const called = (address: Uint8Array): PeerPlace => ({ kind: 'roaming', endpoint: { address, port: 500 } });
const quick = { keyExchange: toyKeyExchange, engine: { provider: nodeCryptoProvider } };

/** Both ends call each other where they are at first, and take each other wherever they come from. */
function roamingPair(options: MakePair = {}): IkePair {
  return makePair({
    ...quick,
    ...options,
    leftConnection: { ...MOBIKE, remote: called(RIGHT), ...options.leftConnection },
    rightConnection: { ...MOBIKE, remote: called(LEFT), ...options.rightConnection },
  });
}

function bringUp(pair: IkePair, end: PairEnd = pair.left): void {
  pair.give(end, INITIATE);
  pair.runFor(5000);
}

/** The process of `left` died, and another one begins: it knows nothing, and is at that address. */
function restartLeft(pair: IkePair, address: Uint8Array, changes: Partial<Connection> = {}): void {
  pair.left.addresses = [address];
  pair.left.sad.installed.clear();
  const local = { address, port: 500 };
  const connections = [connection('left', { ...MOBIKE, remote: called(RIGHT), local, ...changes })];
  const random = seededRandom(Math.round(pair.now)).fill;
  pair.restart(pair.left, new IkeEngine({ ...quick.engine, keyExchange: toyKeyExchange, random, connections }));
}

const only = (end: PairEnd): IkeSa => {
  const [sa, ...others] = end.engine.associations().filter(({ state }) => state.name === 'established');
  if (sa === undefined || others.length > 0) throw new Error(`${end.name} has not one IKE SA.`);
  return sa;
};
const kinds = (end: PairEnd) => end.events.map(({ kind }) => kind);
const up = { pairs: 1, agree: true };

describe('A peer that may come from anywhere', () => {
  it('comes up from an address that nobody configured, where a fixed one is refused', () => {
    const pair = roamingPair();
    restartLeft(pair, ELSEWHERE);
    bringUp(pair);
    expect(agreement(pair)).toEqual(up);
    expect(only(pair.right).lineage.path.remote.address).toEqual(ELSEWHERE);
    const fixed = roamingPair({
      rightConnection: { remote: { kind: 'fixed', endpoint: { address: LEFT, port: 500 } } },
    });
    restartLeft(fixed, ELSEWHERE);
    bringUp(fixed);
    expect(agreement(fixed)).toEqual({ pairs: 0, agree: true });
    expect(fixed.right.engine.drops().get('refused_init')).toBeGreaterThan(0);
  });

  it('comes up again when it was restarted somewhere else, in the place of what it had', () => {
    const pair = roamingPair();
    bringUp(pair);
    const before = only(pair.right);
    restartLeft(pair, ELSEWHERE);
    bringUp(pair);
    expect(agreement(pair)).toEqual(up);
    expect(only(pair.right)).not.toBe(before);
    expect(only(pair.right).lineage.path.remote.address).toEqual(ELSEWHERE);
    expect(kinds(pair.right)).not.toContain('ike-failed');
    pair.runFor(200_000);
    expect([agreement(pair), only(pair.left).state.name]).toEqual([up, 'established']);
  });

  it('comes up again behind another mapping of its NAT', () => {
    const pair = roamingPair({ conditions: { ...PERFECT, nat: NAT } });
    bringUp(pair);
    pair.network.conditions = { ...PERFECT, nat: REBOUND };
    restartLeft(pair, LEFT);
    bringUp(pair);
    expect(agreement(pair)).toEqual(up);
    const { path, nat } = only(pair.right).lineage;
    expect([path.remote.address, nat.peerBehind]).toEqual([REBOUND.outside.address, true]);
    expect(pair.right.sad.current()?.association.encapsulate).toBe(true);
  });

  it('is told of as it is seen from outside of its NAT', () => {
    const pair = roamingPair({ conditions: { ...PERFECT, nat: NAT } });
    pair.give(pair.left, INITIATE);
    expect(pair.right.engine.establishedPaths()).toEqual([]);
    pair.runFor(5000);
    const common = { connection: 'left-right' };
    expect(pair.right.engine.establishedPaths()).toMatchObject([
      {
        ...common,
        remote: { ...NAT.outside, port: NAT.outside.port + 1 },
        localBehindNat: false,
      },
    ]);
    expect(pair.left.engine.establishedPaths()).toMatchObject([
      { ...common, remote: { address: RIGHT }, localBehindNat: true },
    ]);
  });

  it('is called where it is said to be, and what both ends begin at once comes down to one', () => {
    for (let offset = 0; offset < 60; offset += 5) {
      const pair = roamingPair({ seed: offset + 1 });
      pair.left.addresses = [LEFT, ELSEWHERE];
      pair.give(pair.left, { kind: 'local-addresses', connection: 'left-right', addresses: [ELSEWHERE, LEFT] });
      pair.give(pair.right, INITIATE);
      pair.runFor(offset);
      pair.give(pair.left, INITIATE);
      pair.runFor(120_000);
      expect(agreement(pair)).toEqual(up);
      expect([only(pair.left).state.name, only(pair.right).state.name]).toEqual(['established', 'established']);
    }
  });

  it('is not believed while its IKE SA stands, where the connection keeps that, unless it knows of none', () => {
    const pair = roamingPair({ rightConnection: { uniqueness: 'keep' } });
    bringUp(pair);
    const first = only(pair.right);
    // It does not say INITIAL_CONTACT: a second host with the same identity.
    restartLeft(pair, ELSEWHERE, { uniqueness: 'never' });
    bringUp(pair);
    expect(only(pair.right)).toBe(first);
    restartLeft(pair, ELSEWHERE);
    bringUp(pair);
    expect(only(pair.right)).not.toBe(first);
    expect(agreement(pair)).toEqual(up);
  });
});

describe('Two peers behind one NAT', () => {
  const THIRD_PORT = 45_000;
  const third = { name: 'third-right', remoteIdentity: identity('third') };

  it('each have their own IKE SA, and INITIAL_CONTACT of one says nothing of the other', () => {
    const place = called(NAT.outside.address);
    const pair = roamingPair({
      conditions: { ...PERFECT, nat: NAT },
      rightConnections: [
        connection('right', { ...MOBIKE, ...third, remote: place }),
        connection('right', { ...MOBIKE, remote: place }),
      ],
    });
    bringUp(pair);
    const left = only(pair.right);
    const other = new Neighbour(pair, THIRD_PORT);
    for (let time = 0; time < 2; time++) {
      other.handshake();
      pair.runFor(1000);
      const standing = pair.right.engine.associations().filter(({ state }) => state.name === 'established');
      expect(
        standing.map(({ lineage }) => [lineage.connection.name, lineage.path.remote.port > THIRD_PORT - 1]),
      ).toEqual(
        expect.arrayContaining([
          ['left-right', false],
          ['third-right', true],
        ]),
      );
      expect(standing).toHaveLength(2);
      expect(standing).toContain(left);
    }
    restartLeft(pair, LEFT);
    bringUp(pair);
    const names = pair.right.engine
      .associations()
      .flatMap(({ state, lineage }) => (state.name === 'established' ? [lineage.connection.name] : []));
    expect(names.sort()).toEqual(['left-right', 'third-right']);
  });
});

describe('What somebody negotiates before he has said who he is', () => {
  /** The responder has another peer that may be classical, and `left`, which may not. */
  const strict = (offer: Connection['proposals'], otherIsAt: Uint8Array): IkePair =>
    roamingPair({
      leftConnection: { proposals: offer },
      rightConnections: [
        connection('right', {
          name: 'weak',
          remote: called(otherIsAt),
          proposals: [IKE_GCM],
          remoteIdentity: identity('other'),
        }),
        connection('right', { remote: called(NAT.outside.address), proposals: [HYBRID] }),
      ],
    });

  it.each([
    ['another address', ELSEWHERE],
    ['the address of the one that may', LEFT],
  ])('is refused in IKE_AUTH when his own connection is stronger: from %s', (_from, otherIsAt) => {
    const pair = strict([IKE_GCM], otherIsAt);
    bringUp(pair);
    expect(pair.left.events).toMatchObject([{ kind: 'ike-failed', reason: { notify: 'AUTHENTICATION_FAILED' } }]);
    expect(pair.right.events).toMatchObject([
      {
        kind: 'ike-attempt-failed',
        connection: 'left-right',
        reason: { code: 'authentication_failed', detail: expect.stringContaining('suite is not allowed') },
      },
    ]);
  });

  it('is what he likes best: a weaker connection of another peer does not get in his way', () => {
    const pair = strict([HYBRID, IKE_GCM], ELSEWHERE);
    bringUp(pair);
    expect(agreement(pair)).toEqual(up);
    expect(pair.right.events.find(({ kind }) => kind === 'ike-established')).toMatchObject({
      keyExchangeMethods: [31, 36],
    });
  });

  it('says nothing of NAT traversal for a connection that prohibits it', () => {
    const pair = roamingPair({
      conditions: { ...PERFECT, nat: NAT },
      rightConnections: [
        connection('right', { name: 'other', remote: called(ELSEWHERE), remoteIdentity: identity('other') }),
        connection('right', { remote: called(LEFT), natTraversal: 'prohibited' }),
      ],
    });
    bringUp(pair);
    expect(agreement(pair)).toEqual({ pairs: 0, agree: true });
    expect(pair.right.events).toMatchObject([{ kind: 'ike-attempt-failed', reason: { code: 'nat_detected' } }]);
  });
});

describe('Who proves nothing', () => {
  const wrong = { kind: 'psk', key: new Secret(Uint8Array.of(9, 9, 9)) } as const;

  it('changes nothing of the connection that he names, and is told of once a minute', () => {
    const pair = roamingPair();
    bringUp(pair);
    const standing = only(pair.right);
    const from = pair.right.events.length;
    for (let attempt = 0; attempt < 20; attempt++) {
      restartLeft(pair, ELSEWHERE, { localAuthentication: wrong });
      pair.give(pair.left, INITIATE);
      pair.runFor(1000);
    }
    expect(only(pair.right)).toBe(standing);
    expect(pair.right.events.slice(from)).toMatchObject([
      { kind: 'ike-attempt-failed', connection: 'left-right', reason: { code: 'authentication_failed' } },
    ]);
    expect(pair.right.engine.negotiations().length).toBeLessThanOrEqual(5);
  });

  it('is told of as a stranger when he is nobody’s peer', () => {
    const pair = roamingPair();
    restartLeft(pair, ELSEWHERE, { localIdentity: identity('nobody') });
    bringUp(pair);
    expect(pair.right.events).toMatchObject([
      { kind: 'stranger-refused', remote: { address: ELSEWHERE }, reason: { code: 'authentication_failed' } },
    ]);
    expect(pair.right.engine.negotiations()).toEqual([]);
  });

  it('keeps nobody out: of half-open IKE SAs strangers get half, and one source a sixteenth', () => {
    const pair = roamingPair({ rightEngine: { halfOpenLimit: 64, cookieThreshold: 1000 } });
    const { right } = pair;
    const halfOpen = () => right.engine.associations().length;
    const [request] = firstRequest();
    const begin = (address: Uint8Array, number: number) => {
      const octets = request.slice();
      octets[0] = 1 + number;
      const endpoints = { local: { address: RIGHT, port: 500 }, remote: { address, port: 500 } };
      pair.give(right, { kind: 'datagram', ...endpoints, octets });
    };
    for (let number = 0; number < 20; number++) begin(ELSEWHERE, number);
    expect(halfOpen()).toBe(4);
    // A host chooses the last 64 bits of an IPv6 address itself.
    const [one, other] = [0x0a, 0x0b].map((net) =>
      Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, net, 0, 0, 0, 0, 0, 0, 0, 0),
    );
    for (let number = 0; number < 20; number++) begin(Uint8Array.of(...(one ?? []).slice(0, 15), number), number);
    expect(halfOpen()).toBe(8);
    begin(other ?? RIGHT, 0);
    expect(halfOpen()).toBe(9);
    for (let number = 0; number < 100; number++) begin(Uint8Array.of(203, 0, 113, number), number);
    expect(halfOpen()).toBe(32);
    bringUp(pair);
    expect(agreement(pair)).toEqual(up);
    const refused = right.engine.drops().get('half_open_limit');
    expect(refused).toBe(16 + 16 + (100 - 23));
    pair.runFor(60_000);
    begin(ELSEWHERE, 200);
    expect(right.engine.drops().get('half_open_limit')).toBe(refused);
  });
});

/** IKE_SA_INIT of somebody. */
function firstRequest(): readonly [Uint8Array] {
  const engine = new IkeEngine({
    ...quick.engine,
    keyExchange: toyKeyExchange,
    random: seededRandom(99).fill,
    connections: [connection('left')],
  });
  engine.handle(INITIATE, 0);
  for (let output = engine.poll(); output !== undefined; output = engine.poll()) {
    if (output.kind === 'transmit') return [output.octets];
  }
  throw new Error('It sent nothing.');
}

/** Another peer of `right` behind the NAT of `left`, by hand. */
class Neighbour {
  readonly #pair: IkePair;
  readonly #port: number;
  #turn = 0;

  constructor(pair: IkePair, port: number) {
    this.#pair = pair;
    this.#port = port;
  }

  /** Its process begins anew, and has its IKE SA. */
  handshake(): void {
    const { right } = this.#pair;
    const engine = new IkeEngine({
      ...quick.engine,
      keyExchange: toyKeyExchange,
      random: seededRandom(1000 + this.#turn++).fill,
      connections: [connection('left', { ...MOBIKE, localIdentity: identity('third'), remote: called(RIGHT) })],
    });
    engine.handle(INITIATE, this.#pair.now);
    for (let exchange = 0; exchange < 4; exchange++) {
      for (const octets of sentBy(engine)) this.#give(right.engine, RIGHT, NAT.outside.address, octets);
      for (const octets of sentBy(right.engine)) this.#give(engine, LEFT, RIGHT, octets);
    }
  }

  #give(engine: IkeEngine, own: Uint8Array, other: Uint8Array, octets: Uint8Array): void {
    const port = (address: Uint8Array) => (address === NAT.outside.address ? this.#port : 4500);
    const local = { address: own, port: port(own) };
    const remote = { address: other, port: port(other) };
    engine.handle({ kind: 'datagram', local, remote, octets }, this.#pair.now);
  }
}

function sentBy(engine: IkeEngine): readonly Uint8Array[] {
  const sent: Uint8Array[] = [];
  for (let output = engine.poll(); output !== undefined; output = engine.poll()) {
    if (output.kind === 'transmit') sent.push(output.octets);
  }
  return sent;
}
