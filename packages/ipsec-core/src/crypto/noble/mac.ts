import { cbc, cmac, ecb, gcm } from '@noble/ciphers/aes.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha1 } from '@noble/hashes/legacy.js';
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js';
import { Secret } from '../../bytes/secret.js';
import type { KeyedGmac, KeyedMac, MacAlgorithm } from '../provider.js';

export function nobleMac(algorithm: MacAlgorithm, key: Uint8Array): KeyedMac {
  const secret = new Secret(key);
  const mac = FUNCTIONS[algorithm];
  return {
    compute(buffer, offset, length, out, tail = NOTHING) {
      const message = joined(NOTHING, buffer.subarray(offset, offset + length), tail);
      out.set(secret.reveal((k) => mac(k, message)));
    },
    destroy() {
      secret.wipe();
    },
  };
}

export function nobleGmac(key: Uint8Array): KeyedGmac {
  const secret = new Secret(key);
  return {
    compute(nonce, head, buffer, offset, length, tail, out) {
      const covered = joined(head, buffer.subarray(offset, offset + length), tail);
      out.set(secret.reveal((k) => gcm(k, nonce, covered).encrypt(NOTHING)));
    },
    destroy() {
      secret.wipe();
    },
  };
}

/** The message itself where nothing is put around it. */
function joined(head: Uint8Array, message: Uint8Array, tail: Uint8Array): Uint8Array {
  if (head.length === 0 && tail.length === 0) return message;
  const whole = new Uint8Array(head.length + message.length + tail.length);
  whole.set(head);
  whole.set(message, head.length);
  whole.set(tail, head.length + message.length);
  return whole;
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
const NOTHING = new Uint8Array(0);
