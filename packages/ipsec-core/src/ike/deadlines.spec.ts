import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Deadlines } from './deadlines.js';

describe('Deadlines', () => {
  it('agree with a linear search, whatever is set, moved and removed', () => {
    const owners = Array.from({ length: 12 }, (_unused, index) => ({ index }));
    const step = fc.record({
      owner: fc.constantFrom(...owners),
      at: fc.option(fc.integer({ min: 0, max: 50 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const deadlines = new Deadlines<object>();
        const model = new Map<object, number>();
        for (const { owner, at } of steps) {
          deadlines.set(owner, at);
          if (at === undefined) model.delete(owner);
          else model.set(owner, at);
          const earliest = model.size === 0 ? undefined : Math.min(...model.values());
          expect(deadlines.next()).toBe(earliest);
          expect(deadlines.size).toBe(model.size);
          const due = deadlines.due(25);
          if (earliest === undefined || earliest > 25) expect(due).toBeUndefined();
          else expect(due === undefined ? undefined : model.get(due)).toBe(earliest);
        }
      }),
    );
  });

  it('give every owner once, in order', () => {
    const deadlines = new Deadlines<{ readonly at: number }>();
    const times = Array.from({ length: 500 }, (_unused, index) => (index * 7919) % 503);
    for (const at of times) deadlines.set({ at }, at);
    const seen: number[] = [];
    for (let owner = deadlines.due(1000); owner !== undefined; owner = deadlines.due(1000)) {
      seen.push(owner.at);
      deadlines.set(owner, undefined);
    }
    expect(seen).toEqual([...times].sort((a, b) => a - b));
  });
});
