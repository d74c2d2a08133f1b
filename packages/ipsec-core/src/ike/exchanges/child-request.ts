import type { Secret } from '../../bytes/secret.js';
import type { InitiatedKeyExchange } from '../../crypto/ike/key-exchange/key-exchange.js';
import { EXCHANGE } from '../../wire/ike/iana.js';
import { notifyAbout } from '../../wire/ike/payloads/notify.js';
import type { Payload } from '../../wire/ike/payloads/registry.js';
import { type ChildSa, compareNonces, lowerNonce } from '../child-sa.js';
import { type ChildConfiguration, canInitiate, type Flow } from '../connection.js';
import type { IkeSa } from '../ike-sa.js';
import type { ChildRetry, Lineage } from '../lineage.js';
import type { FailureReason } from '../outputs.js';
import type { Purpose } from '../purpose.js';
import { TEMPORARY_FAILURE_RETRY } from '../timers.js';
import { flowOf, isConfigured, offerContextOf, policyOf } from './child-context.js';
import { childFailed, installChild, isFirst, offeredSpi } from './child-install.js';
import {
  acceptChild,
  type ChildAgreement,
  childOffer,
  protocolNumber,
  spiOctets,
  unfitMode,
} from './child-negotiation.js';
import { breakOff } from './close.js';
import { closed, deleteChild, deleteRedundant, deleteReplaced, deleteUntaken } from './delete-child.js';
import { dropPending, exchangeFurther } from './followup.js';
import {
  finishShare,
  firstMethod,
  type InvalidShare,
  makeNonce,
  makeShareFor,
  offersMethod,
  wantedMethod,
} from './key-shares.js';
import { pause } from './lifetimes.js';
import { keepWider, narrowedSide, tellNarrowed } from './narrowed-rekey.js';
import { find, findError } from './payload-access.js';
import { childRefusalOf } from './refused-offer.js';
import { childRekeyRefused } from './refused-rekey.js';
import { refusedForNow } from './temporary-failure.js';

/** Asks for a Child SA (RFC 7296 section 1.3.1), unless one stands for the policy by then. */
export function requestChild(lineage: Lineage, configuration: ChildConfiguration, now: number, flow?: Flow): void {
  const policy = policyOfFlow(configuration, flow);
  // "it MUST NOT immediately retry the operation" that met TEMPORARY_FAILURE (section 2.25), however often it is wanted.
  const retry = lineage.retries.get(policy);
  if (retry !== undefined) {
    lineage.retries.set(policy, { ...retry, configuration });
    return;
  }
  const run = (sa: IkeSa, at: number) => {
    begin(sa, { configuration, flow, old: undefined, method: firstMethod(configuration.proposals), attempt: 0 }, at);
  };
  lineage.enqueue({ key: `create ${policy}`, run }, now);
}

/** Asks for the successor of a Child SA (section 1.3.3), unless it is replaced or going by then. */
export function requestChildRekey(lineage: Lineage, old: ChildSa, now: number): void {
  const { association } = old;
  const run = (sa: IkeSa, at: number) => {
    const { configuration } = old;
    const method = association.suite.keyExchange ?? firstMethod(configuration.proposals);
    begin(sa, { configuration, flow: flowOf(old), old, method, attempt: 0 }, at);
  };
  lineage.enqueue({ key: `rekey ${association.inboundSpi}`, run }, now);
}

interface ChildAttempt {
  readonly configuration: ChildConfiguration;
  /** What it is needed for. */
  readonly flow: Flow | undefined;
  /** What the new one replaces. */
  readonly old: ChildSa | undefined;
  readonly method: number | undefined;
  readonly attempt: number;
}

/** What was made for one request, and is given back when nothing comes of it. */
interface Offer {
  readonly spi: number;
  readonly nonce: Uint8Array;
  readonly share: InitiatedKeyExchange | undefined;
  readonly deletedMeanwhile: Set<number>;
  abandon(): void;
}

/** Makes a share, which may take the host a while, and sends the request: unless it is not wanted any more by then. */
function begin(sa: IkeSa, attempt: ChildAttempt, now: number): void {
  if (!isWanted(sa.lineage, attempt)) return;
  const { method } = attempt;
  const deletedMeanwhile = new Set<number>();
  if (method === undefined) {
    send(sa, attempt, { share: undefined, deletedMeanwhile }, now);
    return;
  }
  const done = (share: InitiatedKeyExchange | InvalidShare, later: number) => {
    if ('invalid' in share) tryLater(sa, attempt, later);
    else if (isWanted(sa.lineage, attempt)) send(sa, attempt, { share, deletedMeanwhile }, later);
    else share.discard();
  };
  makeShareFor(sa, method, { purpose: purposeOf(attempt, { deletedMeanwhile }) }, done, now);
}

