import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { leaveBox, linkWidth, middleOf, placeOnRing } from './layout.js';

const NODE = { width: 210, height: 104 };

describe('placeOnRing', () => {
  it('never lets two nodes overlap', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), (count) => {
        const points = [...placeOnRing(Array.from({ length: count }, (_, index) => `site ${index}`)).values()];
        expect(points).toHaveLength(count);
        for (const [index, a] of points.entries()) {
          for (const b of points.slice(index + 1)) {
            const apart = Math.abs(a.x - b.x) >= NODE.width || Math.abs(a.y - b.y) >= NODE.height;
            expect(apart, `${count} nodes`).toBe(true);
          }
        }
      }),
    );
  });
});

describe('leaveBox', () => {
  it('gives a point on the border, on the way to the target', () => {
    const coordinate = fc.integer({ min: -2000, max: 2000 });
    fc.assert(
      fc.property(coordinate, coordinate, (x, y) => {
        const box = { x: 10, y: 20, ...NODE };
        const middle = middleOf(box);
        fc.pre(x !== middle.x || y !== middle.y);
        const point = leaveBox(box, { x, y });
        const onX = Math.abs(Math.abs(point.x - middle.x) - box.width / 2) < 1e-6;
        const onY = Math.abs(Math.abs(point.y - middle.y) - box.height / 2) < 1e-6;
        expect(onX || onY).toBe(true);
        const cross = (point.x - middle.x) * (y - middle.y) - (point.y - middle.y) * (x - middle.x);
        expect(Math.abs(cross)).toBeLessThan(1e-3);
        expect((point.x - middle.x) * (x - middle.x)).toBeGreaterThanOrEqual(0);
        expect((point.y - middle.y) * (y - middle.y)).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});

it('draws more traffic wider, within bounds', () => {
  expect(linkWidth(0)).toBe(1.5);
  expect(linkWidth(1e6)).toBeGreaterThan(linkWidth(1e4));
  expect(linkWidth(1e15)).toBe(5.5);
});
