import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, lstat, open, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline as pipelineWithCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { BackupError } from './backup-error.js';

/** Throws BackupError 'file' when something is there already: a backup never takes the place of another. */
export async function refuseExisting(path: string): Promise<void> {
  const present = await lstat(path).then(
    () => true,
    () => false,
  );
  if (present) throw exists(path);
}

/**
 * Writes a backup (mode 0600, compressed) whole or not at all, even across a crash.
 * @returns octets of the file
 * @throws BackupError 'file' when something is there already
 */
export async function writeBackupFile(path: string, octets: AsyncIterable<Buffer>): Promise<number> {
  const temporary = `${path}.${randomUUID()}.part`;
  const file = await open(temporary, 'wx', 0o600);
  try {
    try {
      await pipeline(octets, createGzip(), async (compressed: AsyncIterable<Buffer>) => {
        for await (const chunk of compressed) await file.writeFile(chunk);
      });
      await file.sync();
    } finally {
      await file.close();
    }
    // A link, unlike a rename, takes the place of nothing.
    await link(temporary, path).catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'EEXIST' ? exists(path) : error;
    });
  } finally {
    await unlink(temporary);
  }
  const directory = await open(dirname(path), 'r');
  await directory.sync().finally(() => directory.close());
  return (await stat(path)).size;
}

/** The octets that were written. Throws BackupError 'file' when there is nothing to read, 'damaged' when it is not compressed as it was. */
export async function* readBackupFile(path: string): AsyncGenerator<Buffer, void, undefined> {
  const gunzip = createGunzip();
  // Its error is that of the iteration.
  pipelineWithCallback(createReadStream(path), gunzip, () => undefined);
  try {
    for await (const chunk of gunzip) yield chunk;
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    if (code.startsWith('Z_')) {
      throw new BackupError('damaged', `${path} is no whole backup (${code}); take another one`, cause);
    }
    throw new BackupError('file', `${path} cannot be read (${code})`, cause);
  }
}

function exists(path: string): BackupError {
  return new BackupError('file', `${path} exists already; give another name`);
}
