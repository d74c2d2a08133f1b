import { X509Certificate } from 'node:crypto';
import { readPinnedCertificate } from '@weft/fabric-compiler';

/** Whether it is the PEM of one X.509 certificate that an edge can read (RFC 7468 section 5). */
export function isCertificatePem(text: string): boolean {
  // A file of several would be read as its first.
  if (!ONE_CERTIFICATE.test(text)) return false;
  try {
    return readPinnedCertificate(certificateHex(text)) !== undefined;
  } catch {
    return false;
  }
}

/** Lower-case hex of DER. Throws when the text is no certificate. */
export function certificateHex(pem: string): string {
  return new X509Certificate(pem).raw.toString('hex');
}

export function certificatePem(hexadecimal: string): string {
  const base64 = Buffer.from(hexadecimal, 'hex').toString('base64');
  const lines = base64.match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

const ONE_CERTIFICATE = /^\s*-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*$/;
