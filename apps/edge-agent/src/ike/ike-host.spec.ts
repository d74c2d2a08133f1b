import { randomFillSync } from 'node:crypto';
import { stat } from 'node:fs';
import { Secret } from '@weft/ipsec-core';
import {
  type Connection,
  ENCR,
  type Endpoint,
  ID_TYPE,
  IkeEngine,
  type IkeEvent,
  type IkeInput,
  type IkeOutput,
  type Job,
  KE,
  PRF,
  SN,
  TRANSFORM_TYPE,
  transform,
} from '@weft/ipsec-core/ike';
import { nodeCryptoProvider, nodeKeyExchange } from '@weft/ipsec-core/node-crypto';
import { describe, expect, it } from 'vitest';
import { IkeHost, type IkeHostParts } from './ike-host.js';
import type { DatagramListener, IkeTransport } from './ike-transport.js';

describe('IKE host', () => {
  it('sets up, rekeys and deletes with another host', async () => {
    const pair = new HostPair();
    pair.left.host.give({ kind: 'initiate', connection: 'left-right' });
    await pair.quiet();
    expect([pair.left.installed.size, pair.right.installed.size]).toEqual([1, 1]);
    const [spi = 0] = pair.left.installed;
    pair.left.host.give({ kind: 'rekey-child', inboundSpi: spi });
    await pair.quiet();
    expect(pair.left.installed.size).toBe(1);
    expect(pair.left.installed.has(spi)).toBe(false);
    pair.left.host.give({ kind: 'delete-ike', connection: 'left-right' });
    await pair.quiet();
    expect([pair.left.installed.size, pair.right.installed.size]).toEqual([0, 0]);
    expect(pair.left.events.map(({ kind }) => kind)).toEqual(['ike-established', 'child-rekeyed', 'ike-closed']);
  });

  it('answers only after the packet path has the Child SA', async () => {
    const pair = new HostPair();
    pair.right.holdInstalls = true;
    pair.left.host.give({ kind: 'initiate', connection: 'left-right' });
    await pair.quiet();
    expect(pair.right.held).toHaveLength(1);
    expect(pair.left.events).toEqual([]);
    pair.right.release();
    await pair.quiet();
    expect(pair.left.events).toMatchObject([{ kind: 'ike-established' }]);
  });

  it('takes a Child SA back that the packet path refuses, at the peer too', async () => {
    const pair = new HostPair();
    pair.right.refuseInstalls = true;
    pair.left.host.give({ kind: 'initiate', connection: 'left-right' });
    await pair.quiet();
    expect(pair.right.refusals).toEqual([expect.stringContaining('no room')]);
    expect(pair.left.installed.size).toBe(0);
    expect(pair.left.removed).toHaveLength(1);
  });

  it.each([true, false])(
    'has a Child SA that cannot follow its addresses replaced, and no other: it can, %s',
    async (moves) => {
      const pair = new HostPair();
      pair.left.moves = moves;
      pair.left.host.give({ kind: 'initiate', connection: 'left-right' });
      await pair.quiet();
      const before = [...pair.left.installed];
      const addresses = [Uint8Array.of(192, 0, 2, 11)];
      pair.left.host.give({ kind: 'local-addresses', connection: 'left-right', addresses });
      await pair.quiet();
      expect([before.length, [...pair.left.installed].some((spi) => before.includes(spi))]).toEqual([1, moves]);
      expect([pair.left.installed.size, pair.left.refusals]).toEqual([1, []]);
      const rekeys = moves ? 0 : 1;
      expect(pair.left.events.filter(({ kind }) => kind === 'child-rekeyed')).toHaveLength(rekeys);
    },
  );

  it('sets a Child SA up whose first packets the packet path cannot keep, and counts that', async () => {
    const pair = new HostPair();
    pair.left.refusesToAwait = true;
    pair.left.host.give({ kind: 'initiate', connection: 'left-right' });
    await pair.quiet();
    expect(pair.left.installed.size).toBe(1);
    expect(pair.left.host.drops().get('not_awaited')).toBe(1);
  });

  it('repeats what gets lost, by its one timer, and gives up a silent peer', async () => {
    const pair = new HostPair();
    pair.left.deaf = true;
    pair.left.host.give({ kind: 'initiate', connection: 'left-right' });
    await pair.quiet();
    expect(pair.left.sent).toBe(1);
    for (let turn = 0; turn < 7; turn++) {
      expect(pair.left.timers).toHaveLength(1);
      pair.fire(pair.left);
      await pair.quiet();
    }
    expect(pair.left.events).toMatchObject([
      { kind: 'ike-failed', connection: 'left-right', reason: { code: 'peer_silent' } },
    ]);
    expect(pair.left.timers).toHaveLength(0);
  });

  it('drops datagrams, with a reason, while it waits for the packet path with too much on its hands', async () => {
    const pair = new HostPair();
    pair.right.holdInstalls = true;
    pair.left.host.give({ kind: 'initiate', connection: 'left-right' });
    await pair.quiet();
    for (let repeated = 0; repeated < 5000; repeated++) pair.repeatLast(pair.left);
    expect(pair.right.host.drops().get('overloaded')).toBeGreaterThan(0);
    pair.right.release();
    await pair.quiet();
    expect(pair.left.events).toMatchObject([{ kind: 'ike-established' }]);
  });

  it('leaves the loop to others after some milliseconds, and goes on in the order of arrival', async () => {
    const pair = new HostPair();
    const { left } = pair;
    const turns: (() => void)[] = [];
    const { engine, clock, taken } = slowEngine();
    const host = new IkeHost({ ...left.parts, engine, clock, soon: (run) => turns.push(run) });
    for (let number = 0; number < 1100; number++) left.transport.listener(LEFT, RIGHT, Uint8Array.of(number));
    expect(taken).toEqual([0, 1]);
    expect(host.drops().get('overloaded')).toBe(1100 - 2 - 1024);
    const settled = host.settled();
    for (let turn = turns.shift(); turn !== undefined; turn = turns.shift()) {
      const before = taken.length;
      turn();
      expect(taken.length - before).toBeLessThanOrEqual(2);
      await Promise.resolve();
    }
    await settled;
    expect(taken).toEqual(Array.from({ length: 1026 }, (_unused, number) => number & 0xff));
  });

  it('makes one signature in a turn, whatever else it has time for', async () => {
    const { left } = new HostPair();
    const turns: (() => void)[] = [];
    const { engine, clock, taken } = slowEngine({ asksForSignatures: true });
    let started = 0;
    const runJob: IkeHostParts['runJob'] = async ({ kind }) => {
      started++;
      return { kind: 'failed', reason: kind };
    };
    const host = new IkeHost({ ...left.parts, engine, clock, runJob, soon: (run) => turns.push(run) });
    for (let number = 0; number < 4; number++) left.transport.listener(LEFT, RIGHT, Uint8Array.of(number));
    expect([taken, started]).toEqual([[0, 1], 0]);
    const settled = host.settled();
    for (let turn = turns.shift(); turn !== undefined; turn = turns.shift()) {
      const before = started;
      turn();
      expect(started - before).toBeLessThanOrEqual(1);
      await new Promise(setImmediate);
    }
    await settled;
    expect([taken, started]).toEqual([[0, 1, 2, 3], 4]);
  });

  it('lets timers have their turn before it goes on with what came', async () => {
    const { left } = new HostPair();
    const { engine, clock, taken } = slowEngine();
    const host = new IkeHost({ ...left.parts, engine, clock });
    let takenBefore: number | undefined;
    // A callback of the kind that sockets have: what is asked for with setImmediate comes before any timer.
    stat('.', () => {
      setTimeout(() => {
        takenBefore = taken.length;
      }, 1);
      const due = performance.now() + 3;
      while (performance.now() < due);
      for (let number = 0; number < 6; number++) left.transport.listener(LEFT, RIGHT, Uint8Array.of(number));
    });
    await expect.poll(() => takenBefore).toBe(2);
    await host.settled();
    expect(taken).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('counts what the network did not take, and what is no message', async () => {
    const pair = new HostPair();
    pair.left.unreachable = true;
    pair.left.host.give({ kind: 'initiate', connection: 'left-right' });
    pair.left.transport.listener(LEFT, RIGHT, new Uint8Array(65_508));
    pair.left.transport.listener(LEFT, RIGHT, new Uint8Array(3));
    expect(pair.left.host.drops()).toEqual(
      new Map([
        ['malformed', 1],
        ['not_sent', 1],
        ['too_large', 1],
      ]),
    );
  });

  it('survives a fault of the engine, and tells', () => {
    const pair = new HostPair();
    pair.left.host.give({ kind: 'initiate', connection: 'nobody' });
    expect(pair.left.faults).toEqual([expect.any(RangeError)]);
    expect(pair.left.host.drops().get('engine_fault')).toBe(1);
    pair.left.host.give({ kind: 'initiate', connection: 'left-right' });
    expect(pair.left.sent).toBe(1);
  });

  it('does nothing after it was stopped', async () => {
    const pair = new HostPair();
    pair.left.deaf = true;
    pair.left.host.give({ kind: 'initiate', connection: 'left-right' });
    pair.left.host.stop();
    expect(pair.left.timers).toHaveLength(0);
    pair.left.host.give({ kind: 'initiate', connection: 'left-right' });
    expect(pair.left.sent).toBe(1);
  });
});

const LEFT: Endpoint = { address: Uint8Array.of(192, 0, 2, 1), port: 500 };
const RIGHT: Endpoint = { address: Uint8Array.of(192, 0, 2, 2), port: 500 };

/** An engine of which every call takes a millisecond of its own clock. */
function slowEngine({ asksForSignatures = false } = {}) {
  let now = 0;
  const taken: number[] = [];
  const outputs: Partial<IkeOutput>[] = [];
  const engine = {
    handle: (input: IkeInput) => {
      now += 1;
      if (input.kind !== 'datagram') return;
      if (asksForSignatures) outputs.push({ kind: 'job', id: taken.length, job: { kind: 'sign' } as Job });
      taken.push(input.octets[0] ?? 0);
    },
    poll: () => outputs.shift(),
    nextTimeout: () => undefined,
    drops: () => new Map(),
  } as unknown as IkeEngine;
  return { engine, clock: () => now, taken };
}

class End {
  readonly installed = new Set<number>();
  readonly removed: number[] = [];
  readonly refusals: string[] = [];
  readonly events: IkeEvent[] = [];
  readonly faults: unknown[] = [];
  readonly timers: { readonly at: number; readonly run: () => void }[] = [];
  readonly held: (() => void)[] = [];
  readonly transport: IkeTransport & { listener: DatagramListener };
  readonly parts: IkeHostParts;
  readonly host: IkeHost;
  holdInstalls = false;
  refuseInstalls = false;
  moves = true;
  refusesToAwait = false;
  unreachable = false;
  deaf = false;
  sent = 0;

  constructor(pair: HostPair, local: Endpoint, remote: Endpoint) {
    this.transport = {
      listener: () => undefined,
      onDatagram: (listener) => {
        this.transport.listener = listener;
      },
      send: (from, to, octets) => {
        this.sent++;
        if (!this.unreachable) pair.carry(this, from, to, octets);
        return !this.unreachable;
      },
    };
    this.parts = {
      engine: new IkeEngine({
        provider: nodeCryptoProvider,
        keyExchange: nodeKeyExchange,
        random: (out) => void randomFillSync(out),
        connections: [connection(local, remote)],
      }),
      transport: this.transport,
      children: {
        install: (output) => this.#install(output),
        useOutbound: async () => undefined,
        move: async () => this.moves,
        expect: async () => {
          if (this.refusesToAwait) throw new Error('no room');
        },
        retire: async (inboundSpi) => void this.installed.delete(inboundSpi),
        remove: async (inboundSpi) => {
          this.installed.delete(inboundSpi);
          this.removed.push(inboundSpi);
        },
      },
      runJob: async () => ({ kind: 'failed', reason: 'no keys here' }),
      clock: () => pair.now,
      after: (milliseconds, run) => {
        const timer = { at: pair.now + milliseconds, run };
        this.timers.push(timer);
        return () => this.timers.splice(this.timers.indexOf(timer), 1);
      },
      onEvent: (event) => this.events.push(event),
      onFault: (error) => this.faults.push(error),
      onInstallFailure: (_spi, error) => this.refusals.push(String(error)),
    };
    this.host = new IkeHost(this.parts);
  }

  release(): void {
    this.holdInstalls = false;
    for (const go of this.held.splice(0)) go();
  }

  async #install({ association }: Extract<IkeOutput, { kind: 'install-child' }>): Promise<void> {
    if (this.refuseInstalls) throw new Error('no room');
    if (this.holdInstalls) await new Promise<void>((resolve) => this.held.push(resolve));
    this.installed.add(association.inboundSpi);
  }
}

/** Two hosts and the wire between them. */
class HostPair {
  now = 0;
  readonly left = new End(this, LEFT, RIGHT);
  readonly right = new End(this, RIGHT, LEFT);
  #wire: (() => void)[] = [];
  #last: (() => void) | undefined;

  carry(from: End, local: Endpoint, remote: Endpoint, octets: Uint8Array): void {
    if (from.deaf) return;
    const to = from === this.left ? this.right : this.left;
    const deliver = () => to.transport.listener(remote, local, octets);
    this.#wire.push(deliver);
    if (from === this.left) this.#last = deliver;
  }

  repeatLast(_from: End): void {
    this.#last?.();
  }

  /** Delivers until nothing moves; promises that are settled get their turn in between. */
  async quiet(): Promise<void> {
    for (let still = 0; still < 3; still++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#wire.length > 0) still = 0;
      for (const deliver of this.#wire.splice(0)) deliver();
    }
  }

  fire(end: End): void {
    const timer = end.timers.shift();
    this.now = timer?.at ?? this.now;
    timer?.run();
  }
}

function connection(local: Endpoint, remote: Endpoint): Connection {
  const name = (endpoint: Endpoint) => ({ type: ID_TYPE.IPV4_ADDR, data: endpoint.address });
  const psk = { kind: 'psk', key: new Secret(Uint8Array.of(1, 2, 3)) } as const;
  const net = ({ address }: Endpoint) => {
    const last = address[3] ?? 0;
    const range = { first: Uint8Array.of(10, last, 0, 0), last: Uint8Array.of(10, last, 0, 255) };
    return { type: 'range', protocol: 0, startPort: 0, endPort: 65535, ...range } as const;
  };
  return {
    name: 'left-right',
    local,
    remote: { kind: 'fixed', endpoint: remote },
    localIdentity: name(local),
    remoteIdentity: name(remote),
    localAuthentication: psk,
    remoteAuthentication: psk,
    proposals: [
      [
        transform(TRANSFORM_TYPE.ENCR, ENCR.AES_GCM_16, 128),
        transform(TRANSFORM_TYPE.PRF, PRF.HMAC_SHA2_256),
        transform(TRANSFORM_TYPE.KE, KE.CURVE25519),
      ],
    ],
    children: [
      {
        name: 'net',
        proposals: [[transform(TRANSFORM_TYPE.ENCR, ENCR.AES_GCM_16, 128), transform(TRANSFORM_TYPE.SN, SN.ESN)]],
        local: [net(local)],
        remote: [net(remote)],
        mode: 'tunnel',
        lifetime: 3_600_000,
      },
    ],
    lifetime: 14_400_000,
    livenessInterval: 30_000,
    fragmentSize: 1200,
    mobike: { returnRoutability: 'omitted' },
  };
}
