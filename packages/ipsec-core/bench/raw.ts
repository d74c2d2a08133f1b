import { createCipheriv, createHmac, createSecretKey } from 'node:crypto';
import { cbc, ctr, gcm } from '@noble/ciphers/aes.js';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';

const KEY = new Uint8Array(32).fill(7);
const NONCE = new Uint8Array(12);
const IV = new Uint8Array(16);
const AAD = new Uint8Array(8);
const EMPTY = new Uint8Array(0);

/**
 * The bare library calls that a packet of a suite needs, without any engine: the floor under the figures next to it.
 * Undefined where the library has no such mode (noble has no CCM) or nothing is called.
 */
export type RawCall = (data: Uint8Array) => void;

export const RAW: Readonly<Record<string, Readonly<Record<string, RawCall>>>> = {
  'node:crypto': {
    'aes-gcm-16-128': nodeAead('aes-128-gcm', 16),
    'aes-gcm-16-256': nodeAead('aes-256-gcm', 32),
    'aes-ccm-16-128': nodeAead('aes-128-ccm', 16),
    'chacha20-poly1305-256': nodeAead('chacha20-poly1305', 32),
    'aes-gmac-128': nodeAead('aes-128-gcm', 16, true),
    'aes-cbc-128 hmac-sha2-256-128': nodeEncryptThenMac('aes-128-cbc'),
    'aes-ctr-128 hmac-sha2-256-128': nodeEncryptThenMac('aes-128-ctr'),
    'null-0 hmac-sha2-256-128': nodeMac(),
    'AH hmac-sha2-256-128': nodeMac(),
  },
  noble: {
    'aes-gcm-16-128': (data) => gcm(KEY.subarray(0, 16), NONCE, AAD).encrypt(data),
    'aes-gcm-16-256': (data) => gcm(KEY, NONCE, AAD).encrypt(data),
    'chacha20-poly1305-256': (data) => chacha20poly1305(KEY, NONCE, AAD).encrypt(data),
    'aes-gmac-128': (data) => gcm(KEY.subarray(0, 16), NONCE, data).encrypt(EMPTY),
    'aes-cbc-128 hmac-sha2-256-128': (data) =>
      hmac(sha256, KEY, cbc(KEY.subarray(0, 16), IV, { disablePadding: true }).encrypt(whole(data))),
    'aes-ctr-128 hmac-sha2-256-128': (data) => hmac(sha256, KEY, ctr(KEY.subarray(0, 16), IV).encrypt(data)),
    'null-0 hmac-sha2-256-128': (data) => hmac(sha256, KEY, data),
    'AH hmac-sha2-256-128': (data) => hmac(sha256, KEY, data),
  },
};

function nodeAead(name: string, keyLength: number, authenticateOnly = false): RawCall {
  const key = createSecretKey(KEY.subarray(0, keyLength));
  // As in the provider: one overload serves all three modes at run time.
  const mode = name as 'aes-128-ccm';
  const nonce = name.endsWith('ccm') ? NONCE.subarray(0, 11) : NONCE;
  return (data) => {
    const cipher = createCipheriv(mode, key, nonce, { authTagLength: 16 });
    cipher.setAAD(authenticateOnly ? data : AAD, { plaintextLength: authenticateOnly ? 0 : data.length });
    if (!authenticateOnly) cipher.update(data);
    cipher.final();
    cipher.getAuthTag();
  };
}

function nodeEncryptThenMac(name: string): RawCall {
  const key = createSecretKey(KEY.subarray(0, 16));
  const secret = createSecretKey(KEY);
  return (data) => {
    const sealed = createCipheriv(name, key, IV).setAutoPadding(false).update(whole(data));
    createHmac('sha256', secret).update(sealed).digest();
  };
}

function nodeMac(): RawCall {
  const secret = createSecretKey(KEY);
  return (data) => void createHmac('sha256', secret).update(data).digest();
}

/** Whole blocks, which CBC takes. */
function whole(data: Uint8Array): Uint8Array {
  return data.subarray(0, data.length & ~15);
}
