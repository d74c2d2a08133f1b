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
  const identifier = hex(IDENTIFIERS[algorithm]);
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
  const identifier = data.subarray(1, 1 + length);
  for (const [name, text] of Object.entries({ ...IDENTIFIERS })) {
    const candidate = hex(text);
    if (candidate.length === identifier.length && candidate.every((octet, index) => octet === identifier[index])) {
      return { algorithm: name as SignatureAlgorithm, signature: data.slice(1 + length) };
    }
  }
  return undefined;
}

function hex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
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
  const hash = `300d06096086480165030402${arc}0500`;
  const mgf = `301a06092a864886f70d010108${hash}`;
  return `304106092a864886f70d01010a3034a00f${hash}a11c${mgf}a2030201${salt}`;
}
