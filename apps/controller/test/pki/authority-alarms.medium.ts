import { randomUUID } from 'node:crypto';
import { createWeftClient, type WeftClient } from '@weft/contracts/rest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPool } from '../../src/platform/database/connection-options.js';
import { seedTenant } from '../database/seed-tenant.js';
import { cookieOf, logIn } from '../rest/support/api.js';
import { writeAgedAuthority } from '../support/aged-authority.js';
import { retireCertificateAuthority, rotateCertificateAuthority } from '../support/certificate-authorities.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { TEST_ADMIN_PASSWORD, TestController } from '../support/test-controller.js';
import { TestPostgres } from '../support/test-postgres.js';

/** In the order of an operator who is told: each test goes on from the one before. */

const DAY = 86_400_000;
/** Of the ten years of a root so many days are over, so that it ends in 52. */
const AGE_DAYS = 3_600;

let postgres: TestPostgres;
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let databaseUrl: string;
beforeAll(async () => {
  postgres = await TestPostgres.start();
  databaseUrl = await postgres.createDatabase();
  directory = await temporaryDirectory('alarms');
  await writeAgedAuthority(directory.path, AGE_DAYS);
});
afterAll(async () => {
  await postgres?.remove();
  await directory?.remove();
});

const controller = () =>
  TestController.start({
    databaseUrl,
    dataDirectory: directory.path,
    environment: { WEFT_METRICS_LISTEN: '127.0.0.1:0' },
  });

/** One that has looked at its authorities: it does so when it starts, and ends when it has. */
async function startAndStop(): Promise<void> {
  await (await controller()).stop();
}

/** What every tenant was told, by the name of the tenant. */
async function told(): Promise<Record<string, string[]>> {
  const pool = openPool({ url: databaseUrl }, 1);
  try {
    const rows = await pool<{ name: string; text: string }[]>`
      select t.name, e.type || ' ' || e.cause as text from fabric_events e join tenants t on t.id = e.tenant_id
      where e.type like 'authority.%' order by t.name, e.sequence`;
    const names = [...new Set(rows.map(({ name }) => name))];
    return Object.fromEntries(
      names.map((name) => [name, rows.filter((row) => row.name === name).map(({ text }) => text)]),
    );
  } finally {
    await pool.end();
  }
}

async function clientOf({ url }: TestController): Promise<{ client: WeftClient; tenantId: string }> {
  const response = await logIn(url, 'admin', TEST_ADMIN_PASSWORD);
  const { tenantId } = (await response.json()) as { tenantId: string };
  return { client: createWeftClient({ baseUrl: url, headers: { cookie: cookieOf(response) } }), tenantId };
}

async function trustAt(at: TestController, of?: string) {
  const { client, tenantId } = await clientOf(at);
  const { data } = await client.GET('/api/v1/tenants/{tenantId}/trust', {
    params: { path: { tenantId: of ?? tenantId } },
  });
  if (data === undefined) throw new Error('there is no answer');
  return Object.fromEntries(data.items.map((item) => [item.kind, item]));
}

async function alarms({ addresses }: TestController): Promise<string[]> {
  const text = await (await fetch(`http://${addresses.metrics}/metrics`)).text();
  return text.split('\n').filter((line) => line.startsWith('weft_controller_certificate_alarm{'));
}

describe('an authority that is about to end', () => {
  it('is told once, by several controllers that start at the same moment, and when they start again', async () => {
    for (const started of await Promise.all([controller(), controller()])) await started.stop();
    expect(await told()).toEqual({ default: ['authority.expiring root'] });
    await startAndStop();
    expect(await told()).toEqual({ default: ['authority.expiring root'] });
  });

  it('is told with when it ends and how many days that is', async () => {
    const pool = openPool({ url: databaseUrl }, 1);
    const [event] = await pool<{ detail: string; count: string }[]>`
      select detail, count::text from fabric_events where type = 'authority.expiring'`;
    await pool.end();
    expect(event?.detail).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    const left = (Date.parse(event?.detail ?? '') - Date.now()) / DAY;
    expect(left).toBeGreaterThan(45);
    expect(Math.abs(Number(event?.count) - left)).toBeLessThanOrEqual(1);
  });

  it('is told to a tenant that comes later', async () => {
    const pool = openPool({ url: databaseUrl }, 1);
    await pool`insert into tenants (id, name) values (${randomUUID()}, 'later')`;
    await pool.end();
    await startAndStop();
    expect(await told()).toEqual({ default: ['authority.expiring root'], later: ['authority.expiring root'] });
  });

  it('is in the trust of a tenant, with its edges alone and what to do, and in the metrics', async () => {
    const other = randomUUID();
    const running = await controller();
    try {
      const seeded = await seedTenant(running.sql, other);
      await running.sql`delete from authority_alarms where tenant_id = ${other}`;
      await running.sql`delete from fabric_events where tenant_id = ${other}`;
      const trust = await trustAt(running);
      expect(Object.keys(trust)).toEqual(['root', 'intermediate', 'server', 'revocation_list', 'signing_key']);
      expect(trust['root']).toMatchObject({ condition: 'expiring', dependents: [], dependentCount: 0 });
      expect(trust['root']?.remedy).toContain('--rotate-certificate-authority');
      expect(trust['root']?.raisedAt).not.toBeNull();
      expect(trust['root']?.daysLeft).toBeGreaterThan(45);
      expect(trust['intermediate']).toMatchObject({ condition: 'valid', remedy: null, raisedAt: null });
      expect(trust['signing_key']).toMatchObject({ notAfter: null, daysLeft: null, condition: 'valid' });
      expect(trust['revocation_list']).toMatchObject({ daysLeft: 0, fingerprint: null });
      const theirs = await trustAt(running, other);
      const edge = { edgeId: seeded.edgeId, edgeName: 'edge', reason: 'certificate' };
      expect(theirs['root']).toMatchObject({ raisedAt: null, dependents: [edge], dependentCount: 1 });
      expect(await alarms(running)).toEqual([
        'weft_controller_certificate_alarm{certificate="root"} 1',
        'weft_controller_certificate_alarm{certificate="intermediate"} 0',
        'weft_controller_certificate_alarm{certificate="server"} 0',
      ]);
      const metrics = await (await fetch(`http://${running.addresses.metrics}/metrics`)).text();
      const [, listEnds] = /^weft_controller_revocation_list_expiry_seconds (\d+)$/m.exec(metrics) ?? [];
      expect(Number(listEnds)).toBeGreaterThan(Date.now() / 1_000);
      await running.sql`delete from certificates where tenant_id = ${other}`;
    } finally {
      await running.stop();
    }
  });

  it('goes on as long as edges may depend on it, and is over once with another in its place', async () => {
    await rotateCertificateAuthority(directory.path);
    const rotated = await controller();
    try {
      const trust = await trustAt(rotated);
      expect(trust['root']).toMatchObject({ condition: 'valid', raisedAt: null });
      expect(trust['previous_root']).toMatchObject({ condition: 'expiring' });
      expect(trust['previous_root']?.remedy).toContain('--retire-certificate-authority');
      expect(trust['previous_root']?.raisedAt).not.toBeNull();
    } finally {
      await rotated.stop();
    }
    expect((await told())['default']).toEqual(['authority.expiring root']);
    await retireCertificateAuthority(directory.path, databaseUrl);
    for (const started of await Promise.all([controller(), controller()])) await started.stop();
    await startAndStop();
    expect((await told())['default']).toEqual(['authority.expiring root', 'authority.replaced root']);
    expect((await told())['later']).toEqual(['authority.expiring root', 'authority.replaced root']);
  });
});
