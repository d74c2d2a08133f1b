import { Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { Clock } from '../platform/clock/clock.js';
import { Database } from '../platform/database/database.js';
import { DatabaseUnavailableError } from '../platform/database/database-errors.js';
import { installationScope } from '../platform/database/database-scope.js';
import { InjectLogger } from '../platform/logging/logger.js';
import { CertificateAuthority } from './certificate-authority.js';
import { createRevocationList, type RevokedCertificate } from './revocation-list.js';

/** A list, DER, and when it is not to be used any more. */
export interface PublishedList {
  readonly der: Buffer;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
}

/**
 * The certificate revocation list of what issues, for those that are told of revocations in no other way: gateways that are not ours.
 * It is made when it is asked for, at most once a minute, so that whoever fetches one has a day to fetch the next.
 */
@Injectable()
export class RevocationLists {
  readonly #authority: CertificateAuthority;
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #list: (PublishedList & { readonly madeAt: number }) | undefined;
  #making: Promise<PublishedList> | undefined;

  constructor(authority: CertificateAuthority, database: Database, clock: Clock, @InjectLogger() logger: Logger) {
    this.#authority = authority;
    this.#database = database;
    this.#clock = clock;
    this.#logger = logger.child({ component: 'pki' });
  }

  /** When the list that was made last is not to be used any more; undefined: nobody has asked for one here. */
  get lastNextUpdate(): Date | undefined {
    return this.#list?.nextUpdate;
  }

  /** Without the database it is the last one, as long as that is in force. Throws DatabaseUnavailableError after that. */
  async current(): Promise<PublishedList> {
    const last = this.#list;
    if (last !== undefined && this.#clock.monotonicMilliseconds() - last.madeAt < KEPT_MILLISECONDS) return last;
    this.#making ??= this.#make().finally(() => {
      this.#making = undefined;
    });
    try {
      return await this.#making;
    } catch (error) {
      const inForce = last !== undefined && last.nextUpdate > this.#clock.now();
      if (!inForce || !(error instanceof DatabaseUnavailableError)) throw error;
      this.#logger.warn({ err: error }, 'the revocation list is not renewed: no database');
      return last;
    }
  }

  async #make(): Promise<PublishedList> {
    const madeAt = this.#clock.monotonicMilliseconds();
    const revoked = await this.#database.within(installationScope('revocation list'), () => this.#revoked());
    const thisUpdate = this.#clock.now();
    const nextUpdate = new Date(thisUpdate.getTime() + LIFETIME_MILLISECONDS);
    // Time goes on for all controllers of a database, and over a restored backup.
    const number = BigInt(thisUpdate.getTime());
    const der = await createRevocationList(this.#authority.issuer, revoked, { number, thisUpdate, nextUpdate });
    this.#list = { der, thisUpdate, nextUpdate, madeAt };
    return this.#list;
  }

  /** "An entry MUST NOT be removed from the CRL until it appears on one regularly scheduled CRL issued beyond the revoked certificate's validity period" (RFC 5280 section 3.3). */
  async #revoked(): Promise<readonly RevokedCertificate[]> {
    return this.#database.sql<RevokedCertificate[]>`
      select serial, revoked_at, case revocation_reason when 'superseded' then 'superseded' else 'unspecified' end as reason
      from certificates where revoked_at is not null and not_after > now() - interval '2 days'
      union all
      select serial, deleted_at, 'unspecified' from deleted_certificates where not_after > now() - interval '2 days'
      order by serial`;
  }
}

const LIFETIME_MILLISECONDS = 86_400_000;
const KEPT_MILLISECONDS = 60_000;
