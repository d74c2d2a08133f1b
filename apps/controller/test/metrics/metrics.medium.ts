import { readFileSync } from 'node:fs';
import type { Edge } from '@weft/contracts/rest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { METRICS } from '../../src/metrics/metric-table.js';
import { Api } from '../rest/support/api.js';
import { eventually } from '../support/patience.js';

let api: Api;
beforeAll(async () => {
  api = await Api.start({ WEFT_METRICS_LISTEN: '127.0.0.1:0' });
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
