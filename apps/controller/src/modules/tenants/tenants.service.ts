import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { Database } from '../../platform/database/database.js';
import type { CurrentUser } from '../../platform/http/current-user.decorator.js';
import { notFound } from '../../platform/http/domain-error.js';
import { refusing } from '../constraint-violation.js';
import type { CreateTenant, Tenant, UpdateTenant } from './tenant.dto.js';
import { notAdministrator, tenantNameTaken } from './tenants.errors.js';
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
    return user.administrator ? this.#repository.list(this.#database.sql) : [await this.read(user.tenantId)];
  }

  async read(tenantId: string): Promise<Tenant> {
    const tenant = await this.#repository.read(this.#database.sql, tenantId);
    if (tenant === undefined) throw notFound('tenant', tenantId);
    return tenant;
  }

  /** Throws DomainError 'administrators_only' or 'name_taken'. */
  async create(user: CurrentUser, { name }: CreateTenant): Promise<Tenant> {
    if (!user.administrator) throw notAdministrator();
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

  async mayEnter(user: CurrentUser, tenantId: string): Promise<boolean> {
    if (user.tenantId === tenantId) return true;
    return user.administrator && this.#repository.exists(this.#database.sql, tenantId);
  }
}
