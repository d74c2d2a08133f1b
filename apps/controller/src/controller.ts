import tls from 'node:tls';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Logger } from 'pino';
import { AppModule } from './app.module.js';
import { Compiler } from './compiler/compiler.js';
import type { ControllerConfig } from './config/controller-config.js';
import { ControllerMetrics } from './metrics/controller-metrics.js';
import { measureRequests } from './metrics/measure-requests.js';
import { MetricsServer } from './metrics/metrics-server.js';
import { BundleSigner } from './pki/bundle-signer.js';
import { CertificateAuthority } from './pki/certificate-authority.js';
import { TrustAnchor } from './pki/trust-anchor.js';
import { ControllerEpoch } from './platform/database/controller-epoch.js';
import { Database } from './platform/database/database.js';
import { EnrollmentServer } from './platform/grpc/enrollment-server.js';
import { SessionServer } from './platform/grpc/session-server.js';
import { configureHttp } from './platform/http/configure-http.js';
import { HttpListener } from './platform/listening/http-listener.js';
import { httpLogging } from './platform/logging/http-logging.js';
import { NestLogger } from './platform/logging/nest-logger.js';
import { SecretBox } from './platform/secrets/secret-box.js';

/** Where a running controller is reached. */
export interface ControllerAddresses {
  /** host:port or unix:/path */
  readonly http: string;
  /** host:port */
  readonly session: string;
  /** host:port */
  readonly enrollment: string;
  /** host:port; undefined when metrics are served nowhere */
  readonly metrics: string | undefined;
}

/** A whole controller: what main runs and what a test starts in its own process. */
export class Controller {
  readonly #config: ControllerConfig;
  readonly #logger: Logger;
  #application: NestExpressApplication | undefined;
  #http: HttpListener | undefined;
  #stopped: Promise<void> | undefined;

  constructor(config: ControllerConfig, logger: Logger) {
    this.#config = config;
    this.#logger = logger;
  }

  /** True from the moment stop() is called. */
  get stopping(): boolean {
    return this.#stopped !== undefined;
  }

  /** The Nest application, for tests that want a provider. */
  get application(): NestExpressApplication {
    if (this.#application === undefined) throw new Error('the controller is not started');
    return this.#application;
  }

  /**
   * In order: database and migrations, the modules' own init, then the doors. Resolves when every door is open.
   * Rejects with the first error; call stop() then, too.
   */
  async start(): Promise<ControllerAddresses> {
    // Every TLS client and server of this process, before the first context is made.
    tls.DEFAULT_MIN_VERSION = 'TLSv1.3';
    const logger = new NestLogger(this.#logger);
    const application = await NestFactory.create<NestExpressApplication>(
      AppModule.register(this.#config, this.#logger),
      { logger, abortOnError: false, bodyParser: false },
    );
    this.#application = application;
    application.disable('x-powered-by');
    application.use(httpLogging(this.#logger));
    const metrics = application.get(ControllerMetrics);
    application.use(measureRequests((request) => metrics.answered(request)));
    configureHttp(application, this.#config);
    await application.get(Database).start();
    await startPki(application);
    const epoch = await application.get(ControllerEpoch).take();
    this.#refuseWhenStopping();
    await application.init();
    this.#refuseWhenStopping();
    this.#http = await HttpListener.open(application.getHttpServer(), this.#config.http, 'WEFT_HTTP_LISTEN');
    const session = application.get(SessionServer);
    const enrollment = application.get(EnrollmentServer);
    await session.start();
    await enrollment.start();
    await application.get(MetricsServer).start();
    const addresses: ControllerAddresses = {
      http: this.#http.address,
      session: session.address,
      enrollment: enrollment.address,
      metrics: application.get(MetricsServer).address,
    };
    this.#logger.info({ ...addresses, epoch: epoch.toString() }, 'controller ready');
    return addresses;
  }

  /** Closes the doors, lets what is under way end (bounded), then the modules, then compiler and database. Idempotent. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    const application = this.#application;
    if (application === undefined) return;
    // The modules end their streams in close(), for which the gRPC servers wait.
    const doors = [
      this.#http?.close(),
      application.get(SessionServer).close(),
      application.get(EnrollmentServer).close(),
      application.get(MetricsServer).close(),
    ];
    await application.close();
    await Promise.all(doors);
    await application.get(Compiler).stop();
    await application.get(Database).stop();
  }

  #refuseWhenStopping(): void {
    if (this.stopping) throw new Error('the controller was stopped while it started');
  }
}

/** Not in a hook: it needs the database, and every module may need it in its own. */
async function startPki(application: NestExpressApplication): Promise<void> {
  await application.get(CertificateAuthority).start();
  await application.get(BundleSigner).start();
  await application.get(SecretBox).start();
  await application.get(TrustAnchor).check();
}
