import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { type Connection, clientOf, tenantOf } from '../api/connection.js';
import type { EventSource } from '../api/event-stream.js';
import { withProgress } from '../output/progress.js';
import { messageOf } from '../platform/cli-error.js';
import { readCredential } from '../settings/credential.js';
import {
  CONFIG_VARIABLE,
  configDirectory,
  environmentName,
  resolveSettings,
  SETTINGS,
  type Settings,
} from '../settings/settings.js';
import { SettingsError } from '../settings/settings-error.js';
import { readSettingsFile } from '../settings/settings-file.js';
import type { Io } from './io.js';

/** That the answer is for a machine. */
export interface Json {
  readonly json?: true;
}

/** Gives a command the flags of all settings, and --json. */
export function withSettings(command: Command): Command {
  for (const { name, argument, description, otherwise } of SETTINGS) {
    const text = `${description} (${environmentName(name)}; otherwise ${otherwise})`;
    command.addOption(new Option(`--${name} ${argument}`, text));
  }
  return command
    .addOption(
      new Option('--config <file>', `file of settings (${CONFIG_VARIABLE}; otherwise weft.conf in ~/.config/weft)`),
    )
    .option('--json', 'print JSON, of a failure too');
}

/** The settings that hold for a command. Throws SettingsError. */
export async function settingsOf(command: Command, io: Io): Promise<Settings> {
  const given = new Map(
    command.options.flatMap((option) => {
      const value: unknown = command.getOptionValue(option.attributeName());
      return typeof value === 'string' ? [[option.long?.slice(2) ?? '', value] as const] : [];
    }),
  );
  const named = given.get('config') ?? io.environment[CONFIG_VARIABLE];
  const usual = join(configDirectory(io.environment), 'weft.conf');
  const file = await readSettingsFile(named ?? usual, named !== undefined);
  return resolveSettings({ flags: given, environment: io.environment, file });
}

/** The controller that a command means, as who runs it. Throws SettingsError, CredentialError, TenantError, Refusal, UnreachableError. */
export async function connect(command: Command, io: Io): Promise<Connection> {
  return (await open(command, io)).connection;
}

/** The stream of events of the tenant that a command means. Throws what connect throws. */
export async function connectToEvents(command: Command, io: Io): Promise<EventSource> {
  const { connection, settings, credential, authorities } = await open(command, io);
  const url = new URL(`/api/v1/tenants/${connection.tenantId}/events/stream`, settings.controller);
  return { url, headers: credential.headers, authorities, timeoutMilliseconds: settings.timeoutMilliseconds };
}

async function open(command: Command, io: Io) {
  const settings = await settingsOf(command, io);
  const credential = await readCredential(io.environment, settings.tokenFile);
  const authorities = await authoritiesOf(settings);
  const client = clientOf(settings, authorities, credential);
  const tenantId = await withProgress(io.notes, 'waiting for the controller', tenantOf(client, settings.tenant));
  const connection: Connection = { client, tenantId };
  return { connection, settings, credential, authorities };
}

async function authoritiesOf({ caFile }: Settings): Promise<string | undefined> {
  if (caFile === undefined) return undefined;
  try {
    const text = await readFile(caFile, 'utf8');
    if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  } catch (error) {
    const fix = 'make it readable for you, or name another with --ca-file';
    throw new SettingsError('settings_unreadable', `${caFile}: ${messageOf(error)}`, fix);
  }
  throw new SettingsError('setting_invalid', `${caFile} has no certificate in it`, 'give one in PEM');
}
