/**
 * Milliseconds until the next attempt after so many failed in a row: doubling from one second to one minute, and half of
 * it drawn at random, so that edges that lost one peer do not come back to it at once. `draw` is in 0..1.
 */
export function retryPause(failures: number, draw: number): number {
  const longest = Math.min(FIRST * 2 ** Math.min(failures, 16), LONGEST);
  return longest / 2 + (longest / 2) * draw;
}

const FIRST = 1000;
const LONGEST = 60_000;
