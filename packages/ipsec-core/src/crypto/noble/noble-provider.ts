import { cbc, ctr } from '@noble/ciphers/aes.js';
import { Secret } from '../../bytes/secret.js';
import type { CryptoProvider, KeyedCipher } from '../provider.js';
import { nobleAead } from './aead.js';
import { nobleGmac, nobleMac } from './mac.js';

/** Portable algorithms in JavaScript: they run wherever the engine does, and are the oracle for other providers. */
export const nobleProvider: CryptoProvider = {
  name: 'noble',
  aeads: ['aes-gcm', 'aes-ccm', 'chacha20-poly1305'],
  ciphers: ['aes-cbc', 'aes-ctr'],
  macs: ['hmac-sha1', 'hmac-sha2-256', 'hmac-sha2-384', 'hmac-sha2-512', 'aes-xcbc', 'aes-cmac'],
  aead: nobleAead,
  mac: nobleMac,
  gmac: nobleGmac,
  cipher(algorithm, key, direction): KeyedCipher {
    const secret = new Secret(key);
    return {
      apply(iv, buffer, offset, length, out, outOffset) {
        const input = buffer.subarray(offset, offset + length);
        const output = secret.reveal((k) => {
          const mode = algorithm === 'aes-ctr' ? ctr(k, iv) : cbc(k, iv, { disablePadding: true });
          return direction === 'outbound' ? mode.encrypt(input) : mode.decrypt(input);
        });
        out.set(output, outOffset);
      },
      destroy() {
        secret.wipe();
      },
    };
  },
};
