import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { type PageRequest, pageEnd } from '../../platform/database/page-request.js';
import type { Role } from '../../platform/http/role.js';
import type { Invitation, OwnInvitation } from './invitation.dto.js';

interface Dated {
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

interface NewInvitation {
  readonly id: string;
  readonly userName: string;
  readonly role: Role;
  readonly invitedBy: string;
  readonly lifetimeDays: number;
}

/** The table tenant_invitations. What has expired is as good as gone. */
@Injectable()
export class InvitationsRepository {
  async list(sql: SqlExecutor, tenantId: string, page?: PageRequest): Promise<Invitation[]> {
    const rows = await sql<(Omit<Invitation, 'createdAt' | 'expiresAt'> & Dated)[]>`
      select ${this.#columns(sql)} from tenant_invitations
      where tenant_id = ${tenantId} and expires_at > now()
      ${pageEnd(sql, page, [sql`user_name`, sql`id`])}`;
    return rows.map(dated);
  }

  /** How many have not been answered; no other is made until the end of the transaction. What has expired goes. */
  async count(sql: SqlExecutor, tenantId: string): Promise<number> {
    await sql`select pg_advisory_xact_lock(hashtext('weft invitations'), hashtext(${tenantId}))`;
    await sql`delete from tenant_invitations where tenant_id = ${tenantId} and expires_at <= now()`;
    const [row] = await sql<{ count: number }[]>`
      select count(*)::integer as count from tenant_invitations where tenant_id = ${tenantId}`;
    return row?.count ?? 0;
  }

  async insert(sql: SqlExecutor, tenantId: string, invitation: NewInvitation): Promise<Invitation[]> {
    const { id, userName, role, invitedBy, lifetimeDays } = invitation;
    const rows = await sql<(Omit<Invitation, 'createdAt' | 'expiresAt'> & Dated)[]>`
      insert into tenant_invitations (id, tenant_id, tenant_name, user_name, role, invited_by, expires_at)
      select ${id}, id, name, ${userName}, ${role}, ${invitedBy}, now() + make_interval(days => ${lifetimeDays})
      from tenants where id = ${tenantId}
      returning ${this.#columns(sql)}`;
    return rows.map(dated);
  }

  /** For whom it was; undefined when there is none. */
  async remove(sql: SqlExecutor, tenantId: string, invitationId: string): Promise<string | undefined> {
    const [row] = await sql<{ userName: string }[]>`
      delete from tenant_invitations where tenant_id = ${tenantId} and id = ${invitationId} returning user_name`;
    return row?.userName;
  }

  /** Of the person whose scope it is; of one invitation when it is named. */
  async own(sql: SqlExecutor, page?: PageRequest, invitationId: string | null = null): Promise<OwnInvitation[]> {
    const rows = await sql<(Omit<OwnInvitation, 'createdAt' | 'expiresAt'> & Dated)[]>`
      select id, tenant_id, tenant_name, role, invited_by, created_at, expires_at from tenant_invitations
      where id = coalesce(${invitationId}::uuid, id) ${pageEnd(sql, page, [sql`tenant_name`, sql`id`])}`;
    return rows.map(dated);
  }

  /** The invitation is used up by it. */
  async join(
    sql: SqlExecutor,
    { tenantId, role }: Pick<OwnInvitation, 'tenantId' | 'role'>,
    user: { readonly id: string; readonly name: string },
  ): Promise<void> {
    await sql`
      insert into tenant_members (tenant_id, user_id, user_name, role)
      values (${tenantId}, ${user.id}, ${user.name}, ${role})`;
  }

  #columns(sql: SqlExecutor) {
    return sql`id, user_name, role, invited_by, created_at, expires_at`;
  }
}

function dated<T extends Dated>(row: T): Omit<T, keyof Dated> & { createdAt: string; expiresAt: string } {
  return { ...row, createdAt: row.createdAt.toISOString(), expiresAt: row.expiresAt.toISOString() };
}
