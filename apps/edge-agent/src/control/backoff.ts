/**
 * Pause before the next attempt: full jitter over an exponentially growing ceiling, so that a thousand edges which
 * lost their controller together do not come back together.
 * @param attempt failures in a row so far, from 0
 * @param random a number in [0, 1)
 * @returns milliseconds
 */
export function backoffMilliseconds(attempt: number, random: number): number {
  const ceiling = Math.min(LONGEST_MILLISECONDS, SHORTEST_MILLISECONDS * 2 ** Math.min(attempt, MAX_EXPONENT));
  return SHORTEST_MILLISECONDS + random * (ceiling - SHORTEST_MILLISECONDS);
}

export const SHORTEST_MILLISECONDS = 200;
export const LONGEST_MILLISECONDS = 10_000;
const MAX_EXPONENT = 20;
