import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Action,
  act,
  faults,
  fingerprint,
  newWorld,
  ordinaryActions,
  SPEC,
  settled,
  tell,
  type World,
} from '../../test/southbound/keying-world.js';
import { advanceTunnel } from './advance-tunnel.js';
import { isFinished } from './tunnel-keying.js';

describe('the keying of a tunnel', () => {
  it('establishes one pair of associations', () => {
    const world = settled(newWorld());
    expectAtRest(world);
    expect(world.pairsMade).toBe(1);
  });

  it(
    'keeps its rules in every order of events with one thing going wrong anywhere, and comes to rest',
    () => {
      expect(explore(newWorld(), 1)).toBeGreaterThan(500);
    },
    EXPLORATION_PATIENCE_MILLISECONDS,
  );

  it(
    'keeps its rules with two things going wrong anywhere in a rekey, and comes to rest',
    () => {
      const world = act(settled(newWorld()), 'expire');
      expect(explore(world, 2)).toBeGreaterThan(2000);
    },
    EXPLORATION_PATIENCE_MILLISECONDS,
  );

  it('keeps its rules through long and unlucky lives', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { minLength: 20, maxLength: 150 }), (choices) => {
        const steps: Action[] = [];
        let world = newWorld();
        for (const choice of choices) {
          const ordinary = ordinaryActions(world);
          const actions = choice % 4 === 0 || ordinary.length === 0 ? faults(world) : ordinary;
          const action = actions[Math.floor(choice / 4) % actions.length] ?? 'restart';
          steps.push(action);
          world = act(world, action);
        }
        expectAtRest(settled(world), steps);
      }),
      { numRuns: 500 },
    );
  });

  it('replaces what it finds after a restart of the controller, deleting nothing before both ends use the new pair', () => {
    // checkRetirement in the world refuses every other order.
    const world = settled(act(settled(newWorld()), 'restart'));
    expectAtRest(world);
    expect(world.pairsMade).toBe(2);
  });

  it('replaces associations that reach their soft lifetime', () => {
    const world = settled(act(settled(newWorld()), 'expire'));
    expectAtRest(world);
    expect([world.pairsMade, world.keying.rekeys]).toEqual([2, 1]);
  });

  it('leaves associations alone when the same tunnel is published again or an edge reconnects', () => {
    const before = settled(newWorld());
    const published = tell(before, { kind: 'wanted', spec: SPEC });
    expect(settled(act(published, 'drop1')).edges).toEqual(before.edges);
    expect(settled(act(published, 'drop1')).pairsMade).toBe(1);
  });

  it('makes new associations for a peer that moved, once both ends run the new bundle', () => {
    const before = settled(newWorld());
    const moved = { ...SPEC, ends: [SPEC.ends[0], { ...SPEC.ends[1], address: '203.0.113.9' }] } as const;
    const told = tell(before, { kind: 'wanted', spec: moved });
    expect(settled(told).pairsMade).toBe(1);
    const world = settled(tell(tell(told, { kind: 'ready', side: 0 }), { kind: 'ready', side: 1 }));
    expectAtRest(world);
    expect(world.pairsMade).toBe(2);
  });

  it('deletes the associations of a tunnel that was removed, at both ends', () => {
    const world = settled(tell(settled(newWorld()), { kind: 'unwanted' }));
    expect(world.edges.map(({ inbound, outbound }) => [inbound, outbound])).toEqual([
      [[], []],
      [[], []],
    ]);
    expect(isFinished(world.keying)).toBe(true);
  });

  it('rolls the new outbound association back before the new inbound one', () => {
    // paris and tokyo take the inbound ones; paris takes the outbound one, tokyo refuses it.
    let world = act(settled(newWorld()), 'expire');
    const old = world.keying.current;
    for (const action of ['process0', 'process1', 'deliver0', 'deliver1', 'process0', 'deliver0'] as const) {
      world = act(world, action);
    }
    world = act(act(world, 'refuse1'), 'deliver1');
    expect(world.keying.attempt).toBeUndefined();
    // tokyo keeps its new inbound association until paris has confirmed that it sends on the old one again.
    expect(world.edges[0].session?.toEdge[0]?.command).toMatchObject({ step: 'delete', outbound: [1003] });
    expect(world.edges[1].session?.toEdge).toEqual([]);
    world = act(act(world, 'process0'), 'deliver0');
    expect(world.edges[1].session?.toEdge[0]?.command).toMatchObject({ step: 'delete', inbound: [1003] });
    expect(world.keying.current).toEqual(old);
  });

  it('ends the session of an edge that does not answer, and waits longer after each failure', () => {
    let world = act(act(newWorld(), 'connect0'), 'connect1');
    const pauses: number[] = [];
    for (let failure = 1; failure <= 8; failure += 1) {
      world = act(act(world, 'refuse0'), 'deliver0');
      world = settledUntilAttempt(world);
      pauses.push(world.now);
    }
    const gaps = pauses.slice(1).map((time, index) => time - (pauses[index] ?? 0));
    expect(gaps).toEqual([2000, 4000, 8000, 16000, 32000, 60000, 60000]);
    const silent = act(act(world, 'process1'), 'time');
    expect(silent.edges[0].session).toBeUndefined();
  });

  it('never shows keys', () => {
    const world = act(act(newWorld(), 'connect0'), 'connect1');
    expect(JSON.stringify(world)).toContain('[keying material]');
    expect(JSON.stringify(world)).not.toContain('7,7');
    expect(String(world.keying.attempt?.keys[0])).toBe('[keying material]');
  });

  it('ignores an answer to a command that nobody waits for', () => {
    const { keying, now } = settled(newWorld());
    const event = { kind: 'answered', side: 0, commandId: 'tunnel/1', rejection: undefined } as const;
    const { state, effects } = advanceTunnel(keying, event, { now, spi: never, keyingMaterial: never });
    expect(effects).toEqual([]);
    expect(state).toEqual(keying);
  });
});

