import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { openPool } from '../../src/platform/database/connection-options.js';
import { embeddedBinaries, installedBinaries } from '../../src/platform/database/postgres-binaries.js';
import { PostgresServer } from '../../src/platform/database/postgres-server.js';
import { createLogger } from '../../src/platform/logging/logger.js';
import { temporaryDirectory } from './temporary-directory.js';

/** Debian's oldest supported Postgres; tests that need it say so when it is not there. */
export const DEBIAN_POSTGRES_15 = '/usr/lib/postgresql/15/bin';

export function isInstalled(directory: string): Promise<boolean> {
  return access(join(directory, 'postgres'), constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** A real Postgres in a temporary directory, by the launcher that the controller itself uses. */
export class TestPostgres {
  #server: PostgresServer;
  readonly #start: () => Promise<PostgresServer>;
  readonly #remove: () => Promise<void>;
  #databases = 0;

  private constructor(server: PostgresServer, start: () => Promise<PostgresServer>, remove: () => Promise<void>) {
    this.#server = server;
    this.#start = start;
    this.#remove = remove;
  }

  /** @param binaryDirectory of an installed Postgres; the embedded one when absent */
  static async start(binaryDirectory?: string): Promise<TestPostgres> {
    const directory = await temporaryDirectory('postgres');
    const base = join(directory.path, 'postgres');
    const binaries =
      binaryDirectory === undefined
        ? await embeddedBinaries(join(base, 'runtime'))
        : await installedBinaries(binaryDirectory);
    // Tests do not survive a power cut.
    const settings = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'];
    const start = () => PostgresServer.start({ binaries, directory: base, logger: createLogger('silent'), settings });
    try {
      return new TestPostgres(await start(), start, directory.remove);
    } catch (error) {
      await directory.remove();
      throw error;
    }
  }

  /** An empty database of its own; returns its URL. */
  async createDatabase(): Promise<string> {
    this.#databases += 1;
    const name = `test_${this.#databases}`;
    const pool = openPool(this.#server.location, 1);
    try {
      await pool.unsafe(`create database ${name}`);
    } finally {
      await pool.end();
    }
    const url = new URL(this.#server.location.url);
    url.pathname = `/${name}`;
    return url.href;
  }

  /** As if somebody had pulled the plug: databases and their URLs are there again after start(). */
  stop(): Promise<void> {
    return this.#server.stop();
  }

  async restart(): Promise<void> {
    this.#server = await this.#start();
  }

  /** Stops and removes everything. */
  async remove(): Promise<void> {
    await this.#server.stop();
    await this.#remove();
  }
}
