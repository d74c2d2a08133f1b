import { parseArgs } from 'node:util';
import { ConfigError, parseConfig } from '../config/parse-config.js';
import { MigrationError } from '../db/migration-error.js';
import { PkiError } from '../pki/pki-error.js';
import { DatabaseUnavailableError } from '../platform/database/database-errors.js';
import { PostgresStartError } from '../platform/database/postgres-start-error.js';
import { createLogger } from '../platform/logging/logger.js';
import {
  type BackupContext,
  backupDatabase,
  type RestoredBackup,
  restoreDatabase,
  type WrittenBackup,
} from './backup-database.js';
import { BackupError } from './backup-error.js';
import type { BackupState } from './backup-format.js';

/** What was asked for. */
export type BackupCommand =
  | { readonly kind: 'backup'; readonly file: string; readonly key: string | undefined }
  | { readonly kind: 'restore'; readonly file: string; readonly key: string | undefined; readonly replace: boolean };

/** Undefined when the arguments are none of these commands. */
export function parseBackupCommand(args: readonly string[]): BackupCommand | undefined {
  try {
    const { values } = parseArgs({ args: [...args], options: OPTIONS, strict: true, allowPositionals: false });
    const { backup, restore, key, replace } = values;
    if (backup !== undefined && backup !== '' && restore === undefined && replace !== true) {
      return { kind: 'backup', file: backup, key };
    }
    if (restore === undefined || restore === '' || backup !== undefined) return undefined;
    return { kind: 'restore', file: restore, key, replace: replace === true };
  } catch {
    return undefined;
  }
}

/** Does it and says what was done, or why not. Returns whether it was done. */
export async function runBackupCommand(command: BackupCommand): Promise<boolean> {
  try {
    const config = parseConfig(process.env);
    const context: BackupContext = { config, logger: createLogger('warn', process.stderr), now: new Date() };
    process.stdout.write(`${(await answer(command, context)).join('\n')}\n`);
    return true;
  } catch (error) {
    if (!EXPECTED.some((expected) => error instanceof expected)) throw error;
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return false;
  }
}

async function answer(command: BackupCommand, context: BackupContext): Promise<readonly string[]> {
  if (command.kind === 'backup') {
    return backupReport(command.file, await backupDatabase(context, command.file, command.key));
  }
  return restoreReport(command.file, await restoreDatabase(context, command.file, command.key, command.replace));
}

function backupReport(file: string, { tables, rows, size, header, keys, brokenAudits }: WrittenBackup): string[] {
  return [
    `${file}: ${rows} rows of ${tables} tables, schema ${header.migrations.at(-1)?.name}, epoch ${header.epoch}, ${size} octets`,
    keys === undefined
      ? 'not inside: the keys in WEFT_DATA_DIR, without which no edge believes a controller; keep them apart, or give --key'
      : `inside, sealed: ${keys} files with keys from WEFT_DATA_DIR; keep the key file elsewhere`,
    'not inside: the logins of people',
    ...brokenReport(brokenAudits),
  ];
}

function restoreReport(file: string, restored: RestoredBackup): string[] {
  const { header, rows, tables, migrated, epoch, keys, brokenAudits } = restored;
  return [
    `${file} of ${header.createdAt} is restored: ${rows} rows of ${tables} tables, the next epoch is ${epoch + 1n}`,
    ...(migrated.length === 0 ? [] : [`schema brought forward: ${migrated.join(', ')}`]),
    KEYS_REPORT[keys],
    'people log in anew; enrollment tokens that nobody has used are void',
    'what was revoked after the backup is in force again: users, API tokens and edges; revoke them anew',
    'edges that were enrolled, or had their certificate renewed, after the backup are refused: enroll them anew',
    ...brokenReport(brokenAudits),
  ];
}

function brokenReport(audits: BackupState['brokenAudits']): string[] {
  return audits.map(
    ({ tenantId, brokenAt }) => `WARNING: the audit log of tenant ${tenantId} does not hold from entry ${brokenAt} on`,
  );
}

const KEYS_REPORT: Readonly<Record<RestoredBackup['keys'], string>> = {
  restored: 'the keys in WEFT_DATA_DIR are those of the backup',
  sealed:
    'the keys of the fabric are inside, sealed: restore with --key, or put pki, and secrets.key where there was one, in place in WEFT_DATA_DIR before you start a controller',
  not_inside:
    'the keys of the fabric are not inside: put pki, and secrets.key where there was one, in place in WEFT_DATA_DIR before you start a controller',
};

/** Errors that say what to do; every other is a mistake in this program. */
const EXPECTED = [BackupError, ConfigError, MigrationError, PkiError, PostgresStartError, DatabaseUnavailableError];

const OPTIONS = {
  backup: { type: 'string' },
  restore: { type: 'string' },
  key: { type: 'string' },
  replace: { type: 'boolean' },
} as const;
