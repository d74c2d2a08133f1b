import { describe, expect, it } from 'vitest';
import { ENCR, INTEG, KE, PRF, TRANSFORM_TYPE } from '../../wire/ike/iana.js';
import { type Transform, transform } from '../../wire/ike/payloads/sa.js';
import { childSuiteOf, ikeSuiteOf } from './suite.js';

const encr = (id: number, bits?: number) => transform(TRANSFORM_TYPE.ENCR, id, bits);
const integ = (id: number) => transform(TRANSFORM_TYPE.INTEG, id);
const prf = (id: number) => transform(TRANSFORM_TYPE.PRF, id);
const ke = (id: number) => transform(TRANSFORM_TYPE.KE, id);
const SHA2 = [prf(PRF.HMAC_SHA2_256), ke(KE.CURVE25519)];
const GCM = encr(ENCR.AES_GCM_16, 256);
const CBC = [encr(ENCR.AES_CBC, 256), integ(INTEG.HMAC_SHA2_256_128)];

describe('The suite of an IKE SA', () => {
  it.each<readonly [string, readonly Transform[]]>([
    ['NULL encryption', [encr(ENCR.NULL), integ(INTEG.HMAC_SHA2_256_128), ...SHA2]],
    ['AES-GMAC', [encr(ENCR.NULL_AUTH_AES_GMAC, 128), ...SHA2]],
    ['no integrity', [encr(ENCR.AES_CBC, 256), ...SHA2]],
    ['NONE for integrity', [encr(ENCR.AES_CBC, 256), integ(INTEG.NONE), ...SHA2]],
    ['DES', [encr(2), integ(INTEG.HMAC_SHA2_256_128), ...SHA2]],
    ['HMAC-MD5-96', [encr(ENCR.AES_CBC, 256), integ(1), ...SHA2]],
    ['DES-MAC', [encr(ENCR.AES_CBC, 256), integ(3), ...SHA2]],
    ['KPDK-MD5', [encr(ENCR.AES_CBC, 256), integ(4), ...SHA2]],
    ['PRF HMAC-MD5', [GCM, prf(1), ke(KE.CURVE25519)]],
    ['PRF HMAC-TIGER', [GCM, prf(3), ke(KE.CURVE25519)]],
    ['no PRF', [GCM, ke(KE.CURVE25519)]],
    ['no key exchange', [GCM, prf(PRF.HMAC_SHA2_256)]],
    ['NONE for the key exchange', [GCM, prf(PRF.HMAC_SHA2_256), ke(KE.NONE)]],
    ['a combined mode and integrity', [GCM, integ(INTEG.HMAC_SHA2_256_128), ...SHA2]],
    ['a key of no length', [encr(ENCR.AES_GCM_16), ...SHA2]],
    ['a key of another length', [encr(ENCR.AES_GCM_16, 512), ...SHA2]],
  ])('is none with %s', (_what, transforms) => {
    expect(ikeSuiteOf(transforms)).toBeUndefined();
  });

  it('is there for what must and should be implemented (RFC 8247 section 2)', () => {
    const ciphers = [
      [encr(ENCR.AES_CBC, 128), integ(INTEG.HMAC_SHA2_256_128)],
      [encr(ENCR.AES_CBC, 256), integ(INTEG.HMAC_SHA2_512_256)],
      [encr(ENCR.AES_CBC, 128), integ(INTEG.HMAC_SHA1_96)],
      [encr(ENCR.AES_CBC, 128), integ(INTEG.AES_XCBC_96)],
      [encr(ENCR.AES_GCM_16, 128)],
      [encr(ENCR.AES_GCM_16, 256)],
      [encr(ENCR.AES_CCM_8, 128)],
      [encr(ENCR.CHACHA20_POLY1305)],
    ];
    const prfs = [PRF.HMAC_SHA2_256, PRF.HMAC_SHA2_512, PRF.HMAC_SHA1, PRF.AES128_XCBC];
    for (const cipher of ciphers) {
      for (const id of prfs) expect(ikeSuiteOf([...cipher, prf(id), ke(KE.MODP_2048)])).toBeDefined();
    }
  });
});

describe('The suite of a Child SA', () => {
  it('of ESP needs encryption, that of AH integrity and nothing else', () => {
    expect(childSuiteOf('esp', CBC)).toMatchObject({ encryption: 'aes-cbc', integrity: 'hmac-sha2-256-128' });
    expect(childSuiteOf('esp', CBC.slice(1))).toBeUndefined();
    expect(childSuiteOf('ah', CBC.slice(1))).toMatchObject({ integrity: 'hmac-sha2-256-128' });
    expect(childSuiteOf('ah', CBC)).toBeUndefined();
    expect(childSuiteOf('ah', [])).toBeUndefined();
  });
});