/** Walks every reachable world with so many faults, checks those at rest, and counts them. */
function explore(start: World, faultBudget: number): number {
  const seen = new Set<string>();
  const stack: { world: World; budget: number; path: readonly Action[] }[] = [
    { world: start, budget: faultBudget, path: [] },
  ];
  for (;;) {
    const next = stack.pop();
    if (next === undefined) return seen.size;
    const { world, budget, path } = next;
    const key = `${budget} ${fingerprint(world)}`;
    if (seen.has(key)) continue;
    seen.add(key);
    try {
      const ordinary = ordinaryActions(world);
      if (ordinary.length === 0) expectAtRest(world, path);
      for (const action of ordinary) stack.push({ world: act(world, action), budget, path: [...path, action] });
      if (budget === 0) continue;
      for (const action of faults(world)) {
        const after = { world: act(world, action), budget: budget - 1, path: [...path, action] };
        // That a walk ends at all; where walks end is checked above.
        settled(after.world);
        stack.push(after);
      }
    } catch (error) {
      throw new Error(`after ${path.join(' ')}`, { cause: error });
    }
  }
}

/** Both edges connected, exactly one pair, the same at the controller and at both edges, nothing left over. */
function expectAtRest({ keying, edges }: World, path: readonly Action[] = []): void {
  const [a, b] = edges;
  const pair = keying.current?.spis ?? [];
  expect({ path, a: [a.inbound, a.outbound], b: [b.inbound, b.outbound] }).toEqual({
    path,
    a: [[pair[0]], [pair[1]]],
    b: [[pair[1]], [pair[0]]],
  });
  expect([keying.attempt, keying.abandoned, keying.rekeyWanted]).toEqual([undefined, [], false]);
}

/** Lets the first attempt fail to its end and time pass until the next one has begun. */
function settledUntilAttempt(start: World): World {
  let world = start;
  while (world.keying.attempt === undefined) {
    const [action = 'time'] = ordinaryActions(world);
    world = act(world, action);
  }
  return world;
}

function never(): never {
  throw new Error('not expected to be asked');
}

/** Seconds of work on an idle machine, and ten times that on a busy one. */
const EXPLORATION_PATIENCE_MILLISECONDS = 120_000;
