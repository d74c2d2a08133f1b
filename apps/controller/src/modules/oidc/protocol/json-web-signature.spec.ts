import { createHmac, generateKeyPairSync, type KeyObject, type SignKeyObjectInput, sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonWebKeySet } from './json-web-key-set.js';
import { verifiedPayload } from './json-web-signature.js';
import { SIGNATURE_ALGORITHMS } from './signature-algorithms.js';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PAIRS: Readonly<Record<string, { privateKey: KeyObject; publicKey: KeyObject }>> = {
  RSA: rsa,
  'P-256': generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  'P-384': generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  'P-521': generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  Ed25519: generateKeyPairSync('ed25519'),
};
const ALGORITHMS = [...SIGNATURE_ALGORITHMS.keys()];
const CLAIMS = { sub: 'ada', groups: ['ä', 'b'] };

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const pairOf = (alg: string) => {
  const { keyType, curve } = SIGNATURE_ALGORITHMS.get(alg) ?? {};
  const pair = PAIRS[curve ?? keyType ?? ''];
  if (pair === undefined) throw new Error(`no key for ${alg}`);
  return pair;
};
const keyOf = (alg: string, kid?: string) =>
  ({
    ...pairOf(alg).publicKey.export({ format: 'jwk' }),
    ...(kid !== undefined && { kid }),
  }) as JsonWebKeySet['keys'][0];

/** By node:crypto, as a provider would. */
function signatureOf(alg: string, signed: string, { privateKey: key } = pairOf(alg)): Buffer {
  const hash = alg === 'EdDSA' ? null : `sha${alg.slice(2)}`;
  const options: SignKeyObjectInput = {
    key,
    ...(alg.startsWith('PS') && { padding: 6, saltLength: -1 }),
    ...(alg.startsWith('ES') && { dsaEncoding: 'ieee-p1363' }),
  };
  return sign(hash, Buffer.from(signed), options);
}

function tokenOf(alg: string, header: object = {}, claims: unknown = CLAIMS): string {
  const signed = `${encode({ alg, ...header })}.${encode(claims)}`;
  return `${signed}.${signatureOf(alg, signed).toString('base64url')}`;
}

const faultOf = (token: string, keys: JsonWebKeySet['keys'], algorithms: readonly string[] = ALGORITHMS): unknown => {
  try {
    return { taken: verifiedPayload(token, algorithms, { keys }) };
  } catch (error) {
    return (error as { fault?: unknown }).fault ?? error;
  }
};

