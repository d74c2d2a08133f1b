import type { ChildSa } from '../child-sa.js';
import type { Lineage } from '../lineage.js';
import { REKEY_REFUSALS } from '../timers.js';
import { breakOff } from './close.js';

/**
 * The peer refused for good to replace the IKE SA or a Child SA, for the `count`th time. RFC 7296 section 2.8: "If an SA has
 * expired or is about to expire and rekeying attempts using the mechanisms described here fail, an implementation MUST close
 * the IKE SA and any associated Child SAs and then MAY start new ones." Make before break, where we can initiate: another
 * IKE SA takes over, as in a reauthentication; at once for NO_ADDITIONAL_SAS, which will not change, otherwise when it is
 * refused again. Only what that does not replace either is closed.
 */
export function rekeyRefused(lineage: Lineage, count: number, error: string, now: number): void {
  if (count >= REKEY_REFUSALS) breakOff(lineage, { code: 'rekey_refused', notify: error }, now);
  else if (count > 1 || error === 'NO_ADDITIONAL_SAS') lineage.timers.set('reauthenticate', now);
}

/** The same of a Child SA, which goes on, and is to be replaced again a tenth of its lifetime later. */
export function childRekeyRefused(lineage: Lineage, child: ChildSa, error: string, now: number): void {
  child.dueAt = now + child.configuration.lifetime / 10;
  lineage.children.reschedule();
  rekeyRefused(lineage, ++child.refusals, error, now);
}