/** A first one while none stands, a successor while nothing else is to be one; none that was configured and is not now. */
function isWanted(lineage: Lineage, { configuration, flow, old }: ChildAttempt): boolean {
  const { children } = lineage;
  if (!isConfigured(lineage, configuration)) return false;
  if (old !== undefined) return old.phase === 'live' && old.rival === undefined;
  return children.standing(policyOfFlow(configuration, flow)).length === 0;
}

function send(
  sa: IkeSa,
  attempt: ChildAttempt,
  { share, deletedMeanwhile }: Pick<Offer, 'share' | 'deletedMeanwhile'>,
  now: number,
): void {
  const { configuration, flow, old } = attempt;
  const context = offerContextOf(sa.lineage, configuration, true, flow);
  if (context.local.length === 0 || context.remote.length === 0) {
    share?.discard();
    childFailed(sa, configuration.name, { code: 'no_address' }, now);
    return;
  }
  const unfit = context.nat ? unfitMode(configuration, 'tunnel', context) : undefined;
  if (unfit !== undefined) {
    share?.discard();
    childFailed(sa, configuration.name, unfit, now);
    if (old !== undefined) childRekeyRefused(sa.lineage, old, unfit.code, now);
    return;
  }
  const made = makeOffer(sa, share, deletedMeanwhile);
  const [offer, ...rest] = childOffer(configuration, made.spi, context);
  const payloads: Payload[] = [
    ...(old === undefined
      ? []
      : [notifyAbout('REKEY_SA', protocolNumber(old.association.suite), spiOctets(old.association.inboundSpi))]),
    ...(offer === undefined ? [] : [offer]),
    { kind: 'Nonce', data: made.nonce },
    ...(share === undefined ? [] : [{ kind: 'KE', method: share.method, data: share.publicValue } as const]),
    ...rest,
  ];
  const purpose = purposeOf(attempt, made);
  const onResponse = (response: readonly Payload[], later: number) => {
    const error = findError(response);
    if (error === undefined) receive(sa, attempt, made, response, later);
    else {
      made.abandon();
      const wanted = wantedMethod(response);
      const again = wanted !== undefined && attempt.attempt < MAXIMUM_RETRIES && wanted !== attempt.method;
      if (again && offersMethod(configuration.proposals, wanted)) {
        begin(sa, { ...attempt, method: wanted, attempt: attempt.attempt + 1 }, later);
      } else refused(sa, attempt, error, later);
    }
  };
  const { abandon } = made;
  const shared = share === undefined ? {} : { share };
  sa.request({ purpose, exchange: EXCHANGE.CREATE_CHILD_SA, payloads, onResponse, abandon, ...shared }, now);
}

function purposeOf(
  { old }: ChildAttempt,
  { deletedMeanwhile }: Pick<Offer, 'deletedMeanwhile'>,
  further = false,
): Purpose {
  return old === undefined
    ? { kind: 'create-child', deletedMeanwhile }
    : { kind: 'rekey-child', child: old, deletedMeanwhile, further };
}

function makeOffer(sa: IkeSa, share: Offer['share'], deletedMeanwhile: Set<number>): Offer {
  const { host } = sa;
  const spi = offeredSpi(sa);
  const abandon = () => {
    share?.discard();
    host.childSpis.release(spi);
  };
  return { spi, nonce: makeNonce(host), share, deletedMeanwhile, abandon };
}

