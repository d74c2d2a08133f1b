import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto';
import type { CryptoProvider, KeyedCipher } from '@weft/ipsec-core';
import { nodeAead } from './aead.js';
import { nodeMac } from './mac.js';

/**
 * Algorithms of the OpenSSL inside Node. Keys are always KeyObjects: a raw key costs three times as much per packet on
 * Node 24. Each packet makes cipher objects, which node:crypto gives no way to reuse.
 */
export const nodeCryptoProvider: CryptoProvider = {
  name: 'node:crypto',
  aeads: ['aes-gcm', 'aes-ccm', 'chacha20-poly1305'],
  ciphers: ['aes-cbc', 'aes-ctr'],
  macs: ['hmac-sha1', 'hmac-sha2-256', 'hmac-sha2-384', 'hmac-sha2-512', 'aes-xcbc', 'aes-cmac'],
  aead: nodeAead,
  mac: nodeMac,
  cipher(algorithm, key, direction): KeyedCipher {
    const name = `aes-${key.length * 8}-${algorithm === 'aes-cbc' ? 'cbc' : 'ctr'}`;
    const create = direction === 'outbound' ? createCipheriv : createDecipheriv;
    const secret = createSecretKey(key);
    return {
      apply(iv, buffer, offset, length, out, outOffset) {
        const cipher = create(name, secret, iv);
        cipher.setAutoPadding(false);
        out.set(cipher.update(buffer.subarray(offset, offset + length)), outOffset);
        cipher.final();
      },
      destroy() {
        // A KeyObject cannot be wiped; its memory is cleansed by OpenSSL when it is collected.
      },
    };
  },
};
