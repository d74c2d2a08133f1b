import { constants, type KeyObject, sign, verify } from 'node:crypto';
import {
  CLASSIC_SIGNATURE_ALGORITHMS,
  DIGITAL_SIGNATURE_ALGORITHMS,
  type Signature,
  type SignatureAlgorithm,
} from '@weft/ipsec-core/ike';

/** Why a signature is not taken. */
export type SignatureVerdict =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: 'mismatch' | 'wrong key type' | 'key too weak' | 'SHA-1 is too weak' };

/** Checks a signature; in OpenSSL's threads unless that costs more than the signature does. */
export async function verifySignature(
  publicKey: KeyObject,
  { algorithm, signature }: Signature,
  octets: Uint8Array,
): Promise<SignatureVerdict> {
  if (!fits(publicKey, algorithm)) return { ok: false, reason: 'wrong key type' };
  if (!isStrong(publicKey)) return { ok: false, reason: 'key too weak' };
  const { hashes, options } = PARAMETERS[algorithm];
  for (const hash of hashes) {
    if (await matches(publicKey, hash, options, signature, octets)) return { ok: true };
  }
  // The method's own default (RFC 7296 section 3.8), so that it is worth saying what is wrong.
  const weak = algorithm === 'rsa-pkcs1' && (await matches(publicKey, 'sha1', options, signature, octets));
  return { ok: false, reason: weak ? 'SHA-1 is too weak' : 'mismatch' };
}

/** Signs with the first algorithm that the key can do; undefined when there is none. Rejects with what OpenSSL says. */
export async function signWith(
  privateKey: KeyObject,
  algorithms: readonly SignatureAlgorithm[],
  octets: Uint8Array,
): Promise<Signature | undefined> {
  const algorithm = algorithms.find((candidate) => fits(privateKey, candidate));
  if (algorithm === undefined) return undefined;
  const { hashes, options } = PARAMETERS[algorithm];
  const [hash] = hashes;
  if (isQuick(privateKey)) return { algorithm, signature: sign(hash, octets, { key: privateKey, ...options }) };
  const signature = await new Promise<Uint8Array>((resolve, reject) => {
    sign(hash, octets, { key: privateKey, ...options }, (error, result) => {
      if (error === null) resolve(result);
      else reject(error);
    });
  });
  return { algorithm, signature };
}

async function matches(
  publicKey: KeyObject,
  hash: string | undefined,
  options: Parameters['options'],
  signature: Uint8Array,
  octets: Uint8Array,
): Promise<boolean> {
  if (isQuick(publicKey)) return verify(hash, octets, { key: publicKey, ...options }, signature);
  return new Promise((resolve) => {
    verify(hash, octets, { key: publicKey, ...options }, signature, (error, result) =>
      resolve(error === null && result),
    );
  });
}

/** Algorithms that a key can sign with, its best first: the hash as strong as the curve. */
export function algorithmsOf(key: KeyObject): readonly SignatureAlgorithm[] {
  const bits = CURVE_BITS.get(key.asymmetricKeyDetails?.namedCurve ?? '') ?? 0;
  return ALGORITHMS.filter((algorithm) => fits(key, algorithm)).sort(
    (left, right) => Number(right.endsWith(`sha2-${hashBits(bits)}`)) - Number(left.endsWith(`sha2-${hashBits(bits)}`)),
  );
}

function hashBits(curveBits: number): number {
  return curveBits > 384 ? 512 : Math.max(256, curveBits);
}

/**
 * RFC 4055 section 3.1: a key that is for RSASSA-PSS with a certain hash signs with that hash and MGF1 of it, and with a
 * salt that is no shorter than the key says.
 */
function fits(key: KeyObject, algorithm: SignatureAlgorithm): boolean {
  const { keyTypes, curve, hashes, options } = PARAMETERS[algorithm];
  const { namedCurve, hashAlgorithm, mgf1HashAlgorithm, saltLength } = key.asymmetricKeyDetails ?? {};
  if (!keyTypes.includes(key.asymmetricKeyType ?? '')) return false;
  if (curve !== undefined && curve !== namedCurve) return false;
  return (
    (hashAlgorithm === undefined || hashes.includes(hashAlgorithm)) &&
    (mgf1HashAlgorithm === undefined || hashes.includes(mgf1HashAlgorithm)) &&
    (saltLength === undefined || (options.saltLength ?? 0) >= saltLength)
  );
}

