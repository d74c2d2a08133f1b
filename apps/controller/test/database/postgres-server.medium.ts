import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPool } from '../../src/platform/database/connection-options.js';
import { embeddedBinaries } from '../../src/platform/database/postgres-binaries.js';
import { PostgresServer } from '../../src/platform/database/postgres-server.js';
import { createLogger } from '../../src/platform/logging/logger.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
const lines: { level: string; msg: string }[] = [];

beforeAll(async () => {
  directory = await temporaryDirectory('postgres-server');
});
afterAll(() => directory.remove());

describe('a Postgres that is ours', () => {
  it('says nothing above debug about connections that its own end closes', async () => {
    const base = join(directory.path, 'postgres');
    const server = await PostgresServer.start({
      binaries: await embeddedBinaries(join(base, 'runtime')),
      directory: base,
      logger: createLogger('debug', { write: (line) => lines.push(JSON.parse(line)) }),
      settings: ['fsync=off'],
    });
    const pool = openPool(server.location, 1);
    // One that is told while it works: its session ends by the server, not by us.
    const asleep = pool`select pg_sleep(3600)`.catch((error: unknown) => error);
    while ((await sleepers(server)) === 0);
    await server.stop();
    expect(await asleep).toBeInstanceOf(Error);
    await pool.end({ timeout: 0 });

    expect(lines).toContainEqual(
      expect.objectContaining({
        level: 'debug',
        msg: expect.stringMatching(/FATAL: {2}terminating connection due to/),
      }),
    );
    expect(lines.filter(({ level }) => level !== 'debug')).toEqual([]);
  });
});

async function sleepers(server: PostgresServer): Promise<number> {
  const pool = openPool(server.location, 1);
  try {
    const rows = await pool`select from pg_stat_activity where wait_event = 'PgSleep'`;
    return rows.length;
  } finally {
    await pool.end();
  }
}
