import type { IkeMessage } from '../../wire/ike/message.js';
import { sameToken } from '../crash-detection.js';
import type { IkeSa } from '../ike-sa.js';
import { checkLiveness } from './liveness.js';
import { findNotify } from './payload-access.js';

/**
 * A message in the clear about an IKE SA that has keys. Anybody can have sent it, so that it is a hint at most: RFC 7296
 * section 2.21.4 lets us ask the peer, on the SA itself, whether it lives. Only the token of RFC 6290, which the peer gave
 * us under protection, ends the SA. False when the message is no such hint.
 */
export function receiveUnprotected(sa: IkeSa, { header, payloads }: IkeMessage, now: number): boolean {
  const { lineage } = sa;
  if (!header.response || findNotify(payloads, 'INVALID_IKE_SPI') === undefined) return false;
  if (sa.state.name !== 'established') return false;
  const token = findNotify(payloads, 'QUICK_CRASH_DETECTION')?.data;
  if (token !== undefined && sa.peerToken !== undefined && lineage.hints.take(now) && sameToken(token, sa.peerToken)) {
    lineage.broken(sa, { code: 'peer_crashed' }, now);
    return true;
  }
  if (lineage.hints.take(now)) checkLiveness(lineage, now, true);
  return true;
}
