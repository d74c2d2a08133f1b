import type { Secret } from '../../bytes/secret.js';
import { PROTOCOL } from '../../wire/ike/iana.js';
import { type NotifyPayload, notify, notifyAbout } from '../../wire/ike/payloads/notify.js';
import type { Payload } from '../../wire/ike/payloads/registry.js';
import { type ChildSa, lowerNonce } from '../child-sa.js';
import type { ChildConfiguration } from '../connection.js';
import type { IkeSa } from '../ike-sa.js';
import type { Lineage } from '../lineage.js';
import { REPLACED_LIMIT } from '../timers.js';
import { contextOf, policyOf } from './child-context.js';
import { childFailed, installChild, isFirst } from './child-install.js';
import {
  answerChild,
  type ChildOutcome,
  chooseChild,
  isGranted,
  protocolNumber,
  type RefusedChild,
  spiNumber,
} from './child-negotiation.js';
import { answerTo } from './collisions.js';
import { deleteChild } from './delete-child.js';
import { awaitFurther, dropPending } from './followup.js';
import { respondIkeRekey } from './ike-rekey-grant.js';
import { answerOrBreak } from './invalid-syntax.js';
import { answerShare, invalidKe, makeNonce } from './key-shares.js';
import { find, findNotify } from './payload-access.js';

/** CREATE_CHILD_SA from the peer: a Child SA, the successor of one, or of the IKE SA (RFC 7296 section 1.3). */
export function respondCreateChildSa(sa: IkeSa, payloads: readonly Payload[], now: number): void {
  if (find(payloads, 'SA')?.proposals.some((proposal) => proposal.protocol === PROTOCOL.IKE) === true) {
    respondIkeRekey(sa, payloads, now);
    return;
  }
  // With a window of one the peer asks for something new only when it has given up what it had begun.
  dropPending(sa, now);
  const rekey = findNotify(payloads, 'REKEY_SA');
  const answer = rekey === undefined ? create(sa, payloads, now) : replace(sa, rekey, payloads, now);
  answerOrBreak(sa, answer, now);
}

function create(sa: IkeSa, payloads: readonly Payload[], now: number): readonly Payload[] {
  if (answerTo('create-child', sa) === 'temporary_failure') return [notify('TEMPORARY_FAILURE')];
  const { lineage, host } = sa;
  if (lineage.children.all.length >= MAXIMUM_CHILD_SAS) return [notify('NO_ADDITIONAL_SAS')];
  const spi = host.childSpis.allocate(lineage);
  const context = (configuration: ChildConfiguration) => contextOf(lineage, configuration, true);
  const choice = chooseChild(lineage.connection.children, payloads, spi, context);
  if (choice !== undefined && isGranted(choice)) {
    const { configuration, outcome } = choice;
    if (lineage.children.standing(policyOf(configuration, outcome.agreement)).length < MAXIMUM_SIBLINGS) {
      return grant(sa, { configuration, old: undefined, spi, outcome }, payloads, now);
    }
  }
  host.childSpis.release(spi);
  return choice === undefined || isGranted(choice) ? [notify('NO_ADDITIONAL_SAS')] : refuse(sa, choice, now);
}

function replace(sa: IkeSa, rekey: NotifyPayload, payloads: readonly Payload[], now: number): readonly Payload[] {
  const { lineage, host } = sa;
  const named = lineage.children.byOutboundSpi(rekey.spi.length === 4 ? spiNumber(rekey.spi) : 0);
  const old = named !== undefined && protocolNumber(named.association.suite) === rekey.protocol ? named : undefined;
  if (answerTo('rekey-child', sa, old) === 'temporary_failure') return [notify('TEMPORARY_FAILURE')];
  if (old === undefined) return [notifyAbout('CHILD_SA_NOT_FOUND', rekey.protocol, rekey.spi)];
  // Its successor is not settled yet: a second one would leave three.
  if (old.phase !== 'live' || old.rival !== undefined) return [notify('TEMPORARY_FAILURE')];
  if (isCrowded(lineage, old)) return [notify('TEMPORARY_FAILURE')];
  const { configuration } = old;
  const spi = host.childSpis.allocate(lineage);
  const outcome = answerChild(configuration, payloads, spi, contextOf(lineage, configuration, true));
  if (outcome.ok) return grant(sa, { configuration, old, spi, outcome }, payloads, now);
  host.childSpis.release(spi);
  return refuse(sa, { configuration, outcome }, now);
}

