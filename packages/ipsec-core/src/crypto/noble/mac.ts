import { cbc, cmac, ecb } from '@noble/ciphers/aes.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha1 } from '@noble/hashes/legacy.js';
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js';
import { Secret } from '../../bytes/secret.js';
import type { KeyedMac, MacAlgorithm } from '../provider.js';

export function nobleMac(algorithm: MacAlgorithm, key: Uint8Array): KeyedMac {
  const secret = new Secret(key);
  const mac = FUNCTIONS[algorithm];
  return {
    compute(buffer, offset, length, out) {
      const message = buffer.subarray(offset, offset + length);
      out.set(secret.reveal((k) => mac(k, message)));
    },
    destroy() {
      secret.wipe();
    },
  };
}

/** RFC 3566 section 4: CBC under K1 whose last block is mixed with K2 when it is whole, else padded and with K3. */
function xcbc(key: Uint8Array, message: Uint8Array): Uint8Array {
  const derive = (octet: number) => ecb(key, { disablePadding: true }).encrypt(new Uint8Array(16).fill(octet));
  const whole = message.length > 0 && message.length % 16 === 0;
  const blocks = new Uint8Array(Math.max(16, Math.ceil(message.length / 16) * 16));
  blocks.set(message);
  if (!whole) blocks[message.length] = 0x80;
  const last = derive(whole ? 2 : 3);
  const lastBlock = blocks.subarray(blocks.length - 16);
  for (let i = 0; i < 16; i++) lastBlock[i] = (lastBlock[i] ?? 0) ^ (last[i] ?? 0);
  return cbc(derive(1), new Uint8Array(16), { disablePadding: true }).encrypt(blocks).slice(-16);
}

const FUNCTIONS: Readonly<Record<MacAlgorithm, (key: Uint8Array, message: Uint8Array) => Uint8Array>> = {
  'hmac-sha1': (key, message) => hmac(sha1, key, message),
  'hmac-sha2-256': (key, message) => hmac(sha256, key, message),
  'hmac-sha2-384': (key, message) => hmac(sha384, key, message),
  'hmac-sha2-512': (key, message) => hmac(sha512, key, message),
  'aes-xcbc': xcbc,
  'aes-cmac': (key, message) => cmac(message, key),
};
