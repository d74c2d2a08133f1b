import { equalConstantTime } from '../bytes/compare.js';
import type { Secret } from '../bytes/secret.js';
import { createPrf, type Prf } from '../crypto/ike/prf.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { PROTOCOL } from '../wire/ike/iana.js';
import { type NotifyPayload, notify } from '../wire/ike/payloads/notify.js';

/**
 * Quick crash detection, RFC 6290. Each IKE SA has a token that only its maker can compute, from a secret that survives a
 * restart: `prf(secret, SPIi | SPIr)`. The peer keeps it. Asked about an IKE SA that it does not know any more, the maker
 * shows the token, and the peer need not wait for its retransmissions to know that the SA is gone.
 */
export class CrashDetection {
  readonly #prf: Prf;
  readonly #secret: Secret;

  /** The secret should be random, at least 32 octets, and kept by the host across restarts. */
  constructor(provider: CryptoProvider, secret: Secret) {
    this.#prf = createPrf(provider, 'hmac-sha2-256');
    this.#secret = secret;
  }

  tokenOf({ initiatorSpi, responderSpi }: IkeSpis): Uint8Array {
    return this.#secret.reveal((secret) => this.#prf.compute(secret, initiatorSpi, responderSpi));
  }
}

/** QCD_TOKEN: "Protocol ID (1 octet) MUST be 1, as this message is related to an IKE SA" (section 4.1). */
export function tokenNotify(token: Uint8Array): NotifyPayload {
  return { ...notify('QUICK_CRASH_DETECTION', token), protocol: PROTOCOL.IKE };
}

export interface IkeSpis {
  readonly initiatorSpi: Uint8Array;
  readonly responderSpi: Uint8Array;
}

/** "Tokens MUST be at least 16 octets long, and no more than 128 octets long" (section 5). */
export function isToken(data: Uint8Array): boolean {
  return data.length >= MINIMUM_TOKEN && data.length <= MAXIMUM_TOKEN;
}

export function sameToken(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && equalConstantTime(left, 0, right, 0, left.length);
}

const MINIMUM_TOKEN = 16;
const MAXIMUM_TOKEN = 128;
