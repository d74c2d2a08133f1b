import { CERT_ENCODING } from '../iana.js';
import type { Reader } from '../reader.js';
import { IkeWireError } from '../wire-error.js';
import type { Writer } from '../writer.js';

/**
 * Certificate Request payload, RFC 7296 section 3.7: one octet of encoding, then for X.509 (encodings 4, 12 and 13) a
 * concatenation of SHA-1 hashes of trust anchors' SubjectPublicKeyInfo, 20 octets each. With raw public keys "the
 * Certification Authority field MUST be empty" (RFC 7670 section 3).
 */
export interface CertificateRequestPayload {
  readonly kind: 'CERTREQ';
  readonly encoding: number;
  readonly authorities: Uint8Array;
}

export function parseCertificateRequest(reader: Reader): CertificateRequestPayload {
  const encoding = reader.uint8();
  const authorities = reader.copyOfRest();
  const whole = authorities.length % AUTHORITY_LENGTH === 0;
  const empty = authorities.length === 0;
  if ((WITH_AUTHORITIES.has(encoding) && !whole) || (encoding === CERT_ENCODING.RAW_PUBLIC_KEY && !empty)) {
    throw new IkeWireError({ code: 'bad_length', what: 'CERTREQ authorities', length: authorities.length });
  }
  return { kind: 'CERTREQ', encoding, authorities };
}

export function encodeCertificateRequest(payload: CertificateRequestPayload, writer: Writer): void {
  writer.uint8(payload.encoding).bytes(payload.authorities);
}

/** The hashes one by one; none where the encoding has no such list. */
export function authoritiesOf({ encoding, authorities }: CertificateRequestPayload): readonly Uint8Array[] {
  if (!WITH_AUTHORITIES.has(encoding)) return [];
  return Array.from({ length: authorities.length / AUTHORITY_LENGTH }, (_unused, i) =>
    authorities.subarray(i * AUTHORITY_LENGTH, (i + 1) * AUTHORITY_LENGTH),
  );
}

const AUTHORITY_LENGTH = 20;
const WITH_AUTHORITIES: ReadonlySet<number> = new Set([
  CERT_ENCODING.X509_SIGNATURE,
  CERT_ENCODING.HASH_AND_URL,
  CERT_ENCODING.HASH_AND_URL_BUNDLE,
]);
