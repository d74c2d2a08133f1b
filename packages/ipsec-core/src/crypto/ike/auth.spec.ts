import { constants, createHash, generateKeyPairSync, sign, verify } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadVectors, skipReason, vectorsFolder } from '../../../test/ike/vectors.js';
import { fromHex, toHex } from '../../bytes/hex.js';
import { Secret } from '../../bytes/secret.js';
import { parseAddress } from '../../wire/ip/address.js';
import { nobleProvider } from '../noble/noble-provider.js';
import { sameAuth, sharedKeyAuth, signedOctets } from './auth-octets.js';
import { natDetectionHash } from './nat-detection.js';
import { createPrf } from './prf.js';
import { encodeDigitalSignature, parseDigitalSignature, type SignatureAlgorithm } from './signature.js';

describe('AUTH', () => {
  it('is over the own first message, the peer nonce and the MACed ID, each of them', () => {
    const prf = createPrf(nobleProvider, 'hmac-sha2-256');
    const inputs = {
      ownMessage: fromHex('0102'),
      peerNonce: fromHex('0304'),
      p: new Secret(new Uint8Array(32).fill(1)),
      idBody: fromHex('0200000061'),
      intermediate: undefined,
    };
    const auth = (change: Partial<typeof inputs> | { intermediate: Uint8Array }) =>
      toHex(sharedKeyAuth(prf, new Secret(fromHex('6b6579')), signedOctets(prf, { ...inputs, ...change })));
    const all = [
      auth({}),
      auth({ ownMessage: fromHex('0103') }),
      auth({ peerNonce: fromHex('0305') }),
      auth({ p: new Secret(new Uint8Array(32).fill(2)) }),
      auth({ idBody: fromHex('0200000062') }),
      auth({ intermediate: fromHex('07') }),
    ];
    expect(new Set(all).size).toBe(all.length);
    expect(sameAuth(fromHex('0102'), fromHex('0102'))).toBe(true);
    expect(sameAuth(fromHex('0102'), fromHex('010203'))).toBe(false);
    expect(sameAuth(fromHex('0102'), fromHex('0103'))).toBe(false);
  });

  it('agrees with node:crypto about the pre-shared key formula', () => {
    const prf = createPrf(nobleProvider, 'hmac-sha2-512');
    const octets = fromHex('00112233');
    const mac = (key: Uint8Array, data: Uint8Array) => {
      const block = new Uint8Array(128);
      block.set(key);
      const inner = createHash('sha512')
        .update(block.map((o) => o ^ 0x36))
        .update(data)
        .digest();
      return createHash('sha512')
        .update(block.map((o) => o ^ 0x5c))
        .update(inner)
        .digest();
    };
    const expected = mac(mac(Buffer.from('secret'), Buffer.from('Key Pad for IKEv2')), octets);
    expect(toHex(sharedKeyAuth(prf, new Secret(Buffer.from('secret')), octets))).toBe(toHex(expected));
  });
});

describe('RFC 7427 signatures', () => {
  const algorithms: readonly SignatureAlgorithm[] = [
    'ecdsa-sha2-256',
    'ecdsa-sha2-384',
    'ecdsa-sha2-512',
    'rsa-pss-sha2-256',
    'rsa-pss-sha2-384',
    'rsa-pss-sha2-512',
    'rsa-pkcs1-sha2-256',
    'rsa-pkcs1-sha2-384',
    'rsa-pkcs1-sha2-512',
    'ed25519',
  ];

  it.each(algorithms)('%s survives its encoding; anything else is not taken for one', (algorithm) => {
    const data = encodeDigitalSignature({ algorithm, signature: fromHex('aabbcc') });
    expect(parseDigitalSignature(data)).toEqual({ algorithm, signature: fromHex('aabbcc') });
    expect(parseDigitalSignature(data.subarray(0, data.length - 3))).toBeUndefined();
    data[3] = (data[3] ?? 0) ^ 1;
    expect(parseDigitalSignature(data)).toBeUndefined();
  });

  it('name algorithms as OpenSSL names them in certificates', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
    const signature = sign('sha256', Buffer.from('x'), { key: rsa.privateKey, ...pss });
    expect(verify('sha256', Buffer.from('x'), { key: rsa.publicKey, ...pss }, signature)).toBe(true);
    const der = encodeDigitalSignature({ algorithm: 'rsa-pss-sha2-256', signature: new Uint8Array(0) });
    // The whole AlgorithmIdentifier of RFC 7427 appendix A.4.3 (SHA2-256, salt 32), which is 67 octets long.
    expect([der[0], der.length]).toEqual([67, 68]);
  });

  it('know RSASSA-PSS with and without NULL and trailer field (RFC 4055 sections 2.1 and 3.1)', () => {
    const [withNull, without] = ['300d06096086480165030402020500', '300b0609608648016503040202'];
    const variants = [
      `304106092a864886f70d01010a3034a00f${withNull}a11c301a06092a864886f70d010108${withNull}a203020130`,
      `303d06092a864886f70d01010a3030a00d${without}a11a301806092a864886f70d010108${without}a203020130`,
      `304606092a864886f70d01010a3039a00f${withNull}a11c301a06092a864886f70d010108${withNull}a203020130a303020101`,
    ];
    for (const variant of variants) {
      const data = fromHex(`${(variant.length / 2).toString(16)}${variant}aabb`);
      expect(parseDigitalSignature(data)).toEqual({ algorithm: 'rsa-pss-sha2-384', signature: fromHex('aabb') });
    }
    const shortSalt = `304106092a864886f70d01010a3034a00f${withNull}a11c301a06092a864886f70d010108${withNull}a203020114`;
    expect(parseDigitalSignature(fromHex(`43${shortSalt}aabb`))).toBeUndefined();
  });

  it('never throws on octets', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 90 }), (data) => {
        const parsed = parseDigitalSignature(data);
        expect(parsed === undefined || data.length > parsed.signature.length).toBe(true);
      }),
    );
  });
});

describe.skipIf(vectorsFolder === undefined)(`NAT detection in captures (${skipReason})`, () => {
  it('gives the hash that was sent exactly where no NAT was in between', () => {
    const rows = loadVectors<{
      name: string;
      spiI: string;
      spiR: string;
      address: string;
      port: number;
      hash: string;
      matches: boolean;
    }>('ikev2-nat-detection.json').vectors;
    for (const row of rows) {
      const hash = natDetectionHash(fromHex(row.spiI), fromHex(row.spiR), {
        address: parseAddress(row.address),
        port: row.port,
      });
      expect([row.name, toHex(hash) === row.hash]).toEqual([row.name, row.matches]);
    }
    expect(rows.some((row) => row.matches)).toBe(true);
  });
});
