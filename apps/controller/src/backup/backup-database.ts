import type { Logger } from 'pino';
import type { ControllerConfig } from '../config/controller-config.js';
import { readMigrations } from '../db/migration-files.js';
import { openPool } from '../platform/database/connection-options.js';
import { isConnectionLoss, translateDatabaseError } from '../platform/database/database-errors.js';
import { type DatabaseServer, openDatabaseServer, reachDatabaseServer } from '../platform/database/database-server.js';
import { checkServerVersion } from '../platform/database/postgres-version.js';
import { BackupError } from './backup-error.js';
import { readBackupFile, refuseExisting, writeBackupFile } from './backup-file.js';
import { type BackupEnd, BackupHeader } from './backup-format.js';
import { readBackupKey } from './backup-key.js';
import type { BackupConnection } from './catalogue.js';
import { checkAgainst, type FabricKeys, readFabricKeys, sealKeys, unsealKeys, writeFabricKeys } from './fabric-keys.js';
import { FrameSource } from './frame-source.js';
import { decodeFrames, encodeFrames, parseFrame } from './frames.js';
import { type BackupSummary, backupFrames } from './make-backup.js';
import { type RestoreSummary, restoreFrames } from './restore.js';

/** What the commands work with. */
export interface BackupContext {
  readonly config: ControllerConfig;
  readonly logger: Logger;
  readonly now: Date;
}

export interface WrittenBackup extends BackupSummary {
  /** Octets of the file. */
  readonly size: number;
  /** Files with keys that are inside; undefined without a key. */
  readonly keys: number | undefined;
}

export interface RestoredBackup extends RestoreSummary {
  readonly keys: 'restored' | 'sealed' | 'not_inside';
}

/**
 * Saves the database of a controller, which may run meanwhile, in a file; with a key file the keys of the fabric, too.
 * @throws BackupError, PkiError, MigrationError, PostgresStartError, DatabaseUnavailableError: there is no file then
 */
export async function backupDatabase(
  { config, logger, now }: BackupContext,
  file: string,
  keyFile: string | undefined,
): Promise<WrittenBackup> {
  await refuseExisting(file);
  const key = keyFile === undefined ? undefined : await readBackupKey(keyFile);
  const keys = key === undefined ? undefined : await readFabricKeys(config.dataDirectory);
  const sealedKeys = key && keys && sealKeys(key, keys);
  const migrations = await readMigrations();
  return withConnection(await reachDatabaseServer(config, logger), async (connection) => {
    let summary: BackupSummary | undefined;
    const frames = backupFrames(connection, { migrations, now, sealedKeys }, (done) => {
      summary = done;
    });
    const size = await writeBackupFile(file, encodeFrames(frames, key?.authentication ?? null));
    if (summary === undefined) throw new Error('the frames of the backup ended before their end');
    return { ...summary, size, keys: keys && Object.keys(keys).length };
  });
}

/**
 * Makes a database what a backup says, all of it or nothing; with its key file the keys of the fabric, too, unless they are there.
 * The file is read twice: whole before anything begins.
 *
 * @throws BackupError, PkiError, MigrationError, PostgresStartError, DatabaseUnavailableError: the database is as it was then
 */
export async function restoreDatabase(
  { config, logger, now }: BackupContext,
  file: string,
  keyFile: string | undefined,
  replace: boolean,
): Promise<RestoredBackup> {
  const key = keyFile === undefined ? undefined : await readBackupKey(keyFile);
  const macKey = key?.authentication ?? null;
  const { sealedKeys, end } = await inspect(file, macKey);
  const keys = key && sealedKeys && unsealKeys(key, sealedKeys);
  const { dataDirectory } = config;
  if (keys !== undefined) await checkAgainst(dataDirectory, keys);
  const migrations = await readMigrations();
  const summary = await withConnection(await openDatabaseServer(config, logger), (connection) =>
    inTransaction(connection, async () => {
      const restored = await withFrames(file, macKey, (frames) =>
        restoreFrames(connection, frames, { migrations, now, replace }),
      );
      if (restored.end.sha256 !== end.sha256) throw new BackupError('damaged', `${file} was changed while it was read`);
      await putKeys(dataDirectory, keys);
      return restored;
    }),
  );
  const without = sealedKeys === undefined ? 'not_inside' : 'sealed';
  return { ...summary, keys: keys === undefined ? without : 'restored' };
}

/** Reads all of it. Throws BackupError when it is not whole. */
function inspect(
  file: string,
  macKey: Buffer | null,
): Promise<{ readonly sealedKeys: Buffer | undefined; readonly end: BackupEnd }> {
  return withFrames(file, macKey, async (frames) => {
    parseFrame(await frames.take('H'), BackupHeader);
    let sealedKeys: Buffer | undefined;
    for (let kind = await frames.kind(); kind !== undefined; kind = await frames.kind()) {
      const frame = await frames.take(kind);
      if (kind === 'K') sealedKeys = Buffer.from(frame.payload);
    }
    return { sealedKeys, end: await frames.end() };
  });
}

async function withFrames<T>(
  file: string,
  macKey: Buffer | null,
  work: (frames: FrameSource) => Promise<T>,
): Promise<T> {
  const frames = new FrameSource(decodeFrames(readBackupFile(file), macKey));
  try {
    return await work(frames);
  } finally {
    await frames.close();
  }
}

/** Before the database is committed: with one and not the other the command can be repeated. */
async function putKeys(dataDirectory: string, keys: FabricKeys | undefined): Promise<void> {
  if (keys === undefined) return;
  await checkAgainst(dataDirectory, keys);
  await writeFabricKeys(dataDirectory, keys);
}

/** One connection, for one piece of work: it ends with it, and what is not committed is undone by the server. */
async function withConnection<T>(
  server: DatabaseServer,
  work: (connection: BackupConnection) => Promise<T>,
): Promise<T> {
  const pool = openPool(server.location, 1);
  try {
    const [row] = await pool<{ version: number }[]>`select current_setting('server_version_num')::integer as version`;
    checkServerVersion(row?.version ?? 0, server.description);
    const connection = await pool.reserve();
    const result = await work(connection);
    connection.release();
    return result;
  } catch (error) {
    throw translateDatabaseError(error);
  } finally {
    // At once for a connection that is in the middle of something.
    await pool.end({ timeout: POOL_END_SECONDS });
    await server.stop();
  }
}

async function inTransaction<T>(connection: BackupConnection, work: () => Promise<T>): Promise<T> {
  await connection.unsafe('begin');
  try {
    const result = await work();
    await connection.unsafe('commit');
    return result;
  } catch (error) {
    // What is written to a connection that is gone crashes the driver.
    if (!isConnectionLoss(error)) {
      await connection.unsafe('rollback');
      connection.release();
    }
    throw error;
  }
}

const POOL_END_SECONDS = 1;
