import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { Database } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/database/page-request.js';
import { DomainError, notFound } from '../../platform/http/domain-error.js';
import { type Page, pageByName } from '../../platform/http/page.js';
import { refusing } from '../constraint-violation.js';
import { changedMeanwhile, demandUnchanged, ifMatchRequired, matchesTag } from '../entity-tag.js';
import { inUse, nameTaken } from '../resource-names.js';
import { TenantsRepository } from '../tenants/tenants.repository.js';
import { MAX_NAMED_SERVICES, type NamedService, type NamedServiceInput } from './named-service.dto.js';
import { NamedServicesRepository } from './named-services.repository.js';

/** What rules name protocols and ports by. Part of the draft: nothing here is in force before a revision is published. */
@Injectable()
export class NamedServicesService {
  readonly #database: Database;
  readonly #repository: NamedServicesRepository;
  readonly #tenants: TenantsRepository;

  constructor(database: Database, repository: NamedServicesRepository, tenants: TenantsRepository) {
    this.#database = database;
    this.#repository = repository;
    this.#tenants = tenants;
  }

  async list(tenantId: string, page: PageRequest): Promise<Page<NamedService>> {
    return pageByName(page, await this.#repository.list(this.#database.sql, tenantId, page));
  }

  read(tenantId: string, serviceId: string): Promise<NamedService> {
    return this.#read(this.#database.sql, tenantId, serviceId);
  }

  /** Throws DomainError 'name_taken' or 'too_many_services'. */
  create(tenantId: string, input: NamedServiceInput): Promise<NamedService> {
    const id = randomUUID();
    return this.#write(input, async (sql) => {
      await this.#tenants.lock(sql, tenantId);
      if ((await this.#repository.count(sql, tenantId)) >= MAX_NAMED_SERVICES) throw tooManyServices();
      await this.#repository.insert(sql, tenantId, id, input);
      return this.#read(sql, tenantId, id);
    });
  }

  /** As create, and 'unknown_service', 'if_match_required' or 'service_changed'. */
  async replace(
    tenantId: string,
    serviceId: string,
    ifMatch: string | undefined,
    input: NamedServiceInput,
  ): Promise<NamedService> {
    if (ifMatch === undefined) throw ifMatchRequired('service');
    return this.#write(input, async (sql) => {
      const version = await this.#repository.lockVersion(sql, tenantId, serviceId);
      if (version === undefined) throw notFound('service', serviceId);
      if (!matchesTag(ifMatch, version)) throw changedMeanwhile('service', version);
      await this.#repository.update(sql, tenantId, serviceId, input);
      return this.#read(sql, tenantId, serviceId);
    });
  }

  /** Throws DomainError 'unknown_service', 'service_changed' or 'service_in_use'. */
  async remove(tenantId: string, serviceId: string, ifMatch: string | undefined): Promise<void> {
    const used = async () => inUse('service', await this.#repository.users(this.#database.sql, tenantId, serviceId));
    await refusing(
      this.#database.transaction(async (sql) => {
        const version = await this.#repository.lockVersion(sql, tenantId, serviceId);
        if (version === undefined) throw notFound('service', serviceId);
        demandUnchanged('service', version, ifMatch);
        await this.#repository.remove(sql, tenantId, serviceId);
      }),
      { rule_named_services_service_fkey: used },
    );
  }

  async #read(sql: SqlExecutor, tenantId: string, serviceId: string): Promise<NamedService> {
    const service = await this.#repository.read(sql, tenantId, serviceId);
    if (service === undefined) throw notFound('service', serviceId);
    return service;
  }

  #write(input: NamedServiceInput, work: (sql: SqlExecutor) => Promise<NamedService>): Promise<NamedService> {
    return refusing(this.#database.transaction(work), { services_name_key: () => nameTaken('service', input.name) });
  }
}

function tooManyServices(): DomainError {
  const detail = `A tenant has at most ${MAX_NAMED_SERVICES} named services. Join some of them.`;
  return new DomainError('conflict', 'too_many_services', detail);
}
