import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { type PageRequest, pageEnd } from '../../platform/database/page-request.js';
import type { Role } from '../../platform/http/role.js';
import type { Member, Membership } from './member.dto.js';

type MemberRow = Omit<Member, 'joinedAt'> & { readonly joinedAt: Date };
type MembershipRow = Omit<Membership, 'joinedAt'> & { readonly joinedAt: Date };

/** What counts of the account of a member, whichever tenant keeps it. */
export interface MemberAccount {
  readonly providerRole: Role | null;
  readonly oidc: boolean;
}

@Injectable()
export class MembersRepository {
  async list(sql: SqlExecutor, tenantId: string, page?: PageRequest): Promise<Member[]> {
    const rows = await sql<MemberRow[]>`
      select user_id, user_name, role, user_id in (select members_by_oidc()) as oidc, version, joined_at
      from tenant_members where tenant_id = ${tenantId}
      ${pageEnd(sql, page, [sql`user_name`, sql`user_id`])}`;
    return rows.map(dated);
  }

  async read(sql: SqlExecutor, tenantId: string, userId: string): Promise<Member | undefined> {
    const [row] = await sql<MemberRow[]>`
      select user_id, user_name, role, user_id in (select members_by_oidc()) as oidc, version, joined_at from tenant_members
      where tenant_id = ${tenantId} and user_id = ${userId}`;
    return row && dated(row);
  }

  /** It stays as it is, with its memberships, until the end of the transaction. Undefined when it is gone. */
  async lockAccount(sql: SqlExecutor, userId: string): Promise<MemberAccount | undefined> {
    const [account] = await sql<MemberAccount[]>`select provider_role, oidc from lock_member_account(${userId})`;
    return account;
  }

  async changeRole(sql: SqlExecutor, tenantId: string, userId: string, role: Role): Promise<void> {
    await sql`update tenant_members set role = ${role} where tenant_id = ${tenantId} and user_id = ${userId}`;
  }

  async remove(sql: SqlExecutor, tenantId: string, userId: string): Promise<void> {
    await sql`delete from tenant_members where tenant_id = ${tenantId} and user_id = ${userId}`;
  }

  /** Of one person in all tenants, by the name of the tenant. */
  async memberships(sql: SqlExecutor, userId: string, page?: PageRequest): Promise<Membership[]> {
    const rows = await sql<MembershipRow[]>`
      select m.tenant_id, t.name as tenant_name, m.role, m.joined_at
      from tenant_members m join tenants t on t.id = m.tenant_id where m.user_id = ${userId}
      ${pageEnd(sql, page, [sql`t.name`, sql`t.id`])}`;
    return rows.map(dated);
  }
}

function dated<T extends { readonly joinedAt: Date }>(row: T): Omit<T, 'joinedAt'> & { joinedAt: string } {
  return { ...row, joinedAt: row.joinedAt.toISOString() };
}