/** A tenth of a millisecond and less: a thread would take longer to be told. */
function isQuick(key: KeyObject): boolean {
  return key.asymmetricKeyType === 'ed25519' || key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
}

/** Security of 112 bits at least (RFC 8247 section 4), and curves that IKE knows. */
function isStrong(key: KeyObject): boolean {
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'ec') return CURVE_BITS.has(namedCurve ?? '');
  if (key.asymmetricKeyType === 'ed25519' || key.asymmetricKeyType === 'ed448') return true;
  return modulusLength !== undefined && modulusLength >= MINIMUM_RSA_BITS && modulusLength <= MAXIMUM_RSA_BITS;
}

interface Parameters {
  readonly keyTypes: readonly string[];
  /** Where the method is bound to one. */
  readonly curve?: string;
  /** To sign with the first; undefined where the algorithm hashes by itself. */
  readonly hashes: readonly [string | undefined, ...string[]];
  readonly options: {
    readonly padding?: number;
    readonly saltLength?: number;
    readonly dsaEncoding?: 'der' | 'ieee-p1363';
  };
}

const ecdsa = (hash: string): Parameters => ({ keyTypes: ['ec'], hashes: [hash], options: { dsaEncoding: 'der' } });
const classicEcdsa = (curve: string, hash: string): Parameters => ({
  keyTypes: ['ec'],
  curve,
  hashes: [hash],
  options: { dsaEncoding: 'ieee-p1363' },
});
const pss = (hash: string, saltLength: number): Parameters => ({
  keyTypes: ['rsa', 'rsa-pss'],
  hashes: [hash],
  options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength },
});
const pkcs1 = (...hashes: [string, ...string[]]): Parameters => ({
  keyTypes: ['rsa'],
  hashes,
  options: { padding: constants.RSA_PKCS1_PADDING },
});
const eddsa = (keyType: string): Parameters => ({ keyTypes: [keyType], hashes: [undefined], options: {} });

const PARAMETERS: Readonly<Record<SignatureAlgorithm, Parameters>> = {
  'ecdsa-sha2-256': ecdsa('sha256'),
  'ecdsa-sha2-384': ecdsa('sha384'),
  'ecdsa-sha2-512': ecdsa('sha512'),
  'rsa-pss-sha2-256': pss('sha256', 32),
  'rsa-pss-sha2-384': pss('sha384', 48),
  'rsa-pss-sha2-512': pss('sha512', 64),
  'rsa-pkcs1-sha2-256': pkcs1('sha256'),
  'rsa-pkcs1-sha2-384': pkcs1('sha384'),
  'rsa-pkcs1-sha2-512': pkcs1('sha512'),
  ed25519: eddsa('ed25519'),
  ed448: eddsa('ed448'),
  // The hash is named inside the signature (RFC 7296 section 3.8); SHA-1, its default there, is not taken.
  'rsa-pkcs1': pkcs1('sha256', 'sha384', 'sha512'),
  'ecdsa-p256': classicEcdsa('prime256v1', 'sha256'),
  'ecdsa-p384': classicEcdsa('secp384r1', 'sha384'),
  'ecdsa-p521': classicEcdsa('secp521r1', 'sha512'),
};
const ALGORITHMS: readonly SignatureAlgorithm[] = [...DIGITAL_SIGNATURE_ALGORITHMS, ...CLASSIC_SIGNATURE_ALGORITHMS];
const CURVE_BITS: ReadonlyMap<string, number> = new Map([
  ['prime256v1', 256],
  ['secp384r1', 384],
  ['secp521r1', 521],
]);
const MINIMUM_RSA_BITS = 2048;
/** A larger one costs milliseconds per signature, and the peer chooses it. */
const MAXIMUM_RSA_BITS = 8192;
