import type { Secret } from '../../bytes/secret.js';
import { intermediateAuth } from '../../crypto/ike/auth-octets.js';
import type { InitiatedKeyExchange } from '../../crypto/ike/key-exchange/key-exchange.js';
import { addKeyExchange, addPpk, type IkeKeys } from '../../crypto/ike/key-schedule.js';
import { EXCHANGE } from '../../wire/ike/iana.js';
import { identification } from '../../wire/ike/payloads/identification.js';
import { notify } from '../../wire/ike/payloads/notify.js';
import type { Payload } from '../../wire/ike/payloads/registry.js';
import { updateHints } from '../authentication-hints.js';
import { methodsFor, proofRequests } from '../authentication-requests.js';
import type { Ppk } from '../connection.js';
import type { IkeSa } from '../ike-sa.js';
import { encodeId } from '../ppk-choice.js';
import type { OpenedMessage, SealedMessage } from '../protection.js';
import type { Handshake } from '../states.js';
import { sendAuth } from './auth-initiator.js';
import { answerShare, finishShare, type InvalidShare, makeShare } from './key-shares.js';
import { find, findError } from './payload-access.js';
import { choosePpk, chosenPpk, offersPpk, ppkOffers } from './ppk-intermediate.js';

/**
 * IKE_INTERMEDIATE (RFC 9242): one exchange for each additional key exchange (RFC 9370 section 2.2.2); the last carries the
 * PPKs (RFC 9867) and asks for the responder's authentication methods that are still to come (RFC 9593 section 3.1), and
 * where there is no additional key exchange it is for these alone.
 */
export function sendIntermediate(sa: IkeSa, handshake: Handshake, now: number): void {
  const method = handshake.pending[0];
  if (method === undefined && !handshake.methodsPending && handshake.ppkMixing !== 'ike-intermediate') {
    sendAuth(sa, handshake, now);
    return;
  }
  if (method === undefined) {
    sendNext(sa, handshake, undefined, now);
    return;
  }
  sa.state = { name: 'awaiting-key-exchange', initiatorMessage: handshake.initiatorMessage };
  const done = (share: InitiatedKeyExchange | InvalidShare, later: number) => {
    if ('invalid' in share) sa.abort({ code: 'invalid_key_exchange', detail: share.invalid }, later);
    else if (sa.state.name === 'awaiting-key-exchange') sendNext(sa, handshake, share, later);
    else share.discard();
  };
  makeShare(sa.host, method, done, now);
}

function sendNext(sa: IkeSa, handshake: Handshake, share: InitiatedKeyExchange | undefined, now: number): void {
  const { keys } = sa;
  const method = share?.method;
  const last = handshake.pending.length <= 1;
  sa.state = { name: 'awaiting-intermediate-response', handshake, share };
  const payloads: readonly Payload[] = [
    ...(share === undefined ? [] : [{ kind: 'KE', method: share.method, data: share.publicValue } as const]),
    ...(handshake.methodsPending && last ? introduction(sa) : []),
    ...(last ? ppkOffers(sa, handshake) : []),
  ];
  const onResponse = (response: readonly Payload[], later: number, received: OpenedMessage) => {
    const ke = find(response, 'KE');
    const error = findError(response);
    if (error !== undefined || ke?.method !== method) {
      const reason = { code: 'peer_refused', notify: error ?? 'no key share', exchange: 'IKE_INTERMEDIATE' } as const;
      sa.abort(reason, later);
      return;
    }
    const covered = cover(keys, handshake, sent, received);
    const peerHints = updateHints(handshake.peerHints, response);
    const ppk = chosenPpk(sa, handshake, last ? response : []);
    const required = last && handshake.ppkMixing === 'ike-intermediate' && sa.lineage.connection.ppk?.required === true;
    if (ppk === 'not offered' || (required && ppk === undefined)) {
      const detail = 'the peer chose a PPK that was not offered';
      sa.abort(ppk === undefined ? { code: 'ppk_required' } : { code: 'invalid_message', detail }, later);
      return;
    }
    const shared = share === undefined || ke === undefined ? undefined : finishShare(share, ke.data);
    if (shared !== undefined && 'invalid' in shared) {
      sa.abort({ code: 'invalid_key_exchange', detail: shared.invalid }, later);
      return;
    }
    renew(sa, method, shared, ppk, handshake);
    const settled = last ? { methodsPending: false, ppkMixing: settledMixing(handshake), mixedPpk: ppk } : {};
    sendIntermediate(sa, { ...covered, peerHints, ...settled, pending: handshake.pending.slice(1) }, later);
  };
  const purpose = { kind: 'handshake' } as const;
  const shared = share === undefined ? {} : { share };
  const sent = sa.request({ purpose, exchange: EXCHANGE.IKE_INTERMEDIATE, payloads, onResponse, ...shared }, now);
}

