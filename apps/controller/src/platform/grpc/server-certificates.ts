import grpc from '@grpc/grpc-js';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { Logger } from 'pino';
import { CertificateAuthority } from '../../pki/certificate-authority.js';
import { InjectLogger } from '../logging/logger.js';

type CertificateProvider = grpc.experimental.CertificateProvider;
type CaListener = Parameters<CertificateProvider['addCaCertificateListener']>[0];
type IdentityListener = Parameters<CertificateProvider['addIdentityCertificateListener']>[0];

/** Feeds our certificates to the gRPC servers and renews the server's own while they run; open streams live on. */
@Injectable()
export class ServerCertificates implements CertificateProvider, OnApplicationShutdown {
  readonly #authority: CertificateAuthority;
  readonly #logger: Logger;
  readonly #caListeners = new Set<CaListener>();
  readonly #identityListeners = new Set<IdentityListener>();
  #timer: NodeJS.Timeout | undefined;

  constructor(authority: CertificateAuthority, @InjectLogger() logger: Logger) {
    this.#authority = authority;
    this.#logger = logger.child({ component: 'pki' });
  }

  /** @param clients 'required': the connection fails without a client certificate of ours */
  credentials(clients: 'required' | 'anonymous'): grpc.ServerCredentials {
    this.#timer ??= setInterval(() => this.#renew(), RENEWAL_CHECK_MILLISECONDS).unref();
    // The same provider twice: grpc-js 1.14 takes the two in the other order than its declaration says.
    return grpc.experimental.createCertificateProviderServerCredentials(this, this, clients === 'required');
  }

  addCaCertificateListener(listener: CaListener): void {
    this.#caListeners.add(listener);
    process.nextTick(() => listener({ caCertificate: this.#authority.anchorsPem }));
  }

  removeCaCertificateListener(listener: CaListener): void {
    this.#caListeners.delete(listener);
  }

  addIdentityCertificateListener(listener: IdentityListener): void {
    this.#identityListeners.add(listener);
    process.nextTick(() => listener(this.#identity()));
  }

  removeIdentityCertificateListener(listener: IdentityListener): void {
    this.#identityListeners.delete(listener);
  }

  onApplicationShutdown(): void {
    clearInterval(this.#timer);
  }

  #identity(): grpc.experimental.IdentityCertificateUpdate {
    const { chain, privateKey } = this.#authority.serverIdentity;
    return { certificate: chain, privateKey };
  }

  #renew(): void {
    this.#authority.renewServerIdentityIfDue().then(
      (renewed) => {
        if (!renewed) return;
        for (const listener of this.#identityListeners) listener(this.#identity());
      },
      (error: unknown) => this.#logger.error({ err: error }, 'server certificate not renewed; trying again later'),
    );
  }
}

const RENEWAL_CHECK_MILLISECONDS = 3_600_000;
