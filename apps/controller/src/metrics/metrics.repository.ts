import type { SqlExecutor } from '../platform/database/connection-options.js';

/** An edge as the metrics see it. */
export interface MeasuredEdge {
  readonly tenantId: string;
  readonly edgeId: string;
  /** Of the last certificate that it has; null before it is enrolled. */
  readonly certificateNotAfter: Date | null;
}

/** The webhooks of a tenant as the metrics see them. */
export interface MeasuredWebhooks {
  readonly tenantId: string;
  readonly enabled: number;
  readonly paused: number;
  readonly disabled: number;
  readonly pending: number;
  /** Of those for enabled webhooks. */
  readonly oldestPending: Date | null;
}

/** Of all tenants that have webhooks. */
export async function measuredWebhooks(sql: SqlExecutor): Promise<readonly MeasuredWebhooks[]> {
  return sql<MeasuredWebhooks[]>`
    select w.tenant_id, count(*) filter (where w.enabled)::integer as enabled,
      count(*) filter (where not w.enabled and w.disabled_cause is null)::integer as paused,
      count(*) filter (where w.disabled_cause is not null)::integer as disabled,
      coalesce(sum(waiting.number), 0)::integer as pending, min(waiting.oldest) filter (where w.enabled) as oldest_pending
    from webhooks w cross join lateral (
      select count(*) as number, min(d.created_at) as oldest from webhook_deliveries d
      where d.webhook_id = w.id and d.status = 'pending'
    ) waiting
    group by w.tenant_id`;
}

/** All edges of all tenants. */
export async function measuredEdges(sql: SqlExecutor): Promise<readonly MeasuredEdge[]> {
  return sql<MeasuredEdge[]>`
    select e.tenant_id, e.id as edge_id, max(c.not_after) filter (where c.revoked_at is null) as certificate_not_after
    from edges e left join certificates c on c.tenant_id = e.tenant_id and c.edge_id = e.id
    group by e.tenant_id, e.id`;
}
