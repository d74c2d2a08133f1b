import { fabricEventOf } from '../events/fabric-event-of.js';
import type { StoredFabricEvent } from '../events/fabric-events.repository.js';
import type { ClaimedDelivery } from './webhook-queue.js';

/** What is posted: type, time and data, as Standard Webhooks recommends. The same event has the same text each time. */
export function webhookBody({ type, event, createdAt }: Pick<ClaimedDelivery, 'type' | 'event' | 'createdAt'>): string {
  const row = event as Partial<EventRow>;
  const data = row.sequence === undefined ? {} : fabricEventOf(row.journal ?? '', storedOf(row as EventRow));
  return JSON.stringify({ type, timestamp: createdAt.toISOString(), data });
}

/** A row of fabric_events as Postgres makes JSON of it. */
interface EventRow {
  readonly journal: string;
  readonly sequence: number;
  readonly type: StoredFabricEvent['type'];
  readonly occurred_at: string;
  readonly recorded_at: string;
  readonly edge_id: string | null;
  readonly edge_name: string | null;
  readonly tunnel_id: string | null;
  readonly revision: number | null;
  readonly actor: string | null;
  readonly cause: string | null;
  readonly detail: string | null;
  readonly count: number | null;
}

function storedOf(row: EventRow): StoredFabricEvent {
  const { sequence, type, revision, actor, cause, detail, count } = row;
  return {
    sequence: BigInt(sequence),
    type,
    occurredAt: new Date(row.occurred_at),
    recordedAt: new Date(row.recorded_at),
    edgeId: row.edge_id,
    edgeName: row.edge_name,
    tunnelId: row.tunnel_id,
    revision,
    actor,
    cause,
    detail,
    count: count === null ? null : BigInt(count).toString(),
  };
}
