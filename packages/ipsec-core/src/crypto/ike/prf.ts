import { PRF } from '../../wire/ike/iana.js';
import { type CryptoProvider, MAC_LENGTH, type MacAlgorithm } from '../provider.js';

/**
 * Pseudo-random functions of IKEv2 (RFC 7296 section 3.3.2). HMACs take a key of any length. AES-XCBC (RFC 4434) and
 * AES-CMAC (RFC 4615) take 128 bits; keys of other lengths are first brought to 128 bits, each in its own way.
 */
export type PrfName = 'hmac-sha1' | 'hmac-sha2-256' | 'hmac-sha2-384' | 'hmac-sha2-512' | 'aes-xcbc' | 'aes-cmac';

export interface Prf {
  readonly name: PrfName;
  /** Preferred key length and output length, octets; equal for all that we have. */
  readonly length: number;
  /** RFC 7296 section 2.14: only 64 bits of each nonce make the key of SKEYSEED. */
  readonly fixedKey: boolean;
  compute(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array;
}

export const PRF_NAMES: ReadonlyMap<number, PrfName> = new Map([
  [PRF.HMAC_SHA1, 'hmac-sha1'],
  [PRF.AES128_XCBC, 'aes-xcbc'],
  [PRF.HMAC_SHA2_256, 'hmac-sha2-256'],
  [PRF.HMAC_SHA2_384, 'hmac-sha2-384'],
  [PRF.HMAC_SHA2_512, 'hmac-sha2-512'],
  [PRF.AES128_CMAC, 'aes-cmac'],
]);

export function createPrf(provider: CryptoProvider, name: PrfName): Prf {
  const mac = (key: Uint8Array, message: Uint8Array) => computeMac(provider, name, key, message);
  return {
    name,
    length: MAC_LENGTH[name],
    fixedKey: name === 'aes-xcbc' || name === 'aes-cmac',
    compute: (key, ...parts) => mac(fitKey(name, key, mac), concatenate(parts)),
  };
}

export function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function fitKey(name: PrfName, key: Uint8Array, mac: (key: Uint8Array, message: Uint8Array) => Uint8Array): Uint8Array {
  if ((name !== 'aes-xcbc' && name !== 'aes-cmac') || key.length === BLOCK) return key;
  if (name === 'aes-xcbc' && key.length < BLOCK) {
    const padded = new Uint8Array(BLOCK);
    padded.set(key);
    return padded;
  }
  return mac(new Uint8Array(BLOCK), key);
}

function computeMac(
  provider: CryptoProvider,
  algorithm: MacAlgorithm,
  key: Uint8Array,
  message: Uint8Array,
): Uint8Array {
  const keyed = provider.mac(algorithm, key);
  const out = new Uint8Array(MAC_LENGTH[algorithm]);
  keyed.compute(message, 0, message.length, out);
  keyed.destroy();
  return out;
}

const BLOCK = 16;
