import { randomBytes, randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { Database } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/database/page-request.js';
import type { CurrentUser } from '../../platform/http/current-user.decorator.js';
import { notFound } from '../../platform/http/domain-error.js';
import { type Page, pageByName, pageOf } from '../../platform/http/page.js';
import { SecretBox } from '../../platform/secrets/secret-box.js';
import { AuditRepository, type Deed } from '../audit/audit.repository.js';
import { refusing } from '../constraint-violation.js';
import { changedMeanwhile, demandUnchanged, ifMatchRequired, matchesTag } from '../entity-tag.js';
import type { NewWebhook, Webhook, WebhookDelivery, WebhookInput } from './webhook.dto.js';
import { formatWebhookSecret, WEBHOOK_SECRET_OCTETS } from './webhook-signature.js';
import { tooManyWebhooks, webhookDisabled, webhookNameTaken } from './webhooks.errors.js';
import { WebhooksRepository } from './webhooks.repository.js';

/** Webhooks as people make, see, change and try them. The audit log has every change, and never a secret. */
@Injectable()
export class WebhooksService {
  readonly #database: Database;
  readonly #repository: WebhooksRepository;
  readonly #audit: AuditRepository;
  readonly #secrets: SecretBox;

  constructor(database: Database, repository: WebhooksRepository, audit: AuditRepository, secrets: SecretBox) {
    this.#database = database;
    this.#repository = repository;
    this.#audit = audit;
    this.#secrets = secrets;
  }

  async list(tenantId: string, page: PageRequest): Promise<Page<Webhook>> {
    return pageByName(page, await this.#repository.list(this.#database.sql, tenantId, page));
  }

  /** Throws DomainError 'unknown_webhook'. */
  read(tenantId: string, webhookId: string): Promise<Webhook> {
    return this.#read(this.#database.sql, tenantId, webhookId);
  }

  /** Throws DomainError 'name_taken' or 'too_many_webhooks'. */
  async create(tenantId: string, actor: CurrentUser, input: WebhookInput): Promise<NewWebhook> {
    const webhookId = randomUUID();
    const secret = randomBytes(WEBHOOK_SECRET_OCTETS);
    const sealed = this.#secrets.seal(sealingPlace(tenantId, webhookId), secret);
    const made = await this.#write(input, async (sql) => {
      if ((await this.#repository.count(sql, tenantId)) >= WEBHOOKS_MAXIMUM) throw tooManyWebhooks(WEBHOOKS_MAXIMUM);
      await this.#repository.insert(sql, tenantId, webhookId, input, sealed);
      await this.#record(sql, tenantId, actor, 'webhook_created', webhookId, input);
      return this.#read(sql, tenantId, webhookId);
    });
    return { ...made, secret: formatWebhookSecret(secret) };
  }

  /** Throws DomainError 'unknown_webhook', 'if_match_required', 'webhook_changed' or 'name_taken'. */
  replace(
    tenantId: string,
    actor: CurrentUser,
    webhookId: string,
    ifMatch: string | undefined,
    input: WebhookInput,
  ): Promise<Webhook> {
    return this.#write(input, async (sql) => {
      if (ifMatch === undefined) throw ifMatchRequired('webhook');
      const version = await this.#lock(sql, tenantId, webhookId);
      if (!matchesTag(ifMatch, version)) throw changedMeanwhile('webhook', version);
      await this.#repository.update(sql, tenantId, webhookId, input);
      await this.#record(sql, tenantId, actor, 'webhook_changed', webhookId, input);
      return this.#read(sql, tenantId, webhookId);
    });
  }

  /** What waits is signed with the new one, and with the old one for so many hours. Throws DomainError 'unknown_webhook' or 'webhook_changed'. */
  async renewSecret(
    tenantId: string,
    actor: CurrentUser,
    webhookId: string,
    { overlapHours, ifMatch }: { readonly overlapHours: number; readonly ifMatch: string | undefined },
  ): Promise<NewWebhook> {
    const secret = randomBytes(WEBHOOK_SECRET_OCTETS);
    const sealed = this.#secrets.seal(sealingPlace(tenantId, webhookId), secret);
    const changed = await this.#database.transaction(async (sql) => {
      demandUnchanged('webhook', await this.#lock(sql, tenantId, webhookId), ifMatch);
      await this.#repository.replaceSecret(sql, tenantId, webhookId, sealed, overlapHours);
      const webhook = await this.#read(sql, tenantId, webhookId);
      await this.#record(sql, tenantId, actor, 'webhook_secret_renewed', webhookId, webhook, { overlapHours });
      return webhook;
    });
    return { ...changed, secret: formatWebhookSecret(secret) };
  }

  /** Throws DomainError 'unknown_webhook' or 'webhook_changed'. */
  async remove(tenantId: string, actor: CurrentUser, webhookId: string, ifMatch: string | undefined): Promise<void> {
    await this.#database.transaction(async (sql) => {
      demandUnchanged('webhook', await this.#lock(sql, tenantId, webhookId), ifMatch);
      const webhook = await this.#read(sql, tenantId, webhookId);
      await this.#repository.remove(sql, tenantId, webhookId);
      await this.#record(sql, tenantId, actor, 'webhook_removed', webhookId, webhook);
    });
  }

  /** Newest first. Throws DomainError 'unknown_webhook'. */
  async deliveries(tenantId: string, webhookId: string, page: PageRequest): Promise<Page<WebhookDelivery>> {
    await this.read(tenantId, webhookId);
    const items = await this.#repository.deliveries(this.#database.sql, tenantId, webhookId, page);
    return pageOf(page, { items, keyOf: ({ createdAt, id }) => [createdAt, id] });
  }

  /** Has something delivered that is about nothing. Throws DomainError 'unknown_webhook' or 'webhook_disabled'. */
  test(tenantId: string, webhookId: string): Promise<WebhookDelivery> {
    return this.#database.transaction(async (sql) => {
      await this.#demandEnabled(sql, tenantId, webhookId);
      return this.#delivery(sql, tenantId, webhookId, await this.#repository.addTest(sql, tenantId, webhookId));
    });
  }

  /** Throws DomainError 'unknown_webhook', 'unknown_webhook_delivery' or 'webhook_disabled'. */
  redeliver(tenantId: string, webhookId: string, deliveryId: string): Promise<WebhookDelivery> {
    return this.#database.transaction(async (sql) => {
      await this.#demandEnabled(sql, tenantId, webhookId);
      await this.#repository.again(sql, tenantId, webhookId, deliveryId);
      return this.#delivery(sql, tenantId, webhookId, deliveryId);
    });
  }

  async #read(sql: SqlExecutor, tenantId: string, webhookId: string): Promise<Webhook> {
    const [webhook] = await this.#repository.list(sql, tenantId, undefined, webhookId);
    if (webhook === undefined) throw notFound('webhook', webhookId);
    return webhook;
  }

  async #lock(sql: SqlExecutor, tenantId: string, webhookId: string): Promise<number> {
    const version = await this.#repository.lockVersion(sql, tenantId, webhookId);
    if (version === undefined) throw notFound('webhook', webhookId);
    return version;
  }

  async #delivery(sql: SqlExecutor, tenantId: string, webhookId: string, deliveryId: string): Promise<WebhookDelivery> {
    const [delivery] = await this.#repository.deliveries(sql, tenantId, webhookId, undefined, deliveryId);
    if (delivery === undefined) throw notFound('webhook_delivery', deliveryId);
    return delivery;
  }

  async #demandEnabled(sql: SqlExecutor, tenantId: string, webhookId: string): Promise<void> {
    if (!(await this.#read(sql, tenantId, webhookId)).enabled) throw webhookDisabled();
  }

  #write<T>({ name }: WebhookInput, work: (sql: SqlExecutor) => Promise<T>): Promise<T> {
    return refusing(this.#database.transaction(work), { webhooks_name_key: () => webhookNameTaken(name) });
  }

  async #record(
    sql: SqlExecutor,
    tenantId: string,
    actor: CurrentUser,
    action: Extract<Deed['action'], `webhook_${string}`>,
    webhookId: string,
    { name, url, types, enabled }: Pick<Webhook, 'name' | 'url' | 'types' | 'enabled'>,
    more: Readonly<Record<string, unknown>> = {},
  ): Promise<void> {
    // A path or a query may hold what gives access; the host says where events go.
    const details = { webhookId, webhookName: name, host: new URL(url).host, types, enabled, ...more };
    await this.#audit.append(sql, tenantId, { actor, action, details });
  }
}

/** Where a secret is sealed: it opens for this webhook only. */
export function sealingPlace(tenantId: string, webhookId: string): string {
  return `webhook ${tenantId} ${webhookId}`;
}

/** Each is one more delivery of each event. */
const WEBHOOKS_MAXIMUM = 20;
