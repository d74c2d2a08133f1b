import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';

/** A delivery that this controller attempts now. */
export interface ClaimedDelivery {
  readonly id: string;
  readonly tenantId: string;
  readonly webhookId: string;
  readonly type: string;
  /** A row of fabric_events with the name of its journal; empty for a test. */
  readonly event: Readonly<Record<string, unknown>>;
  readonly createdAt: Date;
  /** This one included. */
  readonly attempts: number;
  readonly url: string;
  readonly sealedSecret: Uint8Array;
  /** That was in force before and still signs, too; null: there is none. */
  readonly previousSealedSecret: Uint8Array | null;
}

/** What came of an attempt. */
export type AttemptOutcome =
  | { readonly kind: 'delivered'; readonly status: number }
  | { readonly kind: 'failed'; readonly status: number | null; readonly failure: string };

export type DisabledCause = 'attempts_exhausted' | 'gone' | 'queue_full';

/** The table webhook_deliveries as the queue that it is. Several controllers take from it, each something else. */
@Injectable()
export class WebhookQueue {
  /**
   * The next due delivery of each webhook, other than those of `busy`: one at a time here, so that one that does not answer keeps nobody
   * waiting, and in order while all goes well. Nobody else gets it until the lease is over.
   */
  claim(
    sql: SqlExecutor,
    busy: readonly string[],
    most: number,
    leaseMilliseconds: number,
  ): Promise<ClaimedDelivery[]> {
    return sql<ClaimedDelivery[]>`
      update webhook_deliveries d set
        attempts = d.attempts + 1, last_attempt_at = now(),
        next_attempt_at = now() + ${leaseMilliseconds} * interval '1 millisecond'
      from (
        select due.id, w.url, w.sealed_secret,
          case when w.previous_secret_until > now() then w.previous_sealed_secret end as previous_sealed_secret
        from webhooks w cross join lateral (
          select id from webhook_deliveries
          where webhook_id = w.id and tenant_id = w.tenant_id and status = 'pending' and next_attempt_at <= now()
          order by next_attempt_at, created_at limit 1 for update skip locked
        ) due
        where w.enabled and w.id <> all (${[...busy]}::uuid[]) limit ${most}
      ) claimed
      where d.id = claimed.id
      returning d.id, d.tenant_id, d.webhook_id, d.type, d.event, d.created_at, d.attempts, claimed.url, claimed.sealed_secret,
        claimed.previous_sealed_secret`;
  }

  /** False when the lease was over and somebody else has tried it since: theirs counts. */
  async delivered(sql: SqlExecutor, { id, webhookId, attempts }: ClaimedDelivery, status: number): Promise<boolean> {
    const { count } = await sql`
      update webhook_deliveries set status = 'delivered', response_status = ${status}, failure = null
      where id = ${id} and attempts = ${attempts} and status = 'pending'`;
    await this.#forgetOld(sql, webhookId);
    return count > 0;
  }

  /** `delayMilliseconds`: until the next attempt; undefined: there is none. */
  async failed(
    sql: SqlExecutor,
    { id, webhookId, attempts }: ClaimedDelivery,
    outcome: Extract<AttemptOutcome, { kind: 'failed' }>,
    delayMilliseconds: number | undefined,
  ): Promise<boolean> {
    const { count } = await sql`
      update webhook_deliveries set status = ${delayMilliseconds === undefined ? 'failed' : 'pending'},
        next_attempt_at = now() + ${delayMilliseconds ?? 0} * interval '1 millisecond',
        response_status = ${outcome.status}, failure = ${outcome.failure}
      where id = ${id} and attempts = ${attempts} and status = 'pending'`;
    if (delayMilliseconds === undefined) await this.#forgetOld(sql, webhookId);
    return count > 0;
  }

  /** What waits stays, until somebody enables it. An event in the journal says so. */
  async disable(sql: SqlExecutor, tenantId: string, webhookId: string, cause: DisabledCause): Promise<void> {
    await sql`
      update webhooks set enabled = false, disabled_cause = ${cause}, version = version + 1, updated_at = now()
      where tenant_id = ${tenantId} and id = ${webhookId} and enabled`;
  }

  /** Webhooks for which no more events are kept. */
  full(sql: SqlExecutor): Promise<{ readonly tenantId: string; readonly webhookId: string }[]> {
    return sql<{ tenantId: string; webhookId: string }[]>`
      select w.tenant_id, w.id as webhook_id from webhooks w where w.enabled and exists (
        select from webhook_deliveries d where d.webhook_id = w.id and d.status = 'pending' offset ${QUEUE_MAXIMUM - 1} limit 1)`;
  }

  /** The log is the newest of what is over. */
  async #forgetOld(sql: SqlExecutor, webhookId: string): Promise<void> {
    await sql`
      delete from webhook_deliveries where id in (
        select id from webhook_deliveries where webhook_id = ${webhookId} and status <> 'pending'
        order by created_at desc, id desc offset ${LOG_MAXIMUM})`;
  }
}

/** As in migration 0091: beyond it nothing is added. */
const QUEUE_MAXIMUM = 10_000;
const LOG_MAXIMUM = 200;
