import { Injectable } from '@nestjs/common';
import type { EdgeEvent } from '@weft/contracts/southbound';
import type { SqlExecutor } from '../platform/database/connection-options.js';
import { type EventKindName, eventKindName } from './edge-event-kinds.js';

/** Whose events they are, and of which run of its agent. */
export interface EventSource {
  readonly tenantId: string;
  readonly edgeId: string;
  readonly bootId: string;
}

export interface StoredEdgeEvent {
  /** In order of arrival. */
  readonly id: bigint;
  readonly edgeId: string;
  /** Null when the edge is gone. */
  readonly edgeName: string | null;
  readonly kind: EventKindName;
  /** By the clock of the edge. */
  readonly occurredAt: Date;
  readonly receivedAt: Date;
  readonly tunnelId: string | null;
  readonly cause: string | null;
  readonly detail: string | null;
  readonly count: string | null;
}

export interface EventQuery {
  readonly edgeId?: string | undefined;
  readonly kind?: EventKindName | undefined;
  /** Only events that were stored before this one. */
  readonly before?: bigint | undefined;
  readonly limit: number;
}

/** The table edge_events: the newest events of each edge and of each tenant. */
@Injectable()
export class EdgeEventsRepository {
  /** Stores what is not there yet, and removes the oldest of the edge and of the tenant beyond their bounds. */
  async store(sql: SqlExecutor, source: EventSource, events: readonly EdgeEvent[]): Promise<void> {
    const { tenantId, edgeId, bootId } = source;
    const stored = await sql<{ id: bigint }[]>`
      insert into edge_events (tenant_id, edge_id, boot_id, number, kind, occurred_at, tunnel_id, cause, detail, count)
      select ${tenantId}, ${edgeId}, ${bootId}, number, kind, at, tunnel, cause, detail, count
      from jsonb_to_recordset(${JSON.stringify(events.map(rowOf))}::text::jsonb)
        as e(number bigint, kind text, at timestamptz, tunnel uuid, cause text, detail text, count numeric)
      order by number
      on conflict (edge_id, boot_id, number) do nothing
      returning id`;
    if (stored.length === 0) return;
    await sql`
      delete from edge_events where edge_id = ${edgeId} and id <= (
        select id from edge_events where edge_id = ${edgeId} order by id desc offset ${MOST_OF_AN_EDGE} limit 1)`;
    await sql`
      delete from edge_events where tenant_id = ${tenantId} and id <= (
        select id from edge_events where tenant_id = ${tenantId} order by id desc offset ${MOST_OF_A_TENANT} limit 1)`;
  }

  /** Newest first. */
  list(sql: SqlExecutor, tenantId: string, query: EventQuery): Promise<StoredEdgeEvent[]> {
    const { edgeId = null, kind = null, before = null, limit } = query;
    return sql<StoredEdgeEvent[]>`
      select v.id, v.edge_id, e.name as edge_name, v.kind, v.occurred_at, v.received_at, v.tunnel_id, v.cause, v.detail, v.count::text
      from edge_events v left join edges e on e.tenant_id = v.tenant_id and e.id = v.edge_id
      where v.tenant_id = ${tenantId}
        and v.id < coalesce(${before === null ? null : String(before)}::bigint, 9223372036854775807)
        and (${edgeId}::uuid is null or v.edge_id = ${edgeId}::uuid)
        and (${kind}::text is null or v.kind = ${kind}::text)
      order by v.id desc limit ${limit}`;
  }
}

function rowOf({ number, kind, occurredAt, tunnelId, cause, detail, count }: EdgeEvent) {
  const orNull = (text: string) => (text === '' ? null : text);
  return {
    number: String(number),
    kind: eventKindName(kind),
    at: occurredAt?.toISOString(),
    tunnel: orNull(tunnelId),
    cause: orNull(cause),
    detail: orNull(detail),
    count: count === undefined ? null : String(count),
  };
}

/** One edge that has much to say does not push out the others. */
export const MOST_OF_AN_EDGE = 1_000;
export const MOST_OF_A_TENANT = 20_000;
