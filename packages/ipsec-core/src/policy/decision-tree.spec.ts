import { describe, expect, it } from 'vitest';
import { type Box, DecisionTree } from './decision-tree.js';

const SPACE = [
  { first: 0, last: 2 ** 30 },
  { first: 0, last: 65_535 },
];

/** Networks side by side, some with ports, and behind them what covers everything. */
function networks(count: number): readonly Box[] {
  const boxes = Array.from({ length: count }, (_, i): Box => {
    const ports = i % 3 === 0 ? [{ first: 80, last: 443 }] : [{ first: 0, last: 65_535 }];
    return [[{ first: 256 * i, last: 256 * i + 255 }], ports];
  });
  return [...boxes, SPACE.map((side) => [side])];
}

/** The most boxes, and coordinates of the point, that one `find` looked at, of points in and beside the networks. */
function mostLooks(count: number): { readonly boxes: number; readonly coordinates: number } {
  const boxes = networks(count);
  const watchedBoxes = watched(boxes);
  const tree = new DecisionTree(watchedBoxes.value, SPACE);
  const most = { boxes: 0, coordinates: 0 };
  for (let i = 0; i < 500; i++) {
    const values = [256 * Math.floor((i * count) / 400) + 9, i % 2 === 0 ? 100 : 1000];
    const point = watched(Int32Array.from(values));
    watchedBoxes.looks = 0;
    const found = tree.find(point.value);
    most.boxes = Math.max(most.boxes, watchedBoxes.looks);
    most.coordinates = Math.max(most.coordinates, point.looks);
    const contains = (box: Box) => values.every((at, dimension) => box[dimension]?.some(within(at)));
    expect(found).toBe(boxes.findIndex(contains));
  }
  return most;
}

/** The same array, which counts how often one of its elements is read. */
function watched<T extends object>(array: T): { looks: number; readonly value: T } {
  const watch = {
    looks: 0,
    value: new Proxy(array, {
      get(target, property) {
        if (typeof property === 'string' && /^\d+$/.test(property)) watch.looks++;
        const value: unknown = Reflect.get(target, property, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    }),
  };
  return watch;
}

function within(value: number) {
  return ({ first, last }: { readonly first: number; readonly last: number }) => first <= value && value <= last;
}

describe('a decision tree', () => {
  it.each([10, 1000, 10_000])('looks at no more than a leaf of %d boxes, in hit and miss', (count) => {
    const { boxes, coordinates } = mostLooks(count);
    expect(boxes).toBeLessThanOrEqual(8);
    // Two for each box, and one for each cut on the way to the leaf.
    expect(coordinates).toBeLessThanOrEqual(2 * 8 + 2 * Math.log2(count));
  });
});
