import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { Database } from '../../platform/database/database.js';
import type { CurrentUser } from '../../platform/http/current-user.decorator.js';
import { notFound } from '../../platform/http/domain-error.js';
import { greaterRole, type Role } from '../../platform/http/role.js';
import { refusing } from '../constraint-violation.js';
import type { CreateTenant, Tenant, UpdateTenant } from './tenant.dto.js';
import { tenantNameTaken } from './tenants.errors.js';
import { TenantsRepository } from './tenants.repository.js';

@Injectable()
export class TenantsService {
  readonly #database: Database;
  readonly #repository: TenantsRepository;

  constructor(database: Database, repository: TenantsRepository) {
    this.#database = database;
    this.#repository = repository;
  }

  async list(user: CurrentUser): Promise<Tenant[]> {
    return user.providerRole === null ? [await this.read(user.tenantId)] : this.#repository.list(this.#database.sql);
  }

  async read(tenantId: string): Promise<Tenant> {
    const tenant = await this.#repository.read(this.#database.sql, tenantId);
    if (tenant === undefined) throw notFound('tenant', tenantId);
    return tenant;
  }

  /** Throws DomainError 'name_taken'. */
  async create({ name }: CreateTenant): Promise<Tenant> {
    const insert = (sql: SqlExecutor) => this.#repository.insert(sql, randomUUID(), name);
    const [tenant] = await refusing(this.#database.transaction(insert), {
      tenants_name_key: () => tenantNameTaken(name),
    });
    if (tenant === undefined) throw new Error('insert … returning gave no row');
    return tenant;
  }

  /** Throws DomainError 'not_found'. */
  async update(tenantId: string, change: UpdateTenant): Promise<Tenant> {
    const tenant = await this.#database.transaction((sql) => this.#repository.update(sql, tenantId, change));
    if (tenant === undefined) throw notFound('tenant', tenantId);
    return tenant;
  }

  /** The greater of what the user may do there as one of the tenant's and as one of the provider's; null: not even enter. */
  async roleIn(user: CurrentUser, tenantId: string): Promise<Role | null> {
    if (user.tenantId === tenantId) return greaterRole(user.role, user.providerRole);
    if (user.providerRole === null) return null;
    return (await this.#repository.exists(this.#database.sql, tenantId)) ? user.providerRole : null;
  }
}
