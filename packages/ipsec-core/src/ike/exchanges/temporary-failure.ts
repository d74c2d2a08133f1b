import type { Lineage } from '../lineage.js';
import { TEMPORARY_FAILURE_LIMIT } from '../timers.js';
import { breakOff } from './close.js';

/**
 * RFC 7296 section 2.25: "If a peer continues to receive TEMPORARY_FAILURE on the same IKE SA after several minutes, it
 * SHOULD conclude that the state information is out of sync and close the IKE SA." True when that has come.
 */
export function refusedForNow(lineage: Lineage, now: number): boolean {
  lineage.refusedSince ??= now;
  if (now - lineage.refusedSince < TEMPORARY_FAILURE_LIMIT) return false;
  breakOff(lineage, { code: 'out_of_step' }, now);
  return true;
}
