import { randomUUID } from 'node:crypto';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applyMigrations } from '../../src/db/apply-migrations.js';
import { readMigrations } from '../../src/db/migration-files.js';
import { openPool, type SqlTypes } from '../../src/platform/database/connection-options.js';
import type { Database } from '../../src/platform/database/database.js';
import {
  ACCOUNTS,
  type DatabaseScope,
  installationScope,
  tenantScope,
} from '../../src/platform/database/database-scope.js';
import { describeOnServers } from '../support/on-servers.js';
import { startedDatabase } from '../support/started-database.js';
import type { TestPostgres } from '../support/test-postgres.js';
import { SEEDED_TABLES, seedTenant } from './seed-tenant.js';

/** Whom DATABASE_URL may name. The first makes the role, which is of the whole server. */
const USERS = [
  { user: 'a user with BYPASSRLS that may make roles', attributes: 'login bypassrls createrole' },
  { user: 'a superuser', attributes: undefined },
  { user: 'an ordinary user that owns the tables', attributes: 'login' },
];

describeOnServers('tenants', (start) => {
  let server: TestPostgres;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(() => server.remove());

  describe.each(USERS)('to $user', ({ attributes }) => {
    let url: string;
    let admin: postgres.Sql<SqlTypes>;
    let database: Database;
    const [ours, theirs] = [randomUUID(), randomUUID()];
    beforeAll(async () => {
      const administrator = await server.createDatabase();
      admin = openPool({ url: administrator }, 2);
      url = attributes === undefined ? administrator : await ownedBy(admin, administrator, attributes);
      database = await startedDatabase(url);
      for (const tenantId of [ours, theirs]) await seedTenant(admin, tenantId);
    });
    afterAll(async () => {
      await database.stop();
      await admin.end();
    });

    const inScope = <T>(scope: DatabaseScope, statement: string) =>
      database.within(scope, () =>
        database.transaction((sql) => sql.unsafe<(T & postgres.Row)[]>(statement) as Promise<(T & postgres.Row)[]>),
      );

    it('every table has policies, forced on whoever owns it', async () => {
      const open = await admin`
          select relname from pg_class c
          where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and relname <> 'schema_migrations'
            and not (relrowsecurity and relforcerowsecurity
              and exists (select from pg_policy where polrelid = c.oid and polname = 'installation'))`;
      expect(open.map(({ relname }) => relname)).toEqual([]);
      const owned = await tablesOfTenants(admin);
      expect(owned.length).toBeGreaterThanOrEqual(15);
      for (const table of owned) {
        const policies = await admin`select from pg_policy where polrelid = ${table}::regclass and polname = 'tenant'`;
        expect(policies, `${table} belongs to tenants and has no policy for them`).toHaveLength(1);
      }
    });

    it('a statement that names no tenant sees and changes the rows of one', async () => {
      const seeded: string[] = [];
      for (const table of await tablesOfTenants(admin)) {
        const before = await digest(admin, table);
        const count = `select count(*)::integer as n from ${table}`;
        const [all] = await admin.unsafe<{ n: number }[]>(count);
        const [own] = await inScope<{ n: number }>(tenantScope(ours), count);
        const [other] = await inScope<{ n: number }>(tenantScope(theirs), count);
        expect((own?.n ?? 0) + (other?.n ?? 0), table).toBe(all?.n);
        if (own?.n !== 0 && other?.n !== 0) seeded.push(table);
        expect(await inScope(tenantScope(randomUUID()), `select from ${table}`), table).toHaveLength(0);
        await inScope(tenantScope(randomUUID()), `delete from ${table}`).catch(expectRefusal);
        expect(await digest(admin, table), table).toBe(before);
      }
      expect(seeded).toEqual(expect.arrayContaining([...SEEDED_TABLES]));
    });

    it('nobody writes a row for another tenant, nor gives one away', async () => {
      const insert = `insert into sites (id, tenant_id, name) values ('${randomUUID()}', '${theirs}', 'smuggled')`;
      await expect(inScope(tenantScope(ours), insert)).rejects.toThrow('row-level security');
      const give = `update policies set tenant_id = '${theirs}'`;
      await expect(inScope(tenantScope(ours), give)).rejects.toThrow('row-level security');
      const audit = `insert into audit_entries (tenant_id, actor, action, details) values ('${theirs}', 'x', 'forged', '{}')`;
      await expect(inScope(tenantScope(ours), audit)).rejects.toThrow('row-level security');
      const epoch = await inScope(tenantScope(ours), 'update controller_epoch set epoch = 99 returning epoch');
      expect(epoch).toHaveLength(0);
    });

    it('before it is known who asks, accounts are seen and nothing else', async () => {
      const [row] = await inScope<{ tenants: bigint; sites: bigint }>(
        ACCOUNTS,
        'select (select count(*) from tenants) as tenants, (select count(*) from sites) as sites',
      );
      expect(row).toEqual({ tenants: 2n, sites: 0n });
    });

    it('the installation sees all; without a scope nothing runs, and past us nothing is seen', async () => {
      expect(await inScope(installationScope('inspection'), 'select from sites')).toHaveLength(
        Number((await admin`select count(*)::integer as n from sites`)[0]?.['n']),
      );
      await expect(database.sql`select from sites`.execute()).rejects.toMatchObject({ code: 'no_database_scope' });
      await expect(database.transaction(async (sql) => sql`select from sites`)).rejects.toMatchObject({
        code: 'no_database_scope',
      });
      if (attributes !== 'login') return;
      const past = openPool({ url }, 1);
      expect(await past`select from sites`).toHaveLength(0);
      await past.end();
    });

    it('leaves nothing of a scope behind on its connection', async () => {
      await inScope(tenantScope(ours), 'select');
      const [after] = await database.within(installationScope('inspection'), async () => [
        ...(await database.sql<{ tenant: string; n: number }[]>`
            select current_setting('weft.tenant') as tenant, count(*)::integer as n from tenants`),
      ]);
      expect(after).toEqual({ tenant: '', n: 2 });
    });

    it('runs statements that belong together where they are made, in the scope that holds there', async () => {
      const found = await Promise.all(
        Array.from({ length: 40 }, (_, index) => {
          const tenantId = index % 2 === 0 ? ours : theirs;
          // Awaited outside of the scope, with one statement as part of another.
          return database.within(tenantScope(tenantId), () => {
            const { sql } = database;
            return { tenantId, rows: sql<{ id: string }[]>`select id from tenants ${sql`where true`}` };
          });
        }).map(async ({ tenantId, rows }) => [tenantId, (await rows).map(({ id }) => id)] as const),
      );
      for (const [tenantId, ids] of found) expect(ids).toEqual([tenantId]);
    });
  });

  it('a table of a later migration is closed without a word in it', async () => {
    const pool = openPool({ url: await server.createDatabase() }, 2);
    const later = {
      version: 9999,
      name: '9999_later',
      checksum: 'x',
      statements: `
          create table later_details (later_id uuid primary key);
          create table later (id uuid primary key, tenant_id uuid not null references tenants (id));
          alter table later_details add foreign key (later_id) references later (id);
          create table installation_only (id uuid primary key)`,
    };
    await applyMigrations(pool, [...(await readMigrations()), later]);
    const policies = await pool<{ policy: string }[]>`
        select polrelid::regclass || ' ' || polname as policy from pg_policy
        where polrelid::regclass::text in ('later', 'later_details', 'installation_only') order by 1`;
    expect(policies.map(({ policy }) => policy)).toEqual([
      'installation_only installation',
      'later installation',
      'later tenant',
      'later_details installation',
      'later_details tenant',
    ]);
    await pool.end();
  });

  it('a user that no policy holds for, and that cannot become one for whom they do, does not start', async () => {
    const administrator = await server.createDatabase();
    const admin = openPool({ url: administrator }, 1);
    await admin`drop role if exists weft_request`.catch(() => undefined);
    const url = await ownedBy(admin, administrator, 'login bypassrls');
    const refused = startedDatabase(url);
    await expect(refused).rejects.toMatchObject({
      code: 'bypasses_row_security',
      message: expect.stringMatching(/NOBYPASSRLS.*GRANT weft_request TO/s),
    });
    await admin.end();
  });
});

