import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import type postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { backupDatabase, restoreDatabase } from '../../src/backup/backup-database.js';
import { BackupHeader, type Frame, TableStart } from '../../src/backup/backup-format.js';
import { decodeFrames, encodeFrames, jsonFrame, parseFrame } from '../../src/backup/frames.js';
import { parseConfig } from '../../src/config/parse-config.js';
import { applyMigrations } from '../../src/db/apply-migrations.js';
import { readMigrations } from '../../src/db/migration-files.js';
import { openPool, type SqlTypes } from '../../src/platform/database/connection-options.js';
import { installationScope, tenantScope } from '../../src/platform/database/database-scope.js';
import { createLogger } from '../../src/platform/logging/logger.js';
import { describeOnServers } from '../support/on-servers.js';
import { startedDatabase } from '../support/started-database.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import type { TestPostgres } from '../support/test-postgres.js';
import { type SeededTenant, seedTenant } from './seed-tenant.js';

const MIGRATIONS = await readMigrations();
const NOW = new Date('2031-01-02T03:04:05.678Z');

describeOnServers('a backup', (start) => {
  let server: TestPostgres;
  let folder: Awaited<ReturnType<typeof temporaryDirectory>>;
  let file: string;
  let source: string;
  let seeded: readonly [SeededTenant, SeededTenant];
  beforeAll(async () => {
    server = await start();
    source = await server.createDatabase();
    seeded = await filled(source);
  });
  afterAll(() => server.remove());
  beforeEach(async () => {
    folder = await temporaryDirectory('backup');
    file = join(folder.path, 'weft.backup');
    return () => folder.remove();
  });

  const save = (url: string, key?: string) => backupDatabase(context(url, folder.path), file, key);
  const restore = (url: string, key?: string, replace = false) =>
    restoreDatabase(context(url, folder.path), file, key, replace);

  it.each(['a superuser', 'an ordinary user that owns the database'])(
    'holds everything, and %s restores it to an empty database',
    async (user) => {
      const summary = await save(source);
      expect(summary).toMatchObject({ keys: undefined, brokenAudits: [] });
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      expect(await readdir(folder.path)).toEqual(['weft.backup']);
      const target = await server.createDatabase();
      const url = user === 'a superuser' ? target : await ownedBy(target);
      const restored = await restore(url);
      expect(restored).toMatchObject({
        migrated: [],
        keys: 'not_inside',
        rows: summary.rows,
        tables: summary.tables,
      });
      expect(await contentOf(target)).toEqual(await contentOf(source));
      expect(await looseTables(target)).toEqual([]);
      // That user sees all rows, too, when it saves them; each tenant has an entry more.
      const again = await backupDatabase(context(url, folder.path), `${file}.2`, undefined);
      expect(again).toMatchObject({ tables: summary.tables, rows: summary.rows + seeded.length });
    },
  );

  it('leaves the database usable: policies hold, sequences go on, triggers do what they did', async () => {
    await save(source);
    const url = await ownedBy(await server.createDatabase());
    await restore(url);
    const database = await startedDatabase(url);
    try {
      const [ours, theirs] = seeded;
      const sites = await database.within(
        tenantScope(ours.tenantId),
        () => database.sql<{ tenantId: string }[]>`select tenant_id from sites`,
      );
      expect(sites.map(({ tenantId }) => tenantId)).toEqual([ours.tenantId]);
      await expect(
        database.within(tenantScope(ours.tenantId), () =>
          database.transaction(
            (sql) => sql`insert into sites (id, tenant_id, name) values (${randomUUID()}, ${theirs.tenantId}, 'x')`,
          ),
        ),
      ).rejects.toThrow('row-level security');
      await database.within(installationScope('inspection'), () =>
        database.transaction(async (sql) => {
          const restored = await sql<{ tenantId: string; createdAt: string }[]>`
              select tenant_id, details ->> 'createdAt' as created_at from audit_entries where action = 'backup_restored'`;
          expect(restored.map(({ tenantId }) => tenantId).sort()).toEqual([ours.tenantId, theirs.tenantId].sort());
          expect(restored[0]?.createdAt).toBe(NOW.toISOString());
          await sql`insert into audit_entries (tenant_id, actor, action, details) values (${ours.tenantId}, 'x', 'y', '{}')`;
          const [chain] = await sql<{ last: number; broken: number | null }[]>`
              select max(sequence) as last, audit_broken_at(${ours.tenantId}) as broken from audit_entries
              where tenant_id = ${ours.tenantId}`;
          expect(chain).toEqual({ last: 5, broken: null });
          const [event] = await sql<{ id: bigint }[]>`
              insert into edge_events (tenant_id, edge_id, boot_id, number, kind, occurred_at)
              values (${ours.tenantId}, ${ours.edgeId}, 'later', 1, 'agent_started', now()) returning id`;
          expect(event?.id).toBe(3n);
        }),
      );
      await expect(
        database.within(installationScope('inspection'), () =>
          database.transaction((sql) => sql`delete from revisions`),
        ),
      ).rejects.toThrow('immutable');
    } finally {
      await database.stop();
    }
  });

  it('lets nobody in that was not in before, and moves the epoch beyond all that edges can have seen', async () => {
    await save(source);
    const target = await server.createDatabase();
    expect((await restore(target)).epoch).toBe(BigInt(Math.floor(NOW.getTime() / 1000)));
    await withSql(target, async (sql) => {
      const [row] = await sql<Record<string, unknown>[]>`
          select (select count(*)::integer from http_sessions) as sessions, (select epoch from controller_epoch) as epoch,
            (select count(*)::integer from enrollment_tokens where used_at is null and replaced_at is null) as tokens`;
      expect(row).toEqual({ sessions: 0, tokens: 0, epoch: BigInt(Math.floor(NOW.getTime() / 1000)) });
    });
  });

  it('never takes the place of a file, nor of rows that are there, unless told', async () => {
    await save(source);
    await expect(save(source)).rejects.toMatchObject({ code: 'file', message: expect.stringContaining('exists') });
    const target = await server.createDatabase();
    await filled(target);
    const before = await contentOf(target);
    await expect(restore(target)).rejects.toMatchObject({ code: 'not_empty' });
    expect(await contentOf(target)).toEqual(before);
    await restore(target, undefined, true);
    expect(await contentOf(target)).toEqual(await contentOf(source));
    await restore(target, undefined, true);
    expect(await contentOf(target)).toEqual(await contentOf(source));
  });

  it('takes no database with the tables of somebody else, and none that a controller works with', async () => {
    await save(source);
    const foreign = await server.createDatabase();
    await withSql(foreign, (sql) => sql`create table precious (id integer)`);
    await expect(restore(foreign, undefined, true)).rejects.toMatchObject({
      code: 'not_empty',
      message: expect.stringContaining('precious'),
    });
    const used = await server.createDatabase();
    const database = await startedDatabase(used);
    try {
      await expect(restore(used, undefined, true)).rejects.toMatchObject({ code: 'in_use' });
    } finally {
      await database.stop();
    }
  });

  it('of an earlier schema is brought forward, and one of a later schema refused by name', async () => {
    const earlier = await server.createDatabase();
    const tenantId = randomUUID();
    const cut = MIGRATIONS.findIndex(({ name: migration }) => migration === '0035_tenant_isolation') + 1;
    await withSql(earlier, async (sql) => {
      await applyMigrations(sql, MIGRATIONS.slice(0, cut));
      await sql`insert into tenants (id, name) values (${tenantId}, 'old')`;
      await sql`insert into users (id, tenant_id, name, password_hash, administrator)
          values (${randomUUID()}, ${tenantId}, 'admin', '$argon2id$old', true)`;
    });
    await save(earlier);
    const target = await server.createDatabase();
    const { migrated } = await restore(target);
    expect(migrated).toEqual(MIGRATIONS.slice(cut).map((migration) => migration.name));
    await withSql(target, async (sql) => {
      expect(await sql`select name, role, provider_role from users`).toMatchObject([
        { role: 'admin', providerRole: 'admin' },
      ]);
    });
    await withSql(earlier, async (sql) => {
      await sql`insert into schema_migrations (version, name, checksum) values (9999, '9999_future', 'x')`;
    });
    const future = { version: 9999, name: '9999_future', checksum: 'x' };
    await rework(file, (frame) => {
      if (frame.kind !== 'H') return frame;
      const header = parseFrame(frame, BackupHeader);
      return jsonFrame('H', { ...header, migrations: [...header.migrations, future] });
    });
    const refused = await server.createDatabase();
    await expect(restore(refused)).rejects.toMatchObject({ code: 'unknown', migration: '9999_future' });
    expect(await tablesOf(refused)).toEqual([]);
    await expect(backupDatabase(context(earlier, folder.path), `${file}.2`, undefined)).rejects.toMatchObject({
      name: 'MigrationError',
      code: 'unknown',
      migration: '9999_future',
    });
  });

  it('that was cut off or changed changes nothing', async () => {
    await save(source);
    const whole = await readFile(file);
    const plain = gunzipSync(whole);
    const target = await server.createDatabase();
    const flipped = Buffer.from(plain);
    const at = flipped.length >> 1;
    flipped[at] = (flipped[at] ?? 0) ^ 1;
    for (const wrong of [
      whole.subarray(0, whole.length >> 1),
      gzipSync(flipped),
      gzipSync(plain.subarray(0, -1)),
      plain,
    ]) {
      await writeFile(file, wrong);
      await expect(restore(target)).rejects.toMatchObject({ name: 'BackupError', code: 'damaged' });
    }
    expect(await tablesOf(target)).toEqual([]);
  });

  it('whose audit log was forged before it was saved says so; one that was forged since is refused', async () => {
    const forged = await server.createDatabase();
    const [{ tenantId }] = await filled(forged);
    await withSql(forged, async (sql) => {
      await sql`alter table audit_entries disable trigger user`;
      await sql`update audit_entries set actor = 'nobody' where tenant_id = ${tenantId} and sequence = 2`;
      await sql`alter table audit_entries enable trigger user`;
    });
    const broken = [{ tenantId, brokenAt: 2 }];
    expect((await save(forged)).brokenAudits).toEqual(broken);
    expect((await restore(await server.createDatabase())).brokenAudits).toEqual(broken);
    await rework(file, (frame) => {
      const text = frame.payload.toString('utf8');
      return frame.kind === 'D' && text.includes('\tseeded\t')
        ? { kind: 'D', payload: Buffer.from(text.replaceAll('\tseeded\t', '\tforged\t')) }
        : frame;
    });
    const target = await server.createDatabase();
    await expect(restore(target)).rejects.toMatchObject({ code: 'audit_broken' });
    expect(await tablesOf(target)).toEqual([]);
  });

  it('that lacks a table or a row, or has one that the schema refuses, changes nothing', async () => {
    await save(source);
    const whole = await readFile(file);
    const target = await server.createDatabase();
    const attempts: readonly [RegExp, (frame: Frame, table: string) => Frame | undefined][] = [
      [/does not hold the table policy_tests/, (frame, table) => (table === 'policy_tests' ? undefined : frame)],
      [
        /networks had 2 rows and has 0/,
        (frame, table) => (table === 'networks' && frame.kind === 'D' ? undefined : frame),
      ],
      [
        /does not take the table networks: .*overlap/,
        (frame, table) =>
          table === 'networks' && frame.kind === 'D'
            ? { kind: 'D', payload: Buffer.concat([frame.payload, secondNetwork(frame.payload)]) }
            : frame,
      ],
      [
        /does not take the table address_pools: .*foreign key/,
        (frame, table) => (table === 'sites' ? undefined : frame),
      ],
    ];
    for (const [message, change] of attempts) {
      await writeFile(file, whole);
      await rework(file, change);
      await expect(restore(target), String(message)).rejects.toThrow(message);
    }
    expect(await tablesOf(target)).toEqual([]);
  });

  it('holds the keys of the fabric, sealed, when it is given a key', async () => {
    const keyFile = join(folder.path, 'key');
    await writeFile(keyFile, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600 });
    const other = join(folder.path, 'other');
    await writeFile(other, randomBytes(32).toString('hex'), { mode: 0o600 });
    const from = await temporaryDirectory('pki');
    const to = await temporaryDirectory('pki');
    try {
      await writeKeys(from.path);
      await backupDatabase(context(source, from.path), file, keyFile);
      expect(gunzipSync(await readFile(file)).includes('precious secret')).toBe(false);
      const target = await server.createDatabase();
      const restoreTo = (path: string, key?: string) => restoreDatabase(context(target, path), file, key, true);
      await expect(restoreTo(to.path, other)).rejects.toMatchObject({ code: 'key' });
      expect((await restoreTo(to.path)).keys).toBe('sealed');
      await expect(stat(join(to.path, 'pki'))).rejects.toMatchObject({ code: 'ENOENT' });
      expect((await restoreTo(to.path, keyFile)).keys).toBe('restored');
      expect(await readFile(join(to.path, 'pki', 'root.pem'), 'utf8')).toBe('a precious secret');
      expect((await stat(join(to.path, 'pki', 'root.pem'))).mode & 0o777).toBe(0o600);
      expect(await readFile(join(to.path, 'secrets.key'), 'utf8')).toBe('another one');
      // Again, over the same keys.
      expect((await restoreTo(to.path, keyFile)).keys).toBe('restored');
      await writeFile(join(to.path, 'pki', 'root.pem'), 'another secret');
      await expect(restoreTo(to.path, keyFile)).rejects.toMatchObject({ code: 'foreign_keys' });
      expect(await readFile(join(to.path, 'pki', 'root.pem'), 'utf8')).toBe('another secret');
    } finally {
      await from.remove();
      await to.remove();
    }
  });
});