interface Grant {
  readonly configuration: ChildConfiguration;
  readonly old: ChildSa | undefined;
  readonly spi: number;
  readonly outcome: ChildOutcome & { ok: true };
}

function grant(sa: IkeSa, granted: Grant, payloads: readonly Payload[], now: number): readonly Payload[] {
  const { configuration, old, spi, outcome } = granted;
  const { host } = sa;
  const method = outcome.agreement.suite.keyExchange;
  const [nonce, ke] = [find(payloads, 'Nonce')?.data, find(payloads, 'KE')];
  const give = (refusal: Payload) => {
    host.childSpis.release(spi);
    return [refusal];
  };
  const methods = outcome.agreement.suite.additionalKeyExchanges;
  if (method !== undefined && ke?.method !== method) return give(invalidKe(method));
  if (method === undefined && methods.length > 0) return give(notify('NO_PROPOSAL_CHOSEN'));
  const share = method === undefined || ke === undefined ? undefined : answerShare(host, method, ke.data);
  if (nonce === undefined) return give(notify('INVALID_SYNTAX'));
  if (share !== undefined && 'invalid' in share) return give(notify(share.refusal));
  const own = makeNonce(host);
  const complete = (additional: readonly Secret[], at: number) => {
    // While another carries the traffic, the peer may not have its end of the new one yet. What stood when the peer asked
    // may be gone by now, as additional key exchanges take their time.
    const useOutbound = old === undefined && isFirst(sa, configuration, outcome.agreement);
    const inputs = {
      shared: share?.shared,
      additional,
      initiatorNonce: nonce,
      responderNonce: own,
      creator: 'peer',
      useOutbound,
    } as const;
    const child = installChild(sa, configuration, outcome.agreement, spi, inputs, at);
    if (old !== undefined) supersede(sa, old, child, at);
  };
  const [chosen, ...rest] = outcome.answer;
  const ownShare: readonly Payload[] =
    share === undefined || method === undefined ? [] : [{ kind: 'KE', method, data: share.publicValue }];
  const answer: Payload[] = [
    ...(chosen === undefined ? [] : [chosen]),
    { kind: 'Nonce', data: own },
    ...ownShare,
    ...rest,
  ];
  if (old !== undefined) old.rival = { lowestNonce: lowerNonce(nonce, own) };
  if (methods.length === 0) {
    complete([], now);
    return answer;
  }
  const abandon = (at: number) => {
    share?.shared.wipe();
    host.childSpis.release(spi);
    if (old !== undefined) forgive(sa, old, at);
  };
  const pending = {
    about: old,
    methods,
    complete: (additional: readonly Secret[], at: number) => {
      complete(additional, at);
      return undefined;
    },
    abandon,
  };
  return [...answer, awaitFurther(sa, pending, now)];
}

/** The peer began to replace it and did not go on. */
function forgive(sa: IkeSa, old: ChildSa, now: number): void {
  old.rival = undefined;
  if (old.condemned && old.phase === 'live') deleteChild(sa.lineage, old, now);
}

/** The peer deletes the old one when it has its end of the new one. Ours may be under way too: then nonces decide. */
function supersede(sa: IkeSa, old: ChildSa, child: ChildSa, now: number): void {
  old.phase = 'replaced';
  old.successor = child;
  old.dueAt = now + REPLACED_LIMIT;
  child.condemned = old.condemned;
  sa.lineage.children.reschedule();
}

/** A peer that replaces without end, and deletes nothing of what it replaced, has to wait until that is gone. */
function isCrowded({ children }: Lineage, old: ChildSa): boolean {
  return children.all.length >= MAXIMUM_CHILD_SAS || children.standing(old.policy).length >= MAXIMUM_GENERATIONS;
}

function refuse(sa: IkeSa, { configuration, outcome }: RefusedChild, now: number): readonly Payload[] {
  childFailed(sa, configuration.name, outcome.reason, now);
  return outcome.refusal;
}

/** Both that two ends made at once, and one of a peer that has forgotten them. */
const MAXIMUM_SIBLINGS = 3;
/** Of one policy: those, each with its successor, and room for a Delete that is late. */
const MAXIMUM_GENERATIONS = 8;
/** Of one peer, whatever it asks for. */
const MAXIMUM_CHILD_SAS = 1024;
