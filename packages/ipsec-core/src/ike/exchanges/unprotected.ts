import type { IkeMessage } from '../../wire/ike/message.js';
import { NOTIFY } from '../../wire/ike/notify-registry.js';
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
  const { peerToken } = sa;
  // "the token taker MUST support at least four QCD_TOKEN notifications in a single packet" (RFC 6290 section 4.5).
  const tokens = payloads.flatMap((each) => (each.kind === 'N' && each.type === QCD_TOKEN ? [each.data] : []));
  const shown = tokens.slice(0, MAXIMUM_TOKENS);
  const tested = peerToken !== undefined && shown.length > 0 && lineage.hints.take(now);
  if (tested && shown.some((token) => sameToken(token, peerToken))) {
    lineage.broken(sa, { code: 'peer_crashed' }, now);
    return true;
  }
  if (lineage.hints.take(now)) checkLiveness(lineage, now, true);
  return true;
}

const QCD_TOKEN = NOTIFY.QUICK_CRASH_DETECTION;
const MAXIMUM_TOKENS = 8;
