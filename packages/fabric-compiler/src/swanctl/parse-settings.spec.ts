import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_SETTINGS_TEXT, parseSettings } from './parse-settings.js';
import { type ResolvedSection, resolveSettings } from './resolved-settings.js';

describe('the format of strongswan.conf(5)', () => {
  it.each<[what: string, text: string, value: unknown]>([
    ['nothing', '', {}],
    ['a setting', 'a = b', { a: 'b' }],
    ['sections in sections', 'a { b = c\n d {\n e=f\n}\n}', { a: { b: 'c', d: { e: 'f' } } }],
    ['a brace on the next line', 'a\n{\n b = c }', { a: { b: 'c' } }],
    ['comments', '# a\na = b # c\n#d = e\nf { # g\n} # h', { a: 'b', f: {} }],
    ['parts of a value, with one space between', 'a =  b\t c   d', { a: 'b c d' }],
    ['a string as it is', 'a = "  b # { } = \\" \\\\ \\n\\t"', { a: '  b # { } = " \\ \n\t' }],
    ['a string of several lines', 'a = "b\nc\\\nd"', { a: 'b\ncd' }],
    ['strings and words together', 'a = b "c  d" e', { a: 'b c  d e' }],
    ['an empty value as none', 'a = \nb = ""', { b: '' }],
    ['the last of two', 'a = b\na = c', { a: 'c' }],
    ['one section in two places', 'a { b = c }\na { d = e }', { a: { b: 'c', d: 'e' } }],
    ['lines of another system', 'a {\r\n b = c\r\n}\r\n', { a: { b: 'c' } }],
    ['values with punctuation', 'a = fec1::1/64, 10.0.0.0/8[tcp/80]', { a: 'fec1::1/64, 10.0.0.0/8[tcp/80]' }],
    ['a key that is called include', 'include = b', { include: 'b' }],
    [
      'what a section refers to',
      'a : b { c = d }\nb { c = x\n e = f }',
      { a: { c: 'd', e: 'f' }, b: { c: 'x', e: 'f' } },
    ],
    [
      'what several refer to, the first deciding',
      'a : b, c { }\nb { x = 1 }\nc { x = 2\n y = 3 }',
      { a: { x: '1', y: '3' }, b: { x: '1' }, c: { x: '2', y: '3' } },
    ],
    [
      'sections within what is referred to',
      'a : b { s { x = 1 } }\nb { s { x = 2\n y = 3 } }',
      { a: { s: { x: '1', y: '3' } }, b: { s: { x: '2', y: '3' } } },
    ],
    [
      'a section by its path',
      'a { b : c.d { } }\nc { d : e { } }\ne { x = 1 }',
      { a: { b: { x: '1' } }, c: { d: { x: '1' } }, e: { x: '1' } },
    ],
    ['a value that was inherited and is cleared', 'a : b { x = }\nb { x = 1 }', { a: {}, b: { x: '1' } }],
  ])('is read with %s', (_, text, value) => {
    expect(read(text)).toEqual(value);
  });

  it.each<[what: string, text: string, line: number, column: number, key: string, rule: string]>([
    ['a section without an end', 'a {\n b = c\n', 3, 1, 'a', 'settings_syntax'],
    ['an end without a section', 'a = b\n}', 2, 1, '', 'settings_syntax'],
    ['a name alone', 'a {\n  b\n}', 3, 1, 'a.b', 'settings_syntax'],
    ['a name with a dot', 'a.b = c', 1, 2, 'a', 'settings_syntax'],
    ['a string where a name should be', 'a { "b" = c }', 1, 5, 'a', 'settings_syntax'],
    ['a string without an end', 'a {\n b = "c\n}\n', 2, 6, 'a.b', 'settings_syntax'],
    ['a reference to nothing named', 'a : { }', 1, 5, 'a', 'settings_syntax'],
    ['references without a section', 'a : b\nc = d', 2, 1, 'a', 'settings_syntax'],
    ['another file', 'a {\n  include b.conf\n}', 2, 11, 'a', 'settings_include'],
    ['a NUL', 'a = b\0c', 1, 6, 'a', 'settings_syntax'],
    ['a NUL in a string', 'a = "b\\\0"', 1, 8, '', 'settings_syntax'],
    ['sections too deep', 'a {'.repeat(17), 1, 51, Array(17).fill('a').join('.'), 'settings_too_large'],
    ['a name too long', `${'a'.repeat(257)} = b`, 1, 258, '', 'settings_too_large'],
    ['too many references', `a : ${'b,'.repeat(257)}b { }`, 1, 518, 'a', 'settings_too_large'],
    ['too much', ' '.repeat(MAX_SETTINGS_TEXT + 1), 1, 1, '', 'settings_too_large'],
    ['a reference to what is not there', 'a { b : a.c { } }', 1, 9, 'a.b', 'settings_reference'],
    ['a section that inherits from itself', 'a : b { }\nb : a { }', 2, 5, 'a', 'settings_reference'],
    ['a section that inherits from what is within it', 'a : a.b { b { } }', 1, 5, 'a', 'settings_reference'],
  ])('is refused with %s, with its line, column and key', (_, text, line, column, key, rule) => {
    expect(problemOf(text)).toMatchObject({ rule, position: { line, column }, key });
  });

  it('reads back whatever is written in it', () => {
    fc.assert(
      fc.property(TREE, (tree) => {
        expect(read(written(tree))).toEqual(tree);
      }),
    );
  });

  it('answers every text in bounded time, and never with a value of it', () => {
    const secret = 'c0ffee5ecret';
    const piece = fc.constantFrom(
      'a',
      'b',
      'connections',
      ' ',
      '\n',
      '{',
      '}',
      '=',
      ':',
      ',',
      '.',
      '#',
      '"',
      '\\',
      '\r',
      '\0',
      'include ',
      `= ${secret}`,
      `= "${secret}"`,
      'é',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join('')),
          fc.string({ unit: 'binary' }),
        ),
        (text) => {
          const problem = problemOf(text);
          if (problem !== undefined) expect(JSON.stringify(problem)).not.toContain(secret);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('has no text that takes long for being nested in references', () => {
    // Each level refers to the next one twice: without care that would be 2^40 sections.
    const levels = Array.from(
      { length: 40 },
      (_, level) => `s${level} { x : s${level + 1} { }\n y : s${level + 1} { } }`,
    );
    expect(problemOf(`${levels.join('\n')}\ns40 { z = 1 }`)).toBeUndefined();
  });
});

function problemOf(text: string) {
  const parsed = parseSettings(text);
  if (!parsed.ok) return parsed.problem;
  const resolved = resolveSettings(parsed.root);
  return resolved.ok ? undefined : resolved.problem;
}

function read(text: string): unknown {
  const parsed = parseSettings(text);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problem));
  const resolved = resolveSettings(parsed.root);
  if (!resolved.ok) throw new Error(JSON.stringify(resolved.problem));
  return plain(resolved.root);
}

function plain({ settings, sections }: ResolvedSection): unknown {
  const values = [...settings].map(([name, { value }]) => [name, value]);
  return Object.fromEntries([...values, ...[...sections].map(([name, section]) => [name, plain(section)])]);
}

interface Tree {
  readonly [name: string]: string | Tree;
}

function written(tree: Tree): string {
  return Object.entries(tree)
    .map(([name, value]) =>
      typeof value === 'string' ? `${name} = ${quoted(value)}\n` : `${name} {\n${written(value)}}\n`,
    )
    .join('');
}

function quoted(value: string): string {
  return `"${value.replaceAll(/[\\"]/g, '\\$&').replaceAll('\r', '\\r')}"`;
}

const LETTERS = fc.string({ unit: fc.constantFrom(...'abcxyz019-_'), minLength: 1, maxLength: 8 });
const VALUE = fc.string({ unit: fc.constantFrom(...'ab "\\#{}=:,.\n\r\té'), maxLength: 12 });
const TREE: fc.Arbitrary<Tree> = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.dictionary(LETTERS, fc.oneof({ depthSize: 'small', withCrossShrink: true }, VALUE, tie('tree')), {
    maxKeys: 5,
    noNullPrototype: true,
  }),
})).tree;
