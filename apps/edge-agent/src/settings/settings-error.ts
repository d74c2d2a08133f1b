import { AgentError } from '../platform/agent-error.js';

/** What can be wrong with the settings. */
export type SettingsErrorCode =
  | 'setting_invalid'
  | 'setting_unknown'
  | 'settings_file_malformed'
  | 'settings_unreadable';

/** The agent was not told what it needs, in a form that it understands. The message names the setting and where it stands. */
export class SettingsError extends AgentError<SettingsErrorCode> {
  override readonly name = 'SettingsError';
}
