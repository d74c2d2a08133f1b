import type { Secret } from '../../bytes/secret.js';
import { Slab } from '../../bytes/slab.js';
import {
  type AnsweredKeyExchange,
  type InitiatedKeyExchange,
  KeyExchangeError,
} from '../../crypto/ike/key-exchange/key-exchange.js';
import { TRANSFORM_TYPE } from '../../wire/ike/iana.js';
import type { KeyExchangePayload } from '../../wire/ike/payloads/key-exchange.js';
import { notify } from '../../wire/ike/payloads/notify.js';
import type { Payload } from '../../wire/ike/payloads/registry.js';
import type { Transform } from '../../wire/ike/payloads/sa.js';
import type { IkeHost } from '../host.js';
import { HostedShare } from '../hosted-share.js';
import type { IkeSa } from '../ike-sa.js';
import type { JobResult } from '../outputs.js';
import type { Claim } from '../own-request.js';
import { find, findError, findNotify } from './payload-access.js';

/** The peer's share did not fit its method, or the host could not compute what it needs. */
export interface InvalidShare {
  readonly invalid: string;
  /** What an exchange is refused with: the fault is the peer's, or is none and will pass. */
  readonly refusal: 'INVALID_SYNTAX' | 'TEMPORARY_FAILURE';
}

type Made = (share: InitiatedKeyExchange | InvalidShare, now: number) => void;

/** Our share: at once when its method is quick, else when the host has made it. */
export function makeShare(host: IkeHost, method: number, done: Made, now: number): void {
  if (!host.keyExchange.costly.has(method)) {
    done(host.keyExchange.initiate(method, host.random), now);
    return;
  }
  host.job({ kind: 'make-share', method }, (result, later) => {
    if (result.kind === 'share-made') done(new HostedShare(method, result.publicValue, result.privateValue), later);
    else done(invalid(failureOf(result, method)), later);
  });
}

/** The same for a request of ours. While the host computes, the window is taken as if the request were under way. */
export function makeShareFor(sa: IkeSa, method: number, claim: Claim, done: Made, now: number): void {
  const { host, lineage } = sa;
  if (!host.keyExchange.costly.has(method)) {
    makeShare(host, method, done, now);
    return;
  }
  sa.claim(claim);
  const made: Made = (share, later) => {
    if (sa.release(claim)) {
      done(share, later);
      lineage.pump(later);
    } else if (!('invalid' in share)) share.discard();
  };
  makeShare(host, method, made, now);
}

/** Has the host answer the share of a costly method, and goes on when `answerShare` has that answer at hand. */
export function prepareAnswer(host: IkeHost, { method, data }: KeyExchangePayload, go: (now: number) => void): void {
  host.job({ kind: 'answer-share', method, peerPublic: data }, (result, later) => {
    const answer = result.kind === 'share-answered' ? result : failureOf(result, method);
    host.preparedAnswers.set(data, answer);
    try {
      go(later);
    } finally {
      // The exchange was refused for another reason.
      if (host.preparedAnswers.delete(data) && 'shared' in answer) answer.shared.wipe();
    }
  });
}

export function answerShare(host: IkeHost, method: number, data: Uint8Array): AnsweredKeyExchange | InvalidShare {
  const prepared = host.preparedAnswers.get(data);
  if (prepared === undefined) return attempt(() => host.keyExchange.respond(method, data, host.random));
  host.preparedAnswers.delete(data);
  return prepared instanceof KeyExchangeError ? invalid(prepared) : prepared;
}

/** Goes on when `finishShare` can finish ours with what the peer answered: at once unless the host has to compute it. */
export function prepareFinish(
  host: IkeHost,
  share: InitiatedKeyExchange | undefined,
  answer: readonly Payload[],
  go: (now: number) => void,
  now: number,
): void {
  const ke = find(answer, 'KE');
  if (!(share instanceof HostedShare) || ke?.method !== share.method || findError(answer) !== undefined) {
    go(now);
    return;
  }
  const { method, privateValue } = share;
  host.job({ kind: 'finish-share', method, privateValue, peerPublic: ke.data }, (result, later) => {
    share.settle(result);
    go(later);
  });
}

/** Wipes the private value either way. */
export function finishShare(share: InitiatedKeyExchange, data: Uint8Array): Secret | InvalidShare {
  return attempt(() => share.finish(data));
}

/** The method that the peer wants instead (INVALID_KE_PAYLOAD, RFC 7296 section 1.3), when it says so. */
export function wantedMethod(payloads: readonly Payload[]): number | undefined {
  const retry = findNotify(payloads, 'INVALID_KE_PAYLOAD');
  return retry === undefined ? undefined : ((retry.data[0] ?? 0) << 8) | (retry.data[1] ?? 0);
}

export function invalidKe(wanted: number): Payload {
  return notify('INVALID_KE_PAYLOAD', Uint8Array.of(wanted >>> 8, wanted));
}

export function offersMethod(proposals: readonly (readonly Transform[])[], method: number): boolean {
  return proposals.some((all) => all.some((entry) => entry.type === TRANSFORM_TYPE.KE && entry.id === method));
}

/** What the first share is made for: the method we like best. */
export function firstMethod(proposals: readonly (readonly Transform[])[]): number | undefined {
  return proposals[0]?.find((entry) => entry.type === TRANSFORM_TYPE.KE && entry.id !== 0)?.id;
}

export function makeNonce(host: IkeHost): Uint8Array {
  const nonce = NONCES.room(NONCE_LENGTH);
  host.random(nonce);
  return nonce;
}

function attempt<T>(exchange: () => T): T | InvalidShare {
  try {
    return exchange();
  } catch (error) {
    if (error instanceof KeyExchangeError) return invalid(error);
    throw error;
  }
}

function invalid({ message, code }: KeyExchangeError): InvalidShare {
  return { invalid: message, refusal: code === 'not_computed' ? 'TEMPORARY_FAILURE' : 'INVALID_SYNTAX' };
}

function failureOf(result: JobResult, method: number): KeyExchangeError {
  return new KeyExchangeError(result.kind === 'share-refused' ? result.code : 'not_computed', method);
}

/** At least half the key size of any PRF (section 2.10). */
const NONCE_LENGTH = 32;
const NONCES = new Slab();
