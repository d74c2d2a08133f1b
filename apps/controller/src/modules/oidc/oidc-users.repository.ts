import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import type { Account } from '../../platform/http/current-user.decorator.js';
import type { Role } from '../../platform/http/role.js';
import type { OidcIdentity } from './user-name.js';

/** Somebody who logs in at the provider, with the roles that they have. */
export interface OidcUser extends Account {
  readonly role: Role;
  readonly providerRole: Role | null;
}

@Injectable()
export class OidcUsersRepository {
  async find(sql: SqlExecutor, { issuer, subject }: OidcIdentity): Promise<OidcUser | undefined> {
    const [user] = await sql<OidcUser[]>`
      select id, name, tenant_id as home_tenant_id, role, provider_role, true as oidc from users
      where oidc_issuer = ${issuer} and oidc_subject = ${subject}`;
    return user;
  }

  /** As found; the user stays as it is until the end of the transaction. Undefined when it is gone. */
  async lock(sql: SqlExecutor, userId: string): Promise<OidcUser | undefined> {
    const [user] = await sql<OidcUser[]>`
      select id, name, tenant_id as home_tenant_id, role, provider_role, true as oidc from users where id = ${userId} for update`;
    return user;
  }

  /** False when there is the identity or the name already. */
  async insert(sql: SqlExecutor, user: OidcUser, { issuer, subject }: OidcIdentity): Promise<boolean> {
    const { count } = await sql`
      insert into users (id, tenant_id, name, role, provider_role, oidc_issuer, oidc_subject)
      values (${user.id}, ${user.homeTenantId}, ${user.name}, ${user.role}, ${user.providerRole}, ${issuer}, ${subject})
      on conflict do nothing`;
    return count > 0;
  }

  async changeRoles(sql: SqlExecutor, { id, role, providerRole }: OidcUser): Promise<void> {
    await sql`update users set role = ${role}, provider_role = ${providerRole} where id = ${id}`;
  }

  /** With sessions and API tokens. */
  async remove(sql: SqlExecutor, userId: string): Promise<void> {
    await sql`delete from users where id = ${userId}`;
  }

  async tenantByName(sql: SqlExecutor, name: string): Promise<string | undefined> {
    const [tenant] = await sql<{ id: string }[]>`select id from tenants where name = ${name}`;
    return tenant?.id;
  }

  /** In whose audit log there is what belongs to no tenant. */
  async oldestTenant(sql: SqlExecutor): Promise<string> {
    const [tenant] = await sql<{ id: string }[]>`select id from tenants order by created_at, id limit 1`;
    if (tenant === undefined) throw new Error('there is no tenant');
    return tenant.id;
  }
}
