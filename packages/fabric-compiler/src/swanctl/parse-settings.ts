import type { Position, Reference, Setting, SettingsResult, SettingsRule, SettingsSection } from './settings.js';
import { SettingsCursor } from './settings-cursor.js';

/**
 * Reads the format of strongswan.conf(5), in which swanctl.conf is written: sections in sections, `key = value`, sections that
 * inherit from others (`name : other, another.one { }`), quoted strings, comments. What one file alone cannot say is refused: another
 * file (`include`) is not here. References are read, and not looked up.
 */
export function parseSettings(text: string): SettingsResult {
  try {
    return { ok: true, root: new SettingsParser(text).parse() };
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    const { rule, position, key, message, fix } = error;
    return { ok: false, problem: { rule, position, key, detail: message, fix } };
  }
}

interface OpenSection extends SettingsSection {
  readonly settings: Map<string, Setting>;
  readonly sections: Map<string, OpenSection>;
  readonly references: Reference[];
}

class SettingsParser {
  readonly #text: string;
  readonly #cursor: SettingsCursor;
  /** Sections that have begun and not ended, the root first. */
  readonly #open: [OpenSection, ...OpenSection[]];
  #references = 0;

  constructor(text: string) {
    this.#text = text;
    this.#cursor = new SettingsCursor(text);
    this.#open = [emptySection('', this.#cursor.position)];
  }

  parse(): SettingsSection {
    if (this.#text.length > MAX_SETTINGS_TEXT) {
      const fix = 'Take out what has nothing to do with the connections.';
      throw this.#error('settings_too_large', `The text has more than ${MAX_SETTINGS_TEXT} characters`, fix);
    }
    for (;;) {
      this.#skipSpace();
      if (this.#cursor.next === '') break;
      if (this.#cursor.next === '}') this.#endSection();
      else this.#statement();
    }
    if (this.#open.length > 1) throw this.#syntax('The text ends within a section', 'Write the "}" that is missing.');
    return this.#open[0];
  }

  #statement(): void {
    const { position } = this.#cursor;
    const name = this.#cursor.match(NAME);
    if (name === '') {
      const fix = 'Write a name of letters, digits, "-" and "_", and after it "=" or "{"; values begin after "=".';
      throw this.#syntax('No name of a section or setting can begin here', fix);
    }
    this.#refuseLong(name);
    if (name === 'include' && this.#cursor.match(ANOTHER_FILE) !== '') {
      const fix = 'Put the text of the other file in its place.';
      throw this.#error('settings_include', 'Another file is to be read here, which is not part of the text', fix);
    }
    this.#skipSpace();
    switch (this.#cursor.next) {
      case '=':
        this.#cursor.take();
        this.#section.settings.set(name, { value: this.#value(name), position });
        return;
      case '{':
        this.#beginSection(name, position, []);
        return;
      case ':':
        this.#cursor.take();
        this.#beginSection(name, position, this.#referenceList(name));
        return;
      default: {
        const fix = 'Write "=" and a value, or "{" and what is in the section; names have no dots and no white space.';
        throw this.#syntax('What follows the name makes it neither a setting nor a section', fix, name);
      }
    }
  }

  /** Behind the colon, up to the brace. */
  #referenceList(name: string): Reference[] {
    const references: Reference[] = [];
    for (;;) {
      this.#skipSpace();
      const { position } = this.#cursor;
      const path = this.#cursor.match(PATH);
      const fix =
        'Write names of sections from the root, such as "defaults" or "connections.first", with commas between.';
      if (path === '') throw this.#syntax('No name of a section stands where one is referred to', fix, name);
      this.#refuseLong(path);
      references.push({ path: path.split('.'), position });
      this.#references += 1;
      if (this.#references > MAX_REFERENCES) {
        const detail = `Sections refer to others more than ${MAX_REFERENCES} times`;
        throw this.#error('settings_too_large', detail, 'Import fewer connections at once.', name);
      }
      this.#skipSpace();
      if (this.#cursor.next === '{') return references;
      if (this.#cursor.next !== ',') throw this.#syntax('No "{" follows the sections that are referred to', fix, name);
      this.#cursor.take();
    }
  }

  #beginSection(name: string, position: Position, references: readonly Reference[]): void {
    if (this.#open.length > MAX_DEPTH) {
      const detail = `Sections stand in each other more than ${MAX_DEPTH} deep`;
      throw this.#error('settings_too_large', detail, 'No setting of swanctl.conf is that deep.', name);
    }
    this.#cursor.take();
    const { sections } = this.#section;
    const section = sections.get(name) ?? emptySection(name, position);
    sections.set(name, section);
    section.references.push(...references);
    this.#open.push(section);
  }

  #endSection(): void {
    if (this.#open.length === 1) throw this.#syntax('A section ends that has not begun', 'Take the "}" away.');
    this.#cursor.take();
    this.#open.pop();
  }

  /** Up to the end of the line, a comment or the end of the section: "just put a single space between" its parts. */
  #value(name: string): string | undefined {
    const parts: string[] = [];
    for (;;) {
      this.#cursor.match(BLANKS);
      if (this.#cursor.next === '"') {
        parts.push(this.#string(name));
        continue;
      }
      const word = this.#cursor.match(WORD);
      if (word === '') break;
      parts.push(word);
    }
    this.#refuseControl(name);
    return parts.length === 0 ? undefined : parts.join(' ');
  }

  #string(name: string): string {
    const begin = this.#cursor.position;
    this.#cursor.take();
    let value = '';
    for (;;) {
      value += this.#cursor.match(PLAIN);
      const character = this.#cursor.next;
      if (character === '') {
        const fix = 'Write the second quotation mark; within the string it is written \\".';
        throw new SettingsError('settings_syntax', begin, this.#path(name), 'The string has no end', fix);
      }
      this.#refuseControl(name);
      this.#cursor.take();
      if (character === '"') return value;
      if (character === '\\') value += this.#escaped();
      else if (character !== '\r') value += character;
    }
  }

  /** A line that ends with a backslash goes on in the next one. */
  #escaped(): string {
    if (this.#cursor.match(CARRIAGE_RETURN) !== '' && this.#cursor.next !== '\n') return '\r';
    this.#refuseControl();
    const character = this.#cursor.take();
    return character === '\n' ? '' : (ESCAPES.get(character) ?? character);
  }

  #skipSpace(): void {
    for (;;) {
      this.#cursor.match(BLANKS);
      if (this.#cursor.next === '#') this.#cursor.match(COMMENT);
      if (this.#cursor.next !== '\n') break;
      this.#cursor.take();
    }
    this.#refuseControl();
  }

  #refuseLong(name: string): void {
    if (name.length <= MAX_NAME) return;
    throw this.#error('settings_too_large', `The name before this has more than ${MAX_NAME} characters`, 'Shorten it.');
  }

  /** strongSwan ends a text at its first NUL; none of the others is anything that people write. */
  #refuseControl(name?: string): void {
    if (!CONTROL.test(this.#cursor.next)) return;
    throw this.#syntax('A control character stands here', 'Send the file as the text that it is.', name);
  }

  get #section(): OpenSection {
    return this.#open.at(-1) ?? this.#open[0];
  }

  #path(name?: string): string {
    return [...this.#open.slice(1).map((section) => section.name), ...(name === undefined ? [] : [name])].join('.');
  }

  #syntax(detail: string, fix: string, name?: string): SettingsError {
    return this.#error('settings_syntax', detail, fix, name);
  }

  #error(rule: SettingsRule, detail: string, fix: string, name?: string): SettingsError {
    return new SettingsError(rule, this.#cursor.position, this.#path(name), detail, fix);
  }
}

class SettingsError extends Error {
  readonly rule: SettingsRule;
  readonly position: Position;
  readonly key: string;
  readonly fix: string;

