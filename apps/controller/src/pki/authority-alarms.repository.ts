import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../platform/database/connection-options.js';
import type { AuthorityExpiry, RaisedAlarm } from './authority-expiry.js';

/** An alarm as it is stored for a tenant. */
export interface StoredAlarm extends RaisedAlarm {
  readonly tenantId: string;
  readonly raisedAt: Date;
}

/** The table authority_alarms. Triggers tell the journal of each tenant. */
@Injectable()
export class AuthorityAlarmsRepository {
  /** Tenants that were never told of a certificate. */
  async untold(sql: SqlExecutor, fingerprint: Buffer): Promise<string[]> {
    const rows = await sql<{ id: string }[]>`
      select id from tenants t where not exists (
        select from authority_alarms a where a.tenant_id = t.id and a.fingerprint = ${fingerprint}::bytea)
      order by id`;
    return rows.map(({ id }) => id);
  }

  /** Nothing happens when another controller was first. */
  async raise(sql: SqlExecutor, tenantId: string, authority: AuthorityExpiry, now: Date): Promise<void> {
    const { fingerprint, certificate, notAfter } = authority;
    await sql`
      insert into authority_alarms (tenant_id, fingerprint, kind, not_after, raised_at)
      values (${tenantId}, ${fingerprint}, ${certificate}, ${notAfter}, ${now})
      on conflict do nothing`;
  }

  /** Alarms in whose place nothing has come yet, of every tenant that the scope admits. */
  async raised(sql: SqlExecutor): Promise<StoredAlarm[]> {
    return sql<StoredAlarm[]>`
      select tenant_id, fingerprint, kind, not_after, raised_at from authority_alarms where cleared_at is null
      order by tenant_id, raised_at`;
  }

  /** Nothing happens when another controller was first. */
  async clear(sql: SqlExecutor, { tenantId, fingerprint }: StoredAlarm, now: Date): Promise<void> {
    await sql`
      update authority_alarms set cleared_at = ${now}
      where tenant_id = ${tenantId} and fingerprint = ${fingerprint}::bytea and cleared_at is null`;
  }
}
