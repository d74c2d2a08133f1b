/** How long an edge may take to answer each step before its session is ended, so that its next Hello tells the truth. */
export const INSTALL_INBOUND_TIMEOUT_MILLISECONDS = 10_000;
export const INSTALL_OUTBOUND_TIMEOUT_MILLISECONDS = 10_000;
export const DELETE_ASSOCIATIONS_TIMEOUT_MILLISECONDS = 10_000;

/** Packets protected with the old associations may still be under way when the new ones are in use. */
export const DRAIN_MILLISECONDS = 2_000;

/** A refused deletion is tried again (RFC 9061 appendix D.2: a failure in step 3 is not rolled back). */
export const DELETE_RETRY_MILLISECONDS = 5_000;

/** Pause after the given number of failures in a row: doubling, bounded. */
export function retryPauseMilliseconds(failures: number): number {
  return Math.min(FIRST_RETRY_MILLISECONDS * 2 ** Math.max(0, failures - 1), LAST_RETRY_MILLISECONDS);
}

export const SOFT_LIFETIME_SECONDS = 3_600;
export const HARD_LIFETIME_SECONDS = 28_800;

const FIRST_RETRY_MILLISECONDS = 1_000;
const LAST_RETRY_MILLISECONDS = 60_000;
