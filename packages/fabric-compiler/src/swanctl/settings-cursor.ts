import type { Position } from './settings.js';

/** A place in a text that goes forward and knows its line. */
export class SettingsCursor {
  readonly #text: string;
  #offset = 0;
  #line = 1;
  #lineStart = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get position(): Position {
    return { line: this.#line, column: this.#offset - this.#lineStart + 1 };
  }

  /** The character here; empty at the end. */
  get next(): string {
    return this.#text.charAt(this.#offset);
  }

  take(): string {
    const character = this.next;
    this.#offset += 1;
    if (character === '\n') {
      this.#line += 1;
      this.#lineStart = this.#offset;
    }
    return character;
  }

  /** What a sticky expression matches here, which has no line feed in it; empty when it does not. */
  match(expression: RegExp): string {
    expression.lastIndex = this.#offset;
    const [matched = ''] = expression.exec(this.#text) ?? [];
    this.#offset += matched.length;
    return matched;
  }
}
