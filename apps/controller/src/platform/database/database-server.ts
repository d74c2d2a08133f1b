import { join } from 'node:path';
import type { Logger } from 'pino';
import type { ControllerConfig } from '../../config/controller-config.js';
import type { DatabaseLocation } from './connection-options.js';
import { embeddedBinaries, installedBinaries } from './postgres-binaries.js';
import { PostgresServer } from './postgres-server.js';

/** A Postgres that answers at a location, ours or somebody else's. */
export interface DatabaseServer {
  readonly location: DatabaseLocation;
  /** For the log; no credentials. */
  readonly description: string;
  /** Stops a server of ours; leaves somebody else's alone. */
  stop(): Promise<void>;
}

/** Finds or starts Postgres: `DATABASE_URL`, then `PG_BIN_DIR`, then the embedded binaries. Throws PostgresStartError. */
export async function openDatabaseServer(config: ControllerConfig, logger: Logger): Promise<DatabaseServer> {
  const source = config.database;
  if (source.kind === 'url') {
    return { location: { url: source.url }, description: 'DATABASE_URL', stop: () => Promise.resolve() };
  }
  const directory = join(config.dataDirectory, 'postgres');
  const binaries =
    source.kind === 'binaries'
      ? await installedBinaries(source.directory)
      : await embeddedBinaries(join(directory, 'runtime'));
  return PostgresServer.start({ binaries, directory, logger });
}
