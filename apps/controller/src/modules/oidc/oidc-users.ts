import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { Database } from '../../platform/database/database.js';
import { ACCOUNTS, tenantScope } from '../../platform/database/database-scope.js';
import type { Role } from '../../platform/http/role.js';
import { AuditRepository, type Deed } from '../audit/audit.repository.js';
import { refusing } from '../constraint-violation.js';
import type { SessionOrigin } from '../session/sessions.repository.js';
import { OidcMemberships } from './oidc-memberships.js';
import { OidcRefusal } from './oidc-refusal.js';
import { type OidcMembership, type OidcUser, OidcUsersRepository } from './oidc-users.repository.js';
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
  readonly #memberships: OidcMemberships;
  readonly #audit: AuditRepository;

  constructor(
    database: Database,
    repository: OidcUsersRepository,
    memberships: OidcMemberships,
    audit: AuditRepository,
  ) {
    this.#database = database;
    this.#repository = repository;
    this.#memberships = memberships;
    this.#audit = audit;
  }

  /**
   * The user as whom they come in. Who has no role any more is no user any more. Throws OidcRefusal 'no_role', 'last_provider_admin' or
   * 'login_expired'.
   */
  async comeIn(arrival: Arrival): Promise<OidcUser> {
    // Twice: two browsers may come in for the first time at once, and an admin may remove who comes in.
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const { known, places, unknownTenants } = await this.#database.within(ACCOUNTS, () => this.#lookUp(arrival));
      const [home] = places;
      if (home === undefined) {
        if (known !== undefined) await this.#remove(known);
        throw await this.#withoutRole(arrival, known);
      }
      const { providerRole = null } = arrival.granted ?? {};
      const user =
        known === undefined
          ? await this.#make(home, providerRole, arrival)
          : await this.#changeProviderRole(known, providerRole);
      if (user === undefined) continue;
      await this.#memberships.bring(user, places);
      const there = { ...user, homeTenantId: home.tenantId, role: home.role };
      await this.#recordLogin(there, arrival.origin, unknownTenants);
      return there;
    }
    throw new Error('a user of the provider is made and removed again and again');
  }

  /** What there is of whom the mapping names, and where; a tenant that does not exist is a mistake of the mapping. */
  async #lookUp({ identity, granted }: Arrival) {
    const { sql } = this.#database;
    const known = await this.#repository.find(sql, identity);
    const [places, unknownTenants]: [OidcMembership[], string[]] = [[], []];
    for (const { tenant, role } of granted?.memberships ?? []) {
      const tenantId = await this.#repository.tenantByName(sql, tenant);
      if (tenantId === undefined) unknownTenants.push(tenant);
      else places.push({ tenantId, role });
    }
    return { known, places, unknownTenants };
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
      granted === undefined
        ? 'the mapping gives no role'
        : `there is no tenant ${granted.memberships.map(({ tenant }) => JSON.stringify(tenant)).join(', ')}`;
    return new OidcRefusal('no_role', `${why}: ${JSON.stringify(identity.subject)} does not come in`);
  }

  /** Undefined when somebody else was faster. */
  async #make({ tenantId, role }: OidcMembership, providerRole: Role | null, { identity, calledBy }: Arrival) {
    const made = { id: randomUUID(), homeTenantId: tenantId, role, providerRole, oidc: true };
    return this.#inTenant(tenantId, async (sql) => {
      for (const name of userNames(identity, calledBy)) {
        const user: OidcUser = { ...made, name };
        if (!(await this.#repository.insert(sql, user, identity))) continue;
        const details = { userId: user.id, userName: name, role, providerRole, ...identity };
        await this.#audit.append(sql, tenantId, { actor: user, action: 'user_created', details });
        return user;
      }
      return undefined;
    });
  }

  /** Undefined when the user is gone. */
  async #changeProviderRole(known: OidcUser, providerRole: Role | null) {
    const store = this.#inTenant(known.homeTenantId, async (sql) => {
      const before = await this.#repository.lock(sql, known.id);
      if (before === undefined) return undefined;
      if (providerRole === before.providerRole) return before;
      await this.#repository.changeProviderRole(sql, before.id, providerRole);
      const user: OidcUser = { ...before, providerRole };
      const change = { from: before.providerRole, to: providerRole };
      const details = { userId: user.id, userName: user.name, providerRole: change };
      await this.#audit.append(sql, user.homeTenantId, { actor: user, action: 'user_changed', details });
      return user;
    });
    return refusing(store, { users_provider_admin_remains: () => lastProviderAdmin(known) });
  }

  /** Who is nobody any more: sessions and API tokens go with it. */
  async #remove(user: OidcUser): Promise<void> {
    await this.#memberships.leaveOthers(user);
    const store = this.#inTenant(user.homeTenantId, async (sql) => {
      if ((await this.#repository.lock(sql, user.id)) === undefined) return;
      await this.#repository.remove(sql, user.id);
      const details = { userId: user.id, userName: user.name };
      await this.#audit.append(sql, user.homeTenantId, { actor: user, action: 'user_removed', details });
    });
    await refusing(store, { users_provider_admin_remains: () => lastProviderAdmin(user) });
  }

  #recordLogin(user: OidcUser, { address, userAgent }: SessionOrigin, unknownTenants: string[]): Promise<void> {
    const login = { userId: user.id, userName: user.name, address, userAgent };
    const details = unknownTenants.length === 0 ? login : { ...login, unknownTenants };
    const deed = { actor: user, action: 'oidc_login', details } as const;
    return this.#inTenant(user.homeTenantId, (sql) => this.#audit.append(sql, user.homeTenantId, deed));
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
