import { X509Certificate } from 'node:crypto';
import { status as GrpcStatus, type ServerUnaryCall, type StatusObject, type sendUnaryData } from '@grpc/grpc-js';
import { Injectable } from '@nestjs/common';
import type { RenewCertificateRequest, RenewCertificateResponse } from '@weft/contracts/southbound';
import type { Logger } from 'pino';
import { BundleSigner } from '../pki/bundle-signer.js';
import { CertificateAuthority } from '../pki/certificate-authority.js';
import { CertificateRegistry } from '../pki/certificate-registry.js';
import { CertificateRequestError, publicKeyOfRenewal } from '../pki/certificate-request.js';
import { Clock } from '../platform/clock/clock.js';
import { Database } from '../platform/database/database.js';
import { DatabaseUnavailableError } from '../platform/database/database-errors.js';
import { tenantScope } from '../platform/database/database-scope.js';
import { AttemptLimiter } from '../platform/limits/attempt-limiter.js';
import { InjectLogger } from '../platform/logging/logger.js';
import { EdgeAuthentication } from './edge-authentication.js';
import type { SessionEndCode } from './edge-session.js';
import { ProtocolError } from './protocol-error.js';
import { trustBundleOf } from './trust-bundle-of.js';

export type RenewalCall = ServerUnaryCall<RenewCertificateRequest, RenewCertificateResponse>;

/** RenewCertificate of the contract: a certificate for a new key of the edge that shows a valid one. */
@Injectable()
export class CertificateRenewal {
  readonly #logger: Logger;
  readonly #limiter = new AttemptLimiter({
    burst: ATTEMPTS_BURST,
    intervalMilliseconds: ATTEMPT_INTERVAL_MILLISECONDS,
    capacity: EDGES_REMEMBERED,
  });

  constructor(
    private readonly authentication: EdgeAuthentication,
    private readonly authority: CertificateAuthority,
    private readonly signer: BundleSigner,
    private readonly certificates: CertificateRegistry,
    private readonly database: Database,
    private readonly clock: Clock,
    @InjectLogger() logger: Logger,
  ) {
    this.#logger = logger.child({ component: 'southbound' });
  }

  serve(call: RenewalCall, callback: sendUnaryData<RenewCertificateResponse>): void {
    this.#renew(call).then(
      (response) => callback(null, response),
      (error: unknown) => callback(this.#status(error, call)),
    );
  }

  async #renew(call: RenewalCall): Promise<RenewCertificateResponse> {
    const shown = await this.authentication.identify(call);
    const wait = this.#limiter.attempt(shown.edgeId, this.clock.monotonicMilliseconds());
    if (wait > 0) {
      throw new ProtocolError('RESOURCE_EXHAUSTED', `too many renewals; try again in ${Math.ceil(wait / 1_000)} s`);
    }
    const present = new X509Certificate(shown.certificate).publicKey;
    const publicKey = await publicKeyOfRenewal(call.request.certificateSigningRequest, shown.edgeId, present);
    const issued = await this.database.within(tenantScope(shown.tenantId), () =>
      this.database.transaction((sql) =>
        this.certificates.recordRenewed(sql, shown, () => this.authority.issueEdgeCertificate(publicKey, shown)),
      ),
    );
    if (typeof issued === 'string') throw new ProtocolError(...REFUSALS[issued]);
    const { tenantId, edgeId, serial } = shown;
    this.#logger.info(
      { tenantId, edgeId, serial: issued.serial, renewalOf: serial, notAfter: issued.notAfter },
      'edge certificate renewed',
    );
    return { certificateChain: [...issued.chain], ...trustBundleOf(this.authority, this.signer) };
  }

  #status(error: unknown, call: RenewalCall): Partial<StatusObject> {
    const peer = call.getPeer();
    if (error instanceof ProtocolError || error instanceof CertificateRequestError) {
      const { code, details } =
        error instanceof ProtocolError
          ? { code: GrpcStatus[error.code], details: error.message }
          : { code: GrpcStatus.INVALID_ARGUMENT, details: `certificate_signing_request: ${error.message}` };
      this.#logger.warn({ peer, code: error.code }, `renewal refused: ${details}`);
      return { code, details };
    }
    if (error instanceof DatabaseUnavailableError) {
      this.#logger.warn({ peer, err: error }, 'renewal failed: no database');
      return { code: GrpcStatus.UNAVAILABLE, details: 'the controller cannot reach its database; try again later' };
    }
    this.#logger.error({ peer, err: error }, 'renewal failed');
    return { code: GrpcStatus.INTERNAL, details: 'internal error; see the log of the controller' };
  }
}

const REFUSALS: Readonly<Record<'not_valid' | 'too_many', readonly [SessionEndCode, string]>> = {
  not_valid: ['UNAUTHENTICATED', 'this edge was revoked; enroll again with a new token'],
  too_many: [
    'RESOURCE_EXHAUSTED',
    'too many certificates of this edge are in force; see why it does not keep those that it is given, and enroll it again',
  ],
};
/** An edge renews every few days; one whose disk is full tries again and again. */
const ATTEMPTS_BURST = 5;
const ATTEMPT_INTERVAL_MILLISECONDS = 60_000;
const EDGES_REMEMBERED = 20_000;
