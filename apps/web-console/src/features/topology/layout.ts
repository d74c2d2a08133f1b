/** Where things stand on the canvas. Pure: the same sites always stand in the same places, whatever their state. */

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Box extends Point {
  readonly width: number;
  readonly height: number;
}

/** Room between neighbours on the ring, so that both rates of a link can be read. */
const SPACING_X = 330;
const SPACING_Y = 215;
const BASE_RADIUS = { x: 250, y: 175 } as const;
const RADIUS_PER_SITE = { x: 50, y: 30 } as const;

/**
 * Puts ids on an ellipse, the first at the top, clockwise. A mesh has no direction, and on a ring no link runs behind
 * a third node. One stands in the middle, two side by side.
 */
export function placeOnRing(ids: readonly string[]): ReadonlyMap<string, Point> {
  if (ids.length === 1) return new Map(ids.map((id) => [id, { x: 0, y: 0 }]));
  const turn = ids.length === 2 ? Math.PI : -Math.PI / 2;
  const radiusX = Math.max(BASE_RADIUS.x + RADIUS_PER_SITE.x * ids.length, (ids.length * SPACING_X) / (2 * Math.PI));
  const radiusY = Math.max(BASE_RADIUS.y + RADIUS_PER_SITE.y * ids.length, (ids.length * SPACING_Y) / (2 * Math.PI));
  return new Map(
    ids.map((id, index) => {
      const angle = turn + (2 * Math.PI * index) / ids.length;
      return [id, { x: Math.round(radiusX * Math.cos(angle)), y: Math.round(radiusY * Math.sin(angle)) }];
    }),
  );
}

/** Where the line from the middle of a box towards a point leaves the box. */
export function leaveBox(box: Box, towards: Point): Point {
  const middle = middleOf(box);
  const dx = towards.x - middle.x;
  const dy = towards.y - middle.y;
  if (dx === 0 && dy === 0) return middle;
  const scale = Math.min(
    dx === 0 ? Number.POSITIVE_INFINITY : box.width / 2 / Math.abs(dx),
    dy === 0 ? Number.POSITIVE_INFINITY : box.height / 2 / Math.abs(dy),
  );
  return { x: middle.x + dx * scale, y: middle.y + dy * scale };
}

export function middleOf({ x, y, width, height }: Box): Point {
  return { x: x + width / 2, y: y + height / 2 };
}

/** The point at a share of the way from one point to another. */
export function between(from: Point, to: Point, share: number): Point {
  return { x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share };
}

/** Width of a link in pixels: one more for every ten times the rate (octets per second), so that idle and busy differ. */
export function linkWidth(bytesPerSecond: number): number {
  return 1.5 + Math.min(4, Math.log10(1 + Math.max(0, bytesPerSecond) / 1000));
}
