import { type Bundle, KeyingMode, keyingModeToJSON } from '@weft/contracts/southbound';
import type { RecordedRejection } from './edge-assignment.js';

/**
 * Why an edge whose Hello offers these keying modes cannot run a bundle, as it would say it itself; undefined: it can. The bundle is
 * not sent then, and the edge keeps the one before.
 */
export function keyingNotOffered(
  { tunnels }: Bundle,
  offered: readonly KeyingMode[],
): Omit<RecordedRejection, 'hash'> | undefined {
  const index = tunnels.findIndex(({ keyingMode }) => !offered.includes(keyingMode));
  const missing = tunnels[index];
  if (missing === undefined) return undefined;
  const mode = keyingModeToJSON(missing.keyingMode);
  return {
    path: `tunnels[${index}].keying_mode`,
    rule: KEYING_NOT_OFFERED,
    reason: `its agent does not offer ${mode}; update it, or choose another keying mode for the fabric`,
  };
}

/** Recorded by the controller: it holds only as long as the edge offers no more than it did. */
export const KEYING_NOT_OFFERED = 'keying_mode_not_offered';