/** Granted: the new Child SA is installed, unless the peer did what our offer does not allow, or took it back. */
function receive(sa: IkeSa, attempt: ChildAttempt, made: Offer, response: readonly Payload[], now: number): void {
  const { lineage } = sa;
  const { old } = attempt;
  const granted = accept(sa, attempt, made, response);
  if (granted === undefined) {
    made.abandon();
    breakOff(lineage, { code: 'invalid_message', detail: 'the answer is not one that our offer allows' }, now);
    return;
  }
  const { agreement, shared, peerNonce } = granted;
  const unfit = unfitMode(attempt.configuration, agreement.mode, { nat: lineage.nat.present });
  if (unfit !== undefined) {
    shared?.wipe();
    made.abandon();
    unfitGranted(sa, attempt, made.spi, unfit, now);
    return;
  }
  const lowestNonce = lowerNonce(made.nonce, peerNonce);
  if (agreement.suite.additionalKeyExchanges.length > 0 && losesTo(old, lowestNonce)) {
    // There is no SA yet that would have to be deleted: the loser does not go on.
    shared?.wipe();
    made.abandon();
    sa.note({ kind: 'rekey-lost', of: 'child' }, now);
    return;
  }
  const give = () => {
    shared?.wipe();
    made.abandon();
  };
  const further = {
    purpose: purposeOf(attempt, made, true),
    methods: agreement.suite.additionalKeyExchanges,
    answer: response,
    done: (additional: readonly Secret[], at: number) => complete(sa, attempt, made, granted, additional, at),
    failed: (error: string | undefined, at: number) => {
      give();
      if (error === undefined) breakOff(lineage, { code: 'invalid_message', detail: 'no link to go on with' }, at);
      else refused(sa, attempt, error, at);
    },
    abandon: give,
  };
  exchangeFurther(sa, further, now);
}

/** All key shares are here: the new Child SA is installed, unless the peer took it back. */
function complete(
  sa: IkeSa,
  attempt: ChildAttempt,
  made: Offer,
  { agreement, shared, peerNonce }: Granted,
  additional: readonly Secret[],
  now: number,
): void {
  const { configuration, old } = attempt;
  sa.lineage.refusedSince = undefined;
  if (made.deletedMeanwhile.has(agreement.peerSpi)) {
    for (const secret of [shared, ...additional]) secret?.wipe();
    made.abandon();
    takenBack(sa, attempt, made.spi, now);
    return;
  }
  const loses = losesTo(old, lowerNonce(made.nonce, peerNonce));
  const offered = offerContextOf(sa.lineage, configuration, true, attempt.flow);
  const narrowed = old === undefined || loses ? undefined : narrowedSide(old, agreement, offered);
  const declined = narrowed !== undefined && canInitiate(sa.lineage.connection);
  const useOutbound = !loses && !declined && (old?.outboundInUse ?? isFirst(sa, configuration, agreement));
  const inputs = {
    shared,
    additional,
    initiatorNonce: made.nonce,
    responderNonce: peerNonce,
    creator: 'us',
    useOutbound,
  } as const;
  const child = installChild(sa, configuration, agreement, made.spi, inputs, now);
  if (old !== undefined) {
    if (narrowed !== undefined) tellNarrowed(sa, old, agreement, narrowed, now);
    if (declined) keepWider(sa, old, child, now);
    else settle(sa, old, child, loses, now);
  }
  if (!isConfigured(sa.lineage, configuration)) deleteChild(sa.lineage, child, now);
}

interface Granted {
  readonly agreement: ChildAgreement;
  readonly shared: Secret | undefined;
  readonly peerNonce: Uint8Array;
}

function accept(
  { lineage }: IkeSa,
  { configuration, flow, method }: ChildAttempt,
  made: Offer,
  response: readonly Payload[],
): Granted | undefined {
  const agreement = acceptChild(configuration, response, offerContextOf(lineage, configuration, true, flow));
  const [peerNonce, ke] = [find(response, 'Nonce')?.data, find(response, 'KE')];
  if (agreement === undefined || peerNonce === undefined) return undefined;
  const chosen = agreement.suite.keyExchange;
  if (ke?.method !== chosen) return undefined;
  if (chosen === undefined) {
    // Of NONE and a group it chose NONE: then it "MUST ignore the initiator's KE payload" (section 3.3.6).
    made.share?.discard();
    return agreement.suite.additionalKeyExchanges.length > 0 ? undefined : { agreement, shared: undefined, peerNonce };
  }
  if (chosen !== method || made.share === undefined || ke === undefined) return undefined;
  const shared = finishShare(made.share, ke.data);
  return 'invalid' in shared ? undefined : { agreement, shared, peerNonce };
}

/** The peer granted another mode than is required, and believes that the Child SA stands: it is deleted (section 1.3.1). */
function unfitGranted(
  { lineage }: IkeSa,
  { configuration, old }: ChildAttempt,
  inboundSpi: number,
  reason: FailureReason,
  now: number,
): void {
  lineage.tell({ kind: 'child-failed', connection: lineage.connection.name, child: configuration.name, reason });
  deleteUntaken(lineage, configuration, inboundSpi, now);
  if (old?.phase === 'live') childRekeyRefused(lineage, old, reason.code, now);
}

