import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PathLiveness } from './path-liveness.js';

const BOUNDS = { interval: 500, misses: 3 };

/** Polls every 10 ms up to `end`; each probe is answered after what `delay` says, or never. */
function run(
  liveness: PathLiveness,
  from: number,
  end: number,
  delay: (probe: number) => number | undefined,
): string[] {
  const answers: { at: number; token: number }[] = [];
  const states: string[] = [];
  let probes = 0;
  for (let now = from; now < end; now += 10) {
    for (const { token } of answers.filter(({ at }) => at === now)) liveness.acknowledge(token);
    const token = liveness.poll(now);
    if (token !== undefined) {
      const after = delay(probes++);
      if (after !== undefined) answers.push({ at: now + after, token });
    }
    if (states.at(-1) !== liveness.state) states.push(liveness.state);
  }
  return states;
}

describe('whether a peer answers', () => {
  it('is unknown until it does, or has not three times', () => {
    expect(run(new PathLiveness(BOUNDS, 7), 0, 5000, () => 40)).toEqual(['unknown', 'alive']);
    expect(run(new PathLiveness(BOUNDS, 7), 0, 5000, () => undefined)).toEqual(['unknown', 'dead']);
  });

  it('is no more after three probes without an answer: no later than four intervals after its last one', () => {
    const liveness = new PathLiveness(BOUNDS, 0xffff_fffe);
    run(liveness, 0, 2000, () => 10);
    expect(liveness.state).toBe('alive');
    run(liveness, 2000, 3490, () => undefined);
    expect(liveness.state).toBe('alive');
    run(liveness, 3490, 3510, () => undefined);
    expect(liveness.state).toBe('dead');
    run(liveness, 3510, 4500, () => 10);
    expect(liveness.state).toBe('alive');
  });

  it('bears round trips longer than an interval, and probes that are lost now and then', () => {
    expect(run(new PathLiveness(BOUNDS, 1), 0, 20_000, () => 1200)).toEqual(['unknown', 'alive']);
    expect(run(new PathLiveness(BOUNDS, 1), 0, 20_000, (probe) => (probe % 3 === 0 ? 10 : undefined))).toEqual([
      'unknown',
      'alive',
    ]);
  });

  it('is not concluded from time in which nothing was asked', () => {
    const liveness = new PathLiveness(BOUNDS, 1);
    run(liveness, 0, 1000, () => 10);
    const token = liveness.poll(60_000);
    expect(liveness.state).toBe('alive');
    liveness.acknowledge(token ?? 0);
    expect(liveness.poll(60_500)).toBeDefined();
    expect(liveness.state).toBe('alive');
  });

  it('does not come from answers to what was never asked, or long ago', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), fc.integer({ min: 3, max: 0xffff_ffff }), (first, age) => {
        const liveness = new PathLiveness(BOUNDS, first);
        let last = 0;
        for (let probe = 0; probe < 3; probe++) last = liveness.poll(500 * probe) ?? 0;
        liveness.acknowledge((last - age) >>> 0);
        expect(liveness.state).toBe('unknown');
        liveness.acknowledge((last - 2) >>> 0);
        expect(liveness.state).toBe('alive');
      }),
    );
  });

  it('is unknown again when there is nothing to ask through', () => {
    const liveness = new PathLiveness(BOUNDS, 1);
    const token = liveness.poll(0) ?? 0;
    liveness.acknowledge(token);
    const late = liveness.poll(500) ?? 0;
    liveness.forget();
    expect(liveness.state).toBe('unknown');
    liveness.acknowledge(late);
    expect(liveness.state).toBe('unknown');
    expect(liveness.poll(510)).toBeDefined();
  });
});
