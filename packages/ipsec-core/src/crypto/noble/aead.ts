import { cbc, ctr, gcm } from '@noble/ciphers/aes.js';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { equalConstantTime } from '../../bytes/compare.js';
import { writeUint16 } from '../../bytes/octets.js';
import { Secret } from '../../bytes/secret.js';
import type { AeadAlgorithm, KeyedAead } from '../provider.js';

/** Ciphertext and the whole 16-octet tag, or the tag cut by the mode itself (CCM). */
type Seal = (key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plain: Uint8Array, tagLength: number) => Uint8Array;
/** The plaintext that the ciphertext would have; nothing is checked. */
type Decrypt = (key: Uint8Array, nonce: Uint8Array, cipher: Uint8Array) => Uint8Array;

/** An AEAD made of pure functions: opening decrypts, seals again and compares, which serves every tag length alike. */
export function nobleAead(algorithm: AeadAlgorithm, key: Uint8Array, tagLength: number): KeyedAead {
  const { seal, decrypt } = MODES[algorithm];
  const secret = new Secret(key);
  return {
    seal(nonce, aad, aadLength, buffer, offset, length) {
      const plain = buffer.subarray(offset, offset + length);
      const sealed = secret.reveal((k) => seal(k, nonce, aad.subarray(0, aadLength), plain, tagLength));
      buffer.set(sealed.subarray(0, length + tagLength), offset);
    },
    open(nonce, aad, aadLength, buffer, offset, length, out, outOffset) {
      const cipher = buffer.subarray(offset, offset + length);
      return secret.reveal((k) => {
        const plain = decrypt(k, nonce, cipher);
        const sealed = seal(k, nonce, aad.subarray(0, aadLength), plain, tagLength);
        const authentic = equalConstantTime(sealed, length, buffer, offset + length, tagLength);
        if (authentic) out.set(plain, outOffset);
        plain.fill(0);
        return authentic;
      });
    },
    destroy() {
      secret.wipe();
    },
  };
}

/** RFC 3610 with the 11-octet nonces of RFC 4309, hence four octets of length and of block counter. */
function sealCcm(
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  plain: Uint8Array,
  tagLength: number,
): Uint8Array {
  const lengthSize = 15 - nonce.length;
  const aadBlock = aad.length === 0 ? 0 : roundUp(aad.length + 2, 16);
  const blocks = new Uint8Array(16 + aadBlock + roundUp(plain.length, 16));
  blocks[0] = (aad.length === 0 ? 0 : 0x40) | (((tagLength - 2) / 2) << 3) | (lengthSize - 1);
  blocks.set(nonce, 1);
  writeUint16(blocks, 14, plain.length);
  if (aad.length > 0) {
    writeUint16(blocks, 16, aad.length);
    blocks.set(aad, 18);
  }
  blocks.set(plain, 16 + aadBlock);
  const tag = cbc(key, new Uint8Array(16), { disablePadding: true }).encrypt(blocks).subarray(-16);
  const stream = new Uint8Array(16 + plain.length);
  stream.set(tag);
  stream.set(plain, 16);
  const sealed = ctr(key, ccmCounterBlock(nonce)).encrypt(stream);
  const out = new Uint8Array(plain.length + tagLength);
  out.set(sealed.subarray(16));
  out.set(sealed.subarray(0, tagLength), plain.length);
  return out;
}

function decryptCcm(key: Uint8Array, nonce: Uint8Array, cipher: Uint8Array): Uint8Array {
  const stream = new Uint8Array(16 + cipher.length);
  stream.set(cipher, 16);
  return ctr(key, ccmCounterBlock(nonce)).encrypt(stream).slice(16);
}

function ccmCounterBlock(nonce: Uint8Array): Uint8Array {
  const block = new Uint8Array(16);
  block[0] = 14 - nonce.length;
  block.set(nonce, 1);
  return block;
}

/** NIST SP 800-38D section 7.1: with a 96-bit nonce the first payload counter is 2. */
function decryptGcm(key: Uint8Array, nonce: Uint8Array, cipher: Uint8Array): Uint8Array {
  const block = new Uint8Array(16);
  block.set(nonce);
  block[15] = 2;
  return ctr(key, block).encrypt(cipher);
}

/** Encryption is its own inverse: the keystream starts at block 1 whatever the data (RFC 8439 section 2.8). */
function decryptChaCha(key: Uint8Array, nonce: Uint8Array, cipher: Uint8Array): Uint8Array {
  return chacha20poly1305(key, nonce).encrypt(cipher).slice(0, cipher.length);
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}

const MODES: Readonly<Record<AeadAlgorithm, { seal: Seal; decrypt: Decrypt }>> = {
  'aes-gcm': { seal: (key, nonce, aad, plain) => gcm(key, nonce, aad).encrypt(plain), decrypt: decryptGcm },
  'aes-ccm': { seal: sealCcm, decrypt: decryptCcm },
  'chacha20-poly1305': {
    seal: (key, nonce, aad, plain) => chacha20poly1305(key, nonce, aad).encrypt(plain),
    decrypt: decryptChaCha,
  },
};
