import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import type { FabricEventType } from './fabric-event-types.js';

/** The journal of a tenant as it is now. */
export interface Journal {
  readonly journal: string;
  /** Number of its newest event; 0: there was none yet. */
  readonly last: bigint;
}

/** An event as it is stored. */
export interface StoredFabricEvent {
  readonly sequence: bigint;
  readonly type: FabricEventType;
  readonly occurredAt: Date;
  readonly recordedAt: Date;
  readonly edgeId: string | null;
  readonly edgeName: string | null;
  readonly tunnelId: string | null;
  readonly revision: number | null;
  readonly actor: string | null;
  readonly cause: string | null;
  readonly detail: string | null;
  readonly count: string | null;
}

/** The tables event_journals and fabric_events. Triggers fill them. */
@Injectable()
export class FabricEventsRepository {
  /** Makes the journal when nothing has happened yet: it has its name from then on. */
  async journal(sql: SqlExecutor, tenantId: string): Promise<Journal> {
    const find = () => sql<Journal[]>`select journal, last from event_journals where tenant_id = ${tenantId}`;
    const [found] = await find();
    if (found !== undefined) return found;
    await sql`insert into event_journals (tenant_id) values (${tenantId}) on conflict do nothing`;
    const [made] = await find();
    if (made === undefined) throw new Error('a journal was made and is not there');
    return made;
  }

  /** The journals of these tenants, as far as they have one. */
  journals(sql: SqlExecutor, tenantIds: readonly string[]): Promise<(Journal & { readonly tenantId: string })[]> {
    return sql<(Journal & { tenantId: string })[]>`
      select tenant_id, journal, last from event_journals where tenant_id = any (${[...tenantIds]}::uuid[])`;
  }

  /** In order, behind the event with this number. */
  list(sql: SqlExecutor, tenantId: string, after: bigint, limit: number): Promise<StoredFabricEvent[]> {
    return sql<StoredFabricEvent[]>`
      select sequence, type, occurred_at, recorded_at, edge_id, edge_name, tunnel_id, revision, actor, cause, detail, count::text
      from fabric_events where tenant_id = ${tenantId} and sequence > ${String(after)}::bigint
      order by sequence limit ${limit}`;
  }
}
