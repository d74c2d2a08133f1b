import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { type PageRequest, pageEnd } from '../../platform/database/page-request.js';
import type { Role } from '../../platform/http/role.js';
import type { ApiToken } from './api-token.dto.js';

/** A token that is good, and its maker as the maker is now. */
export interface TokenHolder {
  readonly tokenId: string;
  readonly tokenName: string;
  readonly tokenRole: Role;
  readonly tenantId: string;
  readonly userId: string;
  readonly userName: string;
  readonly userHomeTenantId: string;
  /** As a member of the tenant; null for who is none. */
  readonly userRole: Role | null;
  readonly userProviderRole: Role | null;
  readonly userOidc: boolean;
}

interface ApiTokenRow extends Pick<ApiToken, 'id' | 'name' | 'role' | 'userName'> {
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly lastUsedAt: Date | null;
}

@Injectable()
export class ApiTokensRepository {
  /** Of one user; of all when `userId` is null. */
  async list(sql: SqlExecutor, tenantId: string, userId: string | null, page?: PageRequest): Promise<ApiToken[]> {
    const rows = await sql<ApiTokenRow[]>`
      select id, name, role, user_name, created_at, expires_at, last_used_at from api_tokens
      where tenant_id = ${tenantId} and user_id = coalesce(${userId}, user_id)
      ${pageEnd(sql, page, [sql`user_name`, sql`name`, sql`id`])}`;
    return rows.map(tokenOf);
  }

  /** How many the user has in the tenant; no other is added until the end of the transaction. */
  async count(sql: SqlExecutor, tenantId: string, userId: string): Promise<number> {
    await sql`select pg_advisory_xact_lock(hashtext('weft api tokens'), hashtext(${userId}))`;
    const [row] = await sql<{ count: number }[]>`
      select count(*)::integer as count from api_tokens where tenant_id = ${tenantId} and user_id = ${userId}`;
    return row?.count ?? 0;
  }

  async insert(
    sql: SqlExecutor,
    token: {
      id: string;
      tenantId: string;
      userId: string;
      userName: string;
      name: string;
      role: Role;
      lifetimeDays: number;
    },
    secretHash: Uint8Array,
  ): Promise<void> {
    await sql`
      insert into api_tokens (id, tenant_id, user_id, user_name, name, role, secret_hash, expires_at)
      values (${token.id}, ${token.tenantId}, ${token.userId}, ${token.userName}, ${token.name}, ${token.role}, ${secretHash},
        now() + make_interval(days => ${token.lifetimeDays}))`;
  }

  /** Of one user; of anybody when `userId` is null. What it was; undefined when there is none. */
  async remove(
    sql: SqlExecutor,
    tenantId: string,
    tokenId: string,
    userId: string | null,
  ): Promise<{ name: string; userName: string } | undefined> {
    const [row] = await sql<{ name: string; userName: string }[]>`
      delete from api_tokens
      where tenant_id = ${tenantId} and id = ${tokenId} and user_id = coalesce(${userId}, user_id)
      returning name, user_name`;
    return row;
  }

  async holder(sql: SqlExecutor, secretHash: Uint8Array, now: Date): Promise<TokenHolder | undefined> {
    const [row] = await sql<TokenHolder[]>`
      select t.id as token_id, t.name as token_name, t.role as token_role, t.tenant_id, u.id as user_id,
        u.name as user_name, u.tenant_id as user_home_tenant_id, m.role as user_role, u.provider_role as user_provider_role,
        u.oidc_subject is not null as user_oidc
      from api_tokens t join users u on u.id = t.user_id
        left join tenant_members m on m.user_id = t.user_id and m.tenant_id = t.tenant_id
      where t.secret_hash = ${secretHash} and t.expires_at > ${now}`;
    return row;
  }

  /** At most one write a minute, however busy the token. */
  async used(sql: SqlExecutor, tokenId: string, now: Date): Promise<void> {
    await sql`
      update api_tokens set last_used_at = ${now}
      where id = ${tokenId} and (last_used_at is null or last_used_at < ${now}::timestamptz - interval '1 minute')`;
  }
}

function tokenOf(row: ApiTokenRow): ApiToken {
  return {
    ...row,
    createdAt: row.createdAt.toISOString(),
    expiresAt: row.expiresAt.toISOString(),
    lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
  };
}
