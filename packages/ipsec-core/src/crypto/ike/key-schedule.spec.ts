import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { loadVectors, skipReason, vectorsFolder } from '../../../test/ike/vectors.js';
import { fromHex, toHex } from '../../bytes/hex.js';
import { Secret } from '../../bytes/secret.js';
import { nobleProvider } from '../noble/noble-provider.js';
import {
  addKeyExchange,
  addPpk,
  childKeys,
  type IkeKeys,
  initialKeys,
  mixPpk,
  ppkConfirmation,
  rekeyedKeys,
  skeyseed,
} from './key-schedule.js';
import { createPrf, type Prf, type PrfName } from './prf.js';
import { prfPlus } from './prf-plus.js';
import type { IkeSuite } from './suite.js';

interface KdfVector {
  readonly name: string;
  readonly hash: string;
  readonly Ni: string;
  readonly Nr: string;
  readonly gir: string;
  readonly girNew: string;
  readonly SPIi: string;
  readonly SPIr: string;
  readonly SKEYSEED: string;
  readonly DKM: string;
  readonly DKMChildSA: string;
  readonly DKMChildSADH: string;
  readonly SKEYSEEDRekey: string;
}

const PRF_OF: Readonly<Record<string, PrfName>> = {
  'SHA-1': 'hmac-sha1',
  'SHA-256': 'hmac-sha2-256',
  'SHA-384': 'hmac-sha2-384',
  'SHA-512': 'hmac-sha2-512',
};
/** IKEv2 has no number for HMAC-SHA-224, but NIST's vectors use it: the schedule does not care whose PRF it is. */
const sha224: Prf = {
  name: 'hmac-sha2-256',
  length: 28,
  fixedKey: false,
  compute: (key, ...parts) => parts.reduce((mac, part) => mac.update(part), createHmac('sha224', key)).digest(),
};
const SUITE: IkeSuite = {
  encryption: 'aes-gcm-16',
  keyBits: 128,
  integrity: undefined,
  prf: 'hmac-sha2-256',
  keyExchange: 31,
  additionalKeyExchanges: [],
};
const INPUTS = {
  initiatorNonce: new Uint8Array(32).fill(1),
  responderNonce: new Uint8Array(32).fill(2),
  initiatorSpi: new Uint8Array(8).fill(3),
  responderSpi: new Uint8Array(8).fill(4),
};
const secret = (octet: number, length = 32) => new Secret(new Uint8Array(length).fill(octet));
const shown = (value: Secret) => value.reveal(toHex);
const fresh = (): IkeKeys => initialKeys(createPrf(nobleProvider, SUITE.prf), SUITE, secret(9), INPUTS);

describe.skipIf(vectorsFolder === undefined)(`Published vectors (${skipReason})`, () => {
  it('NIST CAVP: SKEYSEED, SK_*, KEYMAT with and without key exchange, rekey, each of them', () => {
    const { vectors } = loadVectors<KdfVector>('ikev2-kdf-cavp-800-135.json');
    expect(vectors.length).toBeGreaterThanOrEqual(187);
    for (const vector of vectors) {
      const name = PRF_OF[vector.hash];
      const prf = name === undefined ? sha224 : createPrf(nobleProvider, name);
      const [ni, nr] = [fromHex(vector.Ni), fromHex(vector.Nr)];
      const seed = skeyseed(prf, ni, nr, fromHex(vector.gir));
      const spis = fromHex(vector.SPIi + vector.SPIr);
      const dkm = prfPlus(prf, seed, Uint8Array.of(...ni, ...nr, ...spis), vector.DKM.length / 2);
      const d = new Secret(dkm.subarray(0, prf.length));
      const keys = { ...fresh(), prf, d };
      const nonces = { initiatorNonce: ni, responderNonce: nr };
      const half = vector.DKMChildSA.length / 4;
      const plain = childKeys(keys, { shared: undefined, additional: [] }, nonces, half);
      const pfs = childKeys(keys, { shared: new Secret(fromHex(vector.girNew)), additional: [] }, nonces, half);
      const rekey = d.reveal((key) => prf.compute(key, fromHex(vector.girNew), ni, nr));
      expect([vector.name, toHex(seed), toHex(dkm), toHex(rekey)]).toEqual([
        vector.name,
        vector.SKEYSEED,
        vector.DKM,
        vector.SKEYSEEDRekey,
      ]);
      expect(shown(plain.initiator) + shown(plain.responder)).toBe(vector.DKMChildSA);
      expect(shown(pfs.initiator) + shown(pfs.responder)).toBe(vector.DKMChildSADH);
    }
  });

  it.each([
    ['prf-aes-xcbc-rfc4434.json', 'aes-xcbc'],
    ['prf-aes-cmac-rfc4615.json', 'aes-cmac'],
  ] as const)('%s: keys of 128 bits, shorter and longer', (file, name) => {
    const prf = createPrf(nobleProvider, name);
    for (const vector of loadVectors<{ key: string; message: string; output: string }>(file).vectors) {
      expect(toHex(prf.compute(fromHex(vector.key), fromHex(vector.message)))).toBe(vector.output);
    }
  });

  it('PRF_HMAC_SHA2 of RFC 4868', () => {
    const file = loadVectors<Record<string, string>>('prf-hmac-sha2-rfc4868.json');
    for (const vector of file.vectors) {
      for (const bits of ['256', '384', '512'] as const) {
        const prf = createPrf(nobleProvider, `hmac-sha2-${bits}`);
        expect(toHex(prf.compute(fromHex(vector['key']!), fromHex(vector['data']!)))).toBe(vector[`prfHmacSha${bits}`]);
      }
    }
  });
});

