import type { Secret } from '../../bytes/secret.js';
import { KeyExchangeError } from '../../crypto/ike/key-exchange/key-exchange.js';
import { EXCHANGE, PROTOCOL, TRANSFORM_TYPE } from '../../wire/ike/iana.js';
import { notify, notifyAbout } from '../../wire/ike/payloads/notify.js';
import type { Payload } from '../../wire/ike/payloads/registry.js';
import { type ChildSa, compareNonces, lowerNonce } from '../child-sa.js';
import type { ChildConfiguration } from '../connection.js';
import type { IkeSa } from '../ike-sa.js';
import { TEMPORARY_FAILURE_RETRY } from '../timers.js';
import {
  acceptChild,
  answerChild,
  childOffer,
  installChild,
  scheduleChildRekey,
  spiNumber,
  spiOctets,
} from './child-negotiation.js';
import { childFailed } from './ike-auth.js';
import { NONCE_LENGTH } from './ike-sa-init.js';
import { deleteChild } from './informational.js';
import { find, findError, findNotify } from './payload-access.js';
import { respondIkeRekey } from './rekey-ike.js';

/** Asks for a Child SA; with `old` it is the successor of that one (RFC 7296 sections 1.3.1 and 1.3.3). */
export function requestChild(
  sa: IkeSa,
  configuration: ChildConfiguration,
  old: ChildSa | undefined,
  now: number,
): void {
  sa.enqueue((at) => {
    if (sa.state.name !== 'established' || (old !== undefined && old.phase !== 'live')) return;
    // The peer has already replaced it and will delete it: nothing is left to do.
    if (old?.peerRekey !== undefined) return;
    if (old !== undefined) old.phase = 'rekeying';
    send(sa, configuration, old, keyExchangeMethod(configuration), at);
  }, now);
}

function send(
  sa: IkeSa,
  configuration: ChildConfiguration,
  old: ChildSa | undefined,
  method: number | undefined,
  now: number,
): void {
  const { host } = sa;
  const spi = host.newChildSpi();
  const nonce = new Uint8Array(NONCE_LENGTH);
  host.random(nonce);
  const share = method === undefined ? undefined : host.keyExchange.initiate(method, host.random);
  const [offer, ...rest] = childOffer(configuration, spi, true);
  const payloads: Payload[] = [
    ...(old === undefined ? [] : [notifyAbout('REKEY_SA', PROTOCOL.ESP, spiOctets(old.association.inboundSpi))]),
    ...(offer === undefined ? [] : [offer]),
    { kind: 'Nonce', data: nonce },
    ...(share === undefined ? [] : [{ kind: 'KE', method: share.method, data: share.publicValue } as const]),
    ...rest,
  ];
  sa.creatingChild = true;
  sa.sendRequest(EXCHANGE.CREATE_CHILD_SA, payloads, now, (response, later) => {
    sa.creatingChild = false;
    const retry = findNotify(response, 'INVALID_KE_PAYLOAD');
    const wanted = ((retry?.data[0] ?? 0) << 8) | (retry?.data[1] ?? 0);
    if (retry !== undefined && wanted !== method && offersMethod(configuration, wanted)) {
      share?.discard();
      send(sa, configuration, old, wanted, later);
      return;
    }
    const error = findError(response);
    if (error !== undefined) {
      share?.discard();
      requestRefused(sa, configuration, old, error, later);
      return;
    }
    const agreement = acceptChild(configuration, response, true);
    const [peerNonce, ke] = [find(response, 'Nonce')?.data, find(response, 'KE')];
    const matched = agreement?.suite.keyExchange === share?.method && ke?.method === share?.method;
    const shared = matched ? finish(share, ke?.data) : 'invalid';
    if (agreement === undefined || peerNonce === undefined || shared === 'invalid') {
      share?.discard();
      if (old?.phase === 'rekeying') old.phase = 'live';
      sa.fail({ code: 'invalid_message', detail: 'the answer is not one that our offer allows' }, later);
      return;
    }
    const loses =
      old?.peerRekey !== undefined && compareNonces(lowerNonce(nonce, peerNonce), old.peerRekey.lowestNonce) < 0;
    const inputs = { shared, initiatorNonce: nonce, responderNonce: peerNonce, weInitiated: true, useOutbound: !loses };
    const child = installChild(sa, configuration, agreement, spi, inputs, later);
    shared?.wipe();
    if (old !== undefined) settle(sa, old, child, loses, later);
  });
}

