import { afterAll, beforeAll, expect, it } from 'vitest';
import { applyMigrations } from '../../src/db/apply-migrations.js';
import { type Migration, readMigrations } from '../../src/db/migration-files.js';
import { EdgesRepository } from '../../src/modules/edges/edges.repository.js';
import { PoliciesRepository } from '../../src/modules/policies/policies.repository.js';
import { IntentRepository } from '../../src/modules/revisions/intent.repository.js';
import { RevisionsRepository } from '../../src/modules/revisions/revisions.repository.js';
import { TenantsRepository } from '../../src/modules/tenants/tenants.repository.js';
import { openPool } from '../../src/platform/database/connection-options.js';
import { installationScope, tenantScope } from '../../src/platform/database/database-scope.js';
import { describeOnServers } from '../support/on-servers.js';
import { startedDatabase } from '../support/started-database.js';
import type { TestPostgres } from '../support/test-postgres.js';

const MIGRATIONS = await readMigrations();

describeOnServers('upgrades', (start) => {
  let server: TestPostgres;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(() => server.remove());

  it.each(MIGRATIONS.map((migration) => migration.name))('from %s: everything is kept, and read', async (last) => {
    const url = await server.createDatabase();
    const earlier = MIGRATIONS.slice(0, MIGRATIONS.findIndex((migration) => migration.name === last) + 1);
    await filled(url, earlier);
    const before = await contentOf(url);
    const database = await startedDatabase(url);
    try {
      expect(await contentOf(url)).toMatchObject(before);
      const version = earlier.at(-1)?.version ?? 0;
      const tenants = await database.within(installationScope('inspection'), () =>
        new TenantsRepository().list(database.sql),
      );
      // Who was there before there was a choice keeps what there was.
      const old = {
        id: TENANT,
        name: 'old',
        keyingMode: 'ike-less',
        encapsulation: 'udp',
        securityProtocol: 'esp',
        mode: 'tunnel',
        tunnelStart: { kind: 'start' },
        approvalRequired: false,
      };
      expect(tenants).toMatchObject(version >= 1 ? [old] : []);
      if (version < 4) return;
      const read = await database.within(tenantScope(TENANT), async () => ({
        edges: await new EdgesRepository().list(database.sql, TENANT),
        policies: await new PoliciesRepository().list(database.sql, TENANT),
        intent: await new IntentRepository().read(database.sql, TENANT),
        newest: await new RevisionsRepository().newest(database.sql, TENANT),
      }));
      expect(read.edges).toMatchObject([{ id: EDGE, name: 'edge', underlayAddress: '192.0.2.1', revokedAt: null }]);
      expect(read.policies).toMatchObject([
        { name: 'policy', confidential: false, rules: [{ name: 'rule', action: 'PROTECT' }] },
      ]);
      expect(read.intent).toMatchObject({
        tenantId: TENANT,
        sites: [{ id: SITE }],
        networks: [{ prefix: '10.1.0.0/16' }],
      });
      // Who was there before there were remote hosts is a gateway, and the same one in an intent.
      const gateway = { id: PEER, address: '203.0.113.99', port: 4500, prefixes: ['10.9.0.0/16'] };
      expect(read.intent.externalPeers ?? []).toMatchObject(version >= 75 ? [gateway] : []);
      expect(JSON.stringify(read.intent)).not.toContain('remote_host');
      expect(read.newest).toMatchObject({
        revision: { number: 1, overrideReason: null, approvedBy: null },
        findings: [],
      });
    } finally {
      await database.stop();
    }
  });

  it('is done once by controllers that start at the same moment, whatever was there', async () => {
    const url = await server.createDatabase();
    await filled(url, MIGRATIONS.slice(0, 8));
    const started = await Promise.all([startedDatabase(url), startedDatabase(url), startedDatabase(url)]);
    const [first] = started;
    const rows = await first.within(installationScope('inspection'), async () => [
      ...(await first.sql<{ name: string }[]>`select name from schema_migrations order by version`),
    ]);
    expect(rows.map((row) => row.name)).toEqual(MIGRATIONS.map((migration) => migration.name));
    for (const database of started) await database.stop();
  });
});

/** Brings a database to an earlier version step by step, with rows made as soon as there was a table for them. */
async function filled(url: string, migrations: readonly Migration[]): Promise<void> {
  const pool = openPool({ url }, 2);
  try {
    for (const [index, { name }] of migrations.entries()) {
      await applyMigrations(pool, migrations.slice(0, index + 1));
      const rows = ROWS.get(name);
      if (rows !== undefined) await pool.unsafe(rows).simple();
    }
  } finally {
    await pool.end();
  }
}

const TENANT = '11111111-1111-4111-8111-111111111111';
const SITE = '22222222-2222-4222-8222-222222222222';
const NETWORK = '33333333-3333-4333-8333-333333333333';
const EDGE = '44444444-4444-4444-8444-444444444444';
const POLICY = '55555555-5555-4555-8555-555555555555';
const RULE = '66666666-6666-4666-8666-666666666666';
const USER = '77777777-7777-4777-8777-777777777777';
const PEER = '88888888-8888-4888-8888-888888888888';
const INTENT = JSON.stringify({ tenantId: TENANT, sites: [], networks: [], edges: [], policies: [] });