describe('a JSON Web Signature', () => {
  it.each(ALGORITHMS)('of %s is taken, and with any other bit it is not', (alg) => {
    const token = tokenOf(alg);
    expect(verifiedPayload(token, [alg], { keys: [keyOf(alg)] })).toEqual(CLAIMS);
    const [, , signature = ''] = token.split('.');
    const signed = token.slice(0, -signature.length);
    const octets = Buffer.from(signature, 'base64url');
    fc.assert(
      fc.property(fc.nat({ max: octets.length * 8 - 1 }), (bit) => {
        const other = Buffer.from(octets);
        other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(faultOf(`${signed}${other.toString('base64url')}`, [keyOf(alg)])).toBe('signature');
      }),
      { numRuns: 20 },
    );
  });

  it('is nothing when it is not signed, or only says so', () => {
    const payload = encode(CLAIMS);
    for (const alg of ['none', 'None', 'NONE', 'nOnE', '', 'HS256', 'RS1', 'constructor']) {
      expect(faultOf(`${encode({ alg })}.${payload}.`, [keyOf('RS256')])).toBe('algorithm');
      expect(faultOf(`${encode({ alg })}.${payload}.`, [keyOf('RS256')], [alg])).toBe('algorithm');
    }
    expect(faultOf(`${encode({ alg: 'RS256' })}.${payload}.`, [keyOf('RS256')])).toBe('signature');
  });

  it('is nothing when the public key served as a shared secret, even if the provider claims to use one', () => {
    const pem = rsa.publicKey.export({ format: 'pem', type: 'spki' });
    const secret = Buffer.from(pem);
    const signed = `${encode({ alg: 'HS256' })}.${encode(CLAIMS)}`;
    const token = `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
    const shared = { kty: 'oct', k: secret.toString('base64url') };
    expect(faultOf(token, [keyOf('RS256'), shared], [...ALGORITHMS, 'HS256'])).toBe('algorithm');
  });

  it('is taken with what the provider says it signs with, and with nothing else', () => {
    expect(faultOf(tokenOf('PS256'), [keyOf('PS256')], ['RS256'])).toBe('algorithm');
  });

  it('is of the key that it names', () => {
    const [one, other] = [keyOf('RS256', 'one'), { ...keyOf('RS256', 'other') }];
    expect(faultOf(tokenOf('RS256', { kid: 'one' }), [other, one])).toEqual({ taken: CLAIMS });
    expect(faultOf(tokenOf('RS256', { kid: 'third' }), [other, one])).toBe('key');
    expect(faultOf(tokenOf('RS256'), [other, one])).toBe('key');
    expect(faultOf(tokenOf('RS256', { kid: 'one' }), [one, one])).toBe('key');
    expect(faultOf(tokenOf('RS256', { kid: 'one' }), [])).toBe('key');
  });

  it('is never of a key for something else', () => {
    const key = keyOf('RS256');
    for (const unfit of [{ use: 'enc' }, { key_ops: ['encrypt'] }, { alg: 'RS512' }, { kty: 'EC' }, { crv: 'P-256' }]) {
      expect(faultOf(tokenOf('RS256'), [{ ...key, ...unfit }])).toBe('key');
    }
    expect(faultOf(tokenOf('RS256'), [{ ...key, use: 'sig', key_ops: ['verify'], alg: 'RS256' }])).toEqual({
      taken: CLAIMS,
    });
    expect(faultOf(tokenOf('ES256'), [keyOf('ES384')])).toBe('key');
    expect(faultOf(tokenOf('RS256'), [{ kty: 'RSA', n: 'AQAB', e: 'AQAB' }])).toBe('key');
    expect(faultOf(tokenOf('RS256'), [{ kty: 'RSA' }])).toBe('key');
  });

  it('is refused with a header that must be understood', () => {
    expect(faultOf(tokenOf('RS256', { crit: ['b64'], b64: false }), [keyOf('RS256')])).toBe('critical_header');
    expect(faultOf(tokenOf('RS256', { crit: [] }), [keyOf('RS256')])).toBe('critical_header');
  });

  it('is nothing else than three parts of canonical base64url with JSON in them', () => {
    const good = tokenOf('RS256');
    const [header, payload, signature = ''] = good.split('.');
    const last = signature.at(-1);
    // 256 octets leave four bits of the last digit unused.
    const another = String.fromCharCode((last ?? 'A').charCodeAt(0) + 1);
    for (const bad of [
      '',
      '..',
      `${good}.`,
      `${header}.${payload}`,
      `${good}=`,
      ` ${good}`,
      `${good}\n`,
      `${good.slice(0, -1)}${another}`,
      `${encode('RS256')}.${payload}.${signature}`,
      `${encode(null)}.${payload}.${signature}`,
      `${Buffer.from('{').toString('base64url')}.${payload}.${signature}`,
      `${header}.${'A'.repeat(70_000)}.${signature}`,
    ]) {
      expect(faultOf(bad, [keyOf('RS256')]), JSON.stringify(bad.slice(0, 50))).toBe('malformed');
    }
  });

  it('judges whatever comes, and ends', () => {
    const part = fc.oneof(
      fc.string(),
      fc.json().map((text) => Buffer.from(text).toString('base64url')),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 4 }), (parts) => {
        expect(faultOf(parts.join('.'), [keyOf('RS256')])).toBeTypeOf('string');
      }),
    );
  });
});
