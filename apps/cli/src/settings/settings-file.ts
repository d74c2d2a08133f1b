import { readFile } from 'node:fs/promises';
import { messageOf, systemCodeOf } from '../platform/cli-error.js';
import { SettingsError } from './settings-error.js';

/** A value as it was written down, and where. */
export interface WrittenValue {
  readonly text: string;
  /** For the reader of a message: `weft.conf line 3`. */
  readonly source: string;
}

/**
 * Reads lines of `name = value`, with the names of the flags. An empty line and one that begins with `#` says nothing.
 * Pure. Throws SettingsError `settings_file_malformed`.
 */
export function parseSettingsFile(content: string, file: string): ReadonlyMap<string, WrittenValue> {
  const found = new Map<string, WrittenValue>();
  for (const [index, line] of content.split('\n').entries()) {
    const written = line.trim();
    if (written === '' || written.startsWith('#')) continue;
    const source = `${file} line ${index + 1}`;
    const [, name, value] = /^([a-z][a-z0-9-]*)\s*=\s*(.*)$/.exec(written) ?? [];
    if (name === undefined || value === undefined) throw malformed(source, 'it is not of the form name = value');
    const before = found.get(name);
    if (before !== undefined) throw malformed(source, `${name} stands in ${before.source} already`);
    found.set(name, { text: value, source });
  }
  return found;
}

/** Reads a file of settings. `required`: one that is missing is an error. Throws SettingsError. */
export async function readSettingsFile(file: string, required: boolean): Promise<ReadonlyMap<string, WrittenValue>> {
  let content: string;
  try {
    content = await readFile(file, 'utf8');
  } catch (error) {
    if (!required && systemCodeOf(error) === 'ENOENT') return new Map();
    throw new SettingsError(
      'settings_unreadable',
      `${file}: ${messageOf(error)}`,
      'make it readable for you, or name another with --config',
    );
  }
  return parseSettingsFile(content, file);
}

function malformed(source: string, why: string): SettingsError {
  return new SettingsError('settings_file_malformed', `${source}: ${why}`, 'correct the line');
}
