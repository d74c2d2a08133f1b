import { constants, type KeyObject, sign, verify } from 'node:crypto';
import type { DigitalSignature, SignatureAlgorithm } from '@weft/ipsec-core/ike';

/** Why a signature is not taken. */
export type SignatureVerdict =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: 'mismatch' | 'wrong key type' | 'key too weak' };

/** Checks a signature; in OpenSSL's threads unless that costs more than the signature does. */
export async function verifySignature(
  publicKey: KeyObject,
  { algorithm, signature }: DigitalSignature,
  octets: Uint8Array,
): Promise<SignatureVerdict> {
  if (!fits(publicKey, algorithm)) return { ok: false, reason: 'wrong key type' };
  if (!isStrong(publicKey)) return { ok: false, reason: 'key too weak' };
  const { hash, options } = PARAMETERS[algorithm];
  if (isQuick(publicKey)) {
    return verify(hash, octets, { key: publicKey, ...options }, signature) ? { ok: true } : MISMATCH;
  }
  const matches = await new Promise<boolean>((resolve) => {
    verify(hash, octets, { key: publicKey, ...options }, signature, (error, result) =>
      resolve(error === null && result),
    );
  });
  return matches ? { ok: true } : MISMATCH;
}

/** Signs with the first algorithm that the key can do; undefined when there is none. Rejects with what OpenSSL says. */
export async function signWith(
  privateKey: KeyObject,
  algorithms: readonly SignatureAlgorithm[],
  octets: Uint8Array,
): Promise<DigitalSignature | undefined> {
  const algorithm = algorithms.find((candidate) => fits(privateKey, candidate));
  if (algorithm === undefined) return undefined;
  const { hash, options } = PARAMETERS[algorithm];
  if (isQuick(privateKey)) return { algorithm, signature: sign(hash, octets, { key: privateKey, ...options }) };
  const signature = await new Promise<Uint8Array>((resolve, reject) => {
    sign(hash, octets, { key: privateKey, ...options }, (error, result) => {
      if (error === null) resolve(result);
      else reject(error);
    });
  });
  return { algorithm, signature };
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

function fits(key: KeyObject, algorithm: SignatureAlgorithm): boolean {
  return PARAMETERS[algorithm].keyTypes.includes(key.asymmetricKeyType ?? '');
}

/** A tenth of a millisecond and less: a thread would take longer to be told. */
function isQuick(key: KeyObject): boolean {
  return key.asymmetricKeyType === 'ed25519' || key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
}

/** Security of 112 bits at least (RFC 8247 section 4), and curves that IKE knows. */
function isStrong(key: KeyObject): boolean {
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'ec') return CURVE_BITS.has(namedCurve ?? '');
  if (key.asymmetricKeyType === 'ed25519') return true;
  return modulusLength !== undefined && modulusLength >= MINIMUM_RSA_BITS && modulusLength <= MAXIMUM_RSA_BITS;
}

const MISMATCH = { ok: false, reason: 'mismatch' } as const;

interface Parameters {
  readonly keyTypes: readonly string[];
  /** Undefined where the algorithm hashes by itself. */
  readonly hash: string | undefined;
  readonly options: { readonly padding?: number; readonly saltLength?: number; readonly dsaEncoding?: 'der' };
}

const ecdsa = (hash: string): Parameters => ({ keyTypes: ['ec'], hash, options: { dsaEncoding: 'der' } });
const pss = (hash: string, saltLength: number): Parameters => ({
  keyTypes: ['rsa', 'rsa-pss'],
  hash,
  options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength },
});
const pkcs1 = (hash: string): Parameters => ({
  keyTypes: ['rsa'],
  hash,
  options: { padding: constants.RSA_PKCS1_PADDING },
});

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
  ed25519: { keyTypes: ['ed25519'], hash: undefined, options: {} },
};
const ALGORITHMS = Object.keys(PARAMETERS) as SignatureAlgorithm[];
const CURVE_BITS: ReadonlyMap<string, number> = new Map([
  ['prime256v1', 256],
  ['secp384r1', 384],
  ['secp521r1', 521],
]);
const MINIMUM_RSA_BITS = 2048;
/** A larger one costs milliseconds per signature, and the peer chooses it. */
const MAXIMUM_RSA_BITS = 8192;
