import { describe, expect, it } from 'vitest';
import { HOUR, MINUTE, type Name, SECOND } from './end.js';
import { World } from './world.js';

/**
 * Anything may happen, in any order: messages and packets are lost, doubled, late and replayed; ends restart between any two steps, lose the
 * controller, change associations; hours pass. At no time may a key be used twice or a packet accepted twice; and once it is
 * quiet the two ends agree and everything arrives.
 */
describe('a tunnel with relayed key shares in all weathers', () => {
  it(
    'uses no key twice, accepts no packet twice, and agrees once it is quiet',
    () => {
      const happened = new Map<string, number>();
      for (let seed = 1; seed <= RUNS; seed++) {
        const world = stormy(seed, happened);
        expect({ seed, violations: world.violations }).toEqual({ seed, violations: [] });
        settle(world);
        expect({ seed, disagreements: world.disagreements() }).toEqual({ seed, disagreements: [] });
        const before = [world.delivered.size, world.waited];
        world.exchange();
        expect({ seed, new: world.delivered.size - (before[0] ?? 0), waited: world.waited - (before[1] ?? 0) }).toEqual(
          {
            seed,
            new: 6,
            waited: 0,
          },
        );
        // Also those that were lost at first: they may arrive now, once.
        for (const packet of world.captured.slice()) world.replay(packet);
        expect({ seed, violations: world.violations }).toEqual({ seed, violations: [] });
      }
      // A walk that never reaches something shows nothing of it.
      for (const step of STEPS) expect(happened.get(step) ?? 0).toBeGreaterThan(10);
      expect(happened.get('cut') ?? 0).toBeGreaterThan(10);
    },
    PATIENCE,
  );

  it(
    'loses no packet across changes of associations and of roots, however late and in whatever order packets come',
    () => {
      let roots = 0;
      let associations = 0;
      for (let seed = 1; seed <= RUNS; seed++) {
        const world = changing(seed);
        world.run(MINUTE);
        expect({ seed, waited: world.waited, violations: world.violations }).toEqual({
          seed,
          waited: 0,
          violations: [],
        });
        expect({ seed, lost: [...world.sent].filter((id) => !world.delivered.has(id)) }).toEqual({ seed, lost: [] });
        const [position] = world.ends.a.keying?.position.roots.slice(-1) ?? [];
        roots += position?.root ?? 0;
        associations += position?.sending ?? 0;
      }
      expect(roots).toBeGreaterThan(3 * RUNS);
      expect(associations).toBeGreaterThan(RUNS);
    },
    PATIENCE,
  );
});

/** Nothing is lost and nobody restarts; the relay loses what it likes, and sessions end and begin. */
function changing(seed: number): World {
  const world = new World(seed, { softLifetime: HOUR }).begin();
  const chance = () => world.random.next();
  world.weather = {
    relayLoss: 0.5 * chance(),
    relayDuplicates: 0.5 * chance(),
    relayDelay: 40 * SECOND * chance(),
    packetLoss: 0,
    packetDuplicates: 0.3 * chance(),
    packetDelay: 8 * SECOND * chance(),
  };
  for (let i = 0; i < 60; i++) {
    const name = chance() < 0.5 ? 'a' : 'b';
    const choice = chance();
    if (choice < 0.25) {
      // No more than the window is wide while packets are on their way.
      world.tell(name, { kind: 'spent', spi: world.ends[name].outbound.at(-1)?.spi ?? 0 });
      world.exchange(2);
      world.run(10 * SECOND);
    } else if (choice < 0.4) world.disconnect(name);
    else if (choice < 0.7) world.connect(name);
    else if (choice < 0.85) world.run(2 * HOUR * chance());
    act(world, chance() < 0.5 ? 'one way' : 'traffic', name);
  }
  return world;
}

function stormy(seed: number, happened: Map<string, number>): World {
  const world = new World(seed).begin();
  const chance = () => world.random.next();
  world.weather = {
    relayLoss: 0.3 * chance(),
    relayDuplicates: 0.3 * chance(),
    relayDelay: 40 * SECOND * chance(),
    packetLoss: 0.3 * chance(),
    packetDuplicates: 0.3 * chance(),
    packetDelay: 10 * SECOND * chance(),
  };
  for (let i = 0; i < 40; i++) {
    const step = STEPS[Math.floor(chance() * STEPS.length)] ?? 'traffic';
    happened.set(step, (happened.get(step) ?? 0) + 1);
    act(world, step, chance() < 0.5 ? 'a' : 'b');
    for (const name of ['a', 'b'] as const) {
      if (world.ends[name].keying !== undefined) continue;
      happened.set('cut', (happened.get('cut') ?? 0) + 1);
      world.start(name);
      if (chance() < 0.5) world.connect(name);
    }
  }
  return world;
}

function act(world: World, step: (typeof STEPS)[number], name: Name): void {
  const end = world.ends[name];
  const chance = () => world.random.next();
  switch (step) {
    case 'traffic':
      world.exchange(1 + Math.floor(4 * chance()));
      break;
    case 'one way':
      for (let i = 0; i < 4; i++) world.send(name);
      world.run(SECOND);
      break;
    case 'wait':
      world.run(40 * SECOND * chance());
      break;
    case 'hours':
      world.run(12 * HOUR * chance());
      break;
    case 'restart':
      world.restart(name);
      break;
    case 'power':
      end.powerFor = Math.floor(12 * chance());
      break;
    case 'disconnect':
      world.disconnect(name);
      break;
    case 'connect':
      world.connect(name);
      break;
    case 'spent':
      world.tell(name, { kind: 'spent', spi: end.outbound.at(-1)?.spi ?? 0 });
      break;
    case 'replay': {
      for (let i = 0; i < 10; i++) {
        const packet = world.captured[Math.floor(chance() * world.captured.length)];
        if (packet !== undefined) world.replay(packet);
      }
      break;
    }
    case 'old message': {
      const octets = world.everRelayed[Math.floor(chance() * world.everRelayed.length)];
      if (octets !== undefined) world.tell(name, { kind: 'message', octets });
      break;
    }
    case 'disk lost':
      if (chance() > 0.3) break;
      world.stop(name);
      end.disk = undefined;
      break;
  }
}

/** The relay and the underlay behave, and both ends talk. */
function settle(world: World): void {
  for (const name of ['a', 'b'] as const) world.ends[name].powerFor = undefined;
  world.weather = { ...world.weather, relayLoss: 0, relayDuplicates: 0, packetLoss: 0, packetDuplicates: 0 };
  world.run(5 * MINUTE);
  world.weather = { ...world.weather, relayDelay: 20, packetDelay: 20 };
  for (const name of ['a', 'b'] as const) world.connect(name);
  for (let i = 0; i < 4; i++) {
    world.run(2 * MINUTE);
    world.exchange();
  }
  world.run(MINUTE);
}

const STEPS = [
  'traffic',
  'one way',
  'wait',
  'hours',
  'restart',
  'power',
  'disconnect',
  'connect',
  'spent',
  'replay',
  'old message',
  'disk lost',
] as const;
/** WEFT_RUNS asks for more worlds. */
const RUNS = Number(process.env['WEFT_RUNS'] ?? 40);
const PATIENCE = 60_000 + 5_000 * RUNS;
