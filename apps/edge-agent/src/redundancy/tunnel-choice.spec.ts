import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { afterNews, choiceIn, dueAt, settled, type TunnelChoice } from './tunnel-choice.js';

const GROUP = { tunnelIds: ['a', 'b', 'c'], holdDown: 30_000 };

/** Plays news at their times, and lets time pass in between, as whoever keeps the time must. @returns the choices, with when. */
function play(news: readonly (readonly [at: number, tunnelId: string, alive: boolean])[], end: number) {
  let choice = choiceIn(GROUP, undefined, 0);
  const told: [number, string][] = [[0, choice.chosen]];
  const take = (next: TunnelChoice, at: number) => {
    if (next.chosen !== choice.chosen) told.push([at, next.chosen]);
    choice = next;
  };
  const passTo = (at: number) => {
    for (let due = dueAt(GROUP, choice); due <= at; due = dueAt(GROUP, choice)) take(settled(GROUP, choice, due), due);
  };
  for (const [at, tunnelId, alive] of news) {
    passTo(at);
    take(afterNews(GROUP, choice, { tunnelId, alive }, at), at);
  }
  passTo(end);
  return told;
}

describe('the choice of a tunnel', () => {
  it('is the preferred one, and another when that one is not there', () => {
    expect(play([], 1e6)).toEqual([[0, 'a']]);
    expect(play([[100, 'b', true]], 1000)).toEqual([
      [0, 'a'],
      [100, 'b'],
    ]);
  });

  it('leaves a peer that does not answer at once, and comes back after the hold-down', () => {
    const news = [
      [0, 'a', true],
      [0, 'b', true],
      [5000, 'a', false],
      [6000, 'a', true],
    ] as const;
    expect(play(news, 36_000)).toEqual([
      [0, 'a'],
      [5000, 'b'],
      [36_000, 'a'],
    ]);
    expect(play(news, 35_999)).toHaveLength(2);
  });

  it('does not follow a preferred peer that comes and goes', () => {
    const flapping = Array.from({ length: 200 }, (_, i) => [10_000 + 1000 * i, 'a', i % 2 === 1] as const);
    const told = play([[0, 'a', true], [0, 'b', true], ...flapping], 209_000);
    expect(told).toEqual([
      [0, 'a'],
      [10_000, 'b'],
    ]);
  });

  it('stays where it is when nobody answers, and goes to the first who does', () => {
    const told = play(
      [
        [0, 'a', true],
        [0, 'b', true],
        [1000, 'a', false],
        [2000, 'b', false],
        [9000, 'c', true],
        [9500, 'b', true],
      ],
      100_000,
    );
    expect(told).toEqual([
      [0, 'a'],
      [1000, 'b'],
      [9000, 'c'],
      [39_500, 'b'],
    ]);
  });

  it('goes on when the group becomes another', () => {
    const choice = { chosen: 'b', aliveSince: new Map(Object.entries({ a: 0, b: 0 })) };
    expect(choiceIn({ ...GROUP, tunnelIds: ['b', 'a'] }, choice, 40_000).chosen).toBe('b');
    expect(choiceIn({ ...GROUP, tunnelIds: ['c', 'a'] }, choice, 40_000)).toEqual({
      chosen: 'a',
      aliveSince: new Map([['a', 0]]),
    });
    expect(choiceIn(GROUP, choice, 40_000).chosen).toBe('a');
  });

  const happenings = fc.array(
    fc.record({
      pause: fc.integer({ min: 0, max: 45_000 }),
      tunnelId: fc.constantFrom('a', 'b', 'c'),
      alive: fc.boolean(),
    }),
    { maxLength: 80 },
  );

  it('is never a peer that does not answer while another does, and goes back to none before its hold-down', () => {
    fc.assert(
      fc.property(happenings, (list) => {
        let choice = choiceIn(GROUP, undefined, 0);
        let now = 0;
        /** The oracle's own book: since when each has answered. */
        const answers = new Map<string, number>();
        const check = (next: TunnelChoice) => {
          if (answers.size > 0) expect(answers.has(next.chosen)).toBe(true);
          if (next.chosen !== choice.chosen && answers.has(choice.chosen)) {
            expect(GROUP.tunnelIds.indexOf(next.chosen)).toBeLessThan(GROUP.tunnelIds.indexOf(choice.chosen));
            expect(now - (answers.get(next.chosen) ?? now)).toBeGreaterThanOrEqual(GROUP.holdDown);
          }
          choice = next;
        };
        for (const { pause, tunnelId, alive } of list) {
          const at = now + pause;
          while (dueAt(GROUP, choice) <= at) {
            now = dueAt(GROUP, choice);
            check(settled(GROUP, choice, now));
          }
          now = at;
          // Whoever has answered for the hold-down, and is preferred, is chosen by now.
          const due = GROUP.tunnelIds.find((id) => now - (answers.get(id) ?? now) > GROUP.holdDown);
          if (due !== undefined) {
            expect(GROUP.tunnelIds.indexOf(choice.chosen)).toBeLessThanOrEqual(GROUP.tunnelIds.indexOf(due));
          }
          if (!alive) answers.delete(tunnelId);
          else if (!answers.has(tunnelId)) answers.set(tunnelId, now);
          check(afterNews(GROUP, choice, { tunnelId, alive }, now));
          expect(choice.aliveSince).toEqual(answers);
        }
      }),
      { numRuns: 500 },
    );
  });
});
