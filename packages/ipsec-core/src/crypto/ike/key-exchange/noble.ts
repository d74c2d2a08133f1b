import { pow } from '@noble/curves/abstract/modular.js';
import { type WeierstrassPointCons, weierstrass } from '@noble/curves/abstract/weierstrass.js';
import { x448 } from '@noble/curves/ed448.js';
import { x25519 } from '@noble/curves/ed25519.js';
import { brainpoolP256r1, brainpoolP384r1, brainpoolP512r1 } from '@noble/curves/misc.js';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { ml_kem512, ml_kem768, ml_kem1024 } from '@noble/post-quantum/ml-kem.js';
import { KE } from '../../../wire/ike/iana.js';
import { type DiffieHellmanGroup, type EncapsulationMechanism, keyExchangeProvider } from './diffie-hellman.js';
import { KeyExchangeError, type KeyExchangeProvider } from './key-exchange.js';
import { fromBigint, MODP_GROUPS, type ModpGroup, toBigint } from './modp.js';

function modp(group: ModpGroup): DiffieHellmanGroup {
  return {
    method: group.method,
    costly: true,
    publicLength: group.octets,
    makePrivate(random) {
      const value = new Uint8Array(group.exponentOctets);
      random(value);
      value[0] = (value[0] ?? 0) | 0x80;
      return value;
    },
    publicOf: (value) => fromBigint(pow(2n, toBigint(value), group.prime()), group.octets),
    agree(value, peerPublic) {
      const y = toBigint(peerPublic);
      if (y <= 1n || y >= group.prime() - 1n) throw new KeyExchangeError('bad_public_value', group.method);
      return fromBigint(pow(y, toBigint(value), group.prime()), group.octets);
    },
  };
}

/** RFC 5903, RFC 6954: the public value is x | y, the shared secret is x. */
function curve(method: number, Point: WeierstrassPointCons<bigint>): DiffieHellmanGroup {
  const { Fp, Fn } = Point;
  return {
    method,
    costly: true,
    publicLength: 2 * Fp.BYTES,
    makePrivate(random) {
      const value = new Uint8Array(Fn.BYTES);
      const mask = 0xff >>> (8 * Fn.BYTES - Fn.BITS);
      for (;;) {
        random(value);
        value[0] = (value[0] ?? 0) & mask;
        if (Fn.isValidNot0(toBigint(value))) return value;
      }
    },
    publicOf: (value) => Point.BASE.multiply(toBigint(value)).toBytes(false).slice(1),
    agree(value, peerPublic) {
      const shared = decode(Point, method, peerPublic).multiply(toBigint(value));
      return Fp.toBytes(shared.toAffine().x);
    },
  };
}

function decode(Point: WeierstrassPointCons<bigint>, method: number, octets: Uint8Array) {
  try {
    const point = Point.fromBytes(Uint8Array.of(0x04, ...octets));
    point.assertValidity();
    return point;
  } catch {
    // noble throws plain errors for coordinates out of range and points off the curve; both mean this.
    throw new KeyExchangeError('bad_public_value', method);
  }
}

/** RFC 8031: an all-zero result (small-order point) is refused, which noble does by throwing. */
function montgomery(method: number, length: number, ladder: typeof x25519): DiffieHellmanGroup {
  return {
    method,
    costly: true,
    publicLength: length,
    makePrivate(random) {
      const value = new Uint8Array(length);
      random(value);
      return value;
    },
    publicOf: (value) => ladder.getPublicKey(value),
    agree(value, peerPublic) {
      try {
        return ladder.getSharedSecret(value, peerPublic);
      } catch {
        throw new KeyExchangeError('bad_public_value', method);
      }
    },
  };
}

function mlKem(method: number, kem: typeof ml_kem768): EncapsulationMechanism {
  return {
    method,
    costly: true,
    initiatorLength: kem.lengths.publicKey ?? 0,
    responderLength: kem.lengths.cipherText ?? 0,
    generate(random) {
      const seed = new Uint8Array(64);
      random(seed);
      const { publicKey, secretKey } = kem.keygen(seed);
      seed.fill(0);
      return { publicValue: publicKey, privateValue: secretKey };
    },
    encapsulate(publicValue, random) {
      const message = new Uint8Array(32);
      random(message);
      try {
        const { cipherText, sharedSecret } = kem.encapsulate(publicValue, message);
        return { ciphertext: cipherText, shared: sharedSecret };
      } catch {
        // FIPS 203 section 7.2, the modulus check: noble's only way of saying that the key is not one.
        throw new KeyExchangeError('bad_public_value', method);
      } finally {
        message.fill(0);
      }
    },
    decapsulate: (ciphertext, privateValue) => kem.decapsulate(ciphertext, privateValue),
  };
}

/** RFC 5639 section 3.3; noble has the larger three. */
const brainpoolP224r1 = weierstrass({
  p: 0xd7c134aa264366862a18302575d1d787b09f075797da89f57ec8c0ffn,
  a: 0x68a5e62ca9ce6c1c299803a6c1530b514e182ad8b0042a59cad29f43n,
  b: 0x2580f63ccfe44138870713b1a92369e33e2135d266dbb372386c400bn,
  n: 0xd7c134aa264366862a18302575d0fb98d116bc4b6ddebca3a5a7939fn,
  h: 1n,
  Gx: 0x0d9029ad2c7e5cf4340823b2a87dc68c9e4ce3174c1e6efdee12c07dn,
  Gy: 0x58aa56f772c0726f24c6b89e4ecdac24354b9e99caa3f6d3761402cdn,
});

/** All methods, in portable TypeScript; the oracle for every other provider. */
export const nobleKeyExchange: KeyExchangeProvider = keyExchangeProvider(
  'noble',
  [
    montgomery(KE.CURVE25519, 32, x25519),
    montgomery(KE.CURVE448, 56, x448),
    curve(KE.ECP_256, p256.Point),
    curve(KE.ECP_384, p384.Point),
    curve(KE.ECP_521, p521.Point),
    curve(KE.BRAINPOOL_P224R1, brainpoolP224r1),
    curve(KE.BRAINPOOL_P256R1, brainpoolP256r1.Point),
    curve(KE.BRAINPOOL_P384R1, brainpoolP384r1.Point),
    curve(KE.BRAINPOOL_P512R1, brainpoolP512r1.Point),
    ...MODP_GROUPS.map(modp),
  ],
  [mlKem(KE.ML_KEM_512, ml_kem512), mlKem(KE.ML_KEM_768, ml_kem768), mlKem(KE.ML_KEM_1024, ml_kem1024)],
);
