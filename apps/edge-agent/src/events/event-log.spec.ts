import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventLog } from './event-log.js';

const AT = new Date(0);
const filled = (capacity: number, count: number) => {
  const log = new EventLog(capacity);
  for (let index = 0; index < count; index++) log.add({ kind: 'tunnel_up' }, AT);
  return log;
};
const shown = (log: EventLog, limit = 100) =>
  log.oldest(limit).map(({ kind, number, count }) => (kind === 'events_lost' ? `${count} lost` : number));

describe('the log of events', () => {
  it('numbers what happens and keeps it until it is confirmed', () => {
    const log = filled(10, 5);
    expect(shown(log, 3)).toEqual([1, 2, 3]);
    // The answer is lost: the same again, and no other numbers.
    expect(shown(log, 3)).toEqual([1, 2, 3]);
    log.confirmed(3);
    expect(shown(log)).toEqual([4, 5]);
    log.confirmed(5);
    expect(log.waiting).toBe(0);
  });

  it('says how many were lost when nobody came in time', () => {
    const log = filled(4, 10);
    expect(shown(log)).toEqual(['7 lost', 8, 9, 10]);
    expect(log.lost).toBe(7);
    log.confirmed(10);
    expect(log.waiting).toBe(0);
  });

  it('never says of the same loss twice with other numbers', () => {
    const log = filled(5, 7);
    expect(shown(log, 1)).toEqual(['3 lost']);
    for (let index = 0; index < 2; index++) log.add({ kind: 'tunnel_up' }, AT);
    expect(shown(log)).toEqual(['3 lost', '3 lost', 7, 8, 9]);
  });

  it('does not forget what it has never sent, whatever is confirmed', () => {
    const log = filled(10, 3);
    log.confirmed(3);
    expect(shown(log, 2)).toEqual([1, 2]);
    log.confirmed(99);
    expect(shown(log)).toEqual([3]);
  });

  it('is bounded, keeps its order, and accounts for every event, whatever happens', () => {
    const step = fc.oneof(fc.constant('add' as const), fc.constant('send' as const), fc.constant('confirm' as const));
    fc.assert(
      fc.property(fc.integer({ min: 4, max: 12 }), fc.array(step, { maxLength: 200 }), (capacity, steps) => {
        const log = new EventLog(capacity);
        /** What a controller has that stores each number once. */
        const stored = new Map<number, number>();
        let [added, sent] = [0, 0];
        const send = () => {
          const batch = log.oldest(3);
          const numbers = batch.map(({ number }) => number);
          expect(numbers).toEqual([...new Set(numbers)].sort((left, right) => left - right));
          for (const { number, kind, count = 0 } of batch) {
            if (!stored.has(number)) stored.set(number, kind === 'events_lost' ? count : 1);
          }
          sent = Math.max(sent, numbers.at(-1) ?? 0);
        };
        for (const what of steps) {
          if (what === 'add') log.add({ kind: 'tunnel_up' }, new Date(++added));
          if (what === 'send') send();
          if (what === 'confirm') log.confirmed(sent);
          expect(log.waiting).toBeLessThanOrEqual(capacity);
        }
        while (log.waiting > 0) {
          send();
          log.confirmed(sent);
        }
        const told = [...stored.values()].reduce((sum, count) => sum + count, 0);
        // What arrived and was then lost before the confirmation came is told twice at most, and nothing is passed over.
        expect(told).toBeGreaterThanOrEqual(added);
        expect(told).toBeLessThanOrEqual(added + log.lost);
      }),
    );
  });
});
