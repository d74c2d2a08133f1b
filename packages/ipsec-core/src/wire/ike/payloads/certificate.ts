import type { Reader } from '../reader.js';
import type { Writer } from '../writer.js';

/**
 * Certificate payload, RFC 7296 section 3.6: one octet of encoding, then the certificate data. Raw public keys
 * (RFC 7670) are encoding 15 with a SubjectPublicKeyInfo.
 */
export interface CertificatePayload {
  readonly kind: 'CERT';
  readonly encoding: number;
  readonly data: Uint8Array;
}

export function parseCertificate(reader: Reader): CertificatePayload {
  return { kind: 'CERT', encoding: reader.uint8(), data: reader.copyOfRest() };
}

export function encodeCertificate(payload: CertificatePayload, writer: Writer): void {
  writer.uint8(payload.encoding).bytes(payload.data);
}
