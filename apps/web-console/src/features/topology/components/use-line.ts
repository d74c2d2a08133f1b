import { type InternalNode, useInternalNode } from '@xyflow/react';
import { type Box, leaveBox, middleOf, type Point } from '../layout.js';

/** Where a link runs: from the border of one node to that of another. */
export interface Line {
  readonly start: Point;
  readonly end: Point;
  /** As SVG draws it. */
  readonly path: string;
}

/** The line between two nodes; undefined until both stand. */
export function useLine(source: string, target: string): Line | undefined {
  const from = useInternalNode(source);
  const to = useInternalNode(target);
  if (from === undefined || to === undefined) return undefined;
  const [a, b] = [boxOf(from), boxOf(to)];
  const start = leaveBox(a, middleOf(b));
  const end = leaveBox(b, middleOf(a));
  return { start, end, path: `M${start.x},${start.y} L${end.x},${end.y}` };
}

/** The style of what has its middle at a point of the canvas. */
export function placed({ x, y }: Point): { transform: string } {
  return { transform: `translate(-50%, -50%) translate(${x}px, ${y}px)` };
}

function boxOf(node: InternalNode): Box {
  return {
    ...node.internals.positionAbsolute,
    width: node.measured.width ?? 0,
    height: node.measured.height ?? 0,
  };
}
