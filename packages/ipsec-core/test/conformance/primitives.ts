import type { AeadAlgorithm, CipherAlgorithm, CryptoProvider, MacAlgorithm } from '@weft/ipsec-core';
import { loadVectors, type Vector } from '../support/vectors.js';
import { type ConformanceCase, concat, expectOctets, expectThat } from './case.js';

/** Every primitive vector whose algorithm the provider offers. */
export function* primitiveCases(provider: CryptoProvider, folder: string): Generator<ConformanceCase> {
  yield* rfcAeads(provider, folder);
  yield* rfcCiphers(provider, folder);
  yield* rfcMacs(provider, folder);
  yield* wycheproofAeads(provider, folder);
  yield* wycheproofMacs(provider, folder);
}

function* rfcAeads(provider: CryptoProvider, folder: string): Generator<ConformanceCase> {
  if (provider.aeads.includes('aes-ccm')) {
    const source = 'aes-ccm-rfc3610';
    for (const vector of loadVectors(folder, source).vectors) {
      const tagLength = vector.number('tagBits') / 8;
      const sealed = vector.octets('ciphertextAndTag');
      yield {
        source,
        name: vector.text('name'),
        run: () => aead(provider, 'aes-ccm', vector, tagLength, sealed, 'plaintext', 'nonce'),
      };
    }
  }
  if (provider.aeads.includes('chacha20-poly1305')) {
    const source = 'chacha20poly1305-rfc8439';
    for (const vector of loadVectors(folder, source).vectors) {
      const sealed = concat(vector.octets('ciphertext'), vector.octets('tag'));
      yield {
        source,
        name: vector.text('name'),
        run: () => aead(provider, 'chacha20-poly1305', vector, 16, sealed, 'plaintext', 'nonce'),
      };
    }
  }
}

function* rfcCiphers(provider: CryptoProvider, folder: string): Generator<ConformanceCase> {
  const files: readonly [string, CipherAlgorithm, string][] = [
    ['aes-cbc-rfc3602', 'aes-cbc', 'iv'],
    ['aes-ctr-rfc3686', 'aes-ctr', 'counterBlock1'],
  ];
  for (const [source, algorithm, iv] of files) {
    if (!provider.ciphers.includes(algorithm)) continue;
    for (const vector of loadVectors(folder, source).vectors) {
      yield { source, name: vector.text('name'), run: () => cipher(provider, algorithm, vector, iv) };
    }
  }
}

function* rfcMacs(provider: CryptoProvider, folder: string): Generator<ConformanceCase> {
  const files: readonly [string, (vector: Vector) => MacAlgorithm, string, string][] = [
    ['aes-cmac-rfc4493-4494', () => 'aes-cmac', 'message', 'mac'],
    ['aes-xcbc-rfc3566', () => 'aes-xcbc', 'message', 'mac'],
    ['hmac-sha1-rfc2202', () => 'hmac-sha1', 'data', 'digest'],
    ['hmac-sha2-auth-rfc4868', (vector) => SHA2[vector.text('hash')] ?? 'hmac-sha2-256', 'data', 'prf'],
  ];
  for (const [source, algorithmOf, message, digest] of files) {
    for (const vector of loadVectors(folder, source).vectors) {
      const algorithm = algorithmOf(vector);
      if (!provider.macs.includes(algorithm)) continue;
      yield {
        source,
        name: vector.text('name'),
        run: () => mac(provider, algorithm, vector, message, vector.octets(digest), true),
      };
    }
  }
}

function* wycheproofAeads(provider: CryptoProvider, folder: string): Generator<ConformanceCase> {
  const files: readonly [string, AeadAlgorithm][] = [
    ['aes_gcm', 'aes-gcm'],
    ['aes_gmac', 'aes-gcm'],
    ['aes_ccm', 'aes-ccm'],
    ['chacha20_poly1305', 'chacha20-poly1305'],
  ];
  for (const [file, algorithm] of files) {
    if (!provider.aeads.includes(algorithm)) continue;
    const source = `wycheproof/${file}`;
    const { vectors, groups = [] } = loadVectors(folder, source);
    for (const vector of vectors) {
      const group = groups[vector.number('group')] ?? {};
      // The interface takes the nonces of ESP only; other lengths cannot be asked for.
      if (group['ivSize'] !== (algorithm === 'aes-ccm' ? 88 : 96)) continue;
      const tagLength = Number(group['tagSize']) / 8;
      const gmac = file === 'aes_gmac';
      yield {
        source,
        name: vector.text('name'),
        run: () => wycheproofAead(provider, algorithm, vector, tagLength, gmac),
      };
    }
  }
}

