import { createCipheriv, createDecipheriv, createSecretKey, getCiphers, getHashes } from 'node:crypto';
import type { AeadAlgorithm, CipherAlgorithm, CryptoProvider, KeyedCipher, MacAlgorithm } from '@weft/ipsec-core';
import { nodeAead } from './aead.js';
import { nodeGmac, nodeMac } from './mac.js';

/** What this Node offers: a build without legacy algorithms, or in FIPS mode, has fewer. */
const available = new Set([...getCiphers(), ...getHashes().map((hash) => hash.toLowerCase())]);
const needs = <Name extends string>(table: Readonly<Record<Name, readonly string[]>>): readonly Name[] =>
  (Object.keys(table) as Name[]).filter((name) => table[name].every((primitive) => available.has(primitive)));
const aes = (mode: string) => [`aes-128-${mode}`, `aes-192-${mode}`, `aes-256-${mode}`];

/**
 * Algorithms of the OpenSSL inside Node. Keys are always KeyObjects: a raw key costs three times as much per packet on
 * Node 24. Each packet makes cipher objects, which node:crypto gives no way to reuse.
 */
export const nodeCryptoProvider: CryptoProvider = {
  name: 'node:crypto',
  aeads: needs<AeadAlgorithm>({
    'aes-gcm': aes('gcm'),
    'aes-ccm': aes('ccm'),
    'chacha20-poly1305': ['chacha20-poly1305'],
  }),
  ciphers: needs<CipherAlgorithm>({ 'aes-cbc': aes('cbc'), 'aes-ctr': aes('ctr') }),
  macs: needs<MacAlgorithm>({
    'hmac-sha1': ['sha1'],
    'hmac-sha2-256': ['sha256'],
    'hmac-sha2-384': ['sha384'],
    'hmac-sha2-512': ['sha512'],
    'aes-xcbc': aes('cbc'),
    'aes-cmac': aes('cbc'),
  }),
  aead: nodeAead,
  mac: nodeMac,
  gmac: nodeGmac,
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
