import { sha384 } from '@noble/hashes/sha2.js';
import { Secret } from '../../bytes/secret.js';
import { type CryptoProvider, MAC_LENGTH } from '../provider.js';
import { concatenate } from './prf.js';

/** HKDF-Extract (RFC 5869 section 2.2) with SHA-384: PRK = HMAC-Hash(salt, IKM). */
export function hkdfExtract(provider: CryptoProvider, salt: Uint8Array, inputKeyingMaterial: Uint8Array): Secret {
  return taken(hmac(provider, salt, inputKeyingMaterial));
}

/**
 * HKDF-Expand (RFC 5869 section 2.3) with SHA-384: T(n) = HMAC-Hash(PRK, T(n-1) | info | n).
 * Throws RangeError beyond 255 times the length of the hash.
 */
export function hkdfExpand(provider: CryptoProvider, key: Secret, info: Uint8Array, length: number): Secret {
  if (length > MAXIMUM_ROUNDS * HASH_LENGTH) throw new RangeError(`HKDF-SHA-384 cannot give ${length} octets.`);
  const out = new Uint8Array(length);
  let previous = new Uint8Array(0);
  for (let round = 1, at = 0; at < length; round++, at += HASH_LENGTH) {
    const message = concatenate([previous, info, Uint8Array.of(round)]);
    const next = key.reveal((octets) => hmac(provider, octets, message));
    message.fill(0);
    previous.fill(0);
    previous = next;
    out.set(previous.subarray(0, length - at), at);
  }
  previous.fill(0);
  return taken(out);
}

/** SHA-384 (FIPS 180-4) over the parts, one after the other. */
export function sha384Of(...parts: readonly Uint8Array[]): Uint8Array {
  return sha384(concatenate(parts));
}

function hmac(provider: CryptoProvider, key: Uint8Array, message: Uint8Array): Uint8Array<ArrayBuffer> {
  const keyed = provider.mac('hmac-sha2-384', key);
  const out = new Uint8Array(HASH_LENGTH);
  keyed.compute(message, 0, message.length, out);
  keyed.destroy();
  return out;
}

function taken(octets: Uint8Array): Secret {
  const secret = new Secret(octets);
  octets.fill(0);
  return secret;
}

/** Octets that SHA-384 gives. */
export const HASH_LENGTH = MAC_LENGTH['hmac-sha2-384'];
const MAXIMUM_ROUNDS = 255;
