import { vi } from 'vitest';

/** Longest wait for what is certain to come: far beyond what a slow and busy machine needs, and no part of any claim. */
export const PATIENCE_MILLISECONDS = 60_000;

/** Repeats an assertion about something that sends no event until it holds; fails with its last complaint. */
export function eventually<T>(look: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(look, { timeout: PATIENCE_MILLISECONDS, interval: INTERVAL_MILLISECONDS });
}

const INTERVAL_MILLISECONDS = 20;
