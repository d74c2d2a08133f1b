import { createDiffieHellman, createECDH, createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto';
import {
  combineKeyExchanges,
  type DiffieHellmanGroup,
  fromBigint,
  KE,
  KeyExchangeError,
  type KeyExchangeProvider,
  keyExchangeProvider,
  MODP_GROUPS,
  type ModpGroup,
  nobleKeyExchange,
  toBigint,
} from '@weft/ipsec-core/ike';

function modp(group: ModpGroup): DiffieHellmanGroup {
  const make = once((value) => {
    const exchange = createDiffieHellman(fromBigint(group.prime(), group.octets), 2);
    exchange.setPrivateKey(value);
    return exchange;
  });
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
    publicOf(value) {
      // generateKeys with a private key already set only computes the public one.
      return leftPad(make(value).generateKeys(), group.octets);
    },
    agree(value, peerPublic) {
      const y = toBigint(peerPublic);
      if (y <= 1n || y >= group.prime() - 1n) throw new KeyExchangeError('bad_public_value', group.method);
      return leftPad(make(value).computeSecret(peerPublic), group.octets);
    },
  };
}

function curve(method: number, name: string, octets: number, order: bigint): DiffieHellmanGroup {
  const make = once((value) => {
    const exchange = createECDH(name);
    exchange.setPrivateKey(value);
    return exchange;
  });
  const mask = 0xff >>> (8 * octets - order.toString(2).length);
  return {
    method,
    // OpenSSL has code of its own for this one: it is ten times as fast as its neighbours.
    costly: method !== KE.ECP_256,
    publicLength: 2 * octets,
    makePrivate(random) {
      const value = new Uint8Array(octets);
      for (;;) {
        random(value);
        value[0] = (value[0] ?? 0) & mask;
        const scalar = toBigint(value);
        if (scalar > 0n && scalar < order) return value;
      }
    },
    publicOf: (value) => Uint8Array.from(make(value).getPublicKey().subarray(1)),
    agree(value, peerPublic) {
      try {
        return Uint8Array.from(make(value).computeSecret(Uint8Array.of(0x04, ...peerPublic)));
      } catch {
        // OpenSSL refuses coordinates out of range and points off the curve with one and the same error.
        throw new KeyExchangeError('bad_public_value', method);
      }
    },
  };
}

/** RFC 7748 by JSON Web Keys (RFC 8037), which OpenSSL takes ten times faster than the same octets in DER. */
function montgomery(method: number, length: number, crv: 'X25519' | 'X448'): DiffieHellmanGroup {
  // With `d` there, `x` is not looked at: OpenSSL computes it.
  const privateKey = once((value) =>
    createPrivateKey({ key: { kty: 'OKP', crv, d: base64url(value), x: '' }, format: 'jwk' }),
  );
  return {
    method,
    costly: method !== KE.CURVE25519,
    publicLength: length,
    makePrivate(random) {
      const value = new Uint8Array(length);
      random(value);
      return value;
    },
    publicOf(value) {
      const { x = '' } = createPublicKey(privateKey(value)).export({ format: 'jwk' });
      return Uint8Array.from(Buffer.from(x, 'base64url'));
    },
    agree(value, peerPublic) {
      try {
        const publicKey = createPublicKey({ key: { kty: 'OKP', crv, x: base64url(peerPublic) }, format: 'jwk' });
        return Uint8Array.from(diffieHellman({ privateKey: privateKey(value), publicKey }));
      } catch {
        // OpenSSL refuses an all-zero result, as RFC 8031 section 3.2 asks for.
        throw new KeyExchangeError('bad_public_value', method);
      }
    },
  };
}

/** What OpenSSL makes of a private value costs as much as the exchange, and is needed for the public value and the secret. */
function once<T>(make: (value: Uint8Array) => T): (value: Uint8Array) => T {
  const made = new WeakMap<Uint8Array, T>();
  return (value) => {
    const known = made.get(value);
    if (known !== undefined) return known;
    const fresh = make(value);
    made.set(value, fresh);
    return fresh;
  };
}

function leftPad(octets: Uint8Array, length: number): Uint8Array {
  const out = new Uint8Array(length);
  out.set(octets, length - octets.length);
  return out;
}

function base64url(octets: Uint8Array): string {
  return Buffer.from(octets).toString('base64url');
}

/** Diffie-Hellman with the OpenSSL inside Node. */
const openSsl: KeyExchangeProvider = keyExchangeProvider(
  'node:crypto',
  [
    montgomery(KE.CURVE25519, 32, 'X25519'),
    montgomery(KE.CURVE448, 56, 'X448'),
    curve(KE.ECP_256, 'prime256v1', 32, 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n),
    curve(
      KE.ECP_384,
      'secp384r1',
      48,
      0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
    ),
    curve(
      KE.ECP_521,
      'secp521r1',
      66,
      0x01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
    ),
    curve(KE.BRAINPOOL_P224R1, 'brainpoolP224r1', 28, 0xd7c134aa264366862a18302575d0fb98d116bc4b6ddebca3a5a7939fn),
    curve(
      KE.BRAINPOOL_P256R1,
      'brainpoolP256r1',
      32,
      0xa9fb57dba1eea9bc3e660a909d838d718c397aa3b561a6f7901e0e82974856a7n,
    ),
    curve(
      KE.BRAINPOOL_P384R1,
      'brainpoolP384r1',
      48,
      0x8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b31f166e6cac0425a7cf3ab6af6b7fc3103b883202e9046565n,
    ),
    curve(
      KE.BRAINPOOL_P512R1,
      'brainpoolP512r1',
      64,
      0xaadd9db8dbe9c48b3fd4e6ae33c9fc07cb308db3b3c9d20ed6639cca70330870553e5c414ca92619418661197fac10471db1d381085ddaddb58796829ca90069n,
    ),
    ...MODP_GROUPS.map(modp),
  ],
  [],
);

/** All methods: Diffie-Hellman by OpenSSL; ML-KEM, which not every Node that we run on has, by noble. */
export const nodeKeyExchange: KeyExchangeProvider = combineKeyExchanges('node:crypto', [openSsl, nobleKeyExchange]);
