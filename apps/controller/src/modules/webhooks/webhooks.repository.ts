import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { type PageRequest, pageEnd } from '../../platform/database/page-request.js';
import type { Webhook, WebhookDelivery, WebhookInput } from './webhook.dto.js';

type WebhookRow = Omit<Webhook, 'createdAt' | 'updatedAt' | 'previousSecretUntil'> & {
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly previousSecretUntil: Date | null;
};
type DeliveryRow = Omit<WebhookDelivery, 'createdAt' | 'nextAttemptAt' | 'lastAttemptAt'> & {
  readonly createdAt: Date;
  readonly nextAttemptAt: Date;
  readonly lastAttemptAt: Date | null;
};

/** The table webhooks, and the log of what they were sent. */
@Injectable()
export class WebhooksRepository {
  /** Of one webhook when it is named. */
  async list(
    sql: SqlExecutor,
    tenantId: string,
    page?: PageRequest,
    webhookId: string | null = null,
  ): Promise<Webhook[]> {
    const rows = await sql<WebhookRow[]>`
      select id, name, url, types, enabled, disabled_cause, version, created_at, updated_at,
        case when previous_secret_until > now() then previous_secret_until end as previous_secret_until,
        (select count(*)::integer from webhook_deliveries d where d.webhook_id = w.id and d.status = 'pending') as pending
      from webhooks w where tenant_id = ${tenantId} and id = coalesce(${webhookId}::uuid, id)
      ${pageEnd(sql, page, [sql`name`, sql`id`])}`;
    return rows.map((row) => ({
      ...row,
      previousSecretUntil: row.previousSecretUntil?.toISOString() ?? null,
      createdAt: row.createdAt.toISOString(),
      updatedAt: row.updatedAt.toISOString(),
    }));
  }

  /** How many there are; no other is added until the end of the transaction. */
  async count(sql: SqlExecutor, tenantId: string): Promise<number> {
    await sql`select pg_advisory_xact_lock(hashtext('weft webhooks'), hashtext(${tenantId}))`;
    const [row] = await sql<{ count: number }[]>`
      select count(*)::integer as count from webhooks where tenant_id = ${tenantId}`;
    return row?.count ?? 0;
  }

  async insert(
    sql: SqlExecutor,
    tenantId: string,
    webhookId: string,
    { name, url, types, enabled }: WebhookInput,
    sealedSecret: Uint8Array,
  ): Promise<void> {
    await sql`
      insert into webhooks (id, tenant_id, name, url, types, enabled, sealed_secret)
      values (${webhookId}, ${tenantId}, ${name}, ${url}, ${types}, ${enabled}, ${sealedSecret})`;
  }

  /** Undefined when there is none; nobody else changes it until the end of the transaction. */
  async lockVersion(sql: SqlExecutor, tenantId: string, webhookId: string): Promise<number | undefined> {
    const [row] = await sql<{ version: number }[]>`
      select version from webhooks where tenant_id = ${tenantId} and id = ${webhookId} for no key update`;
    return row?.version;
  }

  /** What the controller held against it is forgotten with it. */
  async update(
    sql: SqlExecutor,
    tenantId: string,
    webhookId: string,
    { name, url, types, enabled }: WebhookInput,
  ): Promise<void> {
    await sql`
      update webhooks set name = ${name}, url = ${url}, types = ${types}, enabled = ${enabled}, disabled_cause = null,
        version = version + 1, updated_at = now()
      where tenant_id = ${tenantId} and id = ${webhookId}`;
  }

  /** What there was signs as well for so many hours; 0: it is forgotten. */
  async replaceSecret(
    sql: SqlExecutor,
    tenantId: string,
    webhookId: string,
    sealedSecret: Uint8Array,
    overlapHours: number,
  ): Promise<void> {
    await sql`
      update webhooks set sealed_secret = ${sealedSecret},
        previous_sealed_secret = case when ${overlapHours} > 0 then sealed_secret end,
        previous_secret_until = case when ${overlapHours} > 0 then now() + ${overlapHours} * interval '1 hour' end,
        version = version + 1, updated_at = now()
      where tenant_id = ${tenantId} and id = ${webhookId}`;
  }

  /** With what it was sent, and was to be. False when there is none. */
  async remove(sql: SqlExecutor, tenantId: string, webhookId: string): Promise<boolean> {
    const { count } = await sql`delete from webhooks where tenant_id = ${tenantId} and id = ${webhookId}`;
    await sql`delete from webhook_deliveries where tenant_id = ${tenantId} and webhook_id = ${webhookId}`;
    return count > 0;
  }

  /** Newest first, as far as the answer tells times apart; of one delivery when it is named. */
  async deliveries(
    sql: SqlExecutor,
    tenantId: string,
    webhookId: string,
    page?: PageRequest,
    deliveryId: string | null = null,
  ): Promise<WebhookDelivery[]> {
    const rows = await sql<DeliveryRow[]>`
      select id, type, created_at, status, attempts, next_attempt_at, last_attempt_at, response_status, failure
      from webhook_deliveries
      where tenant_id = ${tenantId} and webhook_id = ${webhookId} and id = coalesce(${deliveryId}::uuid, id)
      ${pageEnd(sql, page, [sql`date_trunc('milliseconds', created_at)`, sql`id`], 'descending')}`;
    return rows.map((row) => ({
      ...row,
      createdAt: row.createdAt.toISOString(),
      nextAttemptAt: row.status === 'pending' ? row.nextAttemptAt.toISOString() : null,
      lastAttemptAt: row.lastAttemptAt?.toISOString() ?? null,
    }));
  }

  /** Its identifier. */
  async addTest(sql: SqlExecutor, tenantId: string, webhookId: string): Promise<string> {
    const [row] = await sql<{ id: string }[]>`
      insert into webhook_deliveries (tenant_id, webhook_id, type, event)
      values (${tenantId}, ${webhookId}, ${TEST_TYPE}, '{}') returning id`;
    if (row === undefined) throw new Error('insert … returning gave no row');
    return row.id;
  }

  /** As if it had never been tried. False when there is no such delivery. */
  async again(sql: SqlExecutor, tenantId: string, webhookId: string, deliveryId: string): Promise<boolean> {
    const { count } = await sql`
      update webhook_deliveries set status = 'pending', attempts = 0, next_attempt_at = now()
      where tenant_id = ${tenantId} and webhook_id = ${webhookId} and id = ${deliveryId}`;
    await sql`select pg_notify('weft_webhook', '')`;
    return count > 0;
  }
}

/** Of a delivery that is about no event. */
export const TEST_TYPE = 'webhook.test';