function context(url: string, dataDirectory: string) {
  const config = parseConfig({ DATABASE_URL: url, WEFT_DATA_DIR: dataDirectory });
  return { config, logger: createLogger('silent'), now: NOW };
}

async function writeKeys(dataDirectory: string): Promise<void> {
  await mkdir(join(dataDirectory, 'pki'), { mode: 0o700 });
  await writeFile(join(dataDirectory, 'pki', 'root.pem'), 'a precious secret', { mode: 0o600 });
  await writeFile(join(dataDirectory, 'secrets.key'), 'another one', { mode: 0o600 });
}

/** Two tenants, and values that are hard to write down. */
async function filled(url: string): Promise<readonly [SeededTenant, SeededTenant]> {
  const database = await startedDatabase(url);
  await database.stop();
  return withSql(url, async (sql) => {
    const ours = await seedTenant(sql, randomUUID());
    const theirs = await seedTenant(sql, randomUUID());
    const large = randomBytes(1 << 21);
    await sql`
      update edge_bundles set content = ${large}, content_hash = sha256(${large}), applied_revision = 1, applied_generation = 1,
        applied_hash = sha256('\\x00'), applied_content = '\\x00', applied_at = now()
      where tenant_id = ${ours.tenantId}`;
    for (const text of ['a\tb\\c\nd\r\\N', '\\.', 'ü 漢 🦊']) {
      await sql`update sites set description = description || ${text} where tenant_id = ${ours.tenantId}`;
    }
    for (let entry = 0; entry < 2; entry += 1) {
      await sql`insert into audit_entries (tenant_id, actor, action, details)
        values (${ours.tenantId}, 'x', 'y', ${JSON.stringify({ text: 'a\nb', n: 1.5 })}::text::jsonb)`;
      await sql`insert into edge_events (tenant_id, edge_id, boot_id, number, kind, occurred_at, count)
        values (${ours.tenantId}, ${ours.edgeId}, 'boot', ${entry + 1}, 'agent_started', now(), 12345678901234567890)`;
    }
    // Two tables that refer to each other.
    await sql`update tenants set default_profile_id = (select id from profiles where tenant_id = tenants.id limit 1)`;
    const renewed = randomBytes(16).toString('hex');
    await sql`insert into certificates (serial, tenant_id, edge_id, not_before, not_after, renewal_of)
      values (${renewed}, ${ours.tenantId}, ${ours.edgeId}, now(), now() + interval '1 day', ${ours.serial})`;
    // An identifier that sorts before it: a table that refers to itself is filled in one statement.
    await sql`update certificates set renewal_of = ${renewed} where serial = ${ours.serial}`;
    await sql`update controller_epoch set epoch = 41`;
    return [ours, theirs] as const;
  });
}

