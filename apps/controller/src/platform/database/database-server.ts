import { join } from 'node:path';
import type { Logger } from 'pino';
import type { ControllerConfig, DatabaseSource } from '../../config/controller-config.js';
import { type DatabaseLocation, openPool } from './connection-options.js';
import { DatabaseUnavailableError, translateDatabaseError } from './database-errors.js';
import { embeddedBinaries, installedBinaries, type PostgresBinaries } from './postgres-binaries.js';
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
  if (source.kind === 'url') return somebodyElses(source.url, 'DATABASE_URL');
  const directory = ownDirectory(config);
  return PostgresServer.start({ binaries: await ownBinaries(source, directory), directory, logger });
}

/** Like openDatabaseServer, but a server of ours that a controller runs already is used beside it, and left alone. */
export async function reachDatabaseServer(config: ControllerConfig, logger: Logger): Promise<DatabaseServer> {
  const source = config.database;
  if (source.kind === 'url') return openDatabaseServer(config, logger);
  const directory = ownDirectory(config);
  const binaries = await ownBinaries(source, directory);
  const { location, description } = await PostgresServer.describe({ binaries, directory, logger });
  return (await answers(location))
    ? somebodyElses(location.url, description)
    : PostgresServer.start({ binaries, directory, logger });
}

function ownDirectory({ dataDirectory }: ControllerConfig): string {
  return join(dataDirectory, 'postgres');
}

function ownBinaries(source: Exclude<DatabaseSource, { kind: 'url' }>, directory: string): Promise<PostgresBinaries> {
  return source.kind === 'binaries'
    ? installedBinaries(source.directory)
    : embeddedBinaries(join(directory, 'runtime'));
}

function somebodyElses(url: string, description: string): DatabaseServer {
  return { location: { url }, description, stop: () => Promise.resolve() };
}

async function answers(location: DatabaseLocation): Promise<boolean> {
  const pool = openPool(location, 1);
  try {
    await pool`select 1`;
    return true;
  } catch (error) {
    if (translateDatabaseError(error) instanceof DatabaseUnavailableError) return false;
    throw error;
  } finally {
    await pool.end();
  }
}
