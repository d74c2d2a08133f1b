import { describe, expect, it } from 'vitest';
import { BlindWorld, type Name, SERIAL, TUNNEL } from '../../test/support/blind-world.js';

const HOUR = 3_600_000;
const kinds = (world: BlindWorld, name: Name) => world.ends[name].news.map(({ kind }) => kind);
const refusals = (world: BlindWorld, name: Name) =>
  world.ends[name].news.flatMap((news) => (news.kind === 'refused' ? [news.refusal.code] : []));

describe('the host of a tunnel whose controller relays key shares (ADR 26)', () => {
  it('brings it up, and replaces its keys at the soft lifetime without a packet being lost', async () => {
    const world = await new BlindWorld().begin();
    for (let hours = 0; hours < 20; hours++) {
      expect(await world.exchange()).toBe(2);
      await world.run(HOUR);
    }
    expect(world.ends.a.tunnel?.position?.inForce).toBe(3);
    expect(world.violations).toEqual([]);
    expect([...kinds(world, 'a'), ...kinds(world, 'b')]).not.toContain('stopped');
  });

  it('comes back by itself when both ends are killed and the controller is gone', async () => {
    const world = await new BlindWorld().begin();
    await world.exchange();
    for (const name of ['a', 'b'] as const) world.disconnect(name);
    for (const names of [['a'], ['b'], ['a', 'b'], ['b', 'b', 'a']] as const) {
      for (const name of names) {
        world.kill(name);
        world.start(name);
      }
      await world.run(5_000);
      expect(await world.exchange()).toBe(2);
    }
    for (const packet of world.captured.slice()) world.replay(packet);
    expect(world.violations).toEqual([]);
  });

  it('sends nothing under a number that was used, and accepts nothing twice, wherever the power fails', async () => {
    let cuts = 0;
    for (const victim of ['a', 'b'] as const) {
      for (let power = 0; power < 32; power++) {
        const world = new BlindWorld();
        world.ends[victim].power = power;
        await world.begin();
        await world.exchange();
        world.ends[victim].power = Number.POSITIVE_INFINITY;
        if (world.ends[victim].tunnel === undefined) {
          cuts++;
          world.start(victim);
          world.connect(victim);
        }
        await world.run(90_000);
        expect({ victim, power, arrived: await world.exchange() }).toEqual({ victim, power, arrived: 2 });
        for (const packet of world.captured.slice()) world.replay(packet);
        expect(world.violations).toEqual([]);
      }
    }
    expect(cuts).toBeGreaterThan(20);
  });

  it('takes no association again, wherever the power fails while one follows another or the agent starts', async () => {
    let cuts = 0;
    for (const victim of ['a', 'b'] as const) {
      for (let power = 0; power < 24; power++) {
        const world = await new BlindWorld().begin();
        const end = world.ends[victim];
        await world.exchange();
        for (const name of ['a', 'b'] as const) world.disconnect(name);
        world.kill(victim);
        world.start(victim);
        end.power = power;
        for (let times = 0; times < 6; times++) {
          await world.quiet();
          await world.exchange();
          end.tunnel?.tell({ kind: 'spent', spi: [...end.outbound.keys()].at(-1) ?? 0 });
        }
        await world.quiet();
        if (end.tunnel === undefined) cuts++;
        world.kill(victim);
        world.start(victim);
        await world.run(90_000);
        expect({ victim, power, arrived: await world.exchange() }).toEqual({ victim, power, arrived: 2 });
        for (const packet of world.captured.slice()) world.replay(packet);
        expect(world.violations).toEqual([]);
      }
    }
    expect(cuts).toBeGreaterThan(20);
  });

  it('sends nothing that depends on what could not be stored, and begins again from what is there', async () => {
    const world = await new BlindWorld().begin();
    await world.exchange();
    const { a } = world.ends;
    const before = new Set(a.outbound.keys());
    a.diskFailure = 'no space left on device';
    a.tunnel?.tell({ kind: 'spent', spi: [...before][0] ?? 0 });
    await world.quiet();
    expect(a.news.at(-1)).toMatchObject({ kind: 'stopped', reason: 'no space left on device', milliseconds: 1_000 });
    expect([a.outbound.size, a.inbound.size]).toEqual([0, 0]);
    await world.run(10_000);
    expect(a.news.filter(({ kind }) => kind === 'stopped').length).toBeGreaterThan(2);
    expect(a.outbound.size).toBe(0);
    a.diskFailure = undefined;
    await world.run(60_000);
    expect(a.news.filter(({ kind }) => kind === 'resumed')).toHaveLength(1);
    expect(await world.exchange()).toBe(2);
    expect(world.violations).toEqual([]);
  });

  it('passes the number of an SPI that something else has, and so does its peer', async () => {
    const world = await new BlindWorld().begin();
    await world.exchange();
    for (const name of ['a', 'b'] as const) world.disconnect(name);
    // What b would receive on after the next two numbers of a.
    const { b } = world.ends;
    const ahead = [...b.inbound.keys()].at(-1) ?? 0;
    b.foreignSpis.add(ahead);
    world.kill('b');
    world.start('b');
    await world.run(5_000);
    for (let times = 0; times < 8; times++) {
      world.kill('a');
      world.start('a');
      await world.run(5_000);
      expect(await world.exchange()).toBe(2);
    }
    expect(world.violations).toEqual([]);
  });

  it('refuses what the relay alters, by name, and comes up when it stops', async () => {
    const world = new BlindWorld();
    world.relay = (message) => {
      const altered = Uint8Array.from(message);
      const at = altered.length - 10;
      altered[at] = (altered[at] ?? 0) ^ 1;
      return altered;
    };
    await world.begin();
    await world.run(120_000);
    expect(refusals(world, 'b').length).toBeGreaterThan(0);
    expect(new Set(refusals(world, 'b'))).toEqual(new Set(['not_authentic']));
    expect(await world.exchange()).toBe(0);
    world.relay = (message) => message;
    await world.run(60_000);
    expect(await world.exchange()).toBe(2);
  });

  it('relays no key', async () => {
    const world = await new BlindWorld().begin();
    for (let hours = 0; hours < 20; hours++) {
      await world.exchange();
      await world.run(HOUR);
    }
    const keys = new Set(world.captured.map(({ key }) => key));
    expect(keys.size).toBeGreaterThan(2);
    const relayed = Buffer.concat(world.relayed);
    for (const key of keys) {
      const octets = Buffer.from(key, 'hex');
      for (const part of [octets, octets.subarray(0, 16), octets.subarray(16, 32)]) {
        expect(relayed.includes(part)).toBe(false);
      }
    }
  });

  it('begins without keys, and says so, when what it kept was changed', async () => {
    const world = await new BlindWorld().begin();
    await world.exchange();
    world.kill('a');
    const { disk } = world.ends.a;
    for (const [name, content] of disk)
      disk.set(
        name,
        content.map((octet, at) => (at === 50 ? octet ^ 1 : octet)),
      );
    world.start('a');
    world.connect('a');
    await world.run(120_000);
    expect(kinds(world, 'a')).toContain('keys_damaged');
    expect(await world.exchange()).toBe(2);
    expect(world.violations).toEqual([]);
  });

  it('leaves no association and no key when the tunnel ends', async () => {
    const world = await new BlindWorld().begin();
    await world.exchange();
    const { a } = world.ends;
    world.disconnect('a');
    await a.tunnel?.end();
    expect([a.inbound.size, a.outbound.size, a.tunnel?.position]).toEqual([0, 0, undefined]);
    world.kill('a');
    world.start('a');
    await world.run(1_000);
    expect(a.tunnel?.position?.roots).toEqual([]);
    expect([...a.disk.keys()]).toEqual([`tunnel-${TUNNEL}.sealed`]);
  });

  it('begins without keys when the certificate that they were agreed on with was revoked while it was away', async () => {
    const world = await new BlindWorld().begin();
    await world.exchange();
    const { a } = world.ends;
    expect(a.tunnel?.believesAny(new Set([SERIAL.b]))).toBe(true);
    world.kill('a');
    world.disconnect('a');
    world.revoked = new Set([SERIAL.b]);
    world.start('a');
    await world.run(5_000);
    expect(kinds(world, 'a')).toContain('peer_revoked');
    expect([a.inbound.size, a.outbound.size, a.tunnel?.position?.roots]).toEqual([0, 0, []]);
  });

  it('keeps its associations in the packet path, and stores nothing more, when the agent stops', async () => {
    const world = await new BlindWorld().begin();
    await world.exchange();
    const { a } = world.ends;
    const stored = [...a.disk.values()];
    await a.tunnel?.stop();
    expect([a.inbound.size > 0, a.outbound.size > 0]).toEqual([true, true]);
    expect([...a.disk.values()]).toEqual(stored);
    world.kill('a');
    world.start('a');
    await world.run(5_000);
    expect(await world.exchange()).toBe(2);
    expect(world.violations).toEqual([]);
  });
});
