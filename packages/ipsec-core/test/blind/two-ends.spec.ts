import { describe, expect, it } from 'vitest';
import { parseKeyShare } from '../../src/blind/key-share-message.js';
import { HOUR, MINUTE, other, SECOND } from './end.js';
import { World } from './world.js';

describe('a tunnel whose controller relays key shares (ADR 26)', () => {
  it('has the same keys at both ends after offer, answer and confirmation', () => {
    const world = new World(1).begin();
    world.exchange();
    expect(world.disagreements()).toEqual([]);
    expect(world.violations).toEqual([]);
    expect(world.waited).toBe(0);
    expect(world.delivered).toEqual(world.sent);
    expect(world.ends.a.published).toHaveLength(2);
    expect(world.ends.b.published).toHaveLength(1);
  });

  it('loses no packet when an association follows another, in either direction', () => {
    const world = new World(2).begin();
    for (let i = 0; i < 40; i++) {
      const name = i % 3 === 0 ? 'a' : 'b';
      const [current] = world.ends[name].outbound;
      world.tell(name, { kind: 'spent', spi: current?.spi ?? 0 });
      world.exchange(5);
    }
    world.run(MINUTE);
    expect(world.disagreements()).toEqual([]);
    expect(world.violations).toEqual([]);
    expect(world.delivered.size).toBe(400);
    expect(world.delivered).toEqual(world.sent);
    expect(world.ends.a.keying?.position.roots).toEqual([{ root: 1, sending: 40 }]);
  });

  it('loses no packet when a root follows another at the soft lifetime', () => {
    const world = new World(3).begin();
    for (let i = 0; i < 60; i++) {
      world.exchange(2);
      world.run(HOUR - 200);
    }
    expect(world.ends.a.keying?.position.inForce).toBe(8);
    expect(world.disagreements()).toEqual([]);
    expect(world.violations).toEqual([]);
    expect(world.waited).toBe(0);
    expect(world.delivered).toEqual(world.sent);
    expect([...world.ends.a.alarms, ...world.ends.b.alarms]).toEqual([]);
  });

  it('comes back after a restart of either end, and of both, without a controller', () => {
    const world = new World(4).begin();
    world.exchange();
    world.disconnect('a');
    world.disconnect('b');
    for (const names of [['a'], ['b'], ['a', 'b'], ['b', 'a', 'b'], ['a', 'a', 'a', 'a', 'a', 'a']] as const) {
      for (const name of names) world.restart(name);
      world.run(5 * SECOND);
      const before = world.delivered.size;
      world.exchange();
      expect(world.delivered.size - before).toBe(6);
      world.run(MINUTE);
      expect(world.disagreements()).toEqual([]);
    }
    for (const packet of world.captured.slice()) world.replay(packet);
    expect(world.violations).toEqual([]);
  });

  it('finds the peer again that has restarted more often than the window is wide', () => {
    const world = new World(5).begin();
    world.exchange();
    for (const name of ['a', 'b'] as const) world.disconnect(name);
    world.weather = { ...world.weather, packetLoss: 1 };
    for (let i = 0; i < 20; i++) world.restart('a');
    world.weather = { ...world.weather, packetLoss: 0 };
    world.run(2 * MINUTE);
    const before = world.delivered.size;
    world.exchange();
    expect(world.delivered.size - before).toBe(6);
    expect(world.violations).toEqual([]);
  });

  it('survives a power cut between any two of its steps', () => {
    let cuts = 0;
    for (const victim of ['a', 'b'] as const) {
      for (let power = 0; power < 36; power++) {
        const world = new World(100 + power);
        world.ends[victim].powerFor = power;
        world.begin();
        world.exchange(2);
        world.tell(other(victim), { kind: 'spent', spi: world.ends[other(victim)].outbound[0]?.spi ?? 0 });
        world.exchange(2);
        world.ends[victim].powerFor = undefined;
        if (world.ends[victim].keying === undefined) {
          cuts++;
          world.start(victim);
          world.connect(victim);
        }
        world.run(2 * MINUTE);
        const before = world.delivered.size;
        world.exchange();
        world.run(MINUTE);
        for (const packet of world.captured.slice()) world.replay(packet);
        expect({ power, victim, new: world.delivered.size - before }).toEqual({ power, victim, new: 6 });
        expect(world.violations).toEqual([]);
        expect(world.disagreements()).toEqual([]);
      }
    }
    expect(cuts).toBeGreaterThan(20);
  });

  it('offers no number for a second time when the power fails', () => {
    const world = new World(13);
    for (const power of [1, 2, 3, 2, 3]) {
      world.ends.a.powerFor = power;
      world.start('a');
      world.run(SECOND);
      world.stop('a');
    }
    const offered = world.ends.a.published.map((octets) => {
      const parsed = parseKeyShare(octets);
      return parsed.ok ? parsed.value.content.number : 0;
    });
    expect(offered.length).toBeGreaterThan(1);
    expect(new Set(offered).size).toBe(offered.length);
  });

  it('sends on no association again when the power fails while the peer is out of reach', () => {
    for (const victim of ['a', 'b'] as const) {
      for (let power = 0; power < 24; power++) {
        const world = new World(12).begin();
        world.exchange();
        world.weather = { ...world.weather, packetLoss: 1 };
        world.ends[victim].powerFor = power;
        for (let i = 0; i < 8; i++) {
          world.tell(victim, { kind: 'spent', spi: world.ends[victim].outbound.at(-1)?.spi ?? 0 });
        }
        expect(world.ends[victim].keying).toBeUndefined();
        for (let i = 0; i < 2; i++) world.restart(victim);
        world.weather = { ...world.weather, packetLoss: 0 };
        world.run(MINUTE);
        expect({ power, victim, violations: world.violations }).toEqual({ power, victim, violations: [] });
      }
    }
  });

  it('warns before the hard lifetime when the controller is away, and then lets nothing pass', () => {
    const world = new World(6).begin();
    world.exchange();
    for (const name of ['a', 'b'] as const) world.disconnect(name);
    world.run(23 * HOUR);
    world.exchange();
    expect(world.waited).toBe(0);
    expect(world.delivered).toEqual(world.sent);
    for (const name of ['a', 'b'] as const) {
      expect(world.ends[name].alarms).toEqual([{ code: 'not_renewed', root: 1, endsIn: 8 * HOUR }]);
    }
    world.run(2 * HOUR);
    world.exchange();
    expect(world.waited).toBe(6);
    for (const name of ['a', 'b'] as const) {
      expect(world.ends[name].inbound.size).toBe(0);
      expect(world.ends[name].alarms.at(-1)).toEqual({ code: 'hard_lifetime', root: 1 });
      world.restart(name);
      expect(world.ends[name].outbound).toEqual([]);
    }
    for (const name of ['a', 'b'] as const) world.connect(name);
    world.run(MINUTE);
    world.exchange();
    expect(world.waited).toBe(6);
    expect(world.disagreements()).toEqual([]);
    expect(world.violations).toEqual([]);
  });

  it('does not live longer by a clock that stands at its beginning after a restart', () => {
    const world = new World(7).begin();
    for (const name of ['a', 'b'] as const) world.disconnect(name);
    world.run(20 * HOUR);
    world.tell('a', { kind: 'spent', spi: world.ends.a.outbound[0]?.spi ?? 0 });
    world.stop('a');
    const { now } = world;
    world.now = 0;
    world.start('a');
    expect(world.ends.a.outbound).toHaveLength(1);
    world.run(5 * HOUR);
    expect(world.ends.a.outbound).toHaveLength(0);
    expect(now).toBeGreaterThan(20 * HOUR);
  });

  it('agrees again after either end has lost everything', () => {
    for (const victim of ['a', 'b'] as const) {
      const world = new World(8).begin();
      world.run(30 * HOUR);
      world.exchange();
      world.stop(victim);
      world.ends[victim].disk = undefined;
      world.start(victim);
      world.connect(victim);
      world.run(MINUTE);
      world.exchange();
      world.run(MINUTE);
      expect({ victim, disagreements: world.disagreements() }).toEqual({ victim, disagreements: [] });
      expect(world.violations).toEqual([]);
    }
  });

  it('goes past an association whose SPI another one has', () => {
    for (const name of ['a', 'b'] as const) {
      const twin = new World(9).begin();
      const spis = [...twin.ends[name].inbound.keys()];
      const world = new World(9);
      const taken = spis[1];
      if (taken === undefined) throw new Error('There is no second association.');
      world.ends[name].foreignSpis.add(taken);
      world.begin();
      world.run(SECOND);
      world.exchange();
      expect(world.ends[other(name)].outbound.map(({ spi }) => spi)).not.toContain(taken);
      for (let i = 0; i < 4; i++) {
        world.tell(other(name), { kind: 'spent', spi: world.ends[other(name)].outbound[0]?.spi ?? 0 });
        world.exchange();
      }
      world.run(MINUTE);
      expect(world.delivered).toEqual(world.sent);
      expect(world.violations).toEqual([]);
      expect(world.disagreements()).toEqual([]);
    }
  });

  it('makes another root for another suite, and uses the one before until then', () => {
    const world = new World(10).begin();
    const suite = { name: 'esp aes-gcm-16 128 esn', keyingMaterialLength: 20 };
    for (const name of ['a', 'b'] as const) {
      world.ends[name].terms = { ...world.ends[name].terms, suite };
      world.tell(name, { kind: 'terms', terms: world.ends[name].terms });
      world.exchange();
    }
    world.run(MINUTE);
    world.exchange();
    world.run(MINUTE);
    expect(world.delivered).toEqual(world.sent);
    expect(world.ends.b.refusals).toContainEqual({ code: 'other_suite', suite: suite.name });
    expect(world.ends.a.outbound[0]?.key).toHaveLength(40);
    expect(world.disagreements()).toEqual([]);
  });

  it('wipes everything when the tunnel ends', () => {
    const world = new World(11).begin();
    world.tell('a', { kind: 'end' });
    expect(world.ends.a.inbound.size + world.ends.a.outbound.length).toBe(0);
    world.tell('a', { kind: 'connected' });
    expect(world.ends.a.keying?.deadline).toBeUndefined();
    expect(world.ends.a.disk?.length).toBeLessThan(64);
  });
});
