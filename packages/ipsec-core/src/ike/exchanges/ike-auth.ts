import { EXCHANGE } from '../../wire/ike/iana.js';
import { describeIdentity, identification, sameIdentity } from '../../wire/ike/payloads/identification.js';
import { notify } from '../../wire/ike/payloads/notify.js';
import type { Payload } from '../../wire/ike/payloads/registry.js';
import { sameAddress } from '../connection.js';
import type { IkeSa } from '../ike-sa.js';
import type { FailureReason } from '../outputs.js';
import type { Handshake } from '../states.js';
import { checkIdentity, octetsOf, proveIdentity } from './authentication.js';
import { acceptChild, answerChild, childOffer, installChild, jittered } from './child-negotiation.js';
import { find, findError, findNotify } from './payload-access.js';

/** RFC 7296 section 1.2: the initiator proves who it is and asks for the first Child SA. */
export function sendAuth(sa: IkeSa, handshake: Handshake, now: number): void {
  const { connection, host } = sa;
  const id = identification('IDi', connection.localIdentity);
  const octets = octetsOf(sa, handshake, 'initiator', id, sa.nextIds.own);
  sa.state = { name: 'awaiting-own-signature', handshake };
  proveIdentity(
    sa,
    handshake,
    octets,
    (proof, later) => {
      if (sa.state.name !== 'awaiting-own-signature') return;
      if ('failed' in proof) {
        sa.fail({ code: 'signing_failed', detail: proof.failed }, later);
        return;
      }
      const spi = host.newChildSpi();
      const contact = host.hasOther(sa) ? [] : [notify('INITIAL_CONTACT')];
      const payloads = [
        id,
        ...proof,
        identification('IDr', connection.remoteIdentity),
        ...contact,
        ...childOffer(connection.child, spi, false),
      ];
      sa.state = { name: 'awaiting-auth-response', handshake };
      const authId = sa.nextIds.own;
      sa.sendRequest(EXCHANGE.IKE_AUTH, payloads, later, (response, at) =>
        receiveAuth(sa, handshake, spi, authId, response, at),
      );
    },
    now,
  );
}

export function respondAuth(sa: IkeSa, handshake: Handshake, payloads: readonly Payload[], now: number): void {
  const [id, auth, wanted] = [find(payloads, 'IDi'), find(payloads, 'AUTH'), find(payloads, 'IDr')];
  if (id === undefined || auth === undefined || handshake.pending.length > 0) {
    refuse(sa, handshake.pending.length > 0 ? 'additional key exchanges are missing' : 'no IDi or AUTH', now);
    return;
  }
  const connection = sa.host.connections.find(
    (candidate) =>
      sameIdentity(candidate.remoteIdentity, id.identity) &&
      (wanted === undefined || sameIdentity(candidate.localIdentity, wanted.identity)) &&
      (candidate.remote === undefined || sameAddress(candidate.remote.address, sa.remote.address)),
  );
  if (connection === undefined) {
    refuse(sa, `no connection for the peer ${describeIdentity(id.identity)}`, now);
    return;
  }
  sa.connection = connection;
  sa.state = { name: 'awaiting-peer-verification', handshake };
  const authId = sa.nextIds.peer;
  const octets = octetsOf(sa, handshake, 'initiator', id, authId);
  const prove = (failure: string | undefined, later: number) => {
    if (sa.state.name !== 'awaiting-peer-verification') return;
    if (failure !== undefined) {
      refuse(sa, failure, later);
      return;
    }
    const own = identification('IDr', connection.localIdentity);
    const ownOctets = octetsOf(sa, handshake, 'responder', own, authId);
    proveIdentity(
      sa,
      handshake,
      ownOctets,
      (proof, at) => {
        if (sa.state.name !== 'awaiting-peer-verification') return;
        if ('failed' in proof) refuse(sa, proof.failed, at);
        else grant(sa, handshake, payloads, [own, ...proof], at);
      },
      later,
    );
  };
  checkIdentity(sa, id, auth, payloads, octets, prove, now);
}

