import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { SignatureAlgorithm } from '@weft/ipsec-core/ike';
import { describe, expect, it } from 'vitest';
import { algorithmsOf, signWith, verifySignature } from './signature.js';

const OCTETS = Buffer.from('what AUTH covers');
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve });
const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength });
const KEYS = {
  p256: ec('P-256'),
  p384: ec('P-384'),
  p521: ec('P-521'),
  rsa: rsa(2048),
  ed25519: generateKeyPairSync('ed25519'),
  ed448: generateKeyPairSync('ed448'),
};
const CASES: readonly [SignatureAlgorithm, keyof typeof KEYS][] = [
  ['ecdsa-sha2-256', 'p256'],
  ['ecdsa-sha2-384', 'p384'],
  ['ecdsa-sha2-512', 'p521'],
  ['ecdsa-sha2-512', 'p256'],
  ['rsa-pss-sha2-256', 'rsa'],
  ['rsa-pss-sha2-384', 'rsa'],
  ['rsa-pss-sha2-512', 'rsa'],
  ['rsa-pkcs1-sha2-256', 'rsa'],
  ['rsa-pkcs1-sha2-384', 'rsa'],
  ['rsa-pkcs1-sha2-512', 'rsa'],
  ['ed25519', 'ed25519'],
  ['ed448', 'ed448'],
  ['ecdsa-p256', 'p256'],
  ['ecdsa-p384', 'p384'],
  ['ecdsa-p521', 'p521'],
  ['rsa-pkcs1', 'rsa'],
];

describe('Signatures', () => {
  it.each(CASES)('%s by %s: made, taken, and not taken after any change', async (algorithm, kind) => {
    const { privateKey, publicKey } = KEYS[kind];
    const signed = await signWith(privateKey, [algorithm], OCTETS);
    expect(signed?.algorithm).toBe(algorithm);
    expect(await verifySignature(publicKey, signed!, OCTETS)).toEqual({ ok: true });
    const changed = Uint8Array.from(signed!.signature);
    changed[changed.length - 1]! ^= 1;
    const mismatch = { ok: false, reason: 'mismatch' };
    expect(await verifySignature(publicKey, { algorithm, signature: changed }, OCTETS)).toEqual(mismatch);
    expect(await verifySignature(publicKey, { algorithm, signature: new Uint8Array(0) }, OCTETS)).toEqual(mismatch);
    expect(await verifySignature(publicKey, signed!, Buffer.from('else'))).toEqual(mismatch);
  });

  it('uses the first algorithm that the key can do', async () => {
    const all: SignatureAlgorithm[] = ['ed25519', 'rsa-pss-sha2-384', 'ecdsa-sha2-256', 'rsa-pkcs1-sha2-256'];
    expect((await signWith(KEYS.rsa.privateKey, all, OCTETS))?.algorithm).toBe('rsa-pss-sha2-384');
    expect((await signWith(KEYS.p256.privateKey, all, OCTETS))?.algorithm).toBe('ecdsa-sha2-256');
    expect(await signWith(KEYS.p256.privateKey, ['ed25519'], OCTETS)).toBeUndefined();
  });

  it('keeps an RSA-PSS-only key from signing with PKCS #1', async () => {
    const { privateKey } = generateKeyPairSync('rsa-pss', { modulusLength: 2048 });
    expect(algorithmsOf(privateKey).every((algorithm) => algorithm.startsWith('rsa-pss'))).toBe(true);
    expect((await signWith(privateKey, ['rsa-pkcs1-sha2-256', 'rsa-pss-sha2-256'], OCTETS))?.algorithm).toBe(
      'rsa-pss-sha2-256',
    );
  });

  it.each<[string, KeyObject, SignatureAlgorithm]>([
    ['1024-bit RSA', rsa(1024).publicKey, 'rsa-pss-sha2-256'],
    ['a curve that IKE does not know', ec('secp256k1').publicKey, 'ecdsa-sha2-256'],
  ])('refuses %s whatever it signed', async (_, key, algorithm) => {
    expect(await verifySignature(key, { algorithm, signature: new Uint8Array(64) }, OCTETS)).toEqual({
      ok: false,
      reason: 'key too weak',
    });
  });

  it('refuses an algorithm that is not of the key', async () => {
    const forged = { algorithm: 'ecdsa-sha2-256', signature: new Uint8Array(64) } as const;
    expect(await verifySignature(KEYS.rsa.publicKey, forged, OCTETS)).toEqual({ ok: false, reason: 'wrong key type' });
  });

  it('keeps the classic methods to the curve that they are bound to (RFC 4754 section 3)', async () => {
    const signature = (await signWith(KEYS.p384.privateKey, ['ecdsa-p384'], OCTETS))!.signature;
    expect(signature).toHaveLength(96);
    for (const algorithm of ['ecdsa-p256', 'ecdsa-p521'] as const) {
      expect(await signWith(KEYS.p384.privateKey, [algorithm], OCTETS)).toBeUndefined();
      const verdict = await verifySignature(KEYS.p384.publicKey, { algorithm, signature }, OCTETS);
      expect(verdict).toEqual({ ok: false, reason: 'wrong key type' });
    }
  });

  it('takes PKCS #1 of the method RSA with each SHA-2, and not with SHA-1 (RFC 7296 section 3.8)', async () => {
    const { privateKey, publicKey } = KEYS.rsa;
    for (const hash of ['sha256', 'sha384', 'sha512']) {
      const signature = sign(hash, OCTETS, privateKey);
      expect(await verifySignature(publicKey, { algorithm: 'rsa-pkcs1', signature }, OCTETS)).toEqual({ ok: true });
    }
    const weak = { algorithm: 'rsa-pkcs1', signature: sign('sha1', OCTETS, privateKey) } as const;
    expect(await verifySignature(publicKey, weak, OCTETS)).toEqual({ ok: false, reason: 'SHA-1 is too weak' });
  });

  it('keeps to what an RSASSA-PSS key says of itself (RFC 4055 section 3.1)', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa-pss', {
      modulusLength: 2048,
      hashAlgorithm: 'sha384',
      mgf1HashAlgorithm: 'sha384',
      // The types want a string, OpenSSL a number.
      saltLength: 48 as unknown as string,
    });
    expect(algorithmsOf(privateKey)).toEqual(['rsa-pss-sha2-384']);
    const signed = await signWith(privateKey, ['rsa-pss-sha2-256', 'rsa-pss-sha2-384'], OCTETS);
    expect(signed?.algorithm).toBe('rsa-pss-sha2-384');
    expect(await verifySignature(publicKey, signed!, OCTETS)).toEqual({ ok: true });
    const other = { algorithm: 'rsa-pss-sha2-256', signature: signed!.signature } as const;
    expect(await verifySignature(publicKey, other, OCTETS)).toEqual({ ok: false, reason: 'wrong key type' });
  });

  it('offers the hash that is as strong as the curve first', () => {
    expect(algorithmsOf(KEYS.p384.privateKey)[0]).toBe('ecdsa-sha2-384');
    expect(algorithmsOf(KEYS.p521.privateKey)[0]).toBe('ecdsa-sha2-512');
    expect(algorithmsOf(KEYS.p256.privateKey)[0]).toBe('ecdsa-sha2-256');
    expect(algorithmsOf(KEYS.rsa.privateKey)[0]).toBe('rsa-pss-sha2-256');
    expect(algorithmsOf(KEYS.ed25519.privateKey)).toEqual(['ed25519']);
  });
});