  constructor(rule: SettingsRule, position: Position, key: string, detail: string, fix: string) {
    super(detail);
    this.rule = rule;
    this.position = position;
    this.key = key;
    this.fix = fix;
  }
}

function emptySection(name: string, position: Position): OpenSection {
  return { name, position, settings: new Map(), sections: new Map(), references: [] };
}

/** Characters of a whole text. */
export const MAX_SETTINGS_TEXT = 65_536;
const MAX_DEPTH = 16;
/** Of a name, and of the whole path of a reference. */
const MAX_NAME = 256;
const MAX_REFERENCES = 256;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for.
const CONTROL = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/;
const BLANKS = /[\t\r ]*/y;
const COMMENT = /#[^\r\n]*/y;
const CARRIAGE_RETURN = /\r/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: names have none.
const NAME = /[^#{}:.,="\x00-\x20\x7f]+/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: names have none.
const PATH = /[^#{}:.,="\x00-\x20\x7f]+(?:\.[^#{}:.,="\x00-\x20\x7f]+)*/y;
/** Behind the word `include`, which with "=" after it is a key like others. */
const ANOTHER_FILE = /[\t ]+(?=[^\t =])/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: values have none.
const WORD = /[^#}"\x00-\x20\x7f]+/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: strings have none but lines and tabs.
const PLAIN = /[^\\"\x00-\x08\x0a-\x1f\x7f]+/y;
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);
