import { cp, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { applyMigrations } from '../../src/db/apply-migrations.js';
import { MIGRATIONS_DIRECTORY, readMigrations } from '../../src/db/migration-files.js';
import { openPool } from '../../src/platform/database/connection-options.js';
import { describeOnServers } from '../support/on-servers.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import type { TestPostgres } from '../support/test-postgres.js';

describeOnServers('migrations', (start) => {
  let postgres: TestPostgres;
  beforeAll(async () => {
    postgres = await start();
  });
  afterAll(() => postgres.remove());

  it('applies every file once, in order, and nothing the second time', async () => {
    await withPool(postgres, async (pool) => {
      const migrations = await readMigrations();
      const files = (await readdir(MIGRATIONS_DIRECTORY)).map((file) => file.replace('.sql', '')).sort();
      expect(await applyMigrations(pool, migrations)).toEqual(files);
      expect(await applyMigrations(pool, migrations)).toEqual([]);
      const recorded = await pool<{ name: string }[]>`select name from schema_migrations order by version`;
      expect(recorded.map((row) => row.name)).toEqual(files);
    });
  });

  it('applies them once when two controllers start together', async () => {
    const url = await postgres.createDatabase();
    const pools = [openPool({ url }, 2), openPool({ url }, 2)];
    try {
      const migrations = await readMigrations();
      const applied = await Promise.all(pools.map((pool) => applyMigrations(pool, migrations)));
      expect(applied.map((names) => names.length).sort((a, b) => a - b)).toEqual([0, migrations.length]);
    } finally {
      await Promise.all(pools.map((pool) => pool.end()));
    }
  });

  it('refuses an applied migration that was edited, and one that is unknown', async () => {
    await withPool(postgres, async (pool) => {
      const migrations = await readMigrations();
      await applyMigrations(pool, migrations);
      const edited = await editedCopy();
      const changed = await readMigrations(edited.path);
      await expect(applyMigrations(pool, changed)).rejects.toMatchObject({
        code: 'changed',
        migration: '0000_platform',
        message: expect.stringContaining('was edited after it had been applied'),
      });
      await edited.remove();
      await expect(applyMigrations(pool, migrations.slice(0, -1))).rejects.toMatchObject({
        code: 'unknown',
        migration: migrations.at(-1)?.name,
      });
    });
  });

  it('refuses a new migration with a number below an applied one', async () => {
    await withPool(postgres, async (pool) => {
      const create = (version: number, name: string) =>
        ({ version, name, checksum: name, statements: `create table ${name} (id integer)` }) as const;
      const [late, applied] = [create(1, 'late'), create(2, 'applied')];
      await applyMigrations(pool, [applied]);
      await expect(applyMigrations(pool, [late, applied])).rejects.toMatchObject({
        code: 'out_of_order',
        migration: 'late',
      });
      expect(await pool`select 1 from pg_tables where tablename = 'late'`).toHaveLength(0);
    });
  });

  it('applies nothing of a migration that fails, and can go on afterwards', async () => {
    await withPool(postgres, async (pool) => {
      const good = { version: 1, name: '0001_good', checksum: 'a', statements: 'create table good (id integer)' };
      const bad = {
        version: 2,
        name: '0002_bad',
        checksum: 'b',
        statements: 'create table half (id integer); create table half (id integer)',
      };
      await expect(applyMigrations(pool, [good, bad])).rejects.toMatchObject({
        code: 'failed',
        migration: '0002_bad',
      });
      expect(await pool`select 1 from pg_tables where tablename = 'half'`).toHaveLength(0);
      const fixed = { ...bad, statements: 'create table half (id integer)' };
      expect(await applyMigrations(pool, [good, fixed])).toEqual(['0002_bad']);
    });
  });
});

async function withPool(
  postgres: TestPostgres,
  work: (pool: ReturnType<typeof openPool>) => Promise<void>,
): Promise<void> {
  const pool = openPool({ url: await postgres.createDatabase() }, 2);
  try {
    await work(pool);
  } finally {
    await pool.end();
  }
}

async function editedCopy(): Promise<{ path: string; remove(): Promise<void> }> {
  const directory = await temporaryDirectory('migrations');
  await cp(MIGRATIONS_DIRECTORY, directory.path, { recursive: true });
  await writeFile(join(directory.path, '0000_platform.sql'), 'select 1;\n');
  return directory;
}
