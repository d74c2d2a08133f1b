import type { Secret } from '../../bytes/secret.js';
import { KeyExchangeError } from '../../crypto/ike/key-exchange/key-exchange.js';
import { rekeyedKeys } from '../../crypto/ike/key-schedule.js';
import { createPrf } from '../../crypto/ike/prf.js';
import { type IkeSuite, ikeSuiteOf } from '../../crypto/ike/suite.js';
import { EXCHANGE, PROTOCOL, TRANSFORM_TYPE } from '../../wire/ike/iana.js';
import { notify } from '../../wire/ike/payloads/notify.js';
import type { Payload } from '../../wire/ike/payloads/registry.js';
import type { Transform } from '../../wire/ike/payloads/sa.js';
import { compareNonces, lowerNonce } from '../child-sa.js';
import { IkeSa } from '../ike-sa.js';
import { isSelectionOf, negotiate } from '../negotiation.js';
import { TEMPORARY_FAILURE_RETRY } from '../timers.js';
import { jittered, scheduleChildRekey } from './child-negotiation.js';
import { NONCE_LENGTH } from './ike-sa-init.js';
import { deleteChild, deleteIke } from './informational.js';
import { find, findError, findNotify } from './payload-access.js';

/** Replaces the IKE SA (RFC 7296 sections 1.3.2 and 2.18); its Child SAs move to the successor. */
export function requestIkeRekey(sa: IkeSa, now: number): void {
  sa.enqueue((at) => {
    if (sa.state.name !== 'established' || sa.ikeRekey !== undefined) return;
    // Its Delete waits behind us and must travel on this SA: the peer looks for the Child SA here.
    if (sa.children.some((child) => child.phase === 'deleting')) {
      requestIkeRekey(sa, at);
      return;
    }
    const method = proposalsOf(sa)[0]?.find((entry) => entry.type === TRANSFORM_TYPE.KE)?.id ?? 0;
    send(sa, method, at);
  }, now);
}

function send(sa: IkeSa, method: number, now: number): void {
  const { host } = sa;
  sa.ikeRekey = { peer: sa.ikeRekey?.peer };
  const successor = new IkeSa(host, 'initiator', sa.connection, sa.local, sa.remote, host.newIkeSpi());
  const share = host.keyExchange.initiate(method, host.random);
  const nonce = new Uint8Array(NONCE_LENGTH);
  host.random(nonce);
  const payloads: Payload[] = [
    {
      kind: 'SA',
      proposals: proposalsOf(sa).map((transforms, index) => ({
        number: index + 1,
        protocol: PROTOCOL.IKE,
        spi: successor.localSpi,
        transforms,
      })),
    },
    { kind: 'Nonce', data: nonce },
    { kind: 'KE', method, data: share.publicValue },
  ];
  sa.sendRequest(EXCHANGE.CREATE_CHILD_SA, payloads, now, (response, later) => {
    const retry = findNotify(response, 'INVALID_KE_PAYLOAD');
    const wanted = ((retry?.data[0] ?? 0) << 8) | (retry?.data[1] ?? 0);
    if (retry !== undefined && wanted !== method && offersMethod(sa, wanted)) {
      share.discard();
      send(sa, wanted, later);
      return;
    }
    const error = findError(response);
    if (error !== undefined) {
      share.discard();
      refused(sa, error, later);
      return;
    }
    const proposal = find(response, 'SA')?.proposals[0];
    const [peerNonce, ke] = [find(response, 'Nonce')?.data, find(response, 'KE')];
    const offered = proposalsOf(sa)[(proposal?.number ?? 0) - 1];
    const suite = proposal === undefined ? undefined : ikeSuiteOf(proposal.transforms);
    const valid = proposal?.spi.length === 8 && offered !== undefined && isSelectionOf(proposal.transforms, offered);
    const shared = valid && ke?.method === method && suite?.keyExchange === method ? finish(share, ke.data) : undefined;
    if (proposal === undefined || peerNonce === undefined || suite === undefined || shared === undefined) {
      share.discard();
      sa.fail({ code: 'invalid_message', detail: 'the answer is not one that our offer allows' }, later);
      return;
    }
    prepare(sa, successor, proposal.spi, suite, shared, { initiator: nonce, responder: peerNonce });
    settle(sa, successor, lowerNonce(nonce, peerNonce), later);
  });
}

