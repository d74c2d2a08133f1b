import { setTimeout as delay } from 'node:timers/promises';

/**
 * Asks again and again until `problem` finds nothing wrong: for states that the public API offers for reading only, not as
 * events. Throws with the last answer when the time is over.
 */
export async function waitUntil(
  what: string,
  timeoutMilliseconds: number,
  problem: () => Promise<string | undefined>,
): Promise<void> {
  const deadline = performance.now() + timeoutMilliseconds;
  for (;;) {
    const wrong = await problem();
    if (wrong === undefined) return;
    if (performance.now() > deadline) {
      throw new Error(`${what}: not within ${timeoutMilliseconds / 1000} s. ${wrong}`);
    }
    await delay(POLL_INTERVAL_MILLISECONDS);
  }
}

const POLL_INTERVAL_MILLISECONDS = 100;
