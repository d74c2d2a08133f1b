import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readFile, rename, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PkiError } from './pki-error.js';

/** Reads a file that only its owner may read; undefined when there is none. Throws PkiError 'bad_file' when others may. */
export async function readSecretFile(path: string): Promise<string | undefined> {
  const status = await stat(path).catch(absent);
  if (status === undefined) return undefined;
  if ((status.mode & 0o077) !== 0) {
    throw new PkiError(
      'bad_file',
      `${path} can be read by others; run chmod 600 on it, and replace the key if others are not to be trusted`,
    );
  }
  return readFile(path, 'utf8');
}

/**
 * Writes a file of mode 0600 whole or not at all, even across a crash; makes its directory (0700).
 * @param mode 'create' leaves an existing file alone and returns false; 'replace' overwrites it.
 */
export async function writeSecretFile(path: string, content: string, mode: 'create' | 'replace'): Promise<boolean> {
  const directory = dirname(path);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const temporary = `${path}.${randomUUID()}.new`;
  await writeDurably(temporary, content);
  if (mode === 'replace') {
    await rename(temporary, path);
  } else {
    // A link, unlike a rename, fails when another controller has been faster.
    const created = await link(temporary, path).then(() => true, exists);
    await unlink(temporary);
    if (!created) return false;
  }
  await syncDirectory(directory);
  return true;
}

async function writeDurably(path: string, content: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(content, 'utf8');
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}

function exists(error: NodeJS.ErrnoException): false {
  if (error.code === 'EEXIST') return false;
  throw error;
}
