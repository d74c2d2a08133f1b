import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Logger } from 'pino';
import { ControllerConfig } from '../config/controller-config.js';
import { Clock } from '../platform/clock/clock.js';
import type { SqlExecutor } from '../platform/database/connection-options.js';
import { Database } from '../platform/database/database.js';
import { installationScope, tenantScope } from '../platform/database/database-scope.js';
import { InjectLogger } from '../platform/logging/logger.js';
import { AuthorityAlarmsRepository } from './authority-alarms.repository.js';
import { type AuthorityExpiry, authoritiesOf, type Expiry, expiryOf, isReplaced } from './authority-expiry.js';
import { CertificateAuthority } from './certificate-authority.js';

/** Tells every tenant, once, that an authority above its edges is about to end, and once that another has taken its place. */
@Injectable()
export class AuthorityAlarms implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #authority: CertificateAuthority;
  readonly #repository: AuthorityAlarmsRepository;
  readonly #database: Database;
  readonly #clock: Clock;
  /** Milliseconds. */
  readonly #edgeLifetime: number;
  readonly #logger: Logger;
  #timer: NodeJS.Timeout | undefined;
  #checking: Promise<void> = Promise.resolve();

  constructor(
    authority: CertificateAuthority,
    repository: AuthorityAlarmsRepository,
    database: Database,
    clock: Clock,
    config: ControllerConfig,
    @InjectLogger() logger: Logger,
  ) {
    this.#authority = authority;
    this.#repository = repository;
    this.#database = database;
    this.#clock = clock;
    this.#edgeLifetime = config.edgeCertificateMilliseconds;
    this.#logger = logger.child({ component: 'pki' });
  }

  onApplicationBootstrap(): void {
    this.#timer = setInterval(() => this.#check(), CHECK_MILLISECONDS).unref();
    this.#check();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.#timer);
    await this.#checking;
  }

  /** How the certificates of this controller stand now. */
  current(): readonly Expiry[] {
    const now = this.#clock.now();
    return this.#authority.validity().map((validity) => expiryOf(validity, now, this.#edgeLifetime));
  }

  #check(): void {
    this.#checking = this.#checking
      .then(() => this.#checkOnce())
      .catch((error: unknown) => {
        this.#logger.warn({ err: error }, 'tenants are not told of authorities that end; tried again in an hour');
      });
  }

  async #checkOnce(): Promise<void> {
    const present = authoritiesOf(this.current());
    for (const authority of present.filter(({ condition }) => condition !== 'valid')) await this.#raise(authority);
    const raised = await this.#within((sql) => this.#repository.raised(sql));
    for (const alarm of raised.filter((one) => isReplaced(one, present))) {
      await this.#for(alarm.tenantId, (sql) => this.#repository.clear(sql, alarm, this.#clock.now()));
    }
  }

  async #raise(authority: AuthorityExpiry): Promise<void> {
    const { certificate, fingerprint, notAfter, condition } = authority;
    this.#logger.warn(
      { certificate, notAfter, condition },
      'an authority is about to end; the page Trust says what to do',
    );
    const untold = await this.#within((sql) => this.#repository.untold(sql, fingerprint));
    for (const tenantId of untold) {
      await this.#for(tenantId, (sql) => this.#repository.raise(sql, tenantId, authority, this.#clock.now()));
    }
  }

  #within<T>(work: (sql: SqlExecutor) => Promise<T>): Promise<T> {
    return this.#database.within(installationScope('authority alarms'), () => work(this.#database.sql));
  }

  /** A transaction for each tenant: it ends with a lock on the journal, and nobody is to hold two of these. */
  #for(tenantId: string, work: (sql: SqlExecutor) => Promise<void>): Promise<void> {
    return this.#database.within(tenantScope(tenantId), () => this.#database.transaction(work));
  }
}

const CHECK_MILLISECONDS = 3_600_000;
