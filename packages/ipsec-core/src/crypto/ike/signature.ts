import { fromHex, toHex } from '../../bytes/hex.js';
import { AUTH_METHOD, HASH_ALGORITHM } from '../../wire/ike/iana.js';

/**
 * Algorithms of the method "Digital Signature" (RFC 7427, RFC 8420), whose AUTH data is `length (1) | AlgorithmIdentifier
 * (DER) | signature`. The engine never sees a private key: signing and verifying are jobs for the host.
 */
export type DigitalSignatureAlgorithm =
  | 'ecdsa-sha2-256'
  | 'ecdsa-sha2-384'
  | 'ecdsa-sha2-512'
  | 'rsa-pss-sha2-256'
  | 'rsa-pss-sha2-384'
  | 'rsa-pss-sha2-512'
  | 'rsa-pkcs1-sha2-256'
  | 'rsa-pkcs1-sha2-384'
  | 'rsa-pkcs1-sha2-512'
  | 'ed25519'
  | 'ed448';

/**
 * The methods before RFC 7427, whose AUTH data is the signature alone: RSA by PKCS #1 (RFC 7296 section 3.8), which names
 * its hash inside, and ECDSA with the hash of its curve as r | s (RFC 4754 section 7).
 */
export type ClassicSignatureAlgorithm = 'rsa-pkcs1' | 'ecdsa-p256' | 'ecdsa-p384' | 'ecdsa-p521';

export type SignatureAlgorithm = DigitalSignatureAlgorithm | ClassicSignatureAlgorithm;

export interface Signature<A extends SignatureAlgorithm = SignatureAlgorithm> {
  readonly algorithm: A;
  /** DER ECDSA-Sig-Value, or r | s with the classic methods; RSA octets; 64 octets of Ed25519, 114 of Ed448. */
  readonly signature: Uint8Array;
}

export type DigitalSignature = Signature<DigitalSignatureAlgorithm>;

/** Strongest habits first: the order in which we announce them and prefer them where a key allows several. */
export const DIGITAL_SIGNATURE_ALGORITHMS: readonly DigitalSignatureAlgorithm[] = [
  'ed25519',
  'ed448',
  'ecdsa-sha2-256',
  'ecdsa-sha2-384',
  'ecdsa-sha2-512',
  'rsa-pss-sha2-256',
  'rsa-pss-sha2-384',
  'rsa-pss-sha2-512',
  'rsa-pkcs1-sha2-256',
  'rsa-pkcs1-sha2-384',
  'rsa-pkcs1-sha2-512',
];

export const CLASSIC_SIGNATURE_ALGORITHMS: readonly ClassicSignatureAlgorithm[] = [
  'ecdsa-p256',
  'ecdsa-p384',
  'ecdsa-p521',
  'rsa-pkcs1',
];

/** The hash a peer must have announced in SIGNATURE_HASH_ALGORITHMS for us to sign with this. */
export const HASH_OF: Readonly<Record<DigitalSignatureAlgorithm, number>> = {
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
  ed448: HASH_ALGORITHM.IDENTITY,
};

const CLASSIC_METHOD: Readonly<Record<ClassicSignatureAlgorithm, number>> = {
  'rsa-pkcs1': AUTH_METHOD.RSA_SIGNATURE,
  'ecdsa-p256': AUTH_METHOD.ECDSA_P256,
  'ecdsa-p384': AUTH_METHOD.ECDSA_P384,
  'ecdsa-p521': AUTH_METHOD.ECDSA_P521,
};

export function isClassic(algorithm: SignatureAlgorithm): algorithm is ClassicSignatureAlgorithm {
  return algorithm in CLASSIC_METHOD;
}

/** The value of the Auth Method field. */
export function methodOf(algorithm: SignatureAlgorithm): number {
  return isClassic(algorithm) ? CLASSIC_METHOD[algorithm] : AUTH_METHOD.DIGITAL_SIGNATURE;
}

export function classicAlgorithmOf(method: number): ClassicSignatureAlgorithm | undefined {
  return CLASSIC_SIGNATURE_ALGORITHMS.find((algorithm) => CLASSIC_METHOD[algorithm] === method);
}