/**
 * RFC 7296 section 2.8.1: "the SA created with the lowest of the four nonces used in the two exchanges SHOULD be closed
 * by the endpoint that created it." Who made the surviving one deletes the old one; without a collision that is us.
 */
function settle(sa: IkeSa, old: ChildSa, child: ChildSa, loses: boolean, now: number): void {
  if (loses) {
    sa.history.add(now, 'local', 'our rekey lost the collision', { redundant: child.association.inboundSpi });
    deleteChild(sa, child, now);
    if (old.phase === 'rekeying') {
      old.phase = 'live';
      // The peer deletes it; were it to forget, we would rekey it again then.
      old.rekeyAt = now + old.configuration.lifetime / 10;
      scheduleChildRekey(sa);
    }
    return;
  }
  const { connection, inboundSpi } = child.association;
  const event = {
    kind: 'child-rekeyed',
    connection,
    oldInboundSpi: old.association.inboundSpi,
    newInboundSpi: inboundSpi,
  } as const;
  sa.host.emit({ kind: 'event', event });
  if (old.phase !== 'gone') deleteChild(sa, old, now);
}

/** Section 2.25: what a refusal means for the Child SA that was to be replaced. */
function requestRefused(
  sa: IkeSa,
  configuration: ChildConfiguration,
  old: ChildSa | undefined,
  error: string,
  now: number,
): void {
  if (error === 'TEMPORARY_FAILURE') {
    if (old?.phase === 'rekeying') old.phase = 'live';
    if (old === undefined) sa.timers.set('retry', now + TEMPORARY_FAILURE_RETRY);
    else old.rekeyAt = now + TEMPORARY_FAILURE_RETRY;
    scheduleChildRekey(sa);
    return;
  }
  if (error === 'CHILD_SA_NOT_FOUND' && old !== undefined) {
    sa.removeChild(old);
    scheduleChildRekey(sa);
    const replaced = sa.children.some((other) => other.configuration === configuration && other.phase !== 'deleting');
    if (!replaced) requestChild(sa, configuration, undefined, now);
    return;
  }
  if (old?.phase === 'rekeying') {
    old.phase = 'live';
    old.rekeyAt = now + old.configuration.lifetime / 10;
    scheduleChildRekey(sa);
  }
  childFailed(sa, { code: 'peer_refused', notify: error, exchange: 'CREATE_CHILD_SA' }, now);
}

export function respondCreateChildSa(sa: IkeSa, payloads: readonly Payload[], now: number): void {
  if (sa.state.name !== 'established') {
    refuse(sa, [notify('TEMPORARY_FAILURE')], now);
    return;
  }
  if (find(payloads, 'SA')?.proposals.some((proposal) => proposal.protocol === PROTOCOL.IKE) === true) {
    respondIkeRekey(sa, payloads, now);
    return;
  }
  // Section 2.25.2: no Child SA is made on an IKE SA that we are replacing.
  if (sa.ikeRekey !== undefined) {
    refuse(sa, [notify('TEMPORARY_FAILURE')], now);
    return;
  }
  const rekey = findNotify(payloads, 'REKEY_SA');
  if (rekey === undefined) {
    answer(sa, sa.connection.child, undefined, payloads, now);
    return;
  }
  const named = rekey.spi.length === 4 ? spiNumber(rekey.spi) : 0;
  const old = sa.children.find((child) => child.association.outboundSpi === named);
  if (old === undefined) {
    refuse(sa, [notifyAbout('CHILD_SA_NOT_FOUND', PROTOCOL.ESP, rekey.spi)], now);
    return;
  }
  // A second replacement of one SA, or of one that we are closing (section 2.25.1).
  if (old.phase === 'deleting' || old.peerRekey !== undefined) {
    refuse(sa, [notify('TEMPORARY_FAILURE')], now);
    return;
  }
  answer(sa, old.configuration, old, payloads, now);
}

