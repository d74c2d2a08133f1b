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

/** A role in a tenant. */
export interface OidcMembership {
  readonly tenantId: string;
  readonly role: Role;
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

  async changeProviderRole(sql: SqlExecutor, userId: string, providerRole: Role | null): Promise<void> {
    await sql`update users set provider_role = ${providerRole} where id = ${userId}`;
  }

  async memberships(sql: SqlExecutor, userId: string): Promise<OidcMembership[]> {
    return [...(await sql<OidcMembership[]>`select tenant_id, role from tenant_members where user_id = ${userId}`)];
  }

  /** False when they are a member already. */
  async join(sql: SqlExecutor, user: Account, { tenantId, role }: OidcMembership): Promise<boolean> {
    const { count } = await sql`
      insert into tenant_members (tenant_id, user_id, user_name, role)
      values (${tenantId}, ${user.id}, ${user.name}, ${role}) on conflict do nothing`;
    return count > 0;
  }

  /** False when they have that role already. */
  async changeRole(sql: SqlExecutor, userId: string, { tenantId, role }: OidcMembership): Promise<boolean> {
    const { count } = await sql`
      update tenant_members set role = ${role} where tenant_id = ${tenantId} and user_id = ${userId} and role <> ${role}`;
    return count > 0;
  }

  /** False when they are none any more. */
  async leave(sql: SqlExecutor, userId: string, tenantId: string): Promise<boolean> {
    const { count } = await sql`delete from tenant_members where tenant_id = ${tenantId} and user_id = ${userId}`;
    return count > 0;
  }

  /** Another of the tenants keeps the account. */
  async moveHome(sql: SqlExecutor, userId: string, { tenantId, role }: OidcMembership): Promise<void> {
    await sql`update users set tenant_id = ${tenantId}, role = ${role} where id = ${userId}`;
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
