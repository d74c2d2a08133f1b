import {
  type AeadAlgorithm,
  type CipherAlgorithm,
  type CryptoProvider,
  GMAC_LENGTH,
  type MacAlgorithm,
} from '@weft/ipsec-core';
import { loadVectors, type Vector } from '../support/vectors.js';
import { type ConformanceItem, concat, expectOctets, expectThat } from './case.js';

/** Every primitive vector whose algorithm the provider offers. */
export function* primitiveItems(provider: CryptoProvider, folder: string): Generator<ConformanceItem> {
  for (const [source, checks] of Object.entries(FILES)) {
    const { vectors, groups = [] } = loadVectors(folder, source);
    for (const vector of vectors) {
      const name = vector.text('name');
      for (const check of [checks(vector, groups[Number(vector.fields['group'])] ?? {})].flat()) {
        if (typeof check === 'string') yield { source, name, reason: check };
        else if (!offers(provider, check)) yield { source, name, reason: `${check.algorithm} is not offered` };
        else yield { source, name, run: () => check.run(provider, vector) };
      }
    }
  }
}

/** What one vector asks of a provider. */
interface Check {
  readonly algorithm: AeadAlgorithm | CipherAlgorithm | MacAlgorithm;
  readonly run: (provider: CryptoProvider, vector: Vector) => void;
}

type Group = Readonly<Record<string, unknown>>;
type Checks = (vector: Vector, group: Group) => Check | string | readonly Check[];

function offers(provider: CryptoProvider, { algorithm }: Check): boolean {
  const offered: readonly string[] = [...provider.aeads, ...provider.ciphers, ...provider.macs];
  return offered.includes(algorithm);
}

const FILES: Readonly<Record<string, Checks>> = {
  'aes-ccm-rfc3610': (vector) => aead('aes-ccm', vector.number('tagBits') / 8, vector.octets('ciphertextAndTag')),
  'chacha20poly1305-rfc8439': (vector) =>
    aead('chacha20-poly1305', 16, concat(vector.octets('ciphertext'), vector.octets('tag'))),
  'aes-cbc-rfc3602': () => cipher('aes-cbc', 'iv'),
  'aes-ctr-rfc3686': () => cipher('aes-ctr', 'counterBlock1'),
  'aes-cmac-rfc4493-4494': () => mac('aes-cmac', 'message', 'mac'),
  'aes-xcbc-rfc3566': () => mac('aes-xcbc', 'message', 'mac'),
  'hmac-sha1-rfc2202': () => mac('hmac-sha1', 'data', 'digest'),
  'hmac-sha2-auth-rfc4868': (vector) => mac(SHA2[vector.text('hash')] ?? 'hmac-sha2-256', 'data', 'prf'),
  'prf-hmac-sha2-rfc4868': () => [
    mac('hmac-sha2-256', 'data', 'prfHmacSha256'),
    mac('hmac-sha2-384', 'data', 'prfHmacSha384'),
    mac('hmac-sha2-512', 'data', 'prfHmacSha512'),
  ],
  'prf-aes-cmac-rfc4615': (vector) =>
    vector.octets('key').length === 16 ? mac('aes-cmac', 'message', 'output') : PRF_KEY,
  'prf-aes-xcbc-rfc4434': (vector) =>
    vector.octets('key').length === 16 ? mac('aes-xcbc', 'message', 'output') : PRF_KEY,
  'wycheproof/aes_gcm': (_, group) => wycheproofAead('aes-gcm', group, 96),
  'wycheproof/aes_gmac': (_, group) => wycheproofAead('aes-gcm', group, 96, true),
  'wycheproof/aes_ccm': (_, group) => wycheproofAead('aes-ccm', group, 88),
  'wycheproof/chacha20_poly1305': (_, group) => wycheproofAead('chacha20-poly1305', group, 96),
  'wycheproof/aes_cmac': (vector) =>
    [16, 24, 32].includes(vector.octets('key').length)
      ? wycheproofMac('aes-cmac', vector)
      : 'with a key of no AES length, which the engine refuses before a provider sees it',
  'wycheproof/hmac_sha1': (vector) => wycheproofMac('hmac-sha1', vector),
  'wycheproof/hmac_sha256': (vector) => wycheproofMac('hmac-sha2-256', vector),
  'wycheproof/hmac_sha384': (vector) => wycheproofMac('hmac-sha2-384', vector),
  'wycheproof/hmac_sha512': (vector) => wycheproofMac('hmac-sha2-512', vector),
};

function aead(algorithm: AeadAlgorithm, tagLength: number, sealed: Uint8Array): Check {
  return { algorithm, run: (provider, vector) => checkAead(provider, algorithm, vector, tagLength, sealed) };
}

function checkAead(
  provider: CryptoProvider,
  algorithm: AeadAlgorithm,
  vector: Vector,
  tagLength: number,
  sealed: Uint8Array,
): void {
  const plain = vector.octets('plaintext');
  const aad = vector.octets('aad');
  const nonce = vector.octets('nonce');
  const buffer = concat(new Uint8Array(OFFSET), plain, new Uint8Array(tagLength));
  const outbound = provider.aead(algorithm, vector.octets('key'), tagLength, 'outbound');
  outbound.seal(nonce, aad, aad.length, buffer, OFFSET, plain.length);
  expectOctets(buffer.subarray(OFFSET), sealed, 'sealed');
  const inbound = provider.aead(algorithm, vector.octets('key'), tagLength, 'inbound');
  const out = new Uint8Array(plain.length + OFFSET);
  const opened = inbound.open(nonce, aad, aad.length, buffer, OFFSET, plain.length, out, OFFSET);
  expectThat(opened, 'its own ciphertext was refused');
  expectOctets(out.subarray(OFFSET), plain, 'opened');
}

