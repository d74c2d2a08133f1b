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
import {
  CLASSIC_SIGNATURE_ALGORITHMS,
  DIGITAL_SIGNATURE_ALGORITHMS,
  encodeDigitalSignature,
  encodeSignature,
  parseDigitalSignature,
  parseSignature,
} from './signature.js';

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
  it.each(DIGITAL_SIGNATURE_ALGORITHMS)(
    '%s survives its encoding, and anything else is not taken for one',
    (algorithm) => {
      const data = encodeDigitalSignature({ algorithm, signature: fromHex('aabbcc') });
      expect(parseDigitalSignature(data)).toEqual({ algorithm, signature: fromHex('aabbcc') });
      expect(parseDigitalSignature(data.subarray(0, data.length - 3))).toBeUndefined();
      data[3] = (data[3] ?? 0) ^ 1;
      expect(parseDigitalSignature(data)).toBeUndefined();
    },
  );

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

  it('know PKCS #1 v1.5 with and without NULL (RFC 4055 section 5), and write NULL', () => {
    const data = encodeDigitalSignature({ algorithm: 'rsa-pkcs1-sha2-512', signature: fromHex('aabb') });
    expect(toHex(data)).toBe('0f300d06092a864886f70d01010d0500aabb');
    expect(parseDigitalSignature(fromHex('0d300b06092a864886f70d01010daabb'))).toEqual({
      algorithm: 'rsa-pkcs1-sha2-512',
      signature: fromHex('aabb'),
    });
  });

  it('are written as RFC 7427 appendix A and RFC 8420 appendix A print them', () => {
    const written = (algorithm: (typeof DIGITAL_SIGNATURE_ALGORITHMS)[number]) =>
      toHex(encodeDigitalSignature({ algorithm, signature: new Uint8Array(0) }));
    expect(written('rsa-pkcs1-sha2-256')).toBe('0f300d06092a864886f70d01010b0500');
    expect(written('ecdsa-sha2-256')).toBe('0c300a06082a8648ce3d040302');
    expect(written('ecdsa-sha2-384')).toBe('0c300a06082a8648ce3d040303');
    expect(written('ecdsa-sha2-512')).toBe('0c300a06082a8648ce3d040304');
    expect(written('ed25519')).toBe('07300506032b6570');
    expect(written('ed448')).toBe('07300506032b6571');
  });

  it.each(CLASSIC_SIGNATURE_ALGORITHMS)('%s is its method and the signature alone', (algorithm) => {
    const signature = fromHex('aabbcc');
    const auth = encodeSignature({ algorithm, signature });
    expect(auth.data).toEqual(signature);
    expect(parseSignature(auth.method, auth.data)).toEqual({ ok: true, signature: { algorithm, signature } });
  });

  // RFC 7427 appendix A has these; RFC 8247 section 3.2 says that they MUST NOT be used.
  it.each([
    ['sha1WithRSAEncryption', '300d06092a864886f70d0101050500', /RSA with SHA-1 is too weak/],
    ['dsa-with-sha1', '300906072a8648ce380403', /DSA is too weak/],
    ['dsa-with-sha256', '300b0609608648016503040302', /DSA is too weak/],
    ['ecdsa-with-sha1', '300906072a8648ce3d0401', /ECDSA with SHA-1 is too weak/],
    ['RSASSA-PSS with empty parameters', '300d06092a864886f70d01010a3000', /salt as long as the hash/],
    ['what nobody knows', '300506032a0304', /300506032a0304 is not known/],
    ['nothing', '', /\(none\)/],
  ])('%s is refused, and the reason is told', (_name, identifier, reason) => {
    const data = fromHex(`${(identifier.length / 2).toString(16).padStart(2, '0')}${identifier}aabb`);
    expect(parseSignature(14, data)).toEqual({ ok: false, reason: expect.stringMatching(reason) });
  });

  it('say which methods are none', () => {
    for (const method of [0, 3, 12, 13, 15, 255]) {
      expect(parseSignature(method, fromHex('aabb'))).toEqual({
        ok: false,
        reason: expect.stringMatching(`${method}`),
      });
    }
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