function* wycheproofMacs(provider: CryptoProvider, folder: string): Generator<ConformanceCase> {
  const files: readonly [string, MacAlgorithm][] = [
    ['aes_cmac', 'aes-cmac'],
    ['hmac_sha1', 'hmac-sha1'],
    ['hmac_sha256', 'hmac-sha2-256'],
    ['hmac_sha384', 'hmac-sha2-384'],
    ['hmac_sha512', 'hmac-sha2-512'],
  ];
  for (const [file, algorithm] of files) {
    if (!provider.macs.includes(algorithm)) continue;
    const source = `wycheproof/${file}`;
    for (const vector of loadVectors(folder, source).vectors) {
      // A key of no AES length cannot be asked for: keying material is measured when an association is made.
      if (algorithm === 'aes-cmac' && ![16, 24, 32].includes(vector.octets('key').length)) continue;
      const valid = vector.text('result') === 'valid';
      yield {
        source,
        name: vector.text('name'),
        run: () => mac(provider, algorithm, vector, 'msg', vector.octets('tag'), valid),
      };
    }
  }
}

function aead(
  provider: CryptoProvider,
  algorithm: AeadAlgorithm,
  vector: Vector,
  tagLength: number,
  sealed: Uint8Array,
  plaintext: string,
  nonce: string,
): void {
  const plain = vector.octets(plaintext);
  const aad = vector.octets('aad');
  const buffer = concat(new Uint8Array(OFFSET), plain, new Uint8Array(tagLength));
  const outbound = provider.aead(algorithm, vector.octets('key'), tagLength, 'outbound');
  outbound.seal(vector.octets(nonce), aad, aad.length, buffer, OFFSET, plain.length);
  expectOctets(buffer.subarray(OFFSET), sealed, 'sealed');
  const inbound = provider.aead(algorithm, vector.octets('key'), tagLength, 'inbound');
  const out = new Uint8Array(plain.length + OFFSET);
  const opened = inbound.open(vector.octets(nonce), aad, aad.length, buffer, OFFSET, plain.length, out, OFFSET);
  expectThat(opened, 'its own ciphertext was refused');
  expectOctets(out.subarray(OFFSET), plain, 'opened');
}

function wycheproofAead(
  provider: CryptoProvider,
  algorithm: AeadAlgorithm,
  vector: Vector,
  tagLength: number,
  gmac: boolean,
): void {
  const aad = vector.octets(gmac ? 'msg' : 'aad');
  const cipher = gmac ? new Uint8Array(0) : vector.octets('ct');
  const tag = vector.octets('tag');
  const buffer = concat(cipher, tag);
  const out = new Uint8Array(cipher.length);
  const valid = vector.text('result') === 'valid';
  const keyed = provider.aead(algorithm, vector.octets('key'), tagLength, 'inbound');
  const opened = keyed.open(vector.octets('iv'), aad, aad.length, buffer, 0, cipher.length, out, 0);
  expectThat(opened === valid, valid ? 'a valid tag was refused' : 'an invalid tag was accepted');
  if (valid && !gmac) expectOctets(out, vector.octets('msg'), 'opened');
}

function cipher(provider: CryptoProvider, algorithm: CipherAlgorithm, vector: Vector, ivField: string): void {
  const plain = vector.octets('plaintext');
  const sealed = vector.octets('ciphertext');
  const out = new Uint8Array(plain.length);
  provider
    .cipher(algorithm, vector.octets('key'), 'outbound')
    .apply(vector.octets(ivField), plain, 0, plain.length, out, 0);
  expectOctets(out, sealed, 'encrypted');
  // In place.
  provider.cipher(algorithm, vector.octets('key'), 'inbound').apply(vector.octets(ivField), out, 0, out.length, out, 0);
  expectOctets(out, plain, 'decrypted');
}

function mac(
  provider: CryptoProvider,
  algorithm: MacAlgorithm,
  vector: Vector,
  messageField: string,
  expected: Uint8Array,
  valid: boolean,
): void {
  const message = vector.octets(messageField);
  const buffer = concat(new Uint8Array(OFFSET), message, new Uint8Array(OFFSET));
  const out = new Uint8Array(64);
  provider.mac(algorithm, vector.octets('key')).compute(buffer, OFFSET, message.length, out);
  const actual = out.subarray(0, expected.length);
  if (valid) expectOctets(actual, expected, 'value');
  else expectThat(!actual.every((octet, i) => octet === expected[i]), 'an invalid value came out');
}

/** Nothing starts at 0, so that a provider which ignores offsets fails. */
const OFFSET = 3;
const SHA2: Readonly<Record<string, MacAlgorithm>> = {
  sha256: 'hmac-sha2-256',
  sha384: 'hmac-sha2-384',
  sha512: 'hmac-sha2-512',
};