/** Tables with a column that names a tenant, and all that refer to one of these, found without the functions of the migration. */
async function tablesOfTenants(sql: postgres.Sql<SqlTypes>): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    with recursive owned as (
      select 'tenants'::regclass::oid as oid
      union
      select attrelid from pg_attribute join pg_class c on c.oid = attrelid
        where attname = 'tenant_id' and relkind in ('r', 'p') and relnamespace = 'public'::regnamespace
      union
      select conrelid from pg_constraint join owned on confrelid = owned.oid where contype = 'f'
    )
    select oid::regclass::text as name from owned order by 1`;
  return rows.map(({ name }) => name);
}

async function digest(sql: postgres.Sql<SqlTypes>, table: string): Promise<string> {
  const [row] = await sql.unsafe<{ digest: string }[]>(
    `select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) as digest from ${table} t`,
  );
  return row?.digest ?? '';
}

/** Triggers of tables that only grow refuse every deletion. */
function expectRefusal(error: unknown): void {
  expect(error).toMatchObject({ code: '23001' });
}

/** Gives the database to a new user and returns the URL for it. */
async function ownedBy(admin: postgres.Sql<SqlTypes>, url: string, attributes: string): Promise<string> {
  const owner = new URL(url);
  owner.username = `owner_${randomUUID().slice(0, 8)}`;
  await admin.unsafe(`create role ${owner.username} ${attributes}`);
  await admin.unsafe(`alter database ${owner.pathname.slice(1)} owner to ${owner.username}`);
  return owner.href;
}
