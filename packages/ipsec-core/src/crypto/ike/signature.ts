import { fromHex, toHex } from '../../bytes/hex.js';
import { HASH_ALGORITHM } from '../../wire/ike/iana.js';

/**
 * Signature authentication, RFC 7427: the AUTH data is `length (1) | AlgorithmIdentifier (DER) | signature`. The engine
 * never sees a private key: signing and verifying are jobs for the host.
 */
export type SignatureAlgorithm =
  | 'ecdsa-sha2-256'
  | 'ecdsa-sha2-384'
  | 'ecdsa-sha2-512'
  | 'rsa-pss-sha2-256'
  | 'rsa-pss-sha2-384'
  | 'rsa-pss-sha2-512'
  | 'rsa-pkcs1-sha2-256'
  | 'rsa-pkcs1-sha2-384'
  | 'rsa-pkcs1-sha2-512'
  | 'ed25519';

export interface DigitalSignature {
  readonly algorithm: SignatureAlgorithm;
  /** DER ECDSA-Sig-Value, RSA octets, or 64 octets of Ed25519. */
  readonly signature: Uint8Array;
}

/** The hash a peer must have announced in SIGNATURE_HASH_ALGORITHMS for us to sign with this. */
export const HASH_OF: Readonly<Record<SignatureAlgorithm, number>> = {
  'ecdsa-sha2-256': HASH_ALGORITHM.SHA2_256,
  'ecdsa-sha2-384': HASH_ALGORITHM.SHA2_384,
  'ecdsa-sha2-512': HASH_ALGORITHM.SHA2_512,
  'rsa-pss-sha2-256': HASH_ALGORITHM.SHA2_256,
  'rsa-pss-sha2-384': HASH_ALGORITHM.SHA2_384,
  'rsa-pss-sha2-512': HASH_ALGORITHM.SHA2_512,
  'rsa-pkcs1-sha2-256': HASH_ALGORITHM.SHA2_256,
  'rsa-pkcs1-sha2-384': HASH_ALGORITHM.SHA2_384,
  'rsa-pkcs1-sha2-512': HASH_ALGORITHM.SHA2_512,
  ed25519: HASH_ALGORITHM.IDENTITY,
};

export function encodeDigitalSignature({ algorithm, signature }: DigitalSignature): Uint8Array {
  const identifier = fromHex(IDENTIFIERS[algorithm]);
  const out = new Uint8Array(1 + identifier.length + signature.length);
  out[0] = identifier.length;
  out.set(identifier, 1);
  out.set(signature, 1 + identifier.length);
  return out;
}

/** Undefined when the octets are cut short or name an algorithm that is not in the list. */
export function parseDigitalSignature(data: Uint8Array): DigitalSignature | undefined {
  const length = data[0] ?? 0;
  if (length === 0 || data.length <= 1 + length) return undefined;
  const algorithm = ALGORITHM_OF.get(toHex(data.subarray(1, 1 + length)));
  return algorithm === undefined ? undefined : { algorithm, signature: data.slice(1 + length) };
}

/** RFC 7427 appendix A, RFC 8420 appendix A. */
const IDENTIFIERS: Readonly<Record<SignatureAlgorithm, string>> = {
  'ecdsa-sha2-256': '300a06082a8648ce3d040302',
  'ecdsa-sha2-384': '300a06082a8648ce3d040303',
  'ecdsa-sha2-512': '300a06082a8648ce3d040304',
  'rsa-pss-sha2-256': pss('01', '20'),
  'rsa-pss-sha2-384': pss('02', '30'),
  'rsa-pss-sha2-512': pss('03', '40'),
  'rsa-pkcs1-sha2-256': '300d06092a864886f70d01010b0500',
  'rsa-pkcs1-sha2-384': '300d06092a864886f70d01010c0500',
  'rsa-pkcs1-sha2-512': '300d06092a864886f70d01010d0500',
  ed25519: '300506032b6570',
};

/** RSASSA-PSS with the SHA-2 of that arc in hash and MGF1, and a salt as long as the hash. */
function pss(arc: string, salt: string): string {
  return pssIdentifier(`300d06096086480165030402${arc}0500`, `300d06096086480165030402${arc}0500`, salt, '');
}

function pssIdentifier(hash: string, mgfHash: string, salt: string, trailer: string): string {
  const mgf = sequence(`06092a864886f70d010108${mgfHash}`);
  return sequence(
    `06092a864886f70d01010a${sequence(`${tagged('a0', hash)}${tagged('a1', mgf)}a2030201${salt}${trailer}`)}`,
  );
}

/**
 * Everything that names the same: of SHA-2 "implementations MUST accept the parameters … absent as well as NULL"
 * (RFC 4055 section 2.1), and the trailer field, 1 by default, may be written out (section 3.1).
 */
function pssVariants(arc: string, salt: string): string[] {
  const hashes = [`300d06096086480165030402${arc}0500`, `300b06096086480165030402${arc}`];
  return hashes.flatMap((hash) =>
    hashes.flatMap((mgfHash) => ['', 'a303020101'].map((trailer) => pssIdentifier(hash, mgfHash, salt, trailer))),
  );
}

function sequence(content: string): string {
  return tagged('30', content);
}

/** Contents below 128 octets. */
function tagged(tag: string, content: string): string {
  return `${tag}${(content.length / 2).toString(16).padStart(2, '0')}${content}`;
}

const ALGORITHM_OF: ReadonlyMap<string, SignatureAlgorithm> = new Map([
  ...Object.entries(IDENTIFIERS).map(([name, identifier]) => [identifier, name as SignatureAlgorithm] as const),
  ...pssVariants('01', '20').map((identifier) => [identifier, 'rsa-pss-sha2-256'] as const),
  ...pssVariants('02', '30').map((identifier) => [identifier, 'rsa-pss-sha2-384'] as const),
  ...pssVariants('03', '40').map((identifier) => [identifier, 'rsa-pss-sha2-512'] as const),
]);
