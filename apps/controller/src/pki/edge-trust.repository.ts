import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../platform/database/connection-options.js';
import type { EdgeIdentity } from './edge-identity.js';

/** What an edge has on its disk, as it says. */
export interface HeldTrust {
  /** Of the trust bundle; 0 before the first. */
  readonly version: bigint;
  /** Lower-case hex. */
  readonly certificateSerial: string;
}

/** An edge that would be lost with a certificate authority. */
export interface DependentEdge {
  readonly tenantName: string;
  readonly edgeName: string;
  readonly edgeId: string;
  readonly reason: /** Its certificate, or one that it may come with next, is of the authority before. */
    | 'certificate'
    /** It has not said that it trusts the present one. */
    | 'trust';
}

/** The table edge_trust: whom edges believe, and what they show. */
@Injectable()
export class EdgeTrustRepository {
  /** Takes the place of what the edge said before. */
  async record(
    sql: SqlExecutor,
    { tenantId, edgeId }: EdgeIdentity,
    { version, certificateSerial }: HeldTrust,
  ): Promise<void> {
    await sql`
      insert into edge_trust (tenant_id, edge_id, version, certificate_serial)
      values (${tenantId}, ${edgeId}, ${version}, ${certificateSerial})
      on conflict (edge_id) do update
      set version = excluded.version, certificate_serial = excluded.certificate_serial, reported_at = now()`;
  }

  /**
   * Edges with a certificate in force that would not be believed, or would not believe, without the authority before. What
   * counts is what an edge says that it has stored: of a certificate that was issued it is not known whether it arrived.
   *
   * @param authority SHA-256 of the root certificate that stays
   * @param version the trust bundle that holds it
   */
  async dependents(sql: SqlExecutor, authority: Buffer, version: number): Promise<DependentEdge[]> {
    return sql<DependentEdge[]>`
      select t.name as tenant_name, e.name as edge_name, e.id as edge_id,
        case when held.version >= ${version} then 'certificate' else 'trust' end as reason
      from edges e
      join tenants t on t.id = e.tenant_id
      left join edge_trust held on held.edge_id = e.id
      left join certificates shown on shown.serial = held.certificate_serial and shown.edge_id = e.id
        and shown.revoked_at is null and shown.not_after > now()
      where e.revoked_at is null
        and exists (
          select from certificates c where c.edge_id = e.id and c.revoked_at is null and c.not_after > now())
        and (
          held.version is null or held.version < ${version} or shown.authority is distinct from ${authority}::bytea
          -- Enrolled anew with a certificate that it has not shown yet.
          or exists (
            select from certificates c where c.edge_id = e.id and c.revoked_at is null and c.not_after > now()
              and c.enrollment > shown.enrollment and c.authority is distinct from ${authority}::bytea))
      order by t.name, e.name`;
  }

  /** Edges of a tenant with a certificate in force, by name. */
  async certified(sql: SqlExecutor, tenantId: string): Promise<Pick<DependentEdge, 'edgeId' | 'edgeName'>[]> {
    return sql<Pick<DependentEdge, 'edgeId' | 'edgeName'>[]>`
      select e.id as edge_id, e.name as edge_name from edges e
      where e.tenant_id = ${tenantId} and e.revoked_at is null
        and exists (
          select from certificates c where c.edge_id = e.id and c.revoked_at is null and c.not_after > now())
      order by e.name`;
  }
}
