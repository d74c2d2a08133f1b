import { type CipherGCMTypes, createCipheriv, createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import type { KeyedGmac, KeyedMac, MacAlgorithm } from '@weft/ipsec-core';

export function nodeMac(algorithm: MacAlgorithm, key: Uint8Array): KeyedMac {
  if (algorithm === 'aes-xcbc') return xcbc(key);
  if (algorithm === 'aes-cmac') return cmac(key);
  return new HmacKey(HASH[algorithm], key);
}

/**
 * Key derivation uses a key once, an association for every packet: a KeyObject, whose making and collecting cost more than
 * an HMAC does, is made for the second use only.
 */
class HmacKey implements KeyedMac {
  readonly #hash: string;
  readonly #octets: Uint8Array;
  #object: KeyObject | undefined;
  #used = false;

  constructor(hash: string, key: Uint8Array) {
    this.#hash = hash;
    // `slice` of a Buffer would not copy.
    this.#octets = new Uint8Array(key);
  }

  compute(buffer: Uint8Array, offset: number, length: number, out: Uint8Array, tail?: Uint8Array): void {
    const whole = offset === 0 && length === buffer.length;
    const hmac = createHmac(this.#hash, this.#key()).update(whole ? buffer : buffer.subarray(offset, offset + length));
    if (tail !== undefined) hmac.update(tail);
    out.set(hmac.digest());
  }

  destroy(): void {
    // A KeyObject cannot be wiped; its memory is cleansed by OpenSSL when it is collected.
    this.#octets.fill(0);
  }

  #key(): KeyObject | Uint8Array {
    if (this.#used && this.#object === undefined) {
      this.#object = createSecretKey(this.#octets);
      this.#octets.fill(0);
    }
    this.#used = true;
    return this.#object ?? this.#octets;
  }
}

export function nodeGmac(key: Uint8Array): KeyedGmac {
  const secret = createSecretKey(key);
  const name = `aes-${key.length * 8}-gcm` as CipherGCMTypes;
  return {
    compute(nonce, head, buffer, offset, length, tail, out) {
      const cipher = createCipheriv(name, secret, nonce);
      // OpenSSL takes additional data in any number of pieces, and so does setAAD.
      if (head.length > 0) cipher.setAAD(head);
      cipher.setAAD(buffer.subarray(offset, offset + length));
      if (tail.length > 0) cipher.setAAD(tail);
      cipher.final();
      out.set(cipher.getAuthTag());
    },
    destroy() {
      // A KeyObject cannot be wiped; its memory is cleansed by OpenSSL when it is collected.
    },
  };
}

/** RFC 3566 section 4. */
function xcbc(key: Uint8Array): KeyedMac {
  const secret = createSecretKey(key);
  const derive = (octet: number) => encryptCbc(secret, new Uint8Array(16).fill(octet));
  const first = derive(1);
  const mac = cbcMac(createSecretKey(first), derive(2), derive(3));
  first.fill(0);
  return mac;
}

/** RFC 4493 section 2.3. */
function cmac(key: Uint8Array): KeyedMac {
  const secret = createSecretKey(key);
  const whole = double(encryptCbc(secret, new Uint8Array(16)));
  return cbcMac(secret, whole, double(whole));
}

/** CBC-MAC whose last block is mixed with one subkey when it is whole, else padded with a single 1 and the other. */
function cbcMac(secret: KeyObject, whole: Uint8Array, padded: Uint8Array): KeyedMac {
  return {
    compute(buffer, offset, length, out, tail) {
      const total = length + (tail?.length ?? 0);
      const isWhole = total > 0 && total % 16 === 0;
      const blocks = new Uint8Array(Math.max(16, Math.ceil(total / 16) * 16));
      blocks.set(buffer.subarray(offset, offset + length));
      if (tail !== undefined) blocks.set(tail, length);
      if (!isWhole) blocks[total] = 0x80;
      const subkey = isWhole ? whole : padded;
      const last = blocks.length - 16;
      for (let i = 0; i < 16; i++) blocks[last + i] = (blocks[last + i] ?? 0) ^ (subkey[i] ?? 0);
      out.set(encryptCbc(secret, blocks).subarray(-16));
    },
    destroy() {
      whole.fill(0);
      padded.fill(0);
    },
  };
}

function encryptCbc(secret: KeyObject, blocks: Uint8Array): Uint8Array {
  const bits = (secret.symmetricKeySize ?? 0) * 8;
  return createCipheriv(`aes-${bits}-cbc`, secret, new Uint8Array(16)).setAutoPadding(false).update(blocks);
}

/** Multiplication by x in GF(2^128). */
function double(block: Uint8Array): Uint8Array {
  const out = new Uint8Array(16);
  for (let i = 0; i < 16; i++) out[i] = ((block[i] ?? 0) << 1) | ((block[i + 1] ?? 0) >>> 7);
  if (((block[0] ?? 0) & 0x80) !== 0) out[15] = (out[15] ?? 0) ^ 0x87;
  return out;
}

const HASH = {
  'hmac-sha1': 'sha1',
  'hmac-sha2-256': 'sha256',
  'hmac-sha2-384': 'sha384',
  'hmac-sha2-512': 'sha512',
} as const;