/** Every row of every table, but for what a restore changes on purpose. */
async function contentOf(url: string): Promise<Record<string, string>> {
  return withSql(url, async (sql) => {
    const content: Record<string, string> = {};
    for (const table of await tablesOf(url)) {
      if (['http_sessions', 'controller_epoch'].includes(table)) continue;
      const changed = ['enrollment_tokens', 'schema_migrations'].includes(table);
      // What the restore itself adds.
      const where = table === 'audit_entries' ? "where action <> 'backup_restored'" : '';
      // After a restore positions in the journal of before mean nothing.
      const journal = table === 'event_journals';
      const row = changed || journal ? "to_jsonb(t) - 'replaced_at' - 'applied_at' - 'journal'" : 't';
      const [digest] = await sql.unsafe<{ digest: string }[]>(
        `select count(*) || ' ' || md5(coalesce(string_agg((${row})::text, '|' order by (${row})::text), '')) as digest from ${table} t ${where}`,
      );
      content[table] = digest?.digest ?? '';
    }
    return content;
  });
}

/** Tables for whose owner policies do not hold, or that have a trigger which does not fire. */
async function looseTables(url: string): Promise<string[]> {
  return withSql(url, async (sql) => {
    const rows = await sql<{ name: string }[]>`
      select relname as name from pg_class c
      where relnamespace = 'public'::regnamespace and relkind = 'r' and relname <> 'schema_migrations'
        and (not relrowsecurity or not relforcerowsecurity
          or exists (select from pg_trigger where tgrelid = c.oid and tgenabled <> 'O'))`;
    return rows.map((row) => row.name);
  });
}

