import { EXCHANGE } from '../../wire/ike/iana.js';
import type { Payload } from '../../wire/ike/payloads/registry.js';
import type { IkeSa } from '../ike-sa.js';
import { findNotify } from './payload-access.js';

/**
 * The answer to CREATE_CHILD_SA or IKE_FOLLOWUP_KE. RFC 7296 section 2.21.3: INVALID_SYNTAX "is considered fatal in both
 * peers, meaning that the IKE SA is deleted without needing an explicit Delete payload".
 */
export function answerOrBreak(
  sa: IkeSa,
  answer: readonly Payload[],
  now: number,
  exchange: number = EXCHANGE.CREATE_CHILD_SA,
): void {
  sa.respond(exchange, answer, now);
  if (findNotify(answer, 'INVALID_SYNTAX') === undefined) return;
  sa.abort({ code: 'invalid_message', detail: 'a payload is missing, or a key share is none of its method' }, now);
}
