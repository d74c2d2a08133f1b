import { CERT_ENCODING } from '../iana.js';
import type { Reader } from '../reader.js';
import { IkeWireError } from '../wire-error.js';
import type { Writer } from '../writer.js';

/**
 * Certificate Request payload, RFC 7296 section 3.7: one octet of encoding, then for X.509 a concatenation of SHA-1
 * hashes of trust anchors' SubjectPublicKeyInfo, 20 octets each.
 */
export interface CertificateRequestPayload {
  readonly kind: 'CERTREQ';
  readonly encoding: number;
  readonly authorities: Uint8Array;
}

export function parseCertificateRequest(reader: Reader): CertificateRequestPayload {
  const encoding = reader.uint8();
  const authorities = reader.rest().slice();
  if (encoding === CERT_ENCODING.X509_SIGNATURE && authorities.length % AUTHORITY_LENGTH !== 0) {
    throw new IkeWireError({ code: 'bad_length', what: 'CERTREQ authorities', length: authorities.length });
  }
  return { kind: 'CERTREQ', encoding, authorities };
}

export function encodeCertificateRequest(payload: CertificateRequestPayload, writer: Writer): void {
  writer.uint8(payload.encoding).bytes(payload.authorities);
}

const AUTHORITY_LENGTH = 20;
