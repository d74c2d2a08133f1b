import type { SqlExecutor } from '../platform/database/connection-options.js';

/** An edge as the metrics see it. */
export interface MeasuredEdge {
  readonly tenantId: string;
  readonly edgeId: string;
  /** Of the last certificate that it has; null before it is enrolled. */
  readonly certificateNotAfter: Date | null;
}

/** All edges of all tenants. */
export async function measuredEdges(sql: SqlExecutor): Promise<readonly MeasuredEdge[]> {
  return sql<MeasuredEdge[]>`
    select e.tenant_id, e.id as edge_id, max(c.not_after) filter (where c.revoked_at is null) as certificate_not_after
    from edges e left join certificates c on c.tenant_id = e.tenant_id and c.edge_id = e.id
    group by e.tenant_id, e.id`;
}
