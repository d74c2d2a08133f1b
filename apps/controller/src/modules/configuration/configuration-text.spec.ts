import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DomainError } from '../../platform/http/domain-error.js';
import type { Configuration } from './configuration.dto.js';
import { formatConfiguration, parseConfigurationText } from './configuration-text.js';

const parse = (text: string) => parseConfigurationText(text, 'yaml');

describe('the text of a configuration', () => {
  it('says what was written, whatever names and descriptions are', () => {
    const text = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 40 }),
      fc.constantFrom(
        'no',
        'null',
        '~',
        '1e3',
        '0x10',
        '010',
        '- a',
        'a: b',
        '#',
        '[[[[',
        '&a',
        '*a',
        '!!str',
        '|',
        "'",
        '"',
      ),
      fc.constantFrom(
        '---',
        '...',
        '%YAML',
        '<<',
        'true',
        '1:2',
        ' x',
        'x ',
        'a\nb',
        'a\n\n  b\n',
        '\t',
        '\u0085',
        '\u2028',
      ),
    );
    const labels = fc.constantFrom<Record<string, string>>({}, { yes: 'no', '1e3': '010' });
    const site = fc.record({ name: text, description: text, labels });
    fc.assert(
      fc.property(fc.array(site, { maxLength: 5 }), fc.constantFrom('yaml', 'json'), (sites, format) => {
        const configuration: Configuration = { version: 1, sites };
        expect(parseConfigurationText(formatConfiguration(configuration, format as 'yaml'), format as 'yaml')).toEqual(
          configuration,
        );
      }),
    );
  });

  it('is YAML 1.2: no is a word, 010 is ten, and a date is text', () => {
    expect(parse('a: no\nb: 010\nc: 2026-01-01\nd: {e: [true, ~]}\n')).toEqual({
      a: 'no',
      b: 10,
      c: '2026-01-01',
      d: { e: [true, null] },
    });
  });

  it.each([
    ['an alias', 'a: &x [1]\nb: *x\n', 'anchor', 1],
    ['a bomb', 'a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n', 'anchor', 1],
    ['a tag', 'a: !!binary aGk=\n', 'tag', 1],
    ['a function', 'a: !<tag:yaml.org,2002:js/function> x\n', 'tag', 1],
    ['a directive', '%TAG ! tag:x:\n---\na: 1\n', 'directive', 1],
    ['two documents', '---\na: 1\n---\nb: 1\n', 'more than one document', 3],
    ['a key twice', 'a: 1\nb: 2\na: 3\n', '"a" twice', 3],
    ['a key that is no text', '1: a\n', 'no text', 1],
    ['a key that is a list', '? [a]\n: b\n', 'no text', 1],
    ['an open bracket', 'a: [1\n', 'breaks the rule', 2],
    ['a tab as indentation', 'a:\n\tb: 1\n', 'breaks the rule', 2],
  ])('refuses %s, and says where', (_name, text, reason, line) => {
    expect(() => parse(text)).toThrow(DomainError);
    expect(() => parse(text)).toThrow(reason);
    expect(() => parse(text)).toThrow(`line ${line},`);
  });

  // Each of these has the parser call itself for every one of them; some end the process.
  it.each(['[', '{a: ', '- ', '? ', 'a: ', '[a: ', '"a": ', '[? ', '- [', '{? ', '- - a: ', '[{a: ['])(
    'refuses thirty thousand times %j',
    (part) => {
      const many = part.repeat(30_000);
      expect(() => parse(many)).toThrow('nested too deeply');
      expect(() => parse(`[${many}`)).toThrow('nested too deeply');
    },
  );

  it('refuses depth that is made by lines', () => {
    const steps = (open: string) => Array.from({ length: 700 }, (_, depth) => `${' '.repeat(depth)}${open}`).join('\n');
    for (const open of ['a:', '-', '?', '- a:', '? - a:'])
      expect(() => parse(steps(open))).toThrow('nested too deeply');
    expect(() => parse(`[a:\n${' a:\n'.repeat(10_000)}`)).toThrow('nested too deeply');
  });

  it('takes brackets in texts for what they are', () => {
    const lines = Array.from({ length: 100 }, (_, index) => `- {a: "[[ {{ ${index}", b: 'x: - ? ['}`).join('\n');
    expect(parse(lines)).toHaveLength(100);
    expect(parse(`a: |\n${'  [ { - ? x: \n'.repeat(100)}`)).toHaveProperty('a');
  });

  it('refuses what would take long', () => {
    expect(() => parse('# \n'.repeat(200_000))).toThrow('Send it as JSON');
  });

  it('never fails in another way, whatever the text', () => {
    const piece = fc.constantFrom(
      ...[
        'a',
        'b',
        ': ',
        ':',
        '- ',
        '? ',
        '\n',
        '  ',
        '\t',
        '[',
        ']',
        '{',
        '}',
        ',',
        '"',
        "'",
        '|',
        '>',
        '#',
        '&',
        '*',
        '!',
        '%',
        '---',
        '...',
        '~',
        '\\',
        '\r',
        '@',
      ],
    );
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(piece, { maxLength: 60 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(texts, (text) => {
        try {
          parse(text);
        } catch (error) {
          expect(error).toBeInstanceOf(DomainError);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
