import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { Database } from '../../platform/database/database.js';
import { ACCOUNTS, tenantScope } from '../../platform/database/database-scope.js';
import { AuditRepository, type Deed } from '../audit/audit.repository.js';
import { refusing } from '../constraint-violation.js';
import { OidcRefusal } from './oidc-refusal.js';
import { type OidcMembership, type OidcUser, OidcUsersRepository } from './oidc-users.repository.js';

/**
 * Where users of the provider are members: with each login what the mapping says. Each tenant sees its own part alone, in a transaction of
 * its own with its audit log; what another login does meanwhile comes to the same.
 */
@Injectable()
export class OidcMemberships {
  readonly #database: Database;
  readonly #repository: OidcUsersRepository;
  readonly #audit: AuditRepository;

  constructor(database: Database, repository: OidcUsersRepository, audit: AuditRepository) {
    this.#database = database;
    this.#repository = repository;
    this.#audit = audit;
  }

  /**
   * Makes these the memberships, of which the first keeps the account. None is left before the others are there: with the last one the
   * account would go. Throws OidcRefusal 'login_expired' when the user is removed meanwhile.
   */
  async bring(user: OidcUser, places: readonly OidcMembership[]): Promise<void> {
    const before = await this.#of(user);
    for (const place of places) {
      const role = before.get(place.tenantId);
      if (role === undefined) await this.#join(user, place);
      else if (role !== place.role) await this.#changeRole(user, place, role);
    }
    const [home] = places;
    if (home !== undefined && home.tenantId !== user.homeTenantId) await this.#moveHome(user, home);
    for (const tenantId of before.keys()) {
      if (!places.some((place) => place.tenantId === tenantId)) await this.#leave(user, tenantId);
    }
  }

  /** Leaves every tenant but the one that keeps the account. */
  async leaveOthers(user: OidcUser): Promise<void> {
    for (const tenantId of (await this.#of(user)).keys()) {
      if (tenantId !== user.homeTenantId) await this.#leave(user, tenantId);
    }
  }

  async #of({ id }: OidcUser): Promise<ReadonlyMap<string, OidcMembership['role']>> {
    const memberships = await this.#database.within(ACCOUNTS, () =>
      this.#repository.memberships(this.#database.sql, id),
    );
    return new Map(memberships.map(({ tenantId, role }) => [tenantId, role]));
  }

  async #join(user: OidcUser, place: OidcMembership): Promise<void> {
    const details = { userId: user.id, userName: user.name, role: place.role };
    const joined = this.#record(user, place.tenantId, { action: 'member_joined', details }, (sql) =>
      this.#repository.join(sql, user, place),
    );
    const gone = () => new OidcRefusal('login_expired', `${JSON.stringify(user.name)} was removed while coming in`);
    await refusing(joined, { tenant_members_user: gone, tenant_members_invitation: gone });
  }

  async #changeRole(user: OidcUser, place: OidcMembership, from: OidcMembership['role']): Promise<void> {
    const details = { userId: user.id, userName: user.name, role: { from, to: place.role } };
    await this.#record(user, place.tenantId, { action: 'member_role_changed', details }, (sql) =>
      this.#repository.changeRole(sql, user.id, place),
    );
  }

  async #leave(user: OidcUser, tenantId: string): Promise<void> {
    const details = { userId: user.id, userName: user.name };
    await this.#record(user, tenantId, { action: 'member_removed', details }, (sql) =>
      this.#repository.leave(sql, user.id, tenantId),
    );
  }

  /** In the scope of accounts: the row goes from the one tenant to the other. */
  #moveHome({ id }: OidcUser, home: OidcMembership): Promise<void> {
    return this.#database.within(ACCOUNTS, () =>
      this.#database.transaction((sql) => this.#repository.moveHome(sql, id, home)),
    );
  }

  /** What has changed something is in the audit log of the tenant. */
  #record(
    user: OidcUser,
    tenantId: string,
    deed: Omit<Deed, 'actor'>,
    change: (sql: SqlExecutor) => Promise<boolean>,
  ): Promise<void> {
    return this.#database.within(tenantScope(tenantId), () =>
      this.#database.transaction(async (sql) => {
        if (await change(sql)) await this.#audit.append(sql, tenantId, { actor: user, ...deed });
      }),
    );
  }
}
