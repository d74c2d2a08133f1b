import { CliError } from '../platform/cli-error.js';

/** What can be wrong with the settings. */
export type SettingsErrorCode =
  | 'setting_invalid'
  | 'setting_missing'
  | 'setting_unknown'
  | 'settings_file_malformed'
  | 'settings_unreadable';

/** The program was not told what it needs, in a form that it understands. The message names the setting and where it stands. */
export class SettingsError extends CliError<SettingsErrorCode> {
  override readonly name = 'SettingsError';
}
