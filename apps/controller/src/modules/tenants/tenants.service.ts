import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { Database } from '../../platform/database/database.js';
import { personScope } from '../../platform/database/database-scope.js';
import type { PageRequest } from '../../platform/database/page-request.js';
import type { CurrentUser } from '../../platform/http/current-user.decorator.js';
import { notFound } from '../../platform/http/domain-error.js';
import { type Page, pageByName } from '../../platform/http/page.js';
import { greaterRole, type Role } from '../../platform/http/role.js';
import { tenantNotInForce } from '../access/access.errors.js';
import { AuditRepository } from '../audit/audit.repository.js';
import { refusing } from '../constraint-violation.js';
import { demandUnchanged } from '../entity-tag.js';
import type { CreateTenant, Tenant, UpdateTenant } from './tenant.dto.js';
import { approvalRuleInPerson, tenantNameTaken, unknownDefaultProfile } from './tenants.errors.js';
import { TenantsRepository } from './tenants.repository.js';

@Injectable()
export class TenantsService {
  readonly #database: Database;
  readonly #repository: TenantsRepository;

  readonly #audit: AuditRepository;

  constructor(database: Database, repository: TenantsRepository, audit: AuditRepository) {
    this.#database = database;
    this.#repository = repository;
    this.#audit = audit;
  }

  /** A token is in one tenant, whatever else its maker may enter. */
  async list(user: CurrentUser, page: PageRequest): Promise<Page<Tenant>> {
    const only = user.apiToken === undefined ? null : user.tenantId;
    const list = () => this.#repository.list(this.#database.sql, page, only);
    const inScope = only !== null || user.providerRole !== null;
    return pageByName(page, await (inScope ? list() : this.#database.within(personScope(user.id), list)));
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

  /** Throws DomainError 'not_found', 'tenant_changed', 'approval_rule_in_person' or 'unknown_profile'. */
  async update(
    tenantId: string,
    ifMatch: string | undefined,
    user: CurrentUser,
    change: UpdateTenant,
  ): Promise<Tenant> {
    if (change.approvalRequired !== undefined && user.apiToken !== undefined) throw approvalRuleInPerson();
    const work = this.#database.transaction(async (sql) => {
      await this.#repository.lock(sql, tenantId);
      const before = await this.#repository.read(sql, tenantId);
      if (before !== undefined) demandUnchanged('tenant', before.version, ifMatch);
      const after = await this.#repository.update(sql, tenantId, change);
      if (after !== undefined && before?.approvalRequired !== after.approvalRequired) {
        const details = { approvalRequired: after.approvalRequired };
        await this.#audit.append(sql, tenantId, { actor: user, action: 'approval_rule_changed', details });
      }
      return after;
    });
    const tenant = await refusing(work, {
      tenants_default_profile_fkey: () => unknownDefaultProfile(change.defaultProfileId ?? ''),
    });
    if (tenant === undefined) throw notFound('tenant', tenantId);
    return tenant;
  }

  /**
   * The greater of what the user may do there as a member and as one of the provider's; null: not even enter. Memberships count in the
   * tenant in force alone. Throws DomainError 'tenant_not_in_force' for who is a member and works elsewhere.
   */
  async roleIn(user: CurrentUser, tenantId: string): Promise<Role | null> {
    if (user.tenantId === tenantId) return greaterRole(user.role, user.providerRole);
    const { sql } = this.#database;
    if (user.providerRole !== null) return (await this.#repository.exists(sql, tenantId)) ? user.providerRole : null;
    if (user.apiToken === undefined && (await this.#repository.isMember(sql, tenantId, user.id)))
      throw tenantNotInForce();
    return null;
  }
}
