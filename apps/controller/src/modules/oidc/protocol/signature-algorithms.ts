import { constants, type KeyObject, type VerifyKeyObjectInput, verify } from 'node:crypto';

/** How signatures of one `alg` are verified, and with which keys. */
export interface SignatureAlgorithm {
  /** RFC 7518 section 6.1; no other key is ever handed to `verify`, whatever a token says. */
  readonly keyType: 'RSA' | 'EC' | 'OKP';
  /** Absent for RSA. */
  readonly curve?: string;
  readonly verify: (key: KeyObject, signed: Uint8Array, signature: Uint8Array) => boolean;
}

/**
 * The `alg` values that are taken, each with its kind of public key (RFC 7518 section 3.1, RFC 8037 section 3.1). There is no "none"
 * and nothing that is verified with a shared secret: a token that says HS256 meets no key, least of all a public one used as a secret
 * (RFC 8725 section 2.1).
 */
export const SIGNATURE_ALGORITHMS: ReadonlyMap<string, SignatureAlgorithm> = new Map([
  ['RS256', rsa('sha256', { padding: constants.RSA_PKCS1_PADDING })],
  ['RS384', rsa('sha384', { padding: constants.RSA_PKCS1_PADDING })],
  ['RS512', rsa('sha512', { padding: constants.RSA_PKCS1_PADDING })],
  ['PS256', rsa('sha256', pss())],
  ['PS384', rsa('sha384', pss())],
  ['PS512', rsa('sha512', pss())],
  ['ES256', ecdsa('sha256', 'P-256')],
  ['ES384', ecdsa('sha384', 'P-384')],
  ['ES512', ecdsa('sha512', 'P-521')],
  ['EdDSA', { keyType: 'OKP', curve: 'Ed25519', verify: (key, signed, value) => verify(null, signed, key, value) }],
]);

function rsa(hash: string, padding: Omit<VerifyKeyObjectInput, 'key'>): SignatureAlgorithm {
  return { keyType: 'RSA', verify: (key, signed, value) => verify(hash, signed, { key, ...padding }, value) };
}

/** RFC 7518 section 3.5: "The size of the salt value is the same size as the hash function output." */
function pss(): Omit<VerifyKeyObjectInput, 'key'> {
  return { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
}

/** RFC 7518 section 3.4: the signature is R and S one after the other, and no DER. */
function ecdsa(hash: string, curve: string): SignatureAlgorithm {
  const keyed = (key: KeyObject): VerifyKeyObjectInput => ({ key, dsaEncoding: 'ieee-p1363' });
  return { keyType: 'EC', curve, verify: (key, signed, value) => verify(hash, signed, keyed(key), value) };
}
