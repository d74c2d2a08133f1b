import { Injectable } from '@nestjs/common';
import { CertificateRegistry, type CertificateStatus } from '../pki/certificate-registry.js';
import { type EdgeCertificateIdentity, edgeIdentityFromCertificate } from '../pki/edge-identity.js';
import { ProtocolError } from './protocol-error.js';

/** What is known of the other side of a call. */
export interface AuthenticatedCall {
  getAuthContext(): { readonly sslPeerCertificate?: { readonly raw: Buffer } | undefined };
}

/** Who calls, by the certificate that TLS has verified and the table knows. */
@Injectable()
export class EdgeAuthentication {
  readonly #certificates: CertificateRegistry;

  constructor(certificates: CertificateRegistry) {
    this.#certificates = certificates;
  }

  /** Throws ProtocolError UNAUTHENTICATED, which says what to do; DatabaseUnavailableError. */
  async identify(call: AuthenticatedCall): Promise<EdgeCertificateIdentity & { readonly certificate: Buffer }> {
    const certificate = call.getAuthContext().sslPeerCertificate?.raw;
    if (certificate === undefined) throw new ProtocolError('UNAUTHENTICATED', 'no client certificate; enroll first');
    const identity = readIdentity(certificate);
    const status = await this.#certificates.admit(identity);
    if (status !== 'valid') throw new ProtocolError('UNAUTHENTICATED', REFUSALS[status]);
    return { ...identity, certificate };
  }
}

function readIdentity(der: Uint8Array): EdgeCertificateIdentity {
  try {
    return edgeIdentityFromCertificate(der);
  } catch (error) {
    throw new ProtocolError('UNAUTHENTICATED', error instanceof Error ? error.message : 'the certificate is unusable');
  }
}

const REFUSALS: Readonly<Record<Exclude<CertificateStatus, 'valid'>, string>> = {
  superseded:
    'the certificate is of an earlier enrollment: the edge was enrolled anew; restart the agent, or enroll it again',
  revoked:
    'this edge was revoked; if it is to come back, make a new enrollment token in the console and run `weft-edge enroll`',
  unknown: 'the certificate is of no edge that this controller knows; enroll again with a new token',
};
