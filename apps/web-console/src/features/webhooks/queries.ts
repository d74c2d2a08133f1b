import {
  api,
  client,
  INTENT_INTERVAL_MS,
  LIVE_INTERVAL_MS,
  type NewWebhook,
  unwrap,
  type Webhook,
  type WebhookDelivery,
  type WebhookInput,
} from '../../api/index.js';
import { listQuery } from '../../api/lists.js';
import type { EventType } from './wording.js';

/** For admins of the tenant alone: whoever is none is refused. */
export const webhooksQuery = (tenantId: string) =>
  listQuery('/api/v1/tenants/{tenantId}/webhooks', { tenantId }, { refetchInterval: INTENT_INTERVAL_MS });

/** As many of the newest as somebody reads. */
export const DELIVERIES_SHOWN = 100;

/** The newest of what was delivered, and of what is to be: whoever tries a webhook watches. */
export const deliveriesQuery = (tenantId: string, webhookId: string) =>
  api.queryOptions(
    'get',
    '/api/v1/tenants/{tenantId}/webhooks/{webhookId}/deliveries',
    { params: { path: { tenantId, webhookId }, query: { limit: DELIVERIES_SHOWN } } },
    { refetchInterval: LIVE_INTERVAL_MS },
  );

/** The answer is the only place where the secret can be read. */
export function createWebhook(tenantId: string, body: WebhookInput): Promise<NewWebhook> {
  return unwrap(client.POST('/api/v1/tenants/{tenantId}/webhooks', { params: { path: { tenantId } }, body }));
}

/** Replaces a webhook as it was read: refused when someone changed it since. */
export function replaceWebhook(tenantId: string, { id, version }: Webhook, body: WebhookInput): Promise<Webhook> {
  return unwrap(
    client.PUT('/api/v1/tenants/{tenantId}/webhooks/{webhookId}', {
      params: { path: { tenantId, webhookId: id }, header: { 'If-Match': `"${version}"` } },
      body,
    }),
  );
}

/** What happens while it is paused is not delivered later; what waits is. */
export function pauseWebhook(tenantId: string, webhook: Webhook): Promise<Webhook> {
  return replaceWebhook(tenantId, webhook, { ...inputOf(webhook), enabled: false });
}

export function resumeWebhook(tenantId: string, webhook: Webhook): Promise<Webhook> {
  return replaceWebhook(tenantId, webhook, { ...inputOf(webhook), enabled: true });
}

/** Removes one as it was read: refused when someone changed it since. */
export function deleteWebhook(tenantId: string, { id, version }: Webhook): Promise<unknown> {
  const params = { path: { tenantId, webhookId: id }, header: { 'If-Match': `"${version}"` } };
  return unwrap(client.DELETE('/api/v1/tenants/{tenantId}/webhooks/{webhookId}', { params }));
}

/** The answer is the only place where the secret can be read. */
export function renewWebhookSecret(tenantId: string, { id }: Webhook, overlapHours: number): Promise<NewWebhook> {
  const path = { tenantId, webhookId: id };
  return unwrap(
    client.POST('/api/v1/tenants/{tenantId}/webhooks/{webhookId}/secret', {
      params: { path, query: { overlapHours } },
    }),
  );
}

export function testWebhook(tenantId: string, { id }: Webhook): Promise<WebhookDelivery> {
  const path = { tenantId, webhookId: id };
  return unwrap(client.POST('/api/v1/tenants/{tenantId}/webhooks/{webhookId}/test', { params: { path } }));
}

export function redeliver(tenantId: string, { id }: Webhook, delivery: WebhookDelivery): Promise<WebhookDelivery> {
  const path = { tenantId, webhookId: id, deliveryId: delivery.id };
  return unwrap(
    client.POST('/api/v1/tenants/{tenantId}/webhooks/{webhookId}/deliveries/{deliveryId}/redeliver', {
      params: { path },
    }),
  );
}

function inputOf({ name, url, types, enabled }: Webhook): WebhookInput {
  return { name, url, types: types as EventType[], enabled };
}