async function tablesOf(url: string): Promise<string[]> {
  return withSql(url, async (sql) => {
    const rows = await sql<{ name: string }[]>`
      select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' order by 1`;
    return rows.map((row) => row.name);
  });
}

async function withSql<T>(url: string, work: (sql: postgres.Sql<SqlTypes>) => Promise<T>): Promise<T> {
  const sql = openPool({ url }, 2);
  try {
    return await work(sql);
  } finally {
    await sql.end();
  }
}

/** As somebody would change a backup who can make its checksum anew. */
async function rework(file: string, change: (frame: Frame, table: string) => Frame | undefined): Promise<void> {
  async function* octets() {
    yield gunzipSync(await readFile(file));
  }
  async function* changed() {
    let table = '';
    for await (const frame of decodeFrames(octets(), null)) {
      if (frame.kind === 'T') table = parseFrame(frame, TableStart).name;
      if (frame.kind === 'S') table = '';
      const instead = change(frame, table);
      if (instead !== undefined) yield instead;
    }
  }
  const chunks: Buffer[] = [];
  for await (const chunk of encodeFrames(changed(), null)) chunks.push(chunk);
  await writeFile(file, gzipSync(Buffer.concat(chunks)));
}

/** The first row again, with another identifier and name: its prefix overlaps. */
function secondNetwork(rows: Buffer): Buffer {
  const [first = ''] = rows.toString('utf8').split('\n');
  return Buffer.from(`${first.replace(/^[^\t]+/, randomUUID()).replace('\tlan\t', '\tlan 2\t')}\n`);
}

/** Gives the database to a new user that is no superuser; returns the URL for it. */
async function ownedBy(url: string): Promise<string> {
  const owner = new URL(url);
  owner.username = `owner_${randomUUID().slice(0, 8)}`;
  await withSql(url, async (sql) => {
    await sql.unsafe(`create role ${owner.username} login`);
    await sql.unsafe(`alter database ${owner.pathname.slice(1)} owner to ${owner.username}`);
  });
  return owner.href;
}
