import { type Command, Option } from 'commander';
import {
  CONFIG_VARIABLE,
  DEFAULT_CONFIG_FILE,
  environmentName,
  resolveSettings,
  SETTINGS,
  type Settings,
} from '../settings/settings.js';
import { readSettingsFile } from '../settings/settings-file.js';

/** Gives a command the flags of these settings; all of them when none is named. */
export function withSettings(command: Command, names?: readonly string[]): Command {
  for (const { name, argument, description, otherwise } of SETTINGS) {
    if (names !== undefined && !names.includes(name)) continue;
    const text = `${description} (${environmentName(name)}; otherwise ${otherwise})`;
    command.addOption(new Option(`--${name} ${argument}`, text));
  }
  return command.addOption(
    new Option('--config <file>', `file of settings (${CONFIG_VARIABLE}; otherwise ${DEFAULT_CONFIG_FILE})`),
  );
}

/** The settings that hold for a command. Throws SettingsError. */
export async function settingsOf(command: Command): Promise<Settings> {
  const given = new Map(
    command.options.flatMap((option) => {
      const value: unknown = command.getOptionValue(option.attributeName());
      return typeof value === 'string' ? [[option.long?.slice(2) ?? '', value] as const] : [];
    }),
  );
  const named = given.get('config') ?? process.env[CONFIG_VARIABLE];
  const file = await readSettingsFile(named ?? DEFAULT_CONFIG_FILE, named !== undefined);
  return resolveSettings({ flags: given, environment: process.env, file });
}