function wycheproofAead(algorithm: AeadAlgorithm, group: Group, ivBits: number, gmac = false): Check | string {
  if (group['ivSize'] !== ivBits) return 'with a nonce that ESP does not have, which cannot be asked for';
  return {
    algorithm,
    run: (provider, vector) => checkWycheproofAead(provider, algorithm, vector, Number(group['tagSize']) / 8, gmac),
  };
}

function checkWycheproofAead(
  provider: CryptoProvider,
  algorithm: AeadAlgorithm,
  vector: Vector,
  tagLength: number,
  gmac: boolean,
): void {
  const aad = vector.octets(gmac ? 'msg' : 'aad');
  const plain = gmac ? new Uint8Array(0) : vector.octets('msg');
  const cipher = gmac ? new Uint8Array(0) : vector.octets('ct');
  const iv = vector.octets('iv');
  const sealed = concat(cipher, vector.octets('tag'));
  const valid = vector.text('result') === 'valid';
  const out = new Uint8Array(cipher.length);
  const inbound = provider.aead(algorithm, vector.octets('key'), tagLength, 'inbound');
  const opened = inbound.open(iv, aad, aad.length, sealed.slice(), 0, cipher.length, out, 0);
  expectThat(opened === valid, valid ? 'a valid tag was refused' : 'an invalid tag was accepted');
  if (gmac) checkGmacParts(provider, vector, aad, iv, valid);
  if (!valid) return;
  expectOctets(out, plain, 'opened');
  const buffer = concat(plain, new Uint8Array(tagLength));
  provider
    .aead(algorithm, vector.octets('key'), tagLength, 'outbound')
    .seal(iv, aad, aad.length, buffer, 0, plain.length);
  expectOctets(buffer, sealed, 'sealed');
}

/** The same message in three parts, as ESP and AH have it. */
function checkGmacParts(
  provider: CryptoProvider,
  vector: Vector,
  message: Uint8Array,
  iv: Uint8Array,
  valid: boolean,
): void {
  const head = message.slice(0, 12);
  const tail = message.slice(Math.max(head.length, message.length - 4));
  const length = message.length - head.length - tail.length;
  const out = new Uint8Array(GMAC_LENGTH);
  provider.gmac(vector.octets('key')).compute(iv, head, message, head.length, length, tail, out);
  const tag = vector.octets('tag');
  expectThat(
    tag.every((octet, i) => octet === out[i]) === valid,
    valid ? 'another tag came out' : 'an invalid tag came out',
  );
}

function cipher(algorithm: CipherAlgorithm, ivField: string): Check {
  return {
    algorithm,
    run(provider, vector) {
      const plain = vector.octets('plaintext');
      const sealed = vector.octets('ciphertext');
      const iv = vector.octets(ivField);
      const out = new Uint8Array(plain.length);
      provider.cipher(algorithm, vector.octets('key'), 'outbound').apply(iv, plain, 0, plain.length, out, 0);
      expectOctets(out, sealed, 'encrypted');
      // In place.
      provider.cipher(algorithm, vector.octets('key'), 'inbound').apply(iv, out, 0, out.length, out, 0);
      expectOctets(out, plain, 'decrypted');
    },
  };
}

function mac(algorithm: MacAlgorithm, message: string, expected: string): Check {
  return {
    algorithm,
    run(provider, vector) {
      const value = vector.octets(expected);
      expectOctets(computeMac(provider, algorithm, vector, message).subarray(0, value.length), value, 'value');
    },
  };
}

function wycheproofMac(algorithm: MacAlgorithm, vector: Vector): Check {
  if (vector.text('result') === 'valid') return mac(algorithm, 'msg', 'tag');
  return {
    algorithm,
    run(provider) {
      const tag = vector.octets('tag');
      const actual = computeMac(provider, algorithm, vector, 'msg');
      expectThat(!tag.every((octet, i) => octet === actual[i]), 'an invalid value came out');
    },
  };
}

function computeMac(provider: CryptoProvider, algorithm: MacAlgorithm, vector: Vector, field: string): Uint8Array {
  const message = vector.octets(field);
  const buffer = concat(new Uint8Array(OFFSET), message, new Uint8Array(OFFSET));
  const out = new Uint8Array(64);
  provider.mac(algorithm, vector.octets('key')).compute(buffer, OFFSET, message.length, out);
  return out;
}

/** Nothing starts at 0, so that a provider which ignores offsets fails. */
const OFFSET = 3;
const PRF_KEY = 'with a key that the PRF of IKEv2 fits to the cipher first';
const SHA2: Readonly<Record<string, MacAlgorithm>> = {
  sha256: 'hmac-sha2-256',
  sha384: 'hmac-sha2-384',
  sha512: 'hmac-sha2-512',
};
