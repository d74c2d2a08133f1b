import { X509Certificate } from 'node:crypto';

/** Who an edge certificate speaks for. */
export interface EdgeIdentity {
  /** UUID, lower case. */
  readonly tenantId: string;
  /** UUID, lower case. */
  readonly edgeId: string;
}

/** An identity and the certificate that proves it. */
export interface EdgeCertificateIdentity extends EdgeIdentity {
  /** Lower-case hex; key of the certificates table. */
  readonly serial: string;
  readonly notAfter: Date;
}

/** A certificate that speaks for no edge: not one of those the controller issues to edges. */
export class EdgeIdentityError extends Error {
  override readonly name = 'EdgeIdentityError';
  readonly code = 'no_edge_identity';
}

/** The name an edge certificate carries, as SPIFFE writes names. */
export function edgeUri({ tenantId, edgeId }: EdgeIdentity): string {
  return `spiffe://weft.internal/tenant/${tenantId}/edge/${edgeId}`;
}

/**
 * Reads the edge out of a client certificate (DER), for instance of `sslPeerCertificate.raw`. The TLS layer has verified
 * chain and validity; whether the certificate was revoked is for CertificateRegistry to say.
 *
 * @throws EdgeIdentityError when it does not have exactly one subject alternative name of the form edgeUri() makes
 */
export function edgeIdentityFromCertificate(der: Uint8Array): EdgeCertificateIdentity {
  const certificate = parse(der);
  const match = EDGE_NAME.exec(certificate.subjectAltName ?? '');
  const [, tenantId, edgeId] = match ?? [];
  if (tenantId === undefined || edgeId === undefined) {
    throw new EdgeIdentityError('the certificate names no edge in its subject alternative name');
  }
  return {
    tenantId,
    edgeId,
    serial: certificate.serialNumber.toLowerCase(),
    notAfter: new Date(certificate.validTo),
  };
}

function parse(der: Uint8Array): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch (cause) {
    throw new EdgeIdentityError('the certificate cannot be parsed', { cause });
  }
}

const UUID = '([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})';
/** The whole of it: a second name beside it must not pass. */
const EDGE_NAME = new RegExp(`^URI:spiffe://weft\\.internal/tenant/${UUID}/edge/${UUID}$`);
