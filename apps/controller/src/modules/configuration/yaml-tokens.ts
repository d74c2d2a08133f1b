import { CST, Lexer } from 'yaml';

/** Something that plain data needs none of. `at` is an offset in the text. */
export interface RefusedToken {
  readonly at: number;
  readonly reason: string;
}

/**
 * Looks through the tokens of a text, in linear time and without recursion, for what must not reach the parser: what makes values
 * grow (aliases), what makes other values than data (tags), and depth, which is a frame of the parser's stack for each level.
 */
export function refusedToken(text: string): RefusedToken | undefined {
  const nesting = new Nesting();
  let at = 0;
  let scalar = false;
  for (const token of new Lexer().lex(text)) {
    // Behind this mark stands the text of a scalar, which may look like anything.
    const type: string | null = scalar ? 'scalar-text' : CST.tokenType(token);
    scalar = type === 'scalar';
    const reason = (type === null ? undefined : REFUSED[type]) ?? nesting.refusal(type, token.length);
    if (reason !== undefined) return { at, reason };
    if (!MARKS.has(type)) at += token.length;
  }
  return undefined;
}

/** How deep the parser would go: brackets, columns of the indentation, and what opens something within one line or entry. */
class Nesting {
  #brackets = 0;
  #opened = 0;
  #lineStart = true;
  #documents = 0;

  refusal(type: string | null, length: number): string | undefined {
    const atLineStart = this.#lineStart;
    this.#lineStart = type === 'newline';
    switch (type) {
      case 'newline':
        if (this.#brackets === 0) this.#opened = 0;
        return undefined;
      case 'comma':
        this.#opened = 0;
        return undefined;
      case 'space':
        return atLineStart && length > MAX_INDENTATION ? TOO_DEEP : undefined;
      case 'flow-map-start':
      case 'flow-seq-start':
        this.#brackets += 1;
        this.#opened = 0;
        return this.#brackets > MAX_BRACKETS ? TOO_DEEP : undefined;
      case 'flow-map-end':
      case 'flow-seq-end':
        this.#brackets = Math.max(0, this.#brackets - 1);
        return undefined;
      case 'seq-item-ind':
      case 'explicit-key-ind':
      case 'map-value-ind':
        this.#opened += 1;
        return this.#opened > MAX_OPENED ? TOO_DEEP : undefined;
      case 'doc-start':
        this.#documents += 1;
        return this.#documents > 1 ? 'has more than one document' : undefined;
      default:
        return undefined;
    }
  }
}

const REFUSED: Readonly<Record<string, string>> = {
  alias: 'has an alias; write the value out',
  anchor: 'has an anchor; write the value where it is needed',
  tag: 'has a tag; write a plain value',
  'directive-line': 'has a directive; leave it away',
};
/** Tokens that stand for no character of the text. */
const MARKS: ReadonlySet<string | null> = new Set(['scalar', 'doc-mode', 'flow-error-end']);
const TOO_DEEP = 'is nested too deeply';
/** The deepest configuration has nine levels. */
const MAX_BRACKETS = 32;
const MAX_INDENTATION = 128;
const MAX_OPENED = 16;
