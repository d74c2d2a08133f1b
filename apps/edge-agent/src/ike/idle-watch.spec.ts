import { describe, expect, it } from 'vitest';
import { IdleWatch, LOOK_INTERVAL } from './idle-watch.js';

function setUp() {
  let waiting: (() => void)[] = [];
  const state = { now: 0, packets: 0n, fails: false };
  const ended: string[] = [];
  const troubles: unknown[] = [];
  const watch = new IdleWatch({
    carried: async () => {
      if (state.fails) throw new Error('the packet path is being replaced');
      return [{ tunnelId: 't', inboundPackets: 0n, outboundPackets: state.packets }];
    },
    allowed: () => new Map([['t', 10_000]]),
    end: (tunnelId) => ended.push(`${state.now} ${tunnelId}`),
    onTrouble: (error) => troubles.push(error),
    clock: () => state.now,
    after: (milliseconds, run) => {
      expect(milliseconds).toBe(LOOK_INTERVAL);
      waiting.push(run);
      return () => {
        waiting = waiting.filter((other) => other !== run);
      };
    },
  });
  /** One look. */
  const pass = async () => {
    const [run] = waiting.splice(0, 1);
    state.now += LOOK_INTERVAL;
    run?.();
    for (let turn = 0; turn < 8; turn++) await Promise.resolve();
  };
  return { watch, state, ended, troubles, pass, waiting: () => waiting.length };
}

describe('the watch for idle tunnels', () => {
  it('ends what has carried nothing for as long as it may, and goes on', async () => {
    const { watch, state, ended, pass, waiting } = setUp();
    watch.start();
    watch.start();
    expect(waiting()).toBe(1);
    await pass();
    state.packets++;
    await pass();
    await pass();
    expect(ended).toEqual([]);
    await pass();
    expect(ended).toEqual(['20000 t']);
    expect(waiting()).toBe(1);
  });

  it('looks again when it could not', async () => {
    const { watch, state, ended, troubles, pass } = setUp();
    watch.start();
    state.fails = true;
    await pass();
    expect(troubles).toHaveLength(1);
    state.fails = false;
    for (let looks = 0; looks < 3; looks++) await pass();
    expect(ended).toEqual(['20000 t']);
  });

  it('is over when it is stopped, also while it looks', async () => {
    const { watch, ended, pass, waiting } = setUp();
    watch.start();
    for (let looks = 0; looks < 2; looks++) await pass();
    const last = pass();
    watch.stop();
    await last;
    expect([ended, waiting()]).toEqual([[], 0]);
  });
});
