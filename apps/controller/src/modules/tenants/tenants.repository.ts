import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { type PageRequest, pageEnd } from '../../platform/database/page-request.js';
import { tunnelStartJson } from '../stored-tunnel-start.js';
import type { Tenant, UpdateTenant } from './tenant.dto.js';

type TenantRow = Omit<Tenant, 'createdAt'> & { readonly createdAt: Date };

@Injectable()
export class TenantsRepository {
  /** Of all that the scope shows; `only` names one of them. */
  async list(sql: SqlExecutor, page?: PageRequest, only: string | null = null): Promise<Tenant[]> {
    const rows = await sql<TenantRow[]>`select ${this.#columns(sql)} from tenants
      where id = coalesce(${only}::uuid, id) ${pageEnd(sql, page, [sql`name`, sql`id`])}`;
    return rows.map(tenantOf);
  }

  async read(sql: SqlExecutor, tenantId: string): Promise<Tenant | undefined> {
    const [row] = await sql<TenantRow[]>`select ${this.#columns(sql)} from tenants where id = ${tenantId}`;
    return row && tenantOf(row);
  }

  async exists(sql: SqlExecutor, tenantId: string): Promise<boolean> {
    const rows = await sql`select from tenants where id = ${tenantId}`;
    return rows.length > 0;
  }

  async isMember(sql: SqlExecutor, tenantId: string, userId: string): Promise<boolean> {
    const rows = await sql`select from tenant_members where tenant_id = ${tenantId} and user_id = ${userId}`;
    return rows.length > 0;
  }

  async insert(sql: SqlExecutor, id: string, name: string): Promise<Tenant[]> {
    const rows = await sql<TenantRow[]>`
      insert into tenants (id, name) values (${id}, ${name}) returning ${this.#columns(sql)}`;
    return rows.map(tenantOf);
  }

  /** What the change does not name stays as it is. */
  async update(sql: SqlExecutor, tenantId: string, change: UpdateTenant): Promise<Tenant | undefined> {
    const start = change.tunnelStart;
    const idleSeconds = start?.kind === 'trap' ? start.idleSeconds : undefined;
    const [row] = await sql<TenantRow[]>`
      update tenants
      set
        keying_mode = coalesce(${change.keyingMode ?? null}, keying_mode),
        encapsulation = coalesce(${change.encapsulation ?? null}, encapsulation),
        security_protocol = coalesce(${change.securityProtocol ?? null}, security_protocol),
        mode = coalesce(${change.mode ?? null}, mode),
        default_profile_id = case when ${change.defaultProfileId === undefined} then default_profile_id
          else ${change.defaultProfileId ?? null}::uuid end,
        tunnel_start = coalesce(${start?.kind ?? null}, tunnel_start),
        idle_seconds = case when ${start === undefined} then idle_seconds else ${idleSeconds ?? null}::integer end,
        approval_required = coalesce(${change.approvalRequired ?? null}::boolean, approval_required)
      where id = ${tenantId} returning ${this.#columns(sql)}`;
    return row && tenantOf(row);
  }

  /** Until the end of the transaction nobody else publishes or orders in this tenant; reading and references go on. */
  async lock(sql: SqlExecutor, tenantId: string): Promise<void> {
    await sql`select from tenants where id = ${tenantId} for no key update`;
  }

  #columns(sql: SqlExecutor) {
    return sql`id, name, keying_mode, encapsulation, security_protocol, mode,
      ${tunnelStartJson(sql, sql`tenants`)} as tunnel_start, default_profile_id, approval_required, version, created_at`;
  }
}

function tenantOf(row: TenantRow): Tenant {
  return { ...row, createdAt: row.createdAt.toISOString() };
}
