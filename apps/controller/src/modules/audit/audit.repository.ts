import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import type { CurrentUser } from '../../platform/http/current-user.decorator.js';
import type { AuditEntry, AuditQuery } from './audit.dto.js';

type AuditRow = Omit<AuditEntry, 'at' | 'hash'> & { readonly at: Date; readonly hash: Buffer };

/** What somebody did. */
export type Deed = Pick<AuditEntry, 'action' | 'details'> & { readonly actor: Pick<CurrentUser, 'name' | 'apiToken'> };

/** Entries are added and never changed: the table refuses it, and chains them by their hashes. */
@Injectable()
export class AuditRepository {
  /** In the transaction of what it tells of: one is not without the other. */
  async append(sql: SqlExecutor, tenantId: string, { actor, action, details }: Deed): Promise<void> {
    const whole = actor.apiToken === undefined ? details : { ...details, apiToken: actor.apiToken };
    await sql`
      insert into audit_entries (tenant_id, actor, action, details)
      values (${tenantId}, ${actor.name}, ${action}, ${JSON.stringify(whole)}::text::jsonb)`;
  }

  /** Newest first. */
  async list(sql: SqlExecutor, tenantId: string, query: AuditQuery): Promise<AuditEntry[]> {
    const { before, actor, action, object, since, until, limit } = query;
    // Each has an index, which a condition that may be none would not use.
    const rows = await sql<AuditRow[]>`
      select sequence, at, actor, action, details, hash from audit_entries
      where tenant_id = ${tenantId}
        ${before === undefined ? sql`` : sql`and sequence < ${before}`}
        ${actor === undefined ? sql`` : sql`and actor = ${actor}`}
        ${action === undefined ? sql`` : sql`and action = ${action}`}
        ${since === undefined ? sql`` : sql`and at >= ${since}`}
        ${until === undefined ? sql`` : sql`and at < ${until}`}
        ${object === undefined ? sql`` : sql`and sequence in (select sequence from audit_objects where tenant_id = ${tenantId} and object = ${object})`}
      order by sequence desc limit ${limit}`;
    return rows.map((row) => ({ ...row, at: row.at.toISOString(), hash: row.hash.toString('hex') }));
  }

  async brokenAt(sql: SqlExecutor, tenantId: string): Promise<number | null> {
    const [row] = await sql<{ brokenAt: number | null }[]>`select audit_broken_at(${tenantId}) as broken_at`;
    return row?.brokenAt ?? null;
  }
}
