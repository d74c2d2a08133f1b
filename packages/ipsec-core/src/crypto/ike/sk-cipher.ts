import { equalConstantTime } from '../../bytes/compare.js';
import { writeUint32 } from '../../bytes/octets.js';
import type { Secret } from '../../bytes/secret.js';
import { Slab } from '../../bytes/slab.js';
import { type CryptoProvider, type Direction, MAC_LENGTH } from '../provider.js';
import { ENCRYPTION, INTEGRITY } from '../suites.js';
import type { IkeSuite } from './suite.js';

/**
 * The content of SK and SKF payloads (RFC 7296 section 3.14; RFC 5282 for combined modes, RFC 7634 for ChaCha20, RFC
 * 5930 for AES-CTR): IV | ciphertext of (payloads | padding | pad length) | ICV. `aad` is the message from the IKE
 * header to the generic header of the SK payload (and, in SKF, its fragment numbers).
 */
export interface SkCipher {
  /** IV, pad length and ICV, plus at most this padding: what a message grows by. */
  readonly overhead: number;
  /** Octets of IV, padded ciphertext and ICV for a plaintext of this length; known before sealing, AAD contains it. */
  sealedLength(plaintextLength: number): number;
  seal(aad: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /** The payloads without padding, or undefined when the ICV or the padding is wrong. */
  open(aad: Uint8Array, sealed: Uint8Array): Uint8Array | undefined;
  destroy(): void;
}

export interface SkCipherOptions {
  readonly provider: CryptoProvider;
  readonly suite: Pick<IkeSuite, 'encryption' | 'keyBits' | 'integrity'>;
  readonly encryptionKey: Secret;
  readonly integrityKey: Secret;
  readonly direction: Direction;
  readonly random: (out: Uint8Array) => void;
}

export function createSkCipher(options: SkCipherOptions): SkCipher {
  return ENCRYPTION[options.suite.encryption].kind === 'combined' ? combinedCipher(options) : separateCipher(options);
}

function combinedCipher({ provider, suite, encryptionKey, direction }: SkCipherOptions): SkCipher {
  const parameters = ENCRYPTION[suite.encryption];
  if (parameters.kind !== 'combined') throw new RangeError(`${suite.encryption} is no combined mode.`);
  const { saltLength, ivLength, icvLength } = parameters;
  const keyLength = suite.keyBits / 8;
  const nonce = NONCES.room(saltLength + ivLength);
  const aead = encryptionKey.reveal((key) => {
    nonce.set(key.subarray(keyLength), 0);
    return provider.aead(parameters.algorithm, key.subarray(0, keyLength), icvLength, direction);
  });
  // "The nonce MUST be unique": a counter, as RFC 5282 section 3.1 allows; each direction has its own key.
  let sealed = 0n;
  const overhead = ivLength + 1 + icvLength;
  return {
    overhead,
    sealedLength: (length) => length + overhead,
    seal(aad, plaintext) {
      writeUint32(nonce, saltLength, Number(sealed >> 32n));
      writeUint32(nonce, saltLength + 4, Number(sealed & 0xffffffffn));
      sealed += 1n;
      const out = new Uint8Array(plaintext.length + overhead);
      out.set(nonce.subarray(saltLength), 0);
      out.set(plaintext, ivLength);
      aead.seal(nonce, aad, aad.length, out, ivLength, plaintext.length + 1);
      return out;
    },
    open(aad, octets) {
      const length = octets.length - ivLength - icvLength;
      if (length < 1) return undefined;
      nonce.set(octets.subarray(0, ivLength), saltLength);
      const out = new Uint8Array(length);
      const scratch = octets.slice();
      return aead.open(nonce, aad, aad.length, scratch, ivLength, length, out, 0) ? unpad(out) : undefined;
    },
    destroy() {
      aead.destroy();
      nonce.fill(0);
    },
  };
}

function separateCipher(options: SkCipherOptions): SkCipher {
  const { provider, suite, encryptionKey, integrityKey, direction, random } = options;
  const parameters = ENCRYPTION[suite.encryption];
  if (parameters.kind !== 'separate' || parameters.algorithm === undefined || suite.integrity === undefined) {
    throw new RangeError(`${suite.encryption} cannot protect IKE messages without an integrity algorithm.`);
  }
  const algorithm = parameters.algorithm;
  const { ivLength } = parameters;
  const integrity = INTEGRITY[suite.integrity];
  const block = algorithm === 'aes-cbc' ? ivLength : 1;
  const keyLength = suite.keyBits / 8;
  const counterBlock = new Uint8Array(CIPHER_IV);
  const cipher = encryptionKey.reveal((key) => {
    if (algorithm === 'aes-ctr') counterBlock.set(key.subarray(keyLength), 0);
    return provider.cipher(algorithm, key.subarray(0, keyLength), direction);
  });
  const mac = integrityKey.reveal((key) => provider.mac(integrity.algorithm, key));
  /** RFC 3686 section 4: nonce | IV | block counter that starts at one. */
  const fullIv = (iv: Uint8Array): Uint8Array => {
    if (algorithm === 'aes-cbc') return iv;
    counterBlock.set(iv, parameters.saltLength);
    counterBlock.set([0, 0, 0, 1], CIPHER_IV - 4);
    return counterBlock;
  };
  const icv = (aad: Uint8Array, covered: Uint8Array): Uint8Array => {
    const input = new Uint8Array(aad.length + covered.length);
    input.set(aad);
    input.set(covered, aad.length);
    const out = new Uint8Array(MAC_LENGTH[integrity.algorithm]);
    mac.compute(input, 0, input.length, out);
    return out;
  };
  const padded = (length: number) => Math.ceil((length + 1) / block) * block;
  return {
    overhead: ivLength + block + integrity.icvLength,
    sealedLength: (length) => ivLength + padded(length) + integrity.icvLength,
    seal(aad, plaintext) {
      const length = padded(plaintext.length);
      const out = new Uint8Array(ivLength + length + integrity.icvLength);
      random(out.subarray(0, ivLength));
      out.set(plaintext, ivLength);
      out[ivLength + length - 1] = length - plaintext.length - 1;
      cipher.apply(fullIv(out.slice(0, ivLength)), out, ivLength, length, out, ivLength);
      const covered = out.subarray(0, ivLength + length);
      out.set(icv(aad, covered).subarray(0, integrity.icvLength), ivLength + length);
      return out;
    },
    open(aad, octets) {
      const length = octets.length - ivLength - integrity.icvLength;
      if (length < 1 || length % block !== 0) return undefined;
      const expected = icv(aad, octets.subarray(0, ivLength + length));
      if (!equalConstantTime(expected, 0, octets, ivLength + length, integrity.icvLength)) return undefined;
      const out = new Uint8Array(length);
      cipher.apply(fullIv(octets.slice(0, ivLength)), octets, ivLength, length, out, 0);
      return unpad(out);
    },
    destroy() {
      cipher.destroy();
      mac.destroy();
      counterBlock.fill(0);
    },
  };
}

/** The last octet counts the padding before it; any padding content is accepted (section 3.14). */
function unpad(plaintext: Uint8Array): Uint8Array | undefined {
  const padding = plaintext[plaintext.length - 1] ?? 0;
  return padding + 1 > plaintext.length ? undefined : plaintext.subarray(0, plaintext.length - padding - 1);
}

/** A salt is a part of the key: it stands with others of its kind only, until it is overwritten. */
const NONCES = new Slab();
const CIPHER_IV = 16;
