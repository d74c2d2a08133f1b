import type { Secret } from '../../bytes/secret.js';
import {
  type AnsweredKeyExchange,
  type InitiatedKeyExchange,
  KeyExchangeError,
} from '../../crypto/ike/key-exchange/key-exchange.js';
import { TRANSFORM_TYPE } from '../../wire/ike/iana.js';
import { notify } from '../../wire/ike/payloads/notify.js';
import type { Payload } from '../../wire/ike/payloads/registry.js';
import type { Transform } from '../../wire/ike/payloads/sa.js';
import type { IkeHost } from '../host.js';
import { findNotify } from './payload-access.js';

/** The peer's share did not fit its method. */
export interface InvalidShare {
  readonly invalid: string;
}

export function answerShare(host: IkeHost, method: number, data: Uint8Array): AnsweredKeyExchange | InvalidShare {
  return attempt(() => host.keyExchange.respond(method, data, host.random));
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
  const nonce = new Uint8Array(NONCE_LENGTH);
  host.random(nonce);
  return nonce;
}

function attempt<T>(exchange: () => T): T | InvalidShare {
  try {
    return exchange();
  } catch (error) {
    if (error instanceof KeyExchangeError) return { invalid: error.message };
    throw error;
  }
}

/** At least half the key size of any PRF (section 2.10). */
const NONCE_LENGTH = 32;
