import { intermediateAuth } from '../../crypto/ike/auth-octets.js';
import { KeyExchangeError } from '../../crypto/ike/key-exchange/key-exchange.js';
import { addKeyExchange, type IkeKeys } from '../../crypto/ike/key-schedule.js';
import { EXCHANGE } from '../../wire/ike/iana.js';
import { notify } from '../../wire/ike/payloads/notify.js';
import type { Payload } from '../../wire/ike/payloads/registry.js';
import type { IkeSa } from '../ike-sa.js';
import type { OpenedMessage, SealedMessage } from '../protection.js';
import type { Handshake } from '../states.js';
import { sendAuth } from './auth-initiator.js';
import { find, findError } from './payload-access.js';

/** IKE_INTERMEDIATE (RFC 9242) carrying one additional key exchange (RFC 9370 section 2.2.2). */
export function sendIntermediate(sa: IkeSa, handshake: Handshake, now: number): void {
  const method = handshake.pending[0];
  if (method === undefined) {
    sendAuth(sa, handshake, now);
    return;
  }
  const share = sa.host.keyExchange.initiate(method, sa.host.random);
  const { keys } = sa;
  sa.state = { name: 'awaiting-intermediate-response', handshake, share };
  const payloads = [{ kind: 'KE', method, data: share.publicValue } as const];
  const onResponse = (response: readonly Payload[], later: number, received: OpenedMessage) => {
    const ke = find(response, 'KE');
    const error = findError(response);
    if (error !== undefined || ke?.method !== method) {
      const reason = { code: 'peer_refused', notify: error ?? 'no key share', exchange: 'IKE_INTERMEDIATE' } as const;
      sa.abort(reason, later);
      return;
    }
    const authenticated = cover(keys, handshake, sent, received);
    try {
      const shared = share.finish(ke.data);
      sa.secure(addKeyExchange(keys, shared, handshake.inputs));
      shared.wipe();
    } catch (failure) {
      if (!(failure instanceof KeyExchangeError)) throw failure;
      sa.abort({ code: 'invalid_key_exchange', detail: failure.message }, later);
      return;
    }
    sa.lineage.additionalKeyExchanges = [...sa.lineage.additionalKeyExchanges, method];
    sendIntermediate(sa, { ...authenticated, pending: handshake.pending.slice(1) }, later);
  };
  const purpose = { kind: 'handshake' } as const;
  const sent = sa.request({ purpose, exchange: EXCHANGE.IKE_INTERMEDIATE, payloads, onResponse }, now);
}

export function respondIntermediate(sa: IkeSa, message: OpenedMessage, now: number): void {
  if (sa.state.name !== 'awaiting-auth-request') return;
  const { handshake } = sa.state;
  const ke = find(message.payloads, 'KE');
  const method = handshake.pending[0];
  if (ke === undefined || method === undefined || ke.method !== method) {
    sa.respond(EXCHANGE.IKE_INTERMEDIATE, [notify('INVALID_SYNTAX')], now);
    sa.abort({ code: 'invalid_key_exchange', detail: `expected a share of method ${method}` }, now);
    return;
  }
  try {
    const answer = sa.host.keyExchange.respond(method, ke.data, sa.host.random);
    const { keys } = sa;
    const sent = sa.respond(EXCHANGE.IKE_INTERMEDIATE, [{ kind: 'KE', method, data: answer.publicValue }], now);
    const covered = cover(keys, handshake, message, sent);
    // The response went out under the old keys; everything after it uses the new ones.
    sa.secure(addKeyExchange(keys, answer.shared, handshake.inputs));
    answer.shared.wipe();
    sa.lineage.additionalKeyExchanges = [...sa.lineage.additionalKeyExchanges, method];
    sa.state = { name: 'awaiting-auth-request', handshake: { ...covered, pending: handshake.pending.slice(1) } };
  } catch (failure) {
    if (!(failure instanceof KeyExchangeError)) throw failure;
    sa.respond(EXCHANGE.IKE_INTERMEDIATE, [notify('INVALID_SYNTAX')], now);
    sa.abort({ code: 'invalid_key_exchange', detail: failure.message }, now);
  }
}

/** Both running values, with the keys that protected this exchange (RFC 9242 section 3.3.2). */
function cover(
  keys: IkeKeys,
  handshake: Handshake,
  request: Pick<SealedMessage, 'intermediateHeader' | 'plaintext'>,
  response: Pick<SealedMessage, 'intermediateHeader' | 'plaintext'>,
): Handshake {
  const { prf } = keys;
  return {
    ...handshake,
    intermediateInitiator: intermediateAuth(
      prf,
      keys.pi,
      handshake.intermediateInitiator,
      request.intermediateHeader,
      request.plaintext,
    ),
    intermediateResponder: intermediateAuth(
      prf,
      keys.pr,
      handshake.intermediateResponder,
      response.intermediateHeader,
      response.plaintext,
    ),
  };
}
