import type { KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EnrollRequest, EnrollResponse, ProtectedNetworks } from '@weft/contracts/southbound';
import type { Logger } from 'pino';
import { ControllerConfig } from '../config/controller-config.js';
import { formatHostPort } from '../config/listen-address.js';
import { ProtectedNetworksRepository } from '../distribution/protected-networks.repository.js';
import { BundleSigner } from '../pki/bundle-signer.js';
import { CertificateAuthority, type IssuedCertificate } from '../pki/certificate-authority.js';
import { CertificateRegistry } from '../pki/certificate-registry.js';
import { CertificateRequestError, publicKeyOfRequest } from '../pki/certificate-request.js';
import type { SqlExecutor } from '../platform/database/connection-options.js';
import { Database } from '../platform/database/database.js';
import { installationScope } from '../platform/database/database-scope.js';
import { SessionServer } from '../platform/grpc/session-server.js';
import { InjectLogger } from '../platform/logging/logger.js';
import { EnrollmentError } from './enrollment-error.js';
import { hashSecret, parseToken } from './enrollment-token.js';
import { type ClaimedToken, EnrollmentTokensRepository, type TokenState } from './enrollment-tokens.repository.js';

interface Enrolled {
  readonly edge: ClaimedToken;
  readonly issued: IssuedCertificate;
  readonly protectedNetworks: ProtectedNetworks | undefined;
}

/** Exchanges a one-time token and a certificate signing request for an edge's identity. */
@Injectable()
export class EnrollmentService {
  readonly #logger: Logger;

  constructor(
    private readonly config: ControllerConfig,
    private readonly database: Database,
    private readonly authority: CertificateAuthority,
    private readonly signer: BundleSigner,
    private readonly certificates: CertificateRegistry,
    private readonly tokens: EnrollmentTokensRepository,
    private readonly sessions: SessionServer,
    private readonly protectedNetworks: ProtectedNetworksRepository,
    @InjectLogger() logger: Logger,
  ) {
    this.#logger = logger.child({ component: 'enrollment' });
  }

  /**
   * Everything or nothing: the token is used up in the transaction that records the certificate.
   *
   * @throws EnrollmentError, DatabaseUnavailableError
   */
  async enroll(request: EnrollRequest, address: string): Promise<EnrollResponse> {
    const token = parseToken(request.token);
    requirePrintable('agent_version', request.agentVersion, AGENT_VERSION_MAXIMUM);
    requirePrintable('host_name', request.hostName, HOST_NAME_MAXIMUM);
    const publicKey = await this.#namingField(() => publicKeyOfRequest(request.certificateSigningRequest));
    if (!token.rootFingerprint.equals(this.authority.pinnedFingerprint)) {
      throw new EnrollmentError(
        'token_refused',
        'token',
        'was made by another controller, or names a certificate authority that is not this one; make a new one',
      );
    }
    const hash = hashSecret(token.secret);
    const enrolled = await this.database.within(installationScope('enrollment'), () =>
      this.database.transaction((sql) => this.#enrollIn(sql, hash, publicKey, request)),
    );
    const { edge, issued } = enrolled;
    this.#logger.info(
      { tenantId: edge.tenantId, edgeId: edge.edgeId, serial: issued.serial, notAfter: issued.notAfter, address },
      'edge enrolled',
    );
    return this.#response(enrolled);
  }

  async #enrollIn(sql: SqlExecutor, hash: Buffer, publicKey: KeyObject, request: EnrollRequest): Promise<Enrolled> {
    const edge = await this.tokens.claim(sql, hash);
    if (edge === undefined) {
      throw new EnrollmentError('token_refused', 'token', REFUSALS[await this.tokens.state(sql, hash)]);
    }
    const issued = await this.authority.issueEdgeCertificate(publicKey, edge);
    await this.certificates.recordEnrolled(sql, edge, issued);
    await this.tokens.recordUse(sql, hash, {
      serial: issued.serial,
      agentVersion: request.agentVersion,
      hostName: request.hostName,
    });
    return { edge, issued, protectedNetworks: await this.protectedNetworks.of(sql, edge) };
  }

  #response({ edge, issued, protectedNetworks }: Enrolled): EnrollResponse {
    return {
      tenantId: edge.tenantId,
      edgeId: edge.edgeId,
      edgeName: edge.edgeName,
      certificateChain: [...issued.chain],
      trustBundle: this.authority.trusted.anchors.map((anchor) => Buffer.from(anchor)),
      bundleSigningKeys: [{ keyId: this.signer.keyId, publicKey: this.signer.publicKey }],
      sessionAddress: formatHostPort(this.config.publicHost, this.sessions.port),
      notAfter: issued.notAfter,
      protectedNetworks,
    };
  }

  async #namingField<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof CertificateRequestError)) throw error;
      throw new EnrollmentError('bad_field', 'certificate_signing_request', error.message);
    }
  }
}

function requirePrintable(field: string, text: string, maximum: number): void {
  if (text.length > maximum) throw new EnrollmentError('bad_field', field, `has more than ${maximum} characters`);
  if (!/^[\x20-\x7e]*$/.test(text)) {
    throw new EnrollmentError('bad_field', field, 'has characters that are not printable ASCII');
  }
}

const REFUSALS: Readonly<Record<TokenState, string>> = {
  unknown: 'is unknown to this controller; make a new one',
  used: 'was used already; make a new one',
  replaced: 'was replaced by a newer token of the same edge; use that one',
  expired: 'has expired; make a new one',
};

const AGENT_VERSION_MAXIMUM = 64;
const HOST_NAME_MAXIMUM = 253;
