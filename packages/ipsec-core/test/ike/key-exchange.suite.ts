import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../src/bytes/hex.js';
import { KeyExchangeError, type KeyExchangeProvider } from '../../src/crypto/ike/key-exchange/key-exchange.js';
import { nobleKeyExchange } from '../../src/crypto/ike/key-exchange/noble.js';
import { KE, nameOf } from '../../src/wire/ike/iana.js';
import { loadVectors, skipReason, vectorsFolder } from './vectors.js';

type Row = Readonly<Record<string, string>>;

/** What every key exchange provider must pass; the portable one is the oracle. */
export function keyExchangeSuite(provider: KeyExchangeProvider): void {
  describe(`Key exchange by ${provider.name}`, () => {
    it.each(provider.methods.map((method) => [nameOf(KE, method), method] as const))(
      '%s: both sides get one secret, also with the portable provider on either side',
      (_name, method) => {
        const random = seeded(method);
        for (const [left, right] of [
          [provider, provider],
          [provider, nobleKeyExchange],
          [nobleKeyExchange, provider],
        ] as const) {
          const initiated = left.initiate(method, random);
          const answered = right.respond(method, initiated.publicValue, random);
          expect(initiated.finish(answered.publicValue).reveal(toHex)).toBe(answered.shared.reveal(toHex));
        }
      },
    );

    it.each(provider.methods.map((method) => [nameOf(KE, method), method] as const))(
      '%s: public values of another length or no value of the group are refused',
      (_name, method) => {
        const random = seeded(method);
        const { publicValue } = provider.initiate(method, random);
        expectRefusal(() => provider.respond(method, publicValue.subarray(1), random), 'bad_length');
        expectRefusal(() => provider.respond(method, Uint8Array.of(...publicValue, 0), random), 'bad_length');
        expectRefusal(
          () => provider.respond(method, new Uint8Array(publicValue.length).fill(0xff), random),
          'bad_public_value',
          method,
        );
        if (!isKem(method)) {
          expectRefusal(() => provider.respond(method, new Uint8Array(publicValue.length), random), 'bad_public_value');
        }
      },
    );

    it('does not know groups that must not, or should not, be used (RFC 8247 section 2.4)', () => {
      for (const group of [1, 2, 5, 22, 23, 24]) {
        expectRefusal(() => provider.initiate(group, seeded(1)), 'unsupported_method');
      }
    });

    it('does not know methods that nobody has', () => {
      expectRefusal(() => provider.initiate(1, seeded(1)), 'unsupported_method');
    });

    describe.skipIf(vectorsFolder === undefined)(`published vectors (${skipReason})`, () => publishedVectors(provider));
  });
}

