import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { Database } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/database/page-request.js';
import type { CurrentUser } from '../../platform/http/current-user.decorator.js';
import { notFound } from '../../platform/http/domain-error.js';
import { type Page, pageOf } from '../../platform/http/page.js';
import type { Role } from '../../platform/http/role.js';
import { AuditRepository } from '../audit/audit.repository.js';
import { refusing } from '../constraint-violation.js';
import { demandUnchanged } from '../entity-tag.js';
import { fromOidc, lastProviderAdmin, providerAdminRequired } from '../users/users.errors.js';
import type { Member } from './member.dto.js';
import { type MemberAccount, MembersRepository } from './members.repository.js';

/** A person, and the tenant that they are a member of. */
interface MembershipIn {
  readonly tenantId: string;
  readonly userId: string;
}

/** Who has which role in a tenant, as its admins see and change it. Nothing is told of what else a member is, or where. */
@Injectable()
export class MembersService {
  readonly #database: Database;
  readonly #repository: MembersRepository;
  readonly #audit: AuditRepository;

  constructor(database: Database, repository: MembersRepository, audit: AuditRepository) {
    this.#database = database;
    this.#repository = repository;
    this.#audit = audit;
  }

  async list(tenantId: string, page: PageRequest): Promise<Page<Member>> {
    const items = await this.#repository.list(this.#database.sql, tenantId, page);
    return pageOf(page, { items, keyOf: ({ userName, userId }) => [userName, userId] });
  }

  read(tenantId: string, userId: string): Promise<Member> {
    return this.#read(this.#database.sql, tenantId, userId);
  }

  /** In force with the next request. Throws DomainError 'unknown_member', 'member_changed', 'provider_admin_required' or 'user_from_oidc'. */
  async changeRole(
    { tenantId, userId }: MembershipIn,
    ifMatch: string | undefined,
    actor: CurrentUser,
    role: Role,
  ): Promise<Member> {
    return this.#database.transaction(async (sql) => {
      const { member, account } = await this.#lock(sql, tenantId, actor, userId);
      demandUnchanged('member', member.version, ifMatch);
      if (account.oidc) throw fromOidc(member.userName);
      if (role === member.role) return member;
      await this.#repository.changeRole(sql, tenantId, userId, role);
      const details = { userId, userName: member.userName, role: { from: member.role, to: role } };
      await this.#audit.append(sql, tenantId, { actor, action: 'member_role_changed', details });
      return this.#read(sql, tenantId, userId);
    });
  }

  /** Throws DomainError 'unknown_member', 'member_changed', 'provider_admin_required' or 'last_provider_admin'. */
  async remove({ tenantId, userId }: MembershipIn, ifMatch: string | undefined, actor: CurrentUser): Promise<void> {
    const store = this.#database.transaction(async (sql) => {
      const { member } = await this.#lock(sql, tenantId, actor, userId);
      demandUnchanged('member', member.version, ifMatch);
      await this.#repository.remove(sql, tenantId, userId);
      const details = { userId, userName: member.userName };
      await this.#audit.append(sql, tenantId, { actor, action: 'member_removed', details });
    });
    await refusing(store, { users_provider_admin_remains: lastProviderAdmin });
  }

  async #read(sql: SqlExecutor, tenantId: string, userId: string): Promise<Member> {
    const member = await this.#repository.read(sql, tenantId, userId);
    if (member === undefined) throw notFound('member', userId);
    return member;
  }

  /** Whoever has a role of the provider is for an admin of the provider to change. */
  async #lock(
    sql: SqlExecutor,
    tenantId: string,
    actor: CurrentUser,
    userId: string,
  ): Promise<{ member: Member; account: MemberAccount }> {
    // Nobody finds out by a lock whether there is somebody in another tenant.
    await this.#read(sql, tenantId, userId);
    const account = await this.#repository.lockAccount(sql, userId);
    const member = await this.#read(sql, tenantId, userId);
    if (account === undefined) throw notFound('member', userId);
    if (account.providerRole !== null && actor.providerRole !== 'admin') throw providerAdminRequired();
    return { member, account };
  }
}
