import {
  type CipherCCM,
  type CipherCCMTypes,
  type CipherGCM,
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  type DecipherCCM,
  type DecipherGCM,
} from 'node:crypto';
import type { AeadAlgorithm, KeyedAead } from '@weft/ipsec-core';

export function nodeAead(algorithm: AeadAlgorithm, key: Uint8Array, tagLength: number): KeyedAead {
  const secret = createSecretKey(key);
  // One overload serves all three modes at run time: each takes authTagLength, and CCM wants plaintextLength too.
  const name = (algorithm === 'chacha20-poly1305' ? algorithm : aesName(algorithm, key.length)) as CipherCCMTypes;
  const options = { authTagLength: tagLength };
  return {
    seal(nonce, aad, aadLength, buffer, offset, length) {
      const cipher: CipherCCM | CipherGCM = createCipheriv(name, secret, nonce, options);
      cipher.setAAD(aad.subarray(0, aadLength), { plaintextLength: length });
      buffer.set(cipher.update(buffer.subarray(offset, offset + length)), offset);
      cipher.final();
      buffer.set(cipher.getAuthTag(), offset + length);
    },
    open(nonce, aad, aadLength, buffer, offset, length, out, outOffset) {
      const decipher: DecipherCCM | DecipherGCM = createDecipheriv(name, secret, nonce, options);
      decipher.setAuthTag(buffer.subarray(offset + length, offset + length + tagLength));
      decipher.setAAD(aad.subarray(0, aadLength), { plaintextLength: length });
      const plain = openOrUndefined(decipher, buffer.subarray(offset, offset + length));
      if (plain === undefined) return false;
      out.set(plain, outOffset);
      return true;
    },
    destroy() {
      // A KeyObject cannot be wiped; its memory is cleansed by OpenSSL when it is collected.
    },
  };
}

function openOrUndefined(decipher: DecipherCCM | DecipherGCM, cipher: Uint8Array): Uint8Array | undefined {
  try {
    const plain = decipher.update(cipher);
    decipher.final();
    return plain;
  } catch {
    // node:crypto has no other way of saying that the tag is wrong; every argument was checked by the engine.
    return undefined;
  }
}

function aesName(algorithm: 'aes-gcm' | 'aes-ccm', keyLength: number): string {
  return `aes-${keyLength * 8}-${algorithm === 'aes-gcm' ? 'gcm' : 'ccm'}`;
}
