import { describe, expect, it } from 'vitest';
import type { Webhook, WebhookDelivery } from '../../api/index.js';
import { answerText, causeText, deliveryMark, typeLabel, typesText, webhookMark } from './wording.js';

const webhook: Webhook = {
  id: '8b8f0a3e-0d2b-4f0e-9a58-6b9d8f1c2e3d',
  name: 'chat',
  url: 'https://hooks.example',
  types: [],
  enabled: true,
  disabledCause: null,
  previousSecretUntil: null,
  pending: 0,
  version: 1,
  createdAt: '2026-06-01T12:00:00Z',
  updatedAt: '2026-06-01T12:00:00Z',
};
const delivery: WebhookDelivery = {
  id: '8b8f0a3e-0d2b-4f0e-9a58-6b9d8f1c2e3e',
  type: 'edge.tunnel_down',
  createdAt: '2026-06-01T12:00:00Z',
  status: 'pending',
  attempts: 0,
  nextAttemptAt: '2026-06-01T12:00:00Z',
  lastAttemptAt: null,
  responseStatus: null,
  failure: null,
};

describe('a webhook', () => {
  it.each([
    [{}, 'up', 'On'],
    [{ pending: 1 }, 'busy', '1 delivery waits'],
    [{ pending: 1_200 }, 'busy', '1,200 deliveries wait'],
    [{ enabled: false, pending: 3 }, 'idle', 'Paused'],
    [{ enabled: false, disabledCause: 'gone' }, 'down', 'Disabled'],
  ] as const)('%j is %s: %s', (change, tone, label) => {
    expect(webhookMark({ ...webhook, ...change })).toEqual({ tone, label });
  });

  it('says why the controller has disabled it, and nothing when people have', () => {
    expect(causeText({ ...webhook, enabled: false })).toBeNull();
    expect(causeText({ ...webhook, enabled: false, disabledCause: 'gone' })).toContain('410');
  });

  it('says what it gets', () => {
    expect(typesText([])).toBe('all');
    expect(typesText(['edge.tunnel_down'])).toBe('Tunnel down');
    expect(typesText(['edge.tunnel_down', 'edge.tunnel_up'])).toBe('2 types');
    expect(typeLabel('webhook.test')).toBe('Test');
    expect(typeLabel('of.tomorrow')).toBe('of.tomorrow');
  });
});

describe('a delivery', () => {
  it.each([
    [{}, 'Waits', null],
    [{ attempts: 1 }, 'To be tried again', 'under way'],
    [{ attempts: 2, responseStatus: 503, failure: 'status' }, 'To be tried again', 'HTTP 503'],
    [{ attempts: 12, status: 'failed', failure: 'timed_out' }, 'Given up', 'no answer within 15 seconds'],
    [{ attempts: 3, failure: 'EPROTO' }, 'To be tried again', 'EPROTO'],
    [{ attempts: 1, status: 'delivered', responseStatus: 204 }, 'Delivered', 'HTTP 204'],
  ] as const)('%j: %s, %s', (change, label, answer) => {
    expect(deliveryMark({ ...delivery, ...change }).label).toBe(label);
    expect(answerText({ ...delivery, ...change })).toBe(answer);
  });
});
