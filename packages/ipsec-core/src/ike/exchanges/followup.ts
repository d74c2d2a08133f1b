import type { Secret } from '../../bytes/secret.js';
import type { InitiatedKeyExchange } from '../../crypto/ike/key-exchange/key-exchange.js';
import { EXCHANGE } from '../../wire/ike/iana.js';
import { notify } from '../../wire/ike/payloads/notify.js';
import type { Payload } from '../../wire/ike/payloads/registry.js';
import type { ChildSa } from '../child-sa.js';
import type { IkeSa } from '../ike-sa.js';
import type { OpenedMessage } from '../protection.js';
import type { Purpose } from '../purpose.js';
import { FOLLOWUP_LIFETIME } from '../timers.js';
import { answerOrBreak } from './invalid-syntax.js';
import { answerShare, finishShare, type InvalidShare, makeShareFor } from './key-shares.js';
import { find, findError, findNotify } from './payload-access.js';

/**
 * IKE_FOLLOWUP_KE, RFC 9370 section 2.2.4: additional key shares after a CREATE_CHILD_SA, one exchange each. What the
 * responder says in N(ADDITIONAL_KEY_EXCHANGE) is "a blob meaningful only to the responder", of whatever length; it goes
 * back unchanged, and each answer brings the next.
 */
export interface FurtherExchanges {
  readonly purpose: Purpose;
  /** Methods that are still to be exchanged, in order. */
  readonly methods: readonly number[];
  /** The payloads of the answer that came last. */
  readonly answer: readonly Payload[];
  /** All shared secrets are there, in order. */
  done(additional: readonly Secret[], now: number): void;
  /** The peer refused, with this notify, or did what it may not (undefined). */
  failed(error: string | undefined, now: number): void;
  /** The answer will not be looked at. */
  abandon(now: number): void;
}

export function exchangeFurther(
  sa: IkeSa,
  further: FurtherExchanges,
  now: number,
  secrets: readonly Secret[] = [],
): void {
  const [method, ...methods] = further.methods;
  if (method === undefined) {
    further.done(secrets, now);
    return;
  }
  const fail = (error: string | undefined, at: number) => {
    for (const secret of secrets) secret.wipe();
    further.failed(error, at);
  };
  const link = findNotify(further.answer, 'ADDITIONAL_KEY_EXCHANGE');
  if (link === undefined) {
    fail(undefined, now);
    return;
  }
  const abandon = (at: number) => {
    for (const secret of secrets) secret.wipe();
    further.abandon(at);
  };
  const done = (share: InitiatedKeyExchange | InvalidShare, later: number) => {
    if ('invalid' in share) fail('TEMPORARY_FAILURE', later);
    else sendShare(sa, { ...further, methods }, { share, link: link.data, secrets }, later);
  };
  makeShareFor(sa, method, { purpose: further.purpose, abandon }, done, now);
}

interface FurtherShare {
  readonly share: InitiatedKeyExchange;
  /** What the peer finds what it granted by. */
  readonly link: Uint8Array;
  /** Of the exchanges before. */
  readonly secrets: readonly Secret[];
}

function sendShare(sa: IkeSa, further: FurtherExchanges, { share, link, secrets }: FurtherShare, now: number): void {
  const { method } = share;
  const giveUp = () => {
    share.discard();
    for (const secret of secrets) secret.wipe();
  };
  const onResponse = (answer: readonly Payload[], later: number) => {
    const error = findError(answer);
    const ke = find(answer, 'KE');
    const shared = error === undefined && ke?.method === method ? finishShare(share, ke.data) : undefined;
    if (shared !== undefined && !('invalid' in shared)) {
      exchangeFurther(sa, { ...further, answer }, later, [...secrets, shared]);
      return;
    }
    giveUp();
    further.failed(error, later);
  };
  const abandon = (at: number) => {
    giveUp();
    further.abandon(at);
  };
  const payloads: Payload[] = [
    { kind: 'KE', method, data: share.publicValue },
    notify('ADDITIONAL_KEY_EXCHANGE', link),
  ];
  const { purpose } = further;
  sa.request({ purpose, exchange: EXCHANGE.IKE_FOLLOWUP_KE, payloads, onResponse, abandon, share }, now);
}

/** What we granted and what becomes of it when its additional key shares are here. */
export interface PendingGrant {
  readonly link: Uint8Array;
  /** What it replaces. */
  readonly about: ChildSa | 'ike' | undefined;
  readonly methods: readonly number[];
  readonly secrets: readonly Secret[];
  /** Called before the last answer is sent. What it returns is called after. */
  complete(additional: readonly Secret[], now: number): ((now: number) => void) | undefined;
  /** Nothing will come of it. */
  abandon(now: number): void;
}

/** Waits for the peer's IKE_FOLLOWUP_KE. The notify goes into the answer that grants it. */
export function awaitFurther(sa: IkeSa, pending: Omit<PendingGrant, 'link' | 'secrets'>, now: number): Payload {
  const link = makeLink(sa);
  dropPending(sa, now);
  sa.pending = { ...pending, link, secrets: [] };
  sa.timers.set('followup', now + FOLLOWUP_LIFETIME);
  return notify('ADDITIONAL_KEY_EXCHANGE', link);
}

/** The peer lost the collision, began something else, or has forgotten it ("5 to 20 seconds", section 2.2.4). */
export function dropPending(sa: IkeSa, now: number): void {
  const { pending } = sa;
  if (pending === undefined) return;
  sa.pending = undefined;
  sa.timers.clear('followup');
  for (const secret of pending.secrets) secret.wipe();
  pending.abandon(now);
}

export function respondFollowup(sa: IkeSa, { payloads }: OpenedMessage, now: number): void {
  const { pending } = sa;
  const [ke, link] = [find(payloads, 'KE'), findNotify(payloads, 'ADDITIONAL_KEY_EXCHANGE')?.data];
  if (pending === undefined || link === undefined || !same(link, pending.link)) {
    sa.respond(EXCHANGE.IKE_FOLLOWUP_KE, [notify('STATE_NOT_FOUND')], now);
    return;
  }
  const [method, ...methods] = pending.methods;
  const share = method !== undefined && ke?.method === method ? answerShare(sa.host, method, ke.data) : undefined;
  if (method === undefined || share === undefined || 'invalid' in share) {
    dropPending(sa, now);
    const refusal = share !== undefined && 'invalid' in share ? share.refusal : 'INVALID_SYNTAX';
    answerOrBreak(sa, [notify(refusal)], now, EXCHANGE.IKE_FOLLOWUP_KE);
    return;
  }
  const answer: Payload = { kind: 'KE', method, data: share.publicValue };
  const secrets = [...pending.secrets, share.shared];
  if (methods.length > 0) {
    const next = makeLink(sa);
    sa.pending = { ...pending, link: next, methods, secrets };
    sa.timers.set('followup', now + FOLLOWUP_LIFETIME);
    sa.respond(EXCHANGE.IKE_FOLLOWUP_KE, [answer, notify('ADDITIONAL_KEY_EXCHANGE', next)], now);
    return;
  }
  sa.pending = undefined;
  sa.timers.clear('followup');
  const after = pending.complete(secrets, now);
  sa.respond(EXCHANGE.IKE_FOLLOWUP_KE, [answer], now);
  after?.(now);
}

function makeLink({ host }: IkeSa): Uint8Array {
  const link = new Uint8Array(LINK_LENGTH);
  host.random(link);
  return link;
}

function same(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((octet, index) => octet === right[index]);
}

const LINK_LENGTH = 8;
