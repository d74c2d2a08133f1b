import type { VerifiedBundle } from './bundle/verified-bundle.js';
import { RejectionError } from './rejection.js';

/** What of a bundle can be lost. */
export type Removable = Pick<VerifiedBundle, 'tunnels' | 'policies' | 'contentHash'>;

/** The bundle that is to follow, and what its operator has agreed to. */
export type Successor = Removable & Pick<VerifiedBundle, 'agreedRemovalFrom'>;

/**
 * Refuses a bundle with which too much of what is in force would be gone: a compiler that errs, a database that was restored
 * half, or a slip of a hand is not to take a site off the net. Nothing is refused when nothing runs, nor when an operator has
 * agreed to what is removed from exactly the bundle that runs. Pure. Throws RejectionError `mass_removal`.
 * @param limitPercent share of what is in force that may go at once, 0 to 100
 */
export function checkRemovals(running: Removable | undefined, next: Successor, limitPercent: number): void {
  if (running === undefined || next.agreedRemovalFrom === running.contentHash) return;
  const tunnels = running.tunnels.keys();
  check('tunnels', 'tunnels', [...tunnels], (id) => next.tunnels.has(id), limitPercent);
  const kept = new Set(next.policies.map(({ entryId }) => entryId));
  const entries = running.policies.map(({ entryId }) => entryId);
  check('security_policies', 'policy entries', entries, (id) => kept.has(id), limitPercent);
}

function check(
  path: string,
  noun: string,
  before: readonly string[],
  isKept: (id: string) => boolean,
  limitPercent: number,
): void {
  const removed = before.filter((id) => !isKept(id)).length;
  if (removed <= ALWAYS_ALLOWED || removed * 100 <= before.length * limitPercent) return;
  throw new RejectionError(
    path,
    'mass_removal',
    `${removed} of ${before.length} ${noun} in force would be removed, which is more than ${ALWAYS_ALLOWED} and more than ` +
      `${limitPercent} %; if that is meant, publish again and agree to the removals, or raise removal-limit at this edge`,
  );
}

/** A small site may lose all it has: that is seen at once, and soon repaired. */
export const ALWAYS_ALLOWED = 10;