export function respondIkeRekey(sa: IkeSa, payloads: readonly Payload[], now: number): void {
  // Section 2.25.2: "a request to rekey the IKE SA … while creating, rekeying or closing a Child SA: TEMPORARY_FAILURE".
  const childBusy =
    sa.creatingChild || sa.children.some((child) => child.phase === 'rekeying' || child.phase === 'deleting');
  if (childBusy || sa.ikeRekey?.peer !== undefined) {
    sa.respond(EXCHANGE.CREATE_CHILD_SA, [notify('TEMPORARY_FAILURE')], now);
    return;
  }
  const [offer, ke, nonce] = [find(payloads, 'SA'), find(payloads, 'KE'), find(payloads, 'Nonce')?.data];
  const outcome = negotiate(offer?.proposals ?? [], proposalsOf(sa), PROTOCOL.IKE, 8);
  const suite = outcome.ok ? ikeSuiteOf(outcome.transforms) : undefined;
  if (!outcome.ok || suite === undefined || ke === undefined || nonce === undefined) {
    sa.respond(EXCHANGE.CREATE_CHILD_SA, [notify('NO_PROPOSAL_CHOSEN')], now);
    return;
  }
  if (ke.method !== suite.keyExchange) {
    const wanted = Uint8Array.of(suite.keyExchange >>> 8, suite.keyExchange);
    sa.respond(EXCHANGE.CREATE_CHILD_SA, [notify('INVALID_KE_PAYLOAD', wanted)], now);
    return;
  }
  const exchange = respondKeyExchange(sa, ke.method, ke.data);
  if (exchange === undefined) {
    sa.respond(EXCHANGE.CREATE_CHILD_SA, [notify('INVALID_SYNTAX')], now);
    return;
  }
  const own = new Uint8Array(NONCE_LENGTH);
  sa.host.random(own);
  const successor = new IkeSa(sa.host, 'responder', sa.connection, sa.local, sa.remote, sa.host.newIkeSpi());
  prepare(sa, successor, outcome.proposal.spi, suite, exchange.shared, { initiator: nonce, responder: own });
  const answer: Payload[] = [
    { kind: 'SA', proposals: [{ ...outcome.proposal, spi: successor.localSpi, transforms: outcome.transforms }] },
    { kind: 'Nonce', data: own },
    { kind: 'KE', method: ke.method, data: exchange.publicValue },
  ];
  sa.respond(EXCHANGE.CREATE_CHILD_SA, answer, now);
  establish(successor, now);
  if (sa.ikeRekey === undefined) {
    inherit(sa, successor, now);
    sa.retire(now);
  } else {
    // Ours is under way: who keeps the Child SAs is known when its answer is here.
    sa.ikeRekey = { peer: { lowestNonce: lowerNonce(nonce, own), successor } };
    successor.undecidedPredecessor = sa;
  }
}

/** Section 2.8.1 for IKE SAs: the SA made with the lowest nonce is redundant; its initiator deletes it. */
function settle(sa: IkeSa, successor: IkeSa, lowest: Uint8Array, now: number): void {
  const peer = sa.ikeRekey?.peer;
  sa.ikeRekey = undefined;
  establish(successor, now);
  const superseded = sa.state.name !== 'established';
  if (superseded || (peer !== undefined && compareNonces(lowest, peer.lowestNonce) < 0)) {
    if (!superseded && peer !== undefined) inherit(sa, peer.successor, now);
    sa.history.add(now, 'local', 'our rekey of the IKE SA lost the collision');
    deleteIke(successor, now, false);
    if (!superseded) sa.retire(now);
    return;
  }
  // The peer deletes what it made in vain; it cannot when our answer to it was lost with the old SA.
  peer?.successor.retire(now);
  inherit(sa, successor, now);
  sa.host.emit({ kind: 'event', event: { kind: 'ike-rekeyed', connection: sa.connection.name } });
  deleteIke(sa, now, false);
}