function publishedVectors(provider: KeyExchangeProvider): void {
  it('RFC 5903 and Brainpool: public values and x as the secret', () => {
    const files = ['dh-ecp-rfc5903.json', 'dh-brainpool-rfc6932-6954.json'];
    let checked = 0;
    for (const row of files.flatMap((file) => loadVectors<Row & { group: number }>(file).vectors)) {
      if (!provider.methods.includes(row.group)) continue;
      const [a, b] = 'privateI' in row ? ['I', 'R'] : ['A', 'B'];
      const peer = fromHex(`${row[`public${b}x`]}${row[`public${b}y`]}`);
      const own = provider.initiate(row.group, fixed(of(row, `private${a}`)));
      expect(toHex(own.publicValue)).toBe(`${row[`public${a}x`]}${row[`public${a}y`]}`);
      expect(own.finish(peer).reveal(toHex)).toBe(row['sharedX']);
      checked++;
    }
    expect(checked).toBeGreaterThanOrEqual(6);
  });

  it('RFC 8031 and RFC 7748', () => {
    const row = loadVectors<Row>('dh-curve25519-rfc8031.json').vectors[0] ?? {};
    const own = provider.initiate(KE.CURVE25519, fixed(of(row, 'randomI')));
    expect(toHex(own.publicValue)).toBe(row['publicI']);
    expect(own.finish(fromHex(of(row, 'publicR'))).reveal(toHex)).toBe(row['shared']);
  });

  it.each([
    ['x25519', KE.CURVE25519],
    ['x448', KE.CURVE448],
  ] as const)(
    'Wycheproof %s: right secrets, all-zero ones refused',
    (file, method) => {
      for (const row of loadVectors<Row>(`wycheproof/${file}.json`).vectors) {
        const run = () => provider.initiate(method, fixed(of(row, 'private'))).finish(fromHex(of(row, 'public')));
        if (row['result'] === 'invalid' || /^0+$/.test(of(row, 'shared'))) expect(run).toThrow(KeyExchangeError);
        else expect([row['name'], run().reveal(toHex)]).toEqual([row['name'], row['shared']]);
      }
    },
    SLOW,
  );

  it.each([
    ['secp256r1', KE.ECP_256, 32],
    ['secp384r1', KE.ECP_384, 48],
    ['secp521r1', KE.ECP_521, 66],
  ] as const)(
    'Wycheproof ECDH %s: uncompressed points are what IKE carries',
    (file, method, length) => {
      let valid = 0;
      for (const row of loadVectors<Row>(`wycheproof/ecdh_${file}_ecpoint.json`).vectors) {
        const point = of(row, 'public');
        if (!point.startsWith('04')) continue;
        const scalar = of(row, 'private')
          .padStart(2 * length + 2, '0')
          .slice(-2 * length);
        const run = () => provider.initiate(method, fixed(scalar)).finish(fromHex(point.slice(2)));
        if (row['result'] === 'invalid') expect([row['name'], refused(run)]).toEqual([row['name'], true]);
        else expect([row['name'], run().reveal(toHex)]).toEqual([row['name'], row['shared']]);
        if (row['result'] === 'valid') valid++;
      }
      expect(valid).toBeGreaterThan(200);
    },
    SLOW,
  );

  it.skipIf(!provider.methods.includes(KE.ML_KEM_768))('ML-KEM: ACVP and Wycheproof', () => {
    for (const row of loadVectors<Row>('ml-kem-acvp.json').vectors) {
      const method = ML_KEM[of(row, 'parameterSet')] ?? 0;
      if (row['function'] === 'keyGen') {
        expect(toHex(provider.initiate(method, fixed(of(row, 'd') + of(row, 'z'))).publicValue)).toBe(row['ek']);
      }
      if (row['function'] === 'encapsulation') {
        const answered = provider.respond(method, fromHex(of(row, 'ek')), fixed(of(row, 'm')));
        expect([toHex(answered.publicValue), answered.shared.reveal(toHex)]).toEqual([row['c'], row['k']]);
      }
    }
    for (const row of loadVectors<Row>('wycheproof/mlkem_768.json').vectors) {
      if (of(row, 'seed').length !== 128) continue;
      const run = () => provider.initiate(KE.ML_KEM_768, fixed(of(row, 'seed'))).finish(fromHex(of(row, 'c')));
      if (row['result'] === 'valid') expect(run().reveal(toHex)).toBe(row['K']);
      else expect([row['name'], refused(run)]).toEqual([row['name'], true]);
    }
    for (const row of loadVectors<Row>('wycheproof/mlkem_768_encaps.json').vectors) {
      const run = () => provider.respond(KE.ML_KEM_768, fromHex(of(row, 'ek')), fixed(of(row, 'm')));
      if (row['result'] === 'valid') expect(run().shared.reveal(toHex)).toBe(row['K']);
      else expect([row['name'], refused(run)]).toEqual([row['name'], true]);
    }
  });

  it('never gives anything but a secret or a KeyExchangeError', () => {
    const quick = provider.methods.filter((method) => method >= KE.ECP_256 && method <= KE.CURVE25519);
    fc.assert(
      fc.property(fc.constantFrom(...quick), fc.uint8Array({ minLength: 0, maxLength: 140 }), (method, octets) => {
        expect(refused(() => provider.respond(method, octets, seeded(1)))).toBeTypeOf('boolean');
      }),
      { numRuns: 60 },
    );
  });
}

/** A field of a vector; a vector without it is a defect of the test. */
function of(row: Row, field: string): string {
  const value = row[field];
  if (value === undefined) throw new Error(`The vector has no ${field}.`);
  return value;
}

function refused(run: () => unknown): boolean {
  try {
    run();
    return false;
  } catch (error) {
    if (error instanceof KeyExchangeError) return true;
    throw error;
  }
}

function expectRefusal(run: () => unknown, code: string, method?: number): void {
  // An all-ones u-coordinate is reduced modulo p by RFC 7748 section 5 and thereby valid.
  if (method === KE.CURVE25519 || method === KE.CURVE448) return;
  expect(run).toThrow(expect.objectContaining({ code }));
}

function isKem(method: number): boolean {
  return method >= KE.ML_KEM_512 && method <= KE.ML_KEM_1024;
}

function fixed(hex: string): (out: Uint8Array) => void {
  const octets = fromHex(hex);
  return (out) => out.set(octets.subarray(octets.length - out.length));
}

function seeded(seed: number): (out: Uint8Array) => void {
  let state = seed + 1;
  return (out) => {
    for (let i = 0; i < out.length; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      out[i] = state >>> 24;
    }
  };
}

/** Hundreds of scalar multiplications in portable TypeScript take a while; the limit only ends a test that hangs. */
const SLOW = 120_000;
const ML_KEM: Readonly<Record<string, number>> = {
  'ML-KEM-512': KE.ML_KEM_512,
  'ML-KEM-768': KE.ML_KEM_768,
  'ML-KEM-1024': KE.ML_KEM_1024,
};