function answer(
  sa: IkeSa,
  configuration: ChildConfiguration,
  old: ChildSa | undefined,
  payloads: readonly Payload[],
  now: number,
): void {
  const nonce = find(payloads, 'Nonce')?.data;
  // One SA per policy: however often a peer asks, they do not pile up.
  const siblings = sa.children.filter((child) => child.configuration === configuration);
  if (nonce === undefined || siblings.length >= MAXIMUM_SIBLINGS) {
    refuse(sa, [notify('NO_ADDITIONAL_SAS')], now);
    return;
  }
  const spi = sa.host.newChildSpi();
  const outcome = answerChild(configuration, payloads, spi, true);
  if (!outcome.ok) {
    childFailed(sa, outcome.reason, now);
    refuse(sa, outcome.refusal, now);
    return;
  }
  const method = outcome.agreement.suite.keyExchange;
  const ke = find(payloads, 'KE');
  if (method !== undefined && ke?.method !== method) {
    refuse(sa, [notify('INVALID_KE_PAYLOAD', Uint8Array.of(method >>> 8, method))], now);
    return;
  }
  const exchange = method === undefined || ke === undefined ? undefined : respondKeyExchange(sa, method, ke.data);
  if (exchange === 'invalid') {
    refuse(sa, [notify('INVALID_SYNTAX')], now);
    return;
  }
  const own = new Uint8Array(NONCE_LENGTH);
  sa.host.random(own);
  // While a predecessor carries the traffic, the initiator may not have its end of the new one yet.
  const inputs = {
    shared: exchange?.shared,
    initiatorNonce: nonce,
    responderNonce: own,
    weInitiated: false,
    useOutbound: old === undefined,
  };
  const child = installChild(sa, configuration, outcome.agreement, spi, inputs, now);
  exchange?.shared.wipe();
  if (old !== undefined) old.peerRekey = { lowestNonce: lowerNonce(nonce, own), successor: child };
  const [chosen, ...rest] = outcome.answer;
  sa.respond(
    EXCHANGE.CREATE_CHILD_SA,
    [
      ...(chosen === undefined ? [] : [chosen]),
      { kind: 'Nonce', data: own },
      ...(exchange === undefined || method === undefined
        ? []
        : [{ kind: 'KE', method, data: exchange.publicValue } as const]),
      ...rest,
    ],
    now,
  );
}

function respondKeyExchange(sa: IkeSa, method: number, data: Uint8Array) {
  try {
    return sa.host.keyExchange.respond(method, data, sa.host.random);
  } catch (error) {
    if (error instanceof KeyExchangeError) return 'invalid';
    throw error;
  }
}

function finish(
  share: { finish(data: Uint8Array): Secret } | undefined,
  data: Uint8Array | undefined,
): Secret | undefined | 'invalid' {
  if (share === undefined) return undefined;
  if (data === undefined) return 'invalid';
  try {
    return share.finish(data);
  } catch (error) {
    if (error instanceof KeyExchangeError) return 'invalid';
    throw error;
  }
}

function refuse(sa: IkeSa, payloads: readonly Payload[], now: number): void {
  sa.respond(EXCHANGE.CREATE_CHILD_SA, payloads, now);
}

function keyExchangeMethod(configuration: ChildConfiguration): number | undefined {
  return configuration.proposals[0]?.find((entry) => entry.type === TRANSFORM_TYPE.KE && entry.id !== 0)?.id;
}

function offersMethod(configuration: ChildConfiguration, method: number): boolean {
  return configuration.proposals.some((all) =>
    all.some((entry) => entry.type === TRANSFORM_TYPE.KE && entry.id === method),
  );
}

/** The old one, both successors of a collision, and one in the making. */
const MAXIMUM_SIBLINGS = 4;
