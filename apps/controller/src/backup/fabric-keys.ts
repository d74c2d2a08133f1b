import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readSecretFile, writeSecretFile } from '../pki/key-files.js';
import { BackupError } from './backup-error.js';
import { type BackupKey, seal, unseal } from './backup-key.js';

/** Keys and certificates of the controller, by the path of their file below WEFT_DATA_DIR. */
export type FabricKeys = Readonly<Record<string, string>>;

/**
 * Everything that a database is worth nothing without: all files in `pki`, and the key of what is sealed in the database, when there is one.
 * @throws BackupError 'unsuitable_database', PkiError 'bad_file'
 */
export async function readFabricKeys(dataDirectory: string): Promise<FabricKeys> {
  const names = await readdir(join(dataDirectory, PKI)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const keys: Record<string, string> = {};
  // What a write has left behind that was cut off is none of them.
  for (const name of names.filter((file) => !file.endsWith('.new')).sort()) {
    const path = join(dataDirectory, PKI, name);
    if (!KEY_PATH.test(`${PKI}/${name}`) || !(await lstat(path)).isFile()) {
      throw new BackupError('unsuitable_database', `${path} is no file of the controller's keys; move it away`);
    }
    keys[`${PKI}/${name}`] = (await readSecretFile(path)) ?? '';
  }
  const secrets = await readSecretFile(join(dataDirectory, SECRETS));
  return secrets === undefined ? keys : { ...keys, [SECRETS]: secrets };
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
 * Refuses when there are other keys than these: edges would believe either these or those.
 * @throws BackupError 'foreign_keys'
 */
export async function checkAgainst(dataDirectory: string, keys: FabricKeys): Promise<void> {
  const present = await readFabricKeys(dataDirectory);
  const other = Object.keys(present).find((name) => present[name] !== keys[name]);
  if (other === undefined) return;
  throw new BackupError(
    'foreign_keys',
    `${join(dataDirectory, other)} is not the one in the backup; move it away, and with it all of ${join(dataDirectory, PKI)}, to take those of the backup, or restore without --key to keep these`,
  );
}

/** Those that are there already stay. */
export async function writeFabricKeys(dataDirectory: string, keys: FabricKeys): Promise<void> {
  for (const [path, content] of Object.entries(keys))
    await writeSecretFile(join(dataDirectory, path), content, 'create');
}

const PKI = 'pki';
const SECRETS = 'secrets.key';
/** No path of a backup leads anywhere else. */
const KEY_PATH = /^(?:pki\/[a-z0-9][a-z0-9.-]{0,99}|secrets\.key)$/;
const SealedKeys = z.record(z.string().regex(KEY_PATH), z.string().max(65_536));
