import type { Point } from './layout.js';

/** Where the reader dragged nodes to, per tenant, in this browser. Nothing depends on it: unreadable means none. */

export type Positions = Readonly<Record<string, Point>>;

export function loadPositions(tenantId: string): Positions {
  try {
    return parsePositions(localStorage.getItem(keyOf(tenantId)));
  } catch (error) {
    if (error instanceof DOMException) return {};
    throw error;
  }
}

export function savePositions(tenantId: string, positions: Positions): void {
  try {
    localStorage.setItem(keyOf(tenantId), JSON.stringify(positions));
  } catch (error) {
    // Storage is full or blocked: the layout lasts as long as the page.
    if (!(error instanceof DOMException)) throw error;
  }
}

/** Reads what `savePositions` wrote; whatever else stands there is left out. */
export function parsePositions(text: string | null): Positions {
  if (text === null) return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
  if (typeof value !== 'object' || value === null) return {};
  const entries: [string, unknown][] = Object.entries(value);
  return Object.fromEntries(entries.filter((entry): entry is [string, Point] => isPoint(entry[1])));
}

function isPoint(value: unknown): value is Point {
  const point = value as Partial<Point> | null;
  return typeof point === 'object' && Number.isFinite(point?.x) && Number.isFinite(point?.y);
}

function keyOf(tenantId: string): string {
  return `weft-topology-${tenantId}`;
}
