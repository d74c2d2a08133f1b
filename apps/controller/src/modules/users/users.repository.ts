import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { type PageRequest, pageEnd } from '../../platform/database/page-request.js';
import type { Role } from '../../platform/http/role.js';
import type { User } from './user.dto.js';

type UserRow = Omit<User, 'createdAt' | 'oidc'> & {
  readonly createdAt: Date;
  readonly oidcIssuer: string | null;
  readonly oidcSubject: string | null;
};

/** What of a user is to become something else. */
export interface UserChange {
  readonly role: Role;
  readonly providerRole: Role | null;
  /** Undefined: the password stays. */
  readonly passwordHash: string | undefined;
}

@Injectable()
export class UsersRepository {
  async list(sql: SqlExecutor, tenantId: string, page?: PageRequest): Promise<User[]> {
    const rows = await sql<UserRow[]>`
      select ${columns(sql)} from users where tenant_id = ${tenantId}
      ${pageEnd(sql, page, [sql`name`, sql`id`])}`;
    return rows.map(userOf);
  }

  async read(sql: SqlExecutor, tenantId: string, userId: string): Promise<User | undefined> {
    const [row] = await sql<UserRow[]>`
      select ${columns(sql)} from users where tenant_id = ${tenantId} and id = ${userId}`;
    return row && userOf(row);
  }

  /** As read; the user stays as it is until the end of the transaction. */
  async lock(sql: SqlExecutor, tenantId: string, userId: string): Promise<User | undefined> {
    const [row] = await sql<UserRow[]>`
      select ${columns(sql)} from users where tenant_id = ${tenantId} and id = ${userId} for update`;
    return row && userOf(row);
  }

  async insert(
    sql: SqlExecutor,
    tenantId: string,
    user: Pick<User, 'id' | 'name' | 'role' | 'providerRole'>,
    passwordHash: string,
  ): Promise<void> {
    await sql`
      insert into users (id, tenant_id, name, password_hash, role, provider_role)
      values (${user.id}, ${tenantId}, ${user.name}, ${passwordHash}, ${user.role}, ${user.providerRole})`;
  }

  /** A new password ends the sessions. */
  async update(sql: SqlExecutor, userId: string, { role, providerRole, passwordHash }: UserChange): Promise<void> {
    await sql`
      update users set
        role = ${role},
        provider_role = ${providerRole},
        password_hash = coalesce(${passwordHash ?? null}, password_hash)
      where id = ${userId}`;
    if (passwordHash !== undefined) await this.endSessions(sql, userId);
  }

  async endSessions(sql: SqlExecutor, userId: string): Promise<void> {
    await sql`delete from http_sessions where user_id = ${userId}`;
  }

  /** From the tenant; the account goes with the last membership. */
  async remove(sql: SqlExecutor, tenantId: string, userId: string): Promise<void> {
    await sql`delete from tenant_members where tenant_id = ${tenantId} and user_id = ${userId}`;
  }
}

function columns(sql: SqlExecutor) {
  return sql`id, name, role, provider_role, oidc_issuer, oidc_subject, version, created_at,
    exists (select from totp_factors f where f.user_id = users.id and f.confirmed_at is not null) as totp`;
}

function userOf({ oidcIssuer: issuer, oidcSubject: subject, createdAt, ...row }: UserRow): User {
  const oidc = issuer === null || subject === null ? null : { issuer, subject };
  return { ...row, oidc, createdAt: createdAt.toISOString() };
}
