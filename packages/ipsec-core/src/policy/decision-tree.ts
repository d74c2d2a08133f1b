import type { Interval } from './selector.js';

/** One entry: for each dimension the intervals of which one must contain the point's coordinate. */
export type Box = readonly (readonly Interval[])[];

/**
 * Finds the first of many ordered boxes that contains a point. The space is cut in two, again and again, where the cut
 * separates boxes best; a leaf holds the few boxes that are left, in order. Boxes behind one that covers a whole cell
 * can never be first there and are dropped, so that wide entries at the end of a policy cost nothing.
 */
export class DecisionTree {
  readonly #boxes: readonly Box[];
  readonly #nodes: Node[] = [];
  /** Those in which some box does not span the whole space: the others decide nothing. */
  readonly #dimensions: readonly number[];

  constructor(boxes: readonly Box[], space: readonly Interval[]) {
    this.#boxes = boxes;
    this.#dimensions = space.flatMap((side, dimension) =>
      boxes.every((box) => spans(box[dimension] ?? [], side)) ? [] : [dimension],
    );
    this.#build(
      boxes.map((_, i) => i),
      space,
      0,
    );
  }

  /** Index of the first box that contains the point, or -1. */
  find(point: Int32Array): number {
    let node = this.#nodes[0];
    while (node !== undefined && node.leaf === undefined) {
      node = this.#nodes[(point[node.dimension] ?? 0) < node.cut ? node.below : node.above];
    }
    const leaf = node?.leaf ?? EMPTY_LEAF;
    for (let i = 0; i < leaf.length; i++) {
      const candidate = leaf[i] ?? 0;
      if (this.#contains(candidate, point)) return candidate;
    }
    return -1;
  }

  #contains(index: number, point: Int32Array): boolean {
    const box = this.#boxes[index];
    const dimensions = this.#dimensions;
    for (let i = 0; i < dimensions.length; i++) {
      const dimension = dimensions[i] ?? 0;
      const intervals = box?.[dimension];
      if (intervals === undefined || !containsValue(intervals, point[dimension] ?? 0)) return false;
    }
    return true;
  }

  #build(candidates: readonly number[], cell: readonly Interval[], depth: number): number {
    const live = this.#withoutShadowed(candidates, cell);
    const at = this.#nodes.length;
    this.#nodes.push({ dimension: 0, cut: 0, below: 0, above: 0, leaf: Int32Array.from(live) });
    if (live.length <= LEAF_SIZE || depth >= MAXIMUM_DEPTH) return at;
    const split = this.#bestSplit(live, cell);
    if (split === undefined) return at;
    const { dimension, cut } = split;
    const below = cell.map((side, i) => (i === dimension ? { first: side.first, last: cut - 1 } : side));
    const above = cell.map((side, i) => (i === dimension ? { first: cut, last: side.last } : side));
    const node = { dimension, cut, below: 0, above: 0, leaf: undefined };
    this.#nodes[at] = node;
    node.below = this.#build(split.below, below, depth + 1);
    node.above = this.#build(split.above, above, depth + 1);
    return at;
  }

  #withoutShadowed(candidates: readonly number[], cell: readonly Interval[]): readonly number[] {
    const covering = candidates.findIndex((index) =>
      this.#dimensions.every((dimension) => {
        const side = cell[dimension];
        return side !== undefined && spans(this.#boxes[index]?.[dimension] ?? [], side);
      }),
    );
    return covering === -1 ? candidates : candidates.slice(0, covering + 1);
  }

  #bestSplit(live: readonly number[], cell: readonly Interval[]): Split | undefined {
    let best: Split | undefined;
    let bestCost = live.length * WORTHWHILE;
    for (const dimension of this.#dimensions) {
      const side = cell[dimension];
      if (side === undefined || side.first === side.last) continue;
      const cut = this.#medianCut(live, dimension, side);
      if (cut === undefined) continue;
      const below = live.filter((index) => this.#meets(index, dimension, side.first, cut - 1));
      const above = live.filter((index) => this.#meets(index, dimension, cut, side.last));
      const cost = Math.max(below.length, above.length) + (below.length + above.length - live.length) / 2;
      if (cost < bestCost) {
        best = { dimension, cut, below, above };
        bestCost = cost;
      }
    }
    return best;
  }

  #medianCut(live: readonly number[], dimension: number, side: Interval): number | undefined {
    const cuts: number[] = [];
    for (const index of live) {
      for (const { first, last } of this.#boxes[index]?.[dimension] ?? []) {
        if (first > side.first && first <= side.last) cuts.push(first);
        if (last >= side.first && last < side.last) cuts.push(last + 1);
      }
    }
    cuts.sort((left, right) => left - right);
    return cuts[cuts.length >>> 1];
  }

  #meets(index: number, dimension: number, from: number, to: number): boolean {
    return this.#boxes[index]?.[dimension]?.some(({ first, last }) => first <= to && last >= from) ?? false;
  }
}

interface Node {
  readonly dimension: number;
  readonly cut: number;
  below: number;
  above: number;
  readonly leaf: Int32Array | undefined;
}

interface Split {
  readonly dimension: number;
  readonly cut: number;
  readonly below: readonly number[];
  readonly above: readonly number[];
}

/** Whether one of the intervals covers the whole side of a cell. */
function spans(intervals: readonly Interval[], side: Interval): boolean {
  return intervals.some(({ first, last }) => first <= side.first && last >= side.last);
}

function containsValue(intervals: readonly Interval[], value: number): boolean {
  for (let i = 0; i < intervals.length; i++) {
    const interval = intervals[i];
    if (interval !== undefined && interval.first <= value && value <= interval.last) return true;
  }
  return false;
}

const EMPTY_LEAF = new Int32Array(0);
const LEAF_SIZE = 8;
const MAXIMUM_DEPTH = 48;
/** A cut must leave less than this share of the boxes on its heavier side, copies counted half. */
const WORTHWHILE = 0.95;
