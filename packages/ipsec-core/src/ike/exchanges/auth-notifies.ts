import { noNatsAllowed } from '../../wire/ike/mobike-notifies.js';
import { notify } from '../../wire/ike/payloads/notify.js';
import type { Payload } from '../../wire/ike/payloads/registry.js';
import { sameAddress } from '../connection.js';
import { isToken, tokenNotify } from '../crash-detection.js';
import type { IkeSa } from '../ike-sa.js';
import { learnAddresses } from './address-grant.js';
import { ownList } from './address-update.js';
import { inform } from './inform.js';
import { findNotify } from './payload-access.js';

/** What either side says of itself in IKE_AUTH, under protection. */
export function authAnnouncements(sa: IkeSa): Payload[] {
  const { windowSize } = sa.host;
  return [
    ...(windowSize > 1 ? [notify('SET_WINDOW_SIZE', Uint8Array.of(0, 0, 0, windowSize))] : []),
    ...crashToken(sa),
    ...mobikeAnnouncements(sa),
  ];
}

/**
 * RFC 4555 sections 3.2, 3.4 and 3.9: the initiator offers MOBIKE where the connection has it, the responder when the
 * initiator did. The addresses of IKE_AUTH are those that the SAs begin with, so that where no NAT may be they are in it.
 */
function mobikeAnnouncements(sa: IkeSa): Payload[] {
  const { lineage, role } = sa;
  const { connection, mobility, natTraversal, path } = lineage;
  const offers = role === 'initiator' ? connection.mobike !== undefined : mobility.inUse;
  if (!offers) return [];
  const others = mobility.own.some((address) => !sameAddress(address, path.local.address));
  return [
    notify('MOBIKE_SUPPORTED'),
    ...(others ? ownList(lineage) : []),
    ...(role === 'initiator' && !natTraversal ? [noNatsAllowed(path.local, path.remote)] : []),
  ];
}

/** To be called when the peer's identity is proved. */
export function absorbAuth(sa: IkeSa, payloads: readonly Payload[]): void {
  const { lineage } = sa;
  absorbToken(sa, payloads);
  sa.widenWindow(sa.host.windowSize);
  lineage.mobility.inUse =
    lineage.connection.mobike !== undefined && findNotify(payloads, 'MOBIKE_SUPPORTED') !== undefined;
  if (lineage.mobility.inUse) learnAddresses(lineage, payloads, lineage.path);
}

/** RFC 6290 section 4.3: in IKE_AUTH, and again for the successor of an IKE SA. */
export function crashToken(sa: IkeSa): Payload[] {
  const token = sa.host.crashDetection?.tokenOf(sa);
  return token === undefined ? [] : [tokenNotify(token)];
}

/** Who asked for the rekey learns the other SPI with the answer, and sends its token in an exchange of its own. */
export function sendCrashToken(sa: IkeSa, now: number): void {
  const token = crashToken(sa);
  if (token.length > 0) inform(sa.lineage, 'crash-token', token, now);
}

export function absorbToken(sa: IkeSa, payloads: readonly Payload[]): void {
  const token = findNotify(payloads, 'QUICK_CRASH_DETECTION')?.data;
  if (token !== undefined && isToken(token)) sa.peerToken = token;
}
