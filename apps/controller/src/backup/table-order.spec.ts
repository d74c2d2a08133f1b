import fc from 'fast-check';
import { expect, it } from 'vitest';
import { inDependencyOrder } from './table-order.js';

it('every table comes behind those that it refers to, and all are there', () => {
  const tables = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(
      // References from later to earlier ones of a list make no circle.
      tables.chain((names) =>
        fc.record({
          names: fc.constant(names),
          shuffled: fc.shuffledSubarray(names, { minLength: names.length }),
          edges: fc.array(fc.tuple(fc.nat(names.length - 1), fc.nat(names.length - 1))),
        }),
      ),
      ({ names, shuffled, edges }) => {
        const references = edges.map(([a, b]) => ({
          child: names[Math.max(a, b)] ?? '',
          parent: names[Math.min(a, b)] ?? '',
        }));
        const ordered = inDependencyOrder(shuffled, references);
        expect([...ordered].sort()).toEqual([...names].sort());
        for (const { child, parent } of references) {
          expect(ordered.indexOf(parent)).toBeLessThanOrEqual(ordered.indexOf(child));
        }
      },
    ),
  );
});

it('the order does not depend on the order of the question', () => {
  expect(inDependencyOrder(['c', 'a', 'b'], [{ child: 'a', parent: 'c' }])).toEqual(['b', 'c', 'a']);
});

it('a circle is named', () => {
  const circle = [
    { child: 'a', parent: 'b' },
    { child: 'b', parent: 'a' },
  ];
  expect(() => inDependencyOrder(['a', 'b', 'c'], circle)).toThrow('in a circle: a, b');
});
