import { natTraversalOf } from '../connection.js';
import type { Lineage } from '../lineage.js';
import { requestReauthentication } from './reauthentication.js';

/**
 * Whether there is a NAT between the two is said, found or claimed in IKE_SA_INIT (RFC 7296 section 2.23): what is to be said
 * from now on needs another IKE SA, which is made before the old one goes. So both ends may come to another policy one after
 * the other, and what travels in UDP or does not is agreed between them at any moment.
 */
export function followNatPolicy(lineage: Lineage, now: number): void {
  if (lineage.standing && isOutdated(lineage)) requestReauthentication(lineage, now);
}

function isOutdated({ connection, natPolicy, nat, initiator }: Lineage): boolean {
  const wanted = natTraversalOf(connection);
  // Claimed by either end it is there for both.
  if (wanted === 'forced') return !nat.present;
  if (wanted === 'prohibited') return natPolicy !== wanted;
  // With a NAT before us nothing would be otherwise. One before the peer may be there or be claimed: it knows, and whoever is
  // behind one has to begin, since with MOBIKE the initiator alone says where the SAs go (RFC 4555 section 3.5).
  return natPolicy !== wanted && !nat.weBehind && !(initiator === 'peer' && nat.peerBehind);
}
