import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { Database } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/database/page-request.js';
import { notFound } from '../../platform/http/domain-error.js';
import { type Page, pageByName } from '../../platform/http/page.js';
import { refusing } from '../constraint-violation.js';
import { changedMeanwhile, demandUnchanged, ifMatchRequired, matchesTag } from '../entity-tag.js';
import { inUse, nameTaken, unknownSite } from '../resource-names.js';
import { TenantsRepository } from '../tenants/tenants.repository.js';
import { type AddressPool, type AddressPoolInput, MAX_ADDRESS_POOLS } from './address-pool.dto.js';
import {
  assignedElsewhere,
  assignedOutside,
  duplicateNameServer,
  overlappingPools,
  tooManyAddressPools,
} from './address-pools.errors.js';
import { AddressPoolsRepository } from './address-pools.repository.js';

/**
 * Addresses for remote hosts. Part of the draft: nothing here is in force before a revision is published. Whoever writes a pool, or what is
 * assigned of it, has the tenant first, so that none of them waits for another who waits for it.
 */
@Injectable()
export class AddressPoolsService {
  readonly #database: Database;
  readonly #repository: AddressPoolsRepository;
  readonly #tenants: TenantsRepository;

  constructor(database: Database, repository: AddressPoolsRepository, tenants: TenantsRepository) {
    this.#database = database;
    this.#repository = repository;
    this.#tenants = tenants;
  }

  async list(tenantId: string, page: PageRequest): Promise<Page<AddressPool>> {
    return pageByName(page, await this.#repository.list(this.#database.sql, tenantId, page));
  }

  read(tenantId: string, poolId: string): Promise<AddressPool> {
    return this.#read(this.#database.sql, tenantId, poolId);
  }

  /**
   * Throws DomainError 'name_taken', 'unknown_site', 'overlapping_address_pools', 'duplicate_address' or
   * 'too_many_address_pools'.
   */
  create(tenantId: string, input: AddressPoolInput): Promise<AddressPool> {
    const id = randomUUID();
    return this.#write(tenantId, id, input, async (sql) => {
      await this.#tenants.lock(sql, tenantId);
      if ((await this.#repository.count(sql, tenantId)) >= MAX_ADDRESS_POOLS) throw tooManyAddressPools();
      await this.#repository.insert(sql, tenantId, id, input);
      return this.#read(sql, tenantId, id);
    });
  }

  /**
   * As create, and 'unknown_address_pool', 'if_match_required', 'address_pool_changed', 'assigned_outside' or
   * 'assigned_elsewhere'.
   */
  async replace(
    tenantId: string,
    poolId: string,
    ifMatch: string | undefined,
    input: AddressPoolInput,
  ): Promise<AddressPool> {
    if (ifMatch === undefined) throw ifMatchRequired('address pool');
    return this.#write(tenantId, poolId, input, async (sql) => {
      await this.#tenants.lock(sql, tenantId);
      const stored = await this.#repository.lock(sql, tenantId, poolId);
      if (stored === undefined) throw notFound('address_pool', poolId);
      if (!matchesTag(ifMatch, stored.version)) throw changedMeanwhile('address pool', stored.version);
      if (stored.siteId !== input.siteId) {
        const hosts = await this.#repository.hostsOutside(sql, tenantId, poolId, null);
        if (hosts.length > 0) throw assignedElsewhere(hosts);
      }
      const outside = await this.#repository.hostsOutside(sql, tenantId, poolId, input.prefix);
      if (outside.length > 0) throw assignedOutside(input.prefix, outside);
      await this.#repository.update(sql, tenantId, poolId, input);
      return this.#read(sql, tenantId, poolId);
    });
  }

  /** Throws DomainError 'unknown_address_pool', 'address_pool_changed' or 'address_pool_in_use'. */
  async remove(tenantId: string, poolId: string, ifMatch: string | undefined): Promise<void> {
    const used = async () => inUse('address_pool', await this.#repository.users(this.#database.sql, tenantId, poolId));
    await refusing(
      this.#database.transaction(async (sql) => {
        await this.#tenants.lock(sql, tenantId);
        const stored = await this.#repository.lock(sql, tenantId, poolId);
        if (stored === undefined) throw notFound('address_pool', poolId);
        demandUnchanged('address pool', stored.version, ifMatch);
        await this.#repository.remove(sql, tenantId, poolId);
      }),
      {
        assigned_addresses_address_pool_fkey: used,
        rule_endpoints_address_pool_fkey: used,
      },
    );
  }

  async #read(sql: SqlExecutor, tenantId: string, poolId: string): Promise<AddressPool> {
    const pool = await this.#repository.read(sql, tenantId, poolId);
    if (pool === undefined) throw notFound('address_pool', poolId);
    return pool;
  }

  #write(
    tenantId: string,
    poolId: string,
    input: AddressPoolInput,
    work: (sql: SqlExecutor) => Promise<AddressPool>,
  ): Promise<AddressPool> {
    return refusing(this.#database.transaction(work), {
      address_pools_name_key: () => nameTaken('address pool', input.name),
      address_pools_site_fkey: () => unknownSite('/siteId', input.siteId),
      address_pools_name_servers: duplicateNameServer,
      address_pools_prefix_overlap: async () =>
        overlappingPools(input, await this.#repository.overlapping(this.#database.sql, tenantId, input.prefix, poolId)),
    });
  }
}
