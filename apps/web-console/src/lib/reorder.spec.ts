import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { moveItem } from './reorder.js';

describe('moveItem', () => {
  it('keeps every item, puts the moved one where asked, and is undone by the reverse move', () => {
    const list = fc.uniqueArray(fc.integer(), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(list, fc.nat(11), fc.nat(11), (items, a, b) => {
        const from = a % items.length;
        const to = b % items.length;
        const moved = moveItem(items, from, to);
        expect(moved[to]).toBe(items[from]);
        expect([...moved].sort()).toEqual([...items].sort());
        expect(moveItem(moved, to, from)).toEqual(items);
      }),
    );
  });

  it('changes nothing beyond the ends', () => {
    expect(moveItem(['a', 'b'], 0, -1)).toEqual(['a', 'b']);
    expect(moveItem(['a', 'b'], 1, 2)).toEqual(['a', 'b']);
  });
});
