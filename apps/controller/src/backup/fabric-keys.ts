import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readSecretFile, writeSecretFile } from '../pki/key-files.js';
import { BackupError } from './backup-error.js';
import { type BackupKey, seal, unseal } from './backup-key.js';

/** Keys and certificates of the controller, by the name of their file in WEFT_DATA_DIR/pki. */
export type FabricKeys = Readonly<Record<string, string>>;

/** All files of the directory; none when there is no directory. Throws BackupError 'unsuitable_database', PkiError 'bad_file'. */
export async function readFabricKeys(directory: string): Promise<FabricKeys> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const keys: Record<string, string> = {};
  // What a write has left behind that was cut off is none of them.
  for (const name of names.filter((file) => !file.endsWith('.new')).sort()) {
    const path = join(directory, name);
    if (!FILE_NAME.test(name) || !(await lstat(path)).isFile()) {
      throw new BackupError('unsuitable_database', `${path} is no file of the controller's keys; move it away`);
    }
    keys[name] = (await readSecretFile(path)) ?? '';
  }
  return keys;
}

export function sealKeys(key: BackupKey, keys: FabricKeys): Buffer {
  return seal(key, Buffer.from(JSON.stringify(keys), 'utf8'));
}

/** Throws BackupError 'key' or 'damaged'. */
export function unsealKeys(key: BackupKey, sealed: Buffer): FabricKeys {
  const parsed = SealedKeys.safeParse(JSON.parse(unseal(key, sealed).toString('utf8')));
  if (!parsed.success) throw new BackupError('damaged', 'the keys in the backup have names that no file of them has');
  return parsed.data;
}

/**
 * Refuses when there are other keys than these in the directory: edges would believe either these or those.
 * @throws BackupError 'foreign_keys'
 */
export async function checkAgainst(directory: string, keys: FabricKeys): Promise<void> {
  const present = await readFabricKeys(directory);
  const other = Object.keys(present).find((name) => present[name] !== keys[name]);
  if (other === undefined) return;
  throw new BackupError(
    'foreign_keys',
    `${join(directory, other)} is not the one in the backup; move ${directory} away to take those of the backup, or restore without --key to keep these`,
  );
}

/** Those that are there already stay. */
export async function writeFabricKeys(directory: string, keys: FabricKeys): Promise<void> {
  for (const [name, content] of Object.entries(keys)) await writeSecretFile(join(directory, name), content, 'create');
}

const FILE_NAME = /^[a-z0-9][a-z0-9.-]{0,99}$/;
const SealedKeys = z.record(z.string().regex(FILE_NAME), z.string().max(65_536));