/** Method and data of the AUTH payload that carries a signature. */
export function encodeSignature({ algorithm, signature }: Signature): { method: number; data: Uint8Array } {
  const data = isClassic(algorithm) ? signature : encodeDigitalSignature({ algorithm, signature });
  return { method: methodOf(algorithm), data };
}

export type ParsedSignature =
  | { readonly ok: true; readonly signature: Signature }
  /** Why it is not taken, as the end of a sentence. */
  | { readonly ok: false; readonly reason: string };

/** The signature of an AUTH payload, or why its method or algorithm is none of ours. */
export function parseSignature(method: number, data: Uint8Array): ParsedSignature {
  if (method === AUTH_METHOD.DIGITAL_SIGNATURE) {
    const signature = parseDigitalSignature(data);
    return signature === undefined
      ? { ok: false, reason: describeIdentifier(data.subarray(1, 1 + (data[0] ?? 0))) }
      : { ok: true, signature };
  }
  const algorithm = classicAlgorithmOf(method);
  if (algorithm !== undefined) return { ok: true, signature: { algorithm, signature: data } };
  return { ok: false, reason: `AUTH method ${method} is no signature that is accepted here` };
}

export function encodeDigitalSignature({ algorithm, signature }: DigitalSignature): Uint8Array {
  const identifier = algorithmIdentifier(algorithm);
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
  const algorithm = algorithmOf(data.subarray(1, 1 + length));
  return algorithm === undefined ? undefined : { algorithm, signature: data.slice(1 + length) };
}

/** DER of the AlgorithmIdentifier, in the form that its RFC prefers. */
export function algorithmIdentifier(algorithm: DigitalSignatureAlgorithm): Uint8Array {
  return fromHex(IDENTIFIERS[algorithm]);
}

/** The algorithm that a DER AlgorithmIdentifier names, in any form that names the same. */
export function algorithmOf(identifier: Uint8Array): DigitalSignatureAlgorithm | undefined {
  return identifier.length > LONGEST_IDENTIFIER ? undefined : ALGORITHM_OF.get(toHex(identifier));
}

/** Why an AlgorithmIdentifier is none of ours, for the operator. */
function describeIdentifier(identifier: Uint8Array): string {
  const octets = toHex(identifier.subarray(0, LONGEST_IDENTIFIER));
  const refused = REFUSED.find(([oid]) => octets.startsWith(oid, 4));
  return refused === undefined ? `its signature algorithm ${octets || '(none)'} is not known here` : refused[1];
}

/** RFC 7427 appendix A, RFC 8420 appendix A. */
const IDENTIFIERS: Readonly<Record<DigitalSignatureAlgorithm, string>> = {
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
  ed448: '300506032b6571',
};

/** Object identifiers, with tag and length, that are known and not taken: RFC 8247 section 3.2. */
const REFUSED: readonly (readonly [string, string])[] = [
  ['06092a864886f70d01010a', 'RSASSA-PSS is accepted with SHA-2 in hash and MGF1 and a salt as long as the hash only'],
  ['06092a864886f70d010105', 'RSA with SHA-1 is too weak'],
  ['06092a864886f70d010104', 'RSA with MD5 is too weak'],
  ['06072a8648ce3d0401', 'ECDSA with SHA-1 is too weak'],
  ['06072a8648ce380403', 'DSA is too weak'],
  ['0609608648016503040302', 'DSA is too weak'],
];

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

const ALGORITHM_OF: ReadonlyMap<string, DigitalSignatureAlgorithm> = new Map([
  ...Object.entries(IDENTIFIERS).map(([name, identifier]) => [identifier, name as DigitalSignatureAlgorithm] as const),
  ...pssVariants('01', '20').map((identifier) => [identifier, 'rsa-pss-sha2-256'] as const),
  ...pssVariants('02', '30').map((identifier) => [identifier, 'rsa-pss-sha2-384'] as const),
  ...pssVariants('03', '40').map((identifier) => [identifier, 'rsa-pss-sha2-512'] as const),
  // RFC 4055 section 5: NULL is what is written, "implementations MUST accept the parameters being absent as well".
  ['300b06092a864886f70d01010b', 'rsa-pkcs1-sha2-256'],
  ['300b06092a864886f70d01010c', 'rsa-pkcs1-sha2-384'],
  ['300b06092a864886f70d01010d', 'rsa-pkcs1-sha2-512'],
]);
const LONGEST_IDENTIFIER = 80;
