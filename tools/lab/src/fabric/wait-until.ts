import { setTimeout as delay } from 'node:timers/promises';

/** One look at a state: either what was waited for, or why it is not there yet. */
export type Attempt<T> = { readonly problem: string } | { readonly problem?: undefined; readonly value: T };

/**
 * Looks again and again until there is no problem: for states that can be read but do not announce themselves. Throws with
 * the last problem when the time is over.
 */
export async function waitUntil<T>(
  what: string,
  timeoutMilliseconds: number,
  look: () => Promise<Attempt<T>>,
): Promise<T> {
  const deadline = performance.now() + timeoutMilliseconds;
  for (;;) {
    const attempt = await look();
    if (attempt.problem === undefined) return attempt.value;
    if (performance.now() > deadline) {
      throw new Error(`${what}: not within ${timeoutMilliseconds / 1000} s. ${attempt.problem}`);
    }
    await delay(POLL_INTERVAL_MILLISECONDS);
  }
}

const POLL_INTERVAL_MILLISECONDS = 100;