describe('The key schedule', () => {
  it('wipes what an additional key exchange replaces, and depends on its secret', () => {
    const keys = fresh();
    const before = shown(keys.d);
    const next = addKeyExchange(keys, secret(5), INPUTS);
    expect(shown(keys.d)).toBe('00'.repeat(32));
    expect(shown(next.d)).not.toBe(before);
    expect(shown(next.d)).not.toBe(shown(addKeyExchange(fresh(), secret(6), INPUTS).d));
  });

  it('mixes a PPK into SK_d, SK_pi and SK_pr only', () => {
    const plain = fresh();
    const mixed = mixPpk(fresh(), secret(7));
    expect(shown(mixed.d)).not.toBe(shown(plain.d));
    expect(shown(mixed.pi)).not.toBe(shown(plain.pi));
    expect(shown(mixed.ei)).toBe(shown(plain.ei));
    expect(shown(mixed.d)).toBe(
      toHex(
        prfPlus(
          plain.prf,
          new Uint8Array(32).fill(7),
          plain.d.reveal((octets) => octets.slice()),
          32,
        ),
      ),
    );
  });

  it('makes all keys anew from SK_d and a PPK in IKE_INTERMEDIATE', () => {
    const plain = fresh();
    const ppk = new Uint8Array(32).fill(7);
    const seed = plain.d.reveal((octets) => prfPlus(plain.prf, ppk, octets, octets.length));
    const { initiatorNonce, responderNonce, initiatorSpi, responderSpi } = INPUTS;
    const material = prfPlus(
      plain.prf,
      seed,
      Uint8Array.of(...initiatorNonce, ...responderNonce, ...initiatorSpi, ...responderSpi),
      200,
    );
    const mixed = addPpk(fresh(), secret(7), INPUTS);
    const all = [mixed.d, mixed.ai, mixed.ar, mixed.ei, mixed.er, mixed.pi, mixed.pr].map(shown).join('');
    expect(toHex(material).startsWith(all)).toBe(true);
    expect(all.length).toBeGreaterThan(4 * 32);
  });

  it('confirms a PPK by 8 octets that nonces and SPIs go into', () => {
    const { initiatorNonce, responderNonce, initiatorSpi, responderSpi } = INPUTS;
    const whole = createHmac('sha256', Buffer.alloc(32, 7));
    for (const part of [initiatorNonce, responderNonce, initiatorSpi, responderSpi]) whole.update(part);
    expect(toHex(ppkConfirmation(fresh(), secret(7), INPUTS))).toBe(whole.digest('hex').slice(0, 16));
    expect(ppkConfirmation(fresh(), secret(8), INPUTS)).not.toEqual(ppkConfirmation(fresh(), secret(7), INPUTS));
  });

  it('takes additional secrets in order, behind the nonces', () => {
    const nonces = { initiatorNonce: INPUTS.initiatorNonce, responderNonce: INPUTS.responderNonce };
    const a = childKeys(fresh(), { shared: secret(1), additional: [secret(2), secret(3)] }, nonces, 20);
    const b = childKeys(fresh(), { shared: secret(1), additional: [secret(3), secret(2)] }, nonces, 20);
    expect(shown(a.initiator)).not.toBe(shown(b.initiator));
    const old = fresh();
    const rekeyed = rekeyedKeys(old, old.prf, SUITE, { shared: secret(1), additional: [] }, INPUTS);
    expect(shown(rekeyed.d)).not.toBe(shown(old.d));
    expect(shown(old.d)).not.toBe('00'.repeat(32));
  });

  it('cannot be printed', () => {
    expect(JSON.stringify(fresh())).not.toContain(shown(fresh().d));
    expect(JSON.stringify(fresh())).toContain('[secret]');
  });

  it('refuses more than 255 rounds of prf+', () => {
    const prf = createPrf(nobleProvider, 'aes-cmac');
    expect(() => prfPlus(prf, new Uint8Array(16), new Uint8Array(1), 16 * 255 + 1)).toThrow(RangeError);
    expect(prfPlus(prf, new Uint8Array(16), new Uint8Array(1), 16 * 255)).toHaveLength(16 * 255);
  });
});
