import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { Database } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/database/page-request.js';
import type { CurrentUser } from '../../platform/http/current-user.decorator.js';
import { notFound } from '../../platform/http/domain-error.js';
import { type Page, pageByName } from '../../platform/http/page.js';
import type { Role } from '../../platform/http/role.js';
import { AuditRepository } from '../audit/audit.repository.js';
import { refusing } from '../constraint-violation.js';
import { demandUnchanged } from '../entity-tag.js';
import { Passwords } from '../session/passwords.js';
import { TotpRepository } from '../totp/totp.repository.js';
import type { CreateUser, UpdateUser, User } from './user.dto.js';
import {
  fromOidc,
  lastProviderAdmin,
  noTotp,
  ownTotp,
  providerAdminRequired,
  sharedAccount,
  userNameTaken,
} from './users.errors.js';
import { UsersRepository } from './users.repository.js';

/** A user, and the tenant that keeps the account. */
interface AccountIn {
  readonly tenantId: string;
  readonly userId: string;
}

/** Who may log in. Every change is in the audit log of the tenant, with who made it. */
@Injectable()
export class UsersService {
  readonly #database: Database;
  readonly #repository: UsersRepository;
  readonly #passwords: Passwords;
  readonly #audit: AuditRepository;
  readonly #totp: TotpRepository;

  constructor(
    database: Database,
    repository: UsersRepository,
    passwords: Passwords,
    audit: AuditRepository,
    totp: TotpRepository,
  ) {
    this.#database = database;
    this.#repository = repository;
    this.#passwords = passwords;
    this.#audit = audit;
    this.#totp = totp;
  }

  async list(tenantId: string, page: PageRequest): Promise<Page<User>> {
    return pageByName(page, await this.#repository.list(this.#database.sql, tenantId, page));
  }

  read(tenantId: string, userId: string): Promise<User> {
    return this.#read(this.#database.sql, tenantId, userId);
  }

  /** Throws DomainError 'name_taken' or 'provider_admin_required'. */
  async create(tenantId: string, actor: CurrentUser, request: CreateUser): Promise<User> {
    const { name, password, role, providerRole = null } = request;
    refuseProviderMatter(actor, providerRole);
    const id = randomUUID();
    const passwordHash = await this.#passwords.hash(password);
    const store = this.#database.transaction(async (sql) => {
      await this.#repository.insert(sql, tenantId, { id, name, role, providerRole }, passwordHash);
      const details = { userId: id, userName: name, role, providerRole };
      await this.#audit.append(sql, tenantId, { actor, action: 'user_created', details });
    });
    await refusing(store, { users_name_key: () => userNameTaken(name) });
    return this.read(tenantId, id);
  }

  /** Throws DomainError 'unknown_user', 'user_changed', 'provider_admin_required', 'user_from_oidc', 'shared_account' or 'last_provider_admin'. */
  async update(
    { tenantId, userId }: AccountIn,
    ifMatch: string | undefined,
    actor: CurrentUser,
    change: UpdateUser,
  ): Promise<User> {
    const { password } = change;
    const passwordHash = password === undefined ? undefined : await this.#passwords.hash(password);
    const store = this.#database.transaction(async (sql) => {
      const before = await this.#lock(sql, tenantId, actor, userId);
      demandUnchanged('user', before.version, ifMatch);
      if (before.oidc !== null) throw fromOidc(before.name);
      const { role = before.role, providerRole = before.providerRole } = change;
      refuseProviderMatter(actor, providerRole);
      await this.#repository.update(sql, userId, { role, providerRole, passwordHash });
      const details = {
        userId,
        userName: before.name,
        ...(role !== before.role && { role: { from: before.role, to: role } }),
        ...(providerRole !== before.providerRole && { providerRole: { from: before.providerRole, to: providerRole } }),
        ...(passwordHash !== undefined && { newPassword: true }),
      };
      await this.#audit.append(sql, tenantId, { actor, action: 'user_changed', details });
      return this.#read(sql, tenantId, userId);
    });
    return refusing(store, {
      users_provider_admin_remains: lastProviderAdmin,
      users_of_several_tenants: sharedAccount,
    });
  }

  /** From the tenant; the account and its sessions end with the last membership. Throws DomainError 'unknown_user', 'user_changed', 'provider_admin_required' or 'last_provider_admin'. */
  async remove({ tenantId, userId }: AccountIn, ifMatch: string | undefined, actor: CurrentUser): Promise<void> {
    const store = this.#database.transaction(async (sql) => {
      const { name, version } = await this.#lock(sql, tenantId, actor, userId);
      demandUnchanged('user', version, ifMatch);
      await this.#repository.remove(sql, tenantId, userId);
      await this.#audit.append(sql, tenantId, { actor, action: 'user_removed', details: { userId, userName: name } });
    });
    await refusing(store, { users_provider_admin_remains: lastProviderAdmin });
  }

  /**
   * The user logs in with the password alone; the sessions end. Throws DomainError 'unknown_user', 'provider_admin_required', 'own_totp',
   * 'shared_account' or 'no_totp'.
   */
  async resetTotp(tenantId: string, actor: CurrentUser, userId: string): Promise<void> {
    if (userId === actor.id) throw ownTotp();
    const store = this.#database.transaction(async (sql) => {
      const { name } = await this.#lock(sql, tenantId, actor, userId);
      if (!(await this.#totp.remove(sql, userId))) throw noTotp(name);
      await this.#repository.endSessions(sql, userId);
      await this.#audit.append(sql, tenantId, { actor, action: 'totp_reset', details: { userId, userName: name } });
    });
    await refusing(store, { users_of_several_tenants: sharedAccount });
  }

  async #read(sql: SqlExecutor, tenantId: string, userId: string): Promise<User> {
    const user = await this.#repository.read(sql, tenantId, userId);
    if (user === undefined) throw notFound('user', userId);
    return user;
  }

  async #lock(sql: SqlExecutor, tenantId: string, actor: CurrentUser, userId: string): Promise<User> {
    const user = await this.#repository.lock(sql, tenantId, userId);
    if (user === undefined) throw notFound('user', userId);
    refuseProviderMatter(actor, user.providerRole);
    return user;
  }
}

/** Whoever has or is to have a role of the provider is for an admin of the provider to change. */
function refuseProviderMatter(actor: CurrentUser, providerRole: Role | null): void {
  if (providerRole !== null && actor.providerRole !== 'admin') throw providerAdminRequired();
}
