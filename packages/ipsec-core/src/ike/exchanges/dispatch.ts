import { EXCHANGE } from '../../wire/ike/iana.js';
import { notify } from '../../wire/ike/payloads/notify.js';
import type { IkeSa } from '../ike-sa.js';
import type { OpenedMessage } from '../protection.js';
import { respondAuth } from './auth-responder.js';
import { respondCreateChildSa } from './child-grant.js';
import { respondIntermediate } from './ike-intermediate.js';
import { respondInformational } from './informational.js';

/** An authentic request with a legal set of payloads goes to its exchange, if the state admits it. */
export function handleRequest(sa: IkeSa, message: OpenedMessage, now: number): void {
  const { header, payloads } = message;
  const { state } = sa;
  if (state.name === 'awaiting-auth-request') {
    if (header.exchange === EXCHANGE.IKE_INTERMEDIATE) {
      respondIntermediate(sa, state.handshake, message, now);
      return;
    }
    if (header.exchange === EXCHANGE.IKE_AUTH) {
      respondAuth(sa, state.handshake, payloads, now);
      return;
    }
  }
  if (state.name === 'established' || state.name === 'replaced' || state.name === 'deleting') {
    if (header.exchange === EXCHANGE.CREATE_CHILD_SA) {
      respondCreateChildSa(sa, payloads, now);
      return;
    }
    if (header.exchange === EXCHANGE.INFORMATIONAL) {
      respondInformational(sa, payloads, now);
      return;
    }
  }
  sa.respond(header.exchange, [notify('INVALID_SYNTAX')], now);
  sa.abort({ code: 'invalid_message', detail: `exchange ${header.exchange} while ${state.name}` }, now);
}