/**
 * So that the responder can answer with the methods for us alone. "If these payloads are sent, they MUST be identical to
 * the IDi/IDr payloads sent later in the IKE_AUTH request."
 */
function introduction({ lineage: { connection } }: IkeSa): readonly Payload[] {
  return [identification('IDi', connection.localIdentity), identification('IDr', connection.remoteIdentity)];
}

/** New keys, when there is anything new in them: they protect everything after this exchange. */
function renew(
  sa: IkeSa,
  method: number | undefined,
  shared: Secret | undefined,
  ppk: Ppk | undefined,
  { inputs }: Handshake,
): void {
  if (shared === undefined && ppk === undefined) return;
  const exchanged = shared === undefined ? sa.keys : addKeyExchange(sa.keys, shared, inputs);
  shared?.wipe();
  if (shared !== undefined && method !== undefined)
    sa.lineage.additionalKeyExchanges = [...sa.lineage.additionalKeyExchanges, method];
  // The PPK comes after everything else that makes keys (RFC 9867 section 3.1).
  sa.secure(ppk === undefined ? exchanged : addPpk(exchanged, ppk.key, inputs));
}

/** The PPKs were offered and one of them chosen, or none: there is no second time, neither here nor in IKE_AUTH. */
function settledMixing({ ppkMixing }: Handshake): Handshake['ppkMixing'] {
  return ppkMixing === 'ike-intermediate' ? undefined : ppkMixing;
}

export function respondIntermediate(sa: IkeSa, message: OpenedMessage, now: number): void {
  if (sa.state.name !== 'awaiting-auth-request') return;
  const { handshake } = sa.state;
  const ke = find(message.payloads, 'KE');
  const method = handshake.pending[0];
  const last = handshake.pending.length <= 1;
  const offered = last && offersPpk(handshake, message.payloads);
  // Without a key exchange there are two things left that may be asked for, once.
  const empty = method === undefined && ke === undefined && (handshake.methodsPending || offered);
  if (!empty && (ke === undefined || method === undefined || ke.method !== method)) {
    sa.respond(EXCHANGE.IKE_INTERMEDIATE, [notify('INVALID_SYNTAX')], now);
    sa.abort({ code: 'invalid_key_exchange', detail: `expected a share of method ${method}` }, now);
    return;
  }
  const share = ke === undefined ? undefined : answerShare(sa.host, ke.method, ke.data);
  if (share !== undefined && 'invalid' in share) {
    sa.respond(EXCHANGE.IKE_INTERMEDIATE, [notify(share.refusal)], now);
    sa.abort({ code: 'invalid_key_exchange', detail: share.invalid }, now);
    return;
  }
  const { keys } = sa;
  const methods = owedMethods(sa, handshake, message.payloads);
  const ppk = offered ? choosePpk(sa, handshake, message.payloads) : undefined;
  const answer = [
    ...(share === undefined || ke === undefined
      ? []
      : [{ kind: 'KE' as const, method: ke.method, data: share.publicValue }]),
    ...methods,
    ...(ppk === undefined ? [] : [notify('PPK_IDENTITY', encodeId(ppk))]),
  ];
  const sent = sa.respond(EXCHANGE.IKE_INTERMEDIATE, answer, now);
  const covered = cover(keys, handshake, message, sent);
  const methodsPending = handshake.methodsPending && methods.length === 0;
  // The response went out under the old keys; everything after it uses the new ones.
  renew(sa, ke?.method, share?.shared, ppk, handshake);
  const settled = offered ? { ppkMixing: settledMixing(handshake), mixedPpk: ppk } : {};
  const next = { ...covered, methodsPending, ...settled, pending: handshake.pending.slice(1) };
  sa.state = { name: 'awaiting-auth-request', handshake: next };
}

/**
 * "It is RECOMMENDED that the responder use the last IKE_INTERMEDIATE exchange", or the one in which the initiator says who
 * it is: then the methods are those of its own connections. The authorities, to which they may be linked, come along.
 */
function owedMethods(sa: IkeSa, handshake: Handshake, request: readonly Payload[]): readonly Payload[] {
  const id = find(request, 'IDi');
  if (!handshake.methodsPending || (handshake.pending.length > 1 && id === undefined)) return [];
  const { connections } = sa.host;
  const own = id === undefined ? [] : connections.of(id.identity);
  const asked = own.length > 0 ? proofRequests(own) : connections.proofRequests(sa.lineage.path.remote);
  return [...asked.certificates, methodsFor(asked, handshake.peerHashes !== undefined)];
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
