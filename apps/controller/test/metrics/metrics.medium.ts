import { readFileSync } from 'node:fs';
import type { Edge, Webhook } from '@weft/contracts/rest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { METRICS } from '../../src/metrics/metric-table.js';
import { STREAMS_OF_A_USER } from '../../src/modules/events/event-streams.js';
import { Api } from '../rest/support/api.js';
import { EventReader } from '../rest/support/event-reader.js';
import { WebhookReceiver } from '../rest/support/webhook-receiver.js';
import { eventually } from '../support/patience.js';

let api: Api;
beforeAll(async () => {
  api = await Api.start({ WEFT_METRICS_LISTEN: '127.0.0.1:0', WEFT_WEBHOOK_NETWORKS: '127.0.0.0/8' });
});
afterAll(() => api.stop());

describe('the metrics of the controller', () => {
  it('say how its fabrics are, by tenant', async () => {
    const site = await api.make('/sites', { name: 'berlin' });
    await api.make<Edge>('/edges', {
      name: 'berlin-1',
      siteId: site.id,
      underlayAddress: '192.0.2.1',
      underlayPort: 4500,
    });
    const samples = await scrape();
    const tenant = api.tenantId;
    expect(samples).toMatchObject({
      weft_controller_database_up: 1,
      [`weft_controller_edges{tenant="${tenant}",state="disconnected"}`]: 1,
      [`weft_controller_edges{tenant="${tenant}",state="in_sync"}`]: 0,
      [`weft_controller_edges_refusing{tenant="${tenant}"}`]: 0,
      [`weft_controller_tunnels{tenant="${tenant}",state="up"}`]: 0,
      [`weft_controller_info{node="${process.versions.node}"}`]: 1,
    });
    const now = Date.now() / 1_000;
    for (const certificate of ['root', 'server']) {
      const expiry = samples[`weft_controller_certificate_expiry_seconds{certificate="${certificate}"}`];
      expect(expiry).toBeGreaterThan(now);
    }
    expect(Object.keys(samples).some((name) => name.startsWith('nodejs_eventloop_lag'))).toBe(true);
  });

  it('count requests by operation, never by path', async () => {
    const unknown = '00000000-0000-4000-8000-000000000000';
    await api.fetch(api.path(`/sites/${unknown}`));
    await api.fetch(`/api/v1/there/is/none/${unknown}`);
    const counts = Object.entries(await scrape()).filter(([name]) =>
      name.startsWith('weft_controller_http_request_seconds_count'),
    );
    const labels = counts.map(([name]) => name.slice(name.indexOf('{')));
    expect(labels).toContain('{method="POST",route="/api/v1/tenants/:tenantId/sites",status="201"}');
    expect(labels).toContain('{method="GET",route="/api/v1/tenants/:tenantId/sites/:siteId",status="404"}');
    expect(labels).toContain('{method="GET",route="unmatched",status="404"}');
    expect(labels.join()).not.toContain(unknown);
  });

  it('say what of event streams is open, was refused and has ended', async () => {
    const streams = await Promise.all(Array.from({ length: STREAMS_OF_A_USER }, () => openStream()));
    const open = `weft_controller_event_streams{tenant="${api.tenantId}"}`;
    await eventually(async () => expect((await scrape())[open]).toBe(STREAMS_OF_A_USER));
    expect((await api.fetch(api.path('/events/stream'))).status).toBe(429);
    expect((await scrape())['weft_controller_event_streams_refused_total{whose="user"}']).toBe(1);
    for (const stream of streams) stream.close();
    await eventually(async () =>
      expect(await scrape()).toMatchObject({
        [open]: 0,
        'weft_controller_event_streams_ended_total{reason="client_closed"}': STREAMS_OF_A_USER,
      }),
    );
  });

  it('say what of webhooks waits, since when, and what came of attempts', async () => {
    const receiver = await WebhookReceiver.start();
    try {
      receiver.status = 500;
      const hook = await api.make<Webhook>('/webhooks', { name: 'hook', url: receiver.url });
      await api.make('/webhooks', { name: 'asleep', url: receiver.url, enabled: false });
      const tenant = `tenant="${api.tenantId}"`;
      const before = Math.floor(Date.now() / 1_000);
      await api.fetch(api.path(`/webhooks/${hook.id}/test`), { method: 'POST' });
      const refused = 'weft_controller_webhook_attempts_total{result="answered"}';
      await eventually(async () => expect((await scrape())[refused]).toBeGreaterThanOrEqual(1));
      const samples = await scrape();
      expect(samples).toMatchObject({
        [`weft_controller_webhooks{${tenant},state="enabled"}`]: 1,
        [`weft_controller_webhooks{${tenant},state="paused"}`]: 1,
        [`weft_controller_webhooks{${tenant},state="disabled"}`]: 0,
      });
      expect(samples[`weft_controller_webhook_deliveries_pending{${tenant}}`]).toBe(1);
      const oldest = `weft_controller_webhook_oldest_pending_seconds{${tenant}}`;
      expect(samples[oldest]).toBeGreaterThanOrEqual(before);
      receiver.status = 204;
      await eventually(async () => {
        await api.controller.sql`update webhook_deliveries set next_attempt_at = now() where failure is not null`;
        expect(await scrape()).toMatchObject({
          'weft_controller_webhook_attempts_total{result="delivered"}': 1,
          [`weft_controller_webhook_deliveries_pending{${tenant}}`]: 0,
        });
      });
      expect(await scrape()).not.toHaveProperty(oldest);
      expect((await scrape())[refused]).toBeGreaterThanOrEqual(samples[refused] ?? 1);
    } finally {
      await receiver.stop();
    }
  });

  it('are at no other door, and nothing else is at theirs', async () => {
    expect((await fetch(`http://${address()}/healthz`)).status).toBe(404);
    expect((await fetch(`http://${address()}/metrics`, { method: 'POST' })).status).toBe(404);
    const atTheOther = await fetch(`${api.controller.url}/metrics`);
    expect(await atTheOther.text()).not.toContain('weft_controller');
  });

  it('are those that docs/operations.md lists', () => {
    const documented = readFileSync(new URL('../../../../docs/operations.md', import.meta.url), 'utf8');
    const listed = [...documented.matchAll(/^\| `(weft_controller_[a-z_]+)` \| ([a-z]+) \| ([^|]*) \| ([^|]*) \|$/gm)];
    expect(listed.map(([, name, type, labels = '', help = '']) => [name, type, labels.trim(), help.trim()])).toEqual(
      Object.entries(METRICS).map(([name, { type, labels, help }]) => [
        name,
        type,
        labels.map((label) => `\`${label}\``).join(', '),
        help,
      ]),
    );
  });

  it('say so when the database is gone, and nothing of what only it knows', async () => {
    await api.postgres.stop();
    await eventually(async () => expect((await scrape())['weft_controller_database_up']).toBe(0));
    expect(Object.keys(await scrape()).filter((name) => name.startsWith('weft_controller_edges'))).toEqual([]);
    await api.postgres.restart();
    await eventually(async () => expect((await scrape())['weft_controller_database_up']).toBe(1));
  });
});

const openStream = (): Promise<EventReader> =>
  EventReader.open(`${api.controller.url}${api.path('/events/stream')}`, { cookie: api.cookie });

function address(): string {
  return api.controller.addresses.metrics ?? '';
}

/** Every sample by its name and labels. */
async function scrape(): Promise<Readonly<Record<string, number>>> {
  const response = await fetch(`http://${address()}/metrics`);
  expect(response.status).toBe(200);
  const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}