/** Both identities are proved; a refused Child SA does not undo the IKE SA (section 1.2). */
function grant(
  sa: IkeSa,
  handshake: Handshake,
  payloads: readonly Payload[],
  proof: readonly Payload[],
  now: number,
): void {
  if (findNotify(payloads, 'INITIAL_CONTACT') !== undefined) sa.host.forgetOthers(sa, now);
  if (find(payloads, 'SA') === undefined) {
    sa.respond(EXCHANGE.IKE_AUTH, proof, now);
    establish(sa, now);
    return;
  }
  const { child } = sa.connection;
  const spi = sa.host.newChildSpi();
  const outcome = answerChild(child, payloads, spi, false);
  if (outcome.ok) {
    const { initiatorNonce, responderNonce } = handshake.inputs;
    const inputs = { shared: undefined, initiatorNonce, responderNonce, weInitiated: false, useOutbound: true };
    installChild(sa, child, outcome.agreement, spi, inputs, now);
  } else {
    childFailed(sa, outcome.reason, now);
  }
  sa.respond(EXCHANGE.IKE_AUTH, [...proof, ...(outcome.ok ? outcome.answer : outcome.refusal)], now);
  establish(sa, now);
}

function receiveAuth(
  sa: IkeSa,
  handshake: Handshake,
  spi: number,
  authId: number,
  payloads: readonly Payload[],
  now: number,
): void {
  const [id, auth] = [find(payloads, 'IDr'), find(payloads, 'AUTH')];
  const error = findError(payloads);
  if (id === undefined || auth === undefined) {
    sa.fail({ code: 'peer_refused', notify: error ?? 'no IDr or AUTH', exchange: 'IKE_AUTH' }, now);
    return;
  }
  if (!sameIdentity(id.identity, sa.connection.remoteIdentity)) {
    sa.fail({ code: 'authentication_failed', detail: `the peer is ${describeIdentity(id.identity)}` }, now);
    return;
  }
  sa.state = { name: 'awaiting-peer-verification', handshake };
  const octets = octetsOf(sa, handshake, 'responder', id, authId);
  const conclude = (failure: string | undefined, later: number) => {
    if (sa.state.name !== 'awaiting-peer-verification') return;
    if (failure !== undefined) {
      // Section 2.21.2: the responder believes that the SA stands; tell it, on the SA itself.
      sa.enqueue(
        (at) => sa.sendRequest(EXCHANGE.INFORMATIONAL, [notify('AUTHENTICATION_FAILED')], at, () => undefined),
        later,
      );
      sa.fail({ code: 'authentication_failed', detail: failure }, later);
      return;
    }
    acceptFirstChild(sa, handshake, spi, error, payloads, later);
    establish(sa, later);
  };
  checkIdentity(sa, id, auth, payloads, octets, conclude, now);
}

function acceptFirstChild(
  sa: IkeSa,
  handshake: Handshake,
  spi: number,
  error: string | undefined,
  payloads: readonly Payload[],
  now: number,
): void {
  const { child } = sa.connection;
  const agreement = acceptChild(child, payloads, false);
  if (error !== undefined || agreement === undefined) {
    const notifyName = error ?? 'an answer that was not offered';
    childFailed(sa, { code: 'peer_refused', notify: notifyName, exchange: 'IKE_AUTH' }, now);
    return;
  }
  const { initiatorNonce, responderNonce } = handshake.inputs;
  const inputs = { shared: undefined, initiatorNonce, responderNonce, weInitiated: true, useOutbound: true };
  installChild(sa, child, agreement, spi, inputs, now);
}

function establish(sa: IkeSa, now: number): void {
  sa.state = { name: 'established' };
  sa.timers.clear('half-open');
  sa.timers.set('rekey-ike', now + jittered(sa, sa.connection.lifetime));
  sa.timers.set('liveness', now + sa.connection.livenessInterval);
  sa.history.add(now, 'local', 'established');
  const { name: connection } = sa.connection;
  sa.host.emit({
    kind: 'event',
    event: { kind: 'ike-established', connection, additionalKeyExchanges: sa.additionalKeyExchanges },
  });
}

function refuse(sa: IkeSa, detail: string, now: number): void {
  sa.respond(EXCHANGE.IKE_AUTH, [notify('AUTHENTICATION_FAILED')], now);
  sa.fail({ code: 'authentication_failed', detail }, now);
}

export function childFailed(sa: IkeSa, reason: FailureReason, now: number): void {
  sa.history.add(now, 'local', 'child failed', { reason });
  sa.host.emit({ kind: 'event', event: { kind: 'child-failed', connection: sa.connection.name, reason } });
}
