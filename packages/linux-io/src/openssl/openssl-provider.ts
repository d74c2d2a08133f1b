import { type CryptoProvider, fromHex } from '@weft/ipsec-core';
import { OpenSslAead } from './aead.js';
import { OpenSslCipher } from './cipher.js';
import { createShared } from './context.js';
import { findEvp } from './evp.js';
import { OpenSslGmac } from './gmac.js';
import { openSslMac } from './mac.js';

/** The provider, or why this process has none. */
export type OpenSslLookup =
  | { readonly kind: 'found'; readonly provider: CryptoProvider }
  | { readonly kind: 'unusable'; readonly reason: string };

/**
 * Algorithms of the OpenSSL inside Node, called directly: contexts are made once per association, and a packet in an
 * arena is encrypted in place. It is usable when all functions are exported and a known answer comes out.
 * `listCalls` false: each function is called by itself, as happens anyway where the machine does not let us list calls.
 */
export function findOpenSslProvider(
  { listCalls }: { readonly listCalls: boolean } = { listCalls: true },
): OpenSslLookup {
  const found = findEvp();
  if (found.kind === 'missing') {
    return { kind: 'unusable', reason: `this Node does not export ${found.functions.join(', ')}` };
  }
  const shared = createShared(found.evp, listCalls);
  const provider: CryptoProvider = {
    name: 'openssl',
    aeads: ['aes-gcm', 'aes-ccm', 'chacha20-poly1305'],
    ciphers: ['aes-cbc', 'aes-ctr'],
    macs: ['hmac-sha1', 'hmac-sha2-256', 'hmac-sha2-384', 'hmac-sha2-512', 'aes-xcbc', 'aes-cmac'],
    aead: (algorithm, key, tagLength, direction) =>
      new OpenSslAead(shared, algorithm, key, tagLength, direction === 'outbound'),
    cipher: (algorithm, key, direction) => new OpenSslCipher(shared, algorithm, key, direction === 'outbound'),
    mac: (algorithm, key) => openSslMac(shared, algorithm, key),
    gmac: (key) => new OpenSslGmac(shared, key),
  };
  return answersCorrectly(provider)
    ? { kind: 'found', provider }
    : { kind: 'unusable', reason: 'the OpenSSL of this Node does not give the known answer of AES-GCM' };
}

/** Test case 2 of the GCM specification (McGrew, Viega, 2005): one zero block under a zero key. */
function answersCorrectly(provider: CryptoProvider): boolean {
  const zeros = new Uint8Array(16);
  const buffer = new Uint8Array(32);
  const aead = provider.aead('aes-gcm', zeros, 16, 'outbound');
  aead.seal(zeros.subarray(0, 12), zeros, 0, buffer, 0, 16);
  aead.destroy();
  return GCM_TEST_CASE_2.every((octet, index) => buffer[index] === octet);
}

const GCM_TEST_CASE_2 = fromHex('0388dace60b6a392f328c2b971b2fe78 ab6e47d42cec13bdf53a67b21257bddf');