function refused(sa: IkeSa, error: string, now: number): void {
  const peer = sa.ikeRekey?.peer;
  sa.ikeRekey = undefined;
  if (sa.state.name !== 'established') return;
  if (peer !== undefined) {
    inherit(sa, peer.successor, now);
    sa.retire(now);
    return;
  }
  const pause = error === 'TEMPORARY_FAILURE' ? TEMPORARY_FAILURE_RETRY : sa.connection.lifetime / 10;
  sa.timers.set('rekey-ike', now + pause);
  sa.history.add(now, 'local', 'rekey of the IKE SA was refused', { error });
}

function prepare(
  sa: IkeSa,
  successor: IkeSa,
  peerSpi: Uint8Array,
  suite: IkeSuite,
  shared: Secret,
  nonces: { readonly initiator: Uint8Array; readonly responder: Uint8Array },
): void {
  successor.peerSpi = peerSpi;
  successor.peerSupportsFragmentation = sa.peerSupportsFragmentation;
  successor.natDetected = sa.natDetected;
  successor.peerBehindNat = sa.peerBehindNat;
  successor.additionalKeyExchanges = sa.additionalKeyExchanges;
  const inputs = {
    initiatorNonce: nonces.initiator,
    responderNonce: nonces.responder,
    initiatorSpi: successor.initiatorSpi,
    responderSpi: successor.responderSpi,
  };
  successor.secure(
    rekeyedKeys(sa.keys, createPrf(sa.host.provider, suite.prf), suite, { shared, additional: [] }, inputs),
  );
  shared.wipe();
}

function establish(successor: IkeSa, now: number): void {
  successor.state = { name: 'established' };
  successor.lastHeard = now;
  successor.timers.set('rekey-ike', now + jittered(successor, successor.connection.lifetime));
  successor.timers.set('liveness', now + successor.connection.livenessInterval);
  successor.host.add(successor);
}

/** Child SAs go over as they are; a deletion that had not been sent yet is sent by the successor. */
function inherit(sa: IkeSa, successor: IkeSa, now: number): void {
  const children = sa.children.splice(0);
  successor.undecidedPredecessor = undefined;
  successor.children.push(...children);
  for (const child of children) {
    if (child.phase !== 'deleting') continue;
    child.phase = 'live';
    deleteChild(successor, child, now);
  }
  scheduleChildRekey(successor);
}

/** Additional key exchanges are not repeated: SK_d of the old SA, which they made, goes into the new keys. */
function proposalsOf(sa: IkeSa): readonly (readonly Transform[])[] {
  return sa.connection.proposals.map((all) => all.filter((entry) => entry.type < TRANSFORM_TYPE.ADDKE1));
}

function offersMethod(sa: IkeSa, method: number): boolean {
  return proposalsOf(sa).some((all) => all.some((entry) => entry.type === TRANSFORM_TYPE.KE && entry.id === method));
}

function respondKeyExchange(sa: IkeSa, method: number, data: Uint8Array) {
  try {
    return sa.host.keyExchange.respond(method, data, sa.host.random);
  } catch (error) {
    if (error instanceof KeyExchangeError) return undefined;
    throw error;
  }
}

function finish(share: { finish(data: Uint8Array): Secret }, data: Uint8Array): Secret | undefined {
  try {
    return share.finish(data);
  } catch (error) {
    if (error instanceof KeyExchangeError) return undefined;
    throw error;
  }
}
