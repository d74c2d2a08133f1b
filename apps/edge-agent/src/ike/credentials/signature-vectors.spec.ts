import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { loadVectors, VECTOR_FILES, VECTORS_ABSENT, type Vector, vectorFolder } from '@weft/ipsec-core/conformance';
import type { SignatureAlgorithm } from '@weft/ipsec-core/ike';
import { describe, expect, it } from 'vitest';
import { signWith, verifySignature } from './signature.js';

/** Every signature file of Wycheproof, the algorithm that its signatures are of, and how many it has. */
const WYCHEPROOF: readonly [string, SignatureAlgorithm, number][] = [
  ['ecdsa_secp256r1_sha256', 'ecdsa-sha2-256', 323],
  ['ecdsa_secp256r1_sha256_p1363', 'ecdsa-p256', 175],
  ['ecdsa_secp384r1_sha384', 'ecdsa-sha2-384', 336],
  ['ecdsa_secp384r1_sha384_p1363', 'ecdsa-p384', 187],
  ['ecdsa_secp521r1_sha512', 'ecdsa-sha2-512', 361],
  ['ecdsa_secp521r1_sha512_p1363', 'ecdsa-p521', 212],
  ['ed25519', 'ed25519', 101],
  ['ed448', 'ed448', 58],
  ['rsa_pss_2048_sha256_mgf1_32', 'rsa-pss-sha2-256', 72],
  ['rsa_pss_4096_sha512_mgf1_64', 'rsa-pss-sha2-512', 119],
  ['rsa_signature_2048_sha256', 'rsa-pkcs1-sha2-256', 173],
  ['rsa_signature_2048_sha384', 'rsa-pkcs1-sha2-384', 172],
  ['rsa_signature_3072_sha512', 'rsa-pkcs1-sha2-512', 173],
];

const folder = vectorFolder();

// Hundreds of signatures in each.
const options = { timeout: 60_000 };

it('The signature files of the public vectors are run here, all of them', () => {
  const signatures = Object.entries(VECTOR_FILES).flatMap(([name, use]) =>
    typeof use === 'object' && use.elsewhere === 'authentication of IKEv2' ? [name] : [],
  );
  const here = ['ecdsa-auth-rfc4754', 'ed25519-rfc8032', ...WYCHEPROOF.map(([name]) => `wycheproof/${name}`)];
  expect(here.sort()).toEqual(signatures.sort());
});

describe.skipIf(folder === undefined)(`Signatures of the public vectors (${VECTORS_ABSENT})`, options, () => {
  it.each(WYCHEPROOF)('Wycheproof %s: taken and refused as the vectors say', async (name, algorithm, count) => {
    const cases = wycheproof(name);
    expect(cases).toHaveLength(count);
    for (const { key, vector } of cases) {
      const signed = { algorithm, signature: vector.octets('sig') };
      const { ok } = await verifySignature(key, signed, vector.octets('msg'));
      expect([vector.text('name'), ok ? 'valid' : 'invalid']).toEqual([vector.text('name'), vector.text('result')]);
    }
  });

  it('Wycheproof RSA signatures, as the method that names no hash: taken when they are good with one of ours', async () => {
    const algorithms = ['rsa-pkcs1-sha2-256', 'rsa-pkcs1-sha2-384', 'rsa-pkcs1-sha2-512'] as const;
    for (const { key, vector } of WYCHEPROOF.slice(-3).flatMap(([name]) => wycheproof(name))) {
      const signature = vector.octets('sig');
      const taken = async (algorithm: SignatureAlgorithm) =>
        (await verifySignature(key, { algorithm, signature }, vector.octets('msg'))).ok;
      const good = await Promise.all(algorithms.map(taken));
      expect([vector.text('name'), await taken('rsa-pkcs1')]).toEqual([vector.text('name'), good.includes(true)]);
    }
  });

  it.each([
    ['ECDSA-256', 'ecdsa-p256', 'P-256'],
    ['ECDSA-521', 'ecdsa-p521', 'P-521'],
  ] as const)(
    'RFC 4754 %s: r and s in a row are taken as %s, and changed they are not',
    async (name, algorithm, curve) => {
      const { vectors } = loadVectors(folder ?? '', 'ecdsa-auth-rfc4754');
      expect(vectors).toHaveLength(2);
      const vector = named(vectors, name);
      const coordinate = (field: string) => Buffer.from(vector.octets(field)).toString('base64url');
      const jwk = { kty: 'EC', crv: curve, x: coordinate('publicX'), y: coordinate('publicY') };
      const key = createPublicKey({ key: jwk, format: 'jwk' });
      const signature = Buffer.concat([vector.octets('r'), vector.octets('s')]);
      const message = vector.octets('message');
      expect(await verifySignature(key, { algorithm, signature }, message)).toEqual({ ok: true });
      signature[signature.length - 1]! ^= 1;
      expect(await verifySignature(key, { algorithm, signature }, message)).toMatchObject({ ok: false });
    },
  );

  it('RFC 8032: Ed25519 signs as printed', async () => {
    const { vectors } = loadVectors(folder ?? '', 'ed25519-rfc8032');
    expect(vectors).toHaveLength(3);
    for (const vector of vectors) {
      const prefix = Buffer.from('302e020100300506032b657004220420', 'hex');
      const der = Buffer.concat([prefix, vector.octets('secretKey')]);
      const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
      const signed = await signWith(key, ['ed25519'], vector.octets('message'));
      expect(Buffer.from(signed!.signature)).toEqual(Buffer.from(vector.octets('signature')));
    }
  });
});

/** The vectors of a file, each with the key of its group. */
function wycheproof(name: string): readonly { readonly key: KeyObject; readonly vector: Vector }[] {
  const { vectors, groups = [] } = loadVectors(folder ?? '', `wycheproof/${name}`);
  const keys = groups.map(({ publicKeyDer }) =>
    createPublicKey({ key: Buffer.from(String(publicKeyDer), 'hex'), format: 'der', type: 'spki' }),
  );
  return vectors.map((vector) => ({ key: keys[vector.number('group')]!, vector }));
}

function named(vectors: readonly Vector[], name: string): Vector {
  const vector = vectors.find((candidate) => candidate.text('name') === name);
  if (vector === undefined) throw new Error(`no vector ${name}`);
  return vector;
}
