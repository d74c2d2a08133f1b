/** How often a delivery is tried before its webhook is disabled. */
export const ATTEMPTS_MAXIMUM = 12;

/**
 * After how many milliseconds a delivery is tried again that has failed so many times: exponential, with full jitter, so that what failed
 * together does not come back together.
 *
 * @param random from 0 to 1, 1 excluded
 */
export function retryDelayMilliseconds(attempts: number, random: number): number {
  return Math.floor(random * Math.min(LONGEST_MILLISECONDS, FIRST_MILLISECONDS * 2 ** (attempts - 1)));
}

const FIRST_MILLISECONDS = 5_000;
const LONGEST_MILLISECONDS = 3 * 60 * 60 * 1_000;