/** The peer granted it and has deleted it again; so it wants none for this policy. */
function takenBack(sa: IkeSa, { configuration, old }: ChildAttempt, inboundSpi: number, now: number): void {
  const { lineage } = sa;
  const { name: child } = configuration;
  sa.note({ kind: 'child-taken-back', child }, now);
  if (old === undefined) closed(lineage, { connection: lineage.connection.name, child, inboundSpi }, 'peer');
  else deleteChild(lineage, old, now);
}

/**
 * RFC 7296 section 2.8.1: "the SA created with the lowest of the four nonces used in the two exchanges SHOULD be closed
 * by the endpoint that created it." Nothing else decides, not even whether the peer's one is still there.
 */
function losesTo(old: ChildSa | undefined, lowestNonce: Uint8Array): boolean {
  return old?.rival !== undefined && compareNonces(lowestNonce, old.rival.lowestNonce) < 0;
}

/** Who made the surviving one deletes the old one; without a collision that is us. */
function settle(sa: IkeSa, old: ChildSa, child: ChildSa, loses: boolean, now: number): void {
  const { lineage } = sa;
  if (loses) {
    sa.note({ kind: 'rekey-lost', of: 'child' }, now);
    deleteRedundant(lineage, child, now);
    return;
  }
  const { connection, inboundSpi } = child.association;
  child.condemned = old.condemned;
  old.successor = child;
  // Had the peer's additional key exchanges been under way: it gives them up.
  if (sa.pending?.about === old) dropPending(sa, now);
  lineage.tell({
    kind: 'child-rekeyed',
    connection,
    oldInboundSpi: old.association.inboundSpi,
    newInboundSpi: inboundSpi,
  });
  deleteReplaced(lineage, old, now);
}

/** Sections 2.21.3 and 2.25: what a refusal means for the Child SA that was to be made or replaced. */
function refused(sa: IkeSa, attempt: ChildAttempt, error: string, now: number): void {
  const { lineage } = sa;
  const { configuration, flow, old } = attempt;
  if (old?.condemned === true && old.phase === 'live') {
    deleteChild(lineage, old, now);
    return;
  }
  // It has waited too long for a key share and forgotten what it granted (RFC 9370 section 2.2.4): from the beginning.
  if (error === 'TEMPORARY_FAILURE' || error === 'STATE_NOT_FOUND') {
    if (!refusedForNow(lineage, now)) tryLater(sa, attempt, now);
    return;
  }
  lineage.refusedSince = undefined;
  if (error === 'CHILD_SA_NOT_FOUND' && old !== undefined) {
    // "SHOULD silently delete the Child SA (if it still exists) and send a request to create a new Child SA from scratch
    // (if the Child SA does not yet exist)". One that the peer deleted or replaced is not missing.
    if (old.phase !== 'live') return;
    lineage.children.remove(old);
    requestChild(lineage, configuration, now, flow);
    return;
  }
  const offered = offerContextOf(lineage, configuration, true, flow);
  childFailed(sa, configuration.name, childRefusalOf(error, 'CREATE_CHILD_SA', configuration, offered), now);
  if (old?.phase !== 'live') return;
  childRekeyRefused(lineage, old, error, now);
}

function tryLater({ lineage, host }: IkeSa, { configuration, flow, old }: ChildAttempt, now: number): void {
  const at = now + pause(host, TEMPORARY_FAILURE_RETRY);
  if (old === undefined) retryChild(lineage, { configuration, flow, at });
  else if (old.phase === 'live') postpone(lineage, old, at);
}

function postpone(lineage: Lineage, child: ChildSa, until: number): void {
  child.dueAt = until;
  lineage.children.reschedule();
}

function retryChild(lineage: Lineage, retry: ChildRetry): void {
  lineage.retries.set(policyOfFlow(retry.configuration, retry.flow), retry);
  scheduleRetries(lineage);
}

export function scheduleRetries({ retries, timers }: Lineage): void {
  if (retries.size > 0) timers.set('retry-child', Math.min(...Array.from(retries.values(), ({ at }) => at)));
}

function policyOfFlow(configuration: ChildConfiguration, flow: Flow | undefined): string {
  return policyOf(configuration, flow === undefined ? undefined : { local: [flow.local], remote: [flow.remote] });
}

const MAXIMUM_RETRIES = 3;
