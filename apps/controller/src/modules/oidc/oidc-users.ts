import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { Database } from '../../platform/database/database.js';
import { ACCOUNTS, tenantScope } from '../../platform/database/database-scope.js';
import { AuditRepository, type Deed } from '../audit/audit.repository.js';
import { refusing } from '../constraint-violation.js';
import type { SessionOrigin } from '../session/sessions.repository.js';
import { OidcRefusal } from './oidc-refusal.js';
import { type OidcUser, OidcUsersRepository } from './oidc-users.repository.js';
import type { GrantedRoles } from './role-mapping.js';
import { NOBODY_NAME, type OidcIdentity, userNames } from './user-name.js';

/** Somebody who the provider says has logged in. */
export interface Arrival {
  readonly identity: OidcIdentity;
  /** By which the provider calls them: text for people. */
  readonly calledBy: unknown;
  /** What the mapping gives; undefined: nothing. */
  readonly granted: GrantedRoles | undefined;
  readonly origin: SessionOrigin;
}

/**
 * Users who log in at the provider: made with their first login, and with each made again what the provider says that they are. All of
 * it is in the audit log.
 */
@Injectable()
export class OidcUsers {
  readonly #database: Database;
  readonly #repository: OidcUsersRepository;
  readonly #audit: AuditRepository;

  constructor(database: Database, repository: OidcUsersRepository, audit: AuditRepository) {
    this.#database = database;
    this.#repository = repository;
    this.#audit = audit;
  }

  /**
   * The user as whom they come in. Who has no role any more is no user any more. Throws OidcRefusal 'no_role' or
   * 'last_provider_admin'.
   */
  async comeIn(arrival: Arrival): Promise<OidcUser> {
    const { identity, granted } = arrival;
    // Twice: two browsers may come in for the first time at once, and an admin may remove who comes in.
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const { known, tenantId } = await this.#database.within(ACCOUNTS, async () => ({
        known: await this.#repository.find(this.#database.sql, identity),
        tenantId: granted && (await this.#repository.tenantByName(this.#database.sql, granted.tenant)),
      }));
      const stays = known !== undefined && known.homeTenantId === tenantId;
      if (known !== undefined && !stays) await this.#remove(known);
      if (granted === undefined || tenantId === undefined) throw await this.#withoutRole(arrival, known);
      const user = stays ? await this.#update(known, granted, arrival) : await this.#make(tenantId, granted, arrival);
      if (user !== undefined) return user;
    }
    throw new Error('a user of the provider is made and removed again and again');
  }

  /** For the audit log: somebody whom the provider let in does not come in here. `tenantId` undefined: the oldest. */
  async recordRefusal(details: Deed['details'], tenantId?: string): Promise<void> {
    const place =
      tenantId ?? (await this.#database.within(ACCOUNTS, () => this.#repository.oldestTenant(this.#database.sql)));
    const deed = { actor: { name: NOBODY_NAME }, action: 'oidc_login_refused', details } as const;
    await this.#inTenant(place, (sql) => this.#audit.append(sql, place, deed));
  }

  async #withoutRole({ identity, calledBy, granted, origin }: Arrival, known: OidcUser | undefined) {
    const called = typeof calledBy === 'string' ? calledBy.slice(0, CALLED_MAXIMUM) : null;
    const { address, userAgent } = origin;
    const details = { reason: 'no_role', ...identity, called, address, userAgent };
    await this.recordRefusal(details, known?.homeTenantId);
    const why =
      granted === undefined ? 'the mapping gives no role' : `there is no tenant ${JSON.stringify(granted.tenant)}`;
    return new OidcRefusal('no_role', `${why}: ${JSON.stringify(identity.subject)} does not come in`);
  }

  /** Undefined when somebody else was faster. */
  async #make(tenantId: string, granted: GrantedRoles, { identity, calledBy, origin }: Arrival) {
    const { role, providerRole } = granted;
    const made = { id: randomUUID(), homeTenantId: tenantId, role, providerRole, oidc: true };
    return this.#inTenant(tenantId, async (sql) => {
      for (const name of userNames(identity, calledBy)) {
        const user: OidcUser = { ...made, name };
        if (!(await this.#repository.insert(sql, user, identity))) continue;
        const details = { userId: user.id, userName: name, role, providerRole, ...identity };
        await this.#audit.append(sql, tenantId, { actor: user, action: 'user_created', details });
        await this.#recordLogin(sql, user, origin);
        return user;
      }
      return undefined;
    });
  }

  /** Undefined when the user is gone. */
  async #update(known: OidcUser, { role, providerRole }: GrantedRoles, { origin }: Arrival) {
    const store = this.#inTenant(known.homeTenantId, async (sql) => {
      const before = await this.#repository.lock(sql, known.id);
      if (before === undefined) return undefined;
      const user: OidcUser = { ...before, role, providerRole };
      if (role !== before.role || providerRole !== before.providerRole) {
        await this.#repository.changeRoles(sql, user);
        const details = {
          userId: user.id,
          userName: user.name,
          ...(role !== before.role && { role: { from: before.role, to: role } }),
          ...(providerRole !== before.providerRole && {
            providerRole: { from: before.providerRole, to: providerRole },
          }),
        };
        await this.#audit.append(sql, user.homeTenantId, { actor: user, action: 'user_changed', details });
      }
      await this.#recordLogin(sql, user, origin);
      return user;
    });
    return refusing(store, { users_provider_admin_remains: () => lastProviderAdmin(known) });
  }

  /** Who is somebody in another tenant, or nobody, is not the user that they were: sessions and API tokens go with it. */
  async #remove(user: OidcUser): Promise<void> {
    const store = this.#inTenant(user.homeTenantId, async (sql) => {
      if ((await this.#repository.lock(sql, user.id)) === undefined) return;
      await this.#repository.remove(sql, user.id);
      const details = { userId: user.id, userName: user.name };
      await this.#audit.append(sql, user.homeTenantId, { actor: user, action: 'user_removed', details });
    });
    await refusing(store, { users_provider_admin_remains: () => lastProviderAdmin(user) });
  }

  #recordLogin(sql: SqlExecutor, user: OidcUser, { address, userAgent }: SessionOrigin): Promise<void> {
    const details = { userId: user.id, userName: user.name, address, userAgent };
    return this.#audit.append(sql, user.homeTenantId, { actor: user, action: 'oidc_login', details });
  }

  #inTenant<T>(tenantId: string, work: (sql: SqlExecutor) => Promise<T>): Promise<T> {
    return this.#database.within(tenantScope(tenantId), () => this.#database.transaction(work));
  }
}

function lastProviderAdmin({ name }: OidcUser): OidcRefusal {
  const detail = `${JSON.stringify(name)} is the last admin of the provider, and the mapping gives that role no more`;
  return new OidcRefusal('last_provider_admin', detail);
}

const ATTEMPTS = 3;
const CALLED_MAXIMUM = 100;
