import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { type PageRequest, pageEnd } from '../../platform/database/page-request.js';
import type { CreateEdge, UpdateEdge } from './edge.dto.js';

/** An edge as it is stored, with the certificate that speaks for it. */
export interface StoredEdge {
  readonly id: string;
  readonly siteId: string;
  readonly name: string;
  readonly underlayAddress: string;
  /** In order of preference. */
  readonly otherUnderlayAddresses: readonly string[];
  readonly underlayPort: number;
  readonly preference: number;
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly enrolledAt: Date | null;
  readonly certificateNotBefore: Date | null;
  readonly certificateNotAfter: Date | null;
  readonly revokedAt: Date | null;
  readonly revocationReason: string | null;
}

@Injectable()
export class EdgesRepository {
  list(sql: SqlExecutor, tenantId: string, page?: PageRequest): Promise<StoredEdge[]> {
    return sql<
      StoredEdge[]
    >`${this.#select(sql)} where e.tenant_id = ${tenantId} ${pageEnd(sql, page, [sql`e.name`, sql`e.id`])}`;
  }

  async read(sql: SqlExecutor, tenantId: string, edgeId: string): Promise<StoredEdge | undefined> {
    const [edge] = await sql<StoredEdge[]>`
      ${this.#select(sql)} where e.tenant_id = ${tenantId} and e.id = ${edgeId}`;
    return edge;
  }

  /** Version of an edge, which nobody else changes until the end of the transaction. */
  async lockVersion(sql: SqlExecutor, tenantId: string, edgeId: string): Promise<number | undefined> {
    const [row] = await sql<{ version: number }[]>`
      select version from edges where tenant_id = ${tenantId} and id = ${edgeId} for update`;
    return row?.version;
  }

  /** Without a preference it comes behind all other edges of its site. */
  async insert(sql: SqlExecutor, tenantId: string, id: string, edge: CreateEdge): Promise<void> {
    await sql`
      insert into edges (
        id, tenant_id, site_id, name, underlay_address, other_underlay_addresses, underlay_port, preference)
      values (
        ${id}, ${tenantId}, ${edge.siteId}, ${edge.name}, ${edge.underlayAddress}::text::inet,
        ${edge.otherUnderlayAddresses}::text[]::inet[], ${edge.underlayPort},
        coalesce(
          ${edge.preference ?? null}::integer,
          (select max(preference) + 1 from edges where tenant_id = ${tenantId} and site_id = ${edge.siteId}),
          1))`;
  }

  async update(sql: SqlExecutor, tenantId: string, edgeId: string, change: UpdateEdge): Promise<void> {
    await sql`
      update edges set
        name = coalesce(${change.name ?? null}, name),
        underlay_address = coalesce(${change.underlayAddress ?? null}::text::inet, underlay_address),
        other_underlay_addresses = coalesce(${change.otherUnderlayAddresses ?? null}::text[]::inet[], other_underlay_addresses),
        underlay_port = coalesce(${change.underlayPort ?? null}, underlay_port),
        preference = coalesce(${change.preference ?? null}::integer, preference),
        updated_at = now()
      where tenant_id = ${tenantId} and id = ${edgeId}`;
  }

  async remove(sql: SqlExecutor, tenantId: string, edgeId: string): Promise<void> {
    await sql`delete from edges where tenant_id = ${tenantId} and id = ${edgeId}`;
  }

  #select(sql: SqlExecutor) {
    return sql`
      select e.id, e.site_id, e.name, host(e.underlay_address) as underlay_address,
        ${otherUnderlayAddresses(sql)} as other_underlay_addresses, e.underlay_port, e.preference, e.version,
        e.created_at, e.updated_at, e.revoked_at, e.revocation_reason, c.enrolled_at, c.certificate_not_before,
        c.certificate_not_after
      from edges e
      left join lateral (
        select max(issued_at) filter (where renewal_of is null) as enrolled_at, max(not_after) as certificate_not_after,
          max(not_before) as certificate_not_before
        from certificates c where c.tenant_id = e.tenant_id and c.edge_id = e.id and c.revoked_at is null
      ) c on true`;
  }
}

/** Of the edge `e`, in order, as text; the preferred address is not among them. */
export function otherUnderlayAddresses(sql: SqlExecutor) {
  return sql`array(select host(address) from unnest(e.other_underlay_addresses) with ordinality as uplink (address, place) order by place)`;
}
