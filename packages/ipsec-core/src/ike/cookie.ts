import { equalConstantTime } from '../bytes/compare.js';
import { createPrf, type Prf } from '../crypto/ike/prf.js';
import type { CryptoProvider } from '../crypto/provider.js';
import type { Endpoint } from './connection.js';

/**
 * Stateless cookies, RFC 7296 section 2.6: `version | prf(secret, Ni | IPi | SPIi)`. The secret changes every minute; the
 * one before it is accepted for another: "The responder should not accept cookies indefinitely after <secret> is changed,
 * since that would defeat part of the DoS protection."
 */
export class CookieJar {
  readonly #prf: Prf;
  readonly #random: (out: Uint8Array) => void;
  #secrets: { readonly version: number; readonly secret: Uint8Array }[] = [];
  #renewAt = Number.NEGATIVE_INFINITY;

  constructor(provider: CryptoProvider, random: (out: Uint8Array) => void) {
    this.#prf = createPrf(provider, 'hmac-sha2-256');
    this.#random = random;
  }

  make(nonce: Uint8Array, remote: Endpoint, initiatorSpi: Uint8Array, now: number): Uint8Array {
    const current = this.#current(now);
    return Uint8Array.of(current.version, ...this.#prf.compute(current.secret, nonce, remote.address, initiatorSpi));
  }

  isValid(cookie: Uint8Array, nonce: Uint8Array, remote: Endpoint, initiatorSpi: Uint8Array, now: number): boolean {
    this.#current(now);
    const known = this.#secrets.find((entry) => entry.version === cookie[0]);
    if (known === undefined || cookie.length !== COOKIE_LENGTH) return false;
    const expected = this.#prf.compute(known.secret, nonce, remote.address, initiatorSpi);
    return equalConstantTime(expected, 0, cookie, 1, expected.length);
  }

  #current(now: number): { readonly version: number; readonly secret: Uint8Array } {
    const latest = this.#secrets.at(-1);
    if (latest !== undefined && now < this.#renewAt) return latest;
    const secret = new Uint8Array(32);
    this.#random(secret);
    const next = { version: ((latest?.version ?? 0) + 1) & 0xff, secret };
    // Nobody may have asked for a cookie in a long time: what it is the secret of then is old.
    const isRecent = latest !== undefined && now < this.#renewAt + SECRET_LIFETIME;
    this.#secrets = isRecent ? [latest, next] : [next];
    this.#renewAt = now + SECRET_LIFETIME;
    return next;
  }
}

/** Whether it is one: 1 to 64 octets (section 2.6). */
export function isCookie(data: Uint8Array): boolean {
  return data.length >= 1 && data.length <= 64;
}

const SECRET_LIFETIME = 60_000;
const COOKIE_LENGTH = 33;
