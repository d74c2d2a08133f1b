import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MigrationError } from './migration-error.js';

/** One numbered step of the schema. */
export interface Migration {
  readonly version: number;
  /** File name without `.sql`. */
  readonly name: string;
  /** SHA-256 of the file, lower-case hex. */
  readonly checksum: string;
  readonly statements: string;
}

/** The same directory from src/db and from dist/db: SQL is not compiled, so it is not copied either. */
export const MIGRATIONS_DIRECTORY = fileURLToPath(new URL('../../src/db/migrations/', import.meta.url));

/** Reads `NNNN_name.sql` in order of their numbers. Throws MigrationError for a name or number that cannot be. */
export async function readMigrations(directory = MIGRATIONS_DIRECTORY): Promise<readonly Migration[]> {
  const files = (await readdir(directory)).filter((file) => file.endsWith('.sql')).sort();
  const migrations: Migration[] = [];
  for (const file of files) {
    const version = Number(/^(\d{4})_[a-z0-9_]+\.sql$/.exec(file)?.[1]);
    if (Number.isNaN(version)) {
      throw new MigrationError('bad_name', file, 'a migration is called NNNN_lower_case_name.sql');
    }
    if (migrations.at(-1)?.version === version) {
      throw new MigrationError('duplicate_version', file, `another migration has the number ${version}`);
    }
    const octets = await readFile(join(directory, file));
    const checksum = createHash('sha256').update(octets).digest('hex');
    migrations.push({ version, name: file.slice(0, -'.sql'.length), checksum, statements: octets.toString('utf8') });
  }
  return migrations;
}