/** How many rows each table has. */
async function contentOf(url: string): Promise<Record<string, number>> {
  const pool = openPool({ url }, 1);
  try {
    const tables = await pool<{ name: string }[]>`
      select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'
        and relname not in ('schema_migrations')`;
    const counts: Record<string, number> = {};
    for (const { name } of tables) {
      const [row] = await pool.unsafe<{ n: number }[]>(`select count(*)::integer as n from ${name}`);
      counts[name] = row?.n ?? 0;
    }
    return counts;
  } finally {
    await pool.end();
  }
}

/** A row of each table, by the migration that makes it, in the columns that it had then. */
const ROWS: ReadonlyMap<string, string> = new Map([
  ['0000_platform', 'update controller_epoch set epoch = 7'],
  [
    '0001_tenants_and_users',
    `insert into tenants (id, name) values ('${TENANT}', 'old');
    insert into users (id, tenant_id, name, password_hash, administrator)
      values ('${USER}', '${TENANT}', 'admin', '$argon2id$old', true);
    insert into http_sessions (secret_hash, user_id, expires_at)
      values (sha256('\\x01'), '${USER}', now() + interval '1 day')`,
  ],
  [
    '0002_topology',
    `insert into sites (id, tenant_id, name) values ('${SITE}', '${TENANT}', 'site');
    insert into networks (id, tenant_id, site_id, name, prefix)
      values ('${NETWORK}', '${TENANT}', '${SITE}', 'lan', '10.1.0.0/16');
    insert into edges (id, tenant_id, site_id, name, underlay_address, underlay_port)
      values ('${EDGE}', '${TENANT}', '${SITE}', 'edge', '192.0.2.1', 4500)`,
  ],
  [
    '0003_policies',
    `insert into policies (id, tenant_id, name, enabled, position) values ('${POLICY}', '${TENANT}', 'policy', true, 0);
    insert into policy_rules (tenant_id, id, policy_id, position, name, action, enabled)
      values ('${TENANT}', '${RULE}', '${POLICY}', 0, 'rule', 'PROTECT', true);
    insert into rule_endpoints (tenant_id, rule_id, side, position, kind, site_id)
      values ('${TENANT}', '${RULE}', 'sources', 0, 'site', '${SITE}');
    insert into rule_endpoints (tenant_id, rule_id, side, position, kind)
      values ('${TENANT}', '${RULE}', 'destinations', 0, 'any');
    insert into rule_services (tenant_id, rule_id, position, protocol, ports)
      values ('${TENANT}', '${RULE}', 0, 'tcp', '{"[443,444)"}')`,
  ],
  [
    '0004_revisions',
    `insert into revisions (tenant_id, number, author, intent) values ('${TENANT}', 1, 'admin', '${INTENT}')`,
  ],
  [
    '0005_certificates',
    `insert into certificates (serial, tenant_id, edge_id, not_before, not_after)
      values ('0a', '${TENANT}', '${EDGE}', now(), now() + interval '1 day');
    insert into trust_anchor (root_fingerprint, signing_key_id) values (sha256('\\x02'), repeat('a', 64))`,
  ],
  [
    '0006_enrollment_tokens',
    `insert into enrollment_tokens (token_hash, tenant_id, edge_id, expires_at)
      values (sha256('\\x03'), '${TENANT}', '${EDGE}', now() + interval '1 hour')`,
  ],
  [
    '0010_edge_bundles',
    `insert into edge_bundles (tenant_id, edge_id, revision, generation, content_hash, content)
      values ('${TENANT}', '${EDGE}', 1, 3, sha256('\\x04'), '\\x04')`,
  ],
  [
    '0020_policy_tests',
    `insert into policy_tests (id, tenant_id, name, sources, destinations, services, expect) values ('${RULE}', '${TENANT}',
      'test', '[{"kind":"any"}]', '[{"kind":"any"}]', '[{"protocol":"any","ports":[]}]', 'denied')`,
  ],
  [
    '0022_audit_entries',
    `insert into audit_entries (tenant_id, actor, action, details) values ('${TENANT}', 'admin', 'seeded', '{}')`,
  ],
  [
    '0075_external_peers',
    `insert into pre_shared_keys (tenant_id, commitment, sealed)
      values ('${TENANT}', sha256('\\x05'), decode(repeat('05', 80), 'hex'));
    insert into external_peers (id, tenant_id, site_id, name, address, port, identity, local_identity, commitment, prefixes,
        ike_proposals, esp_proposal)
      values ('${PEER}', '${TENANT}', '${SITE}', 'partner', '203.0.113.99', 4500, 'gw.example', 'edge.example',
        sha256('\\x05'), '{10.9.0.0/16}', '[{}]', '{}')`,
  ],
  [
    '0120_approvals',
    `insert into draft_editors (tenant_id, name) values ('${TENANT}', 'admin');
    insert into draft_approvals (id, tenant_id, approver, comment, base, intent_digest, version, failed_proof)
      values ('${RULE}', '${TENANT}', 'second', '', 1, sha256('\\x01'), '1-0', false)`,
  ],
  [
    '0100_oidc_users',
    `insert into users (id, tenant_id, name, role, oidc_issuer, oidc_subject)
      values ('${RULE}', '${TENANT}', 'of the provider', 'viewer', 'https://id.example', '1')`,
  ],
]);
