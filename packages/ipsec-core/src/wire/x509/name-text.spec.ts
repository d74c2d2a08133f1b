import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nameDer } from '../../../test/support/distinguished-names.js';
import { ATTRIBUTE_TYPE, type DistinguishedName, readDistinguishedName } from './distinguished-name.js';
import { nameText } from './name-text.js';

const { CN, C, O, OU, DC, UID } = ATTRIBUTE_TYPE;

describe('The text of a distinguished name (RFC 4514)', () => {
  it('is that of the examples of section 4', () => {
    const name = (...steps: (readonly [string, string])[][]) => readDistinguishedName(nameDer(steps)) ?? [];
    expect(nameText(name([[DC, 'net']], [[DC, 'example']], [[UID, 'jsmith']]))).toBe('UID=jsmith,DC=example,DC=net');
    const sales = [
      [OU, 'Sales'],
      [CN, 'J.  Smith'],
    ] as const;
    expect(nameText(name([[DC, 'net']], [[DC, 'example']], [...sales]))).toBe(
      'OU=Sales+CN=J.  Smith,DC=example,DC=net',
    );
    expect(nameText(name([[DC, 'net']], [[DC, 'example']], [[CN, 'James "Jim" Smith, III']]))).toBe(
      'CN=James \\"Jim\\" Smith\\, III,DC=example,DC=net',
    );
    expect(nameText(name([[DC, 'net']], [[DC, 'example']], [[CN, 'Before\rAfter']]))).toBe(
      'CN=Before\\0dAfter,DC=example,DC=net',
    );
    expect(nameText([[{ type: '1.3.6.1.4.1.1466.0', value: Uint8Array.of(4, 2, 0x48, 0x69) }]])).toBe(
      '1.3.6.1.4.1.1466.0=#04024869',
    );
    expect(nameText(name([[CN, 'Lučić']]))).toBe('CN=Lučić');
  });

  it('escapes what begins or ends a value, and what a log would not show', () => {
    const of = (value: string) => nameText([[{ type: CN, value }]]);
    expect([of('#1'), of(' a '), of(' '), of('a\\ '), of('a b')]).toEqual([
      'CN=\\#1',
      'CN=\\ a\\ ',
      'CN=\\ ',
      'CN=a\\\\\\ ',
      'CN=a b',
    ]);
    expect(of('a\u202eb\u2028\u0000\u00ad')).toBe('CN=a\\e2\\80\\aeb\\e2\\80\\a8\\00\\c2\\ad');
  });

  it('says everything: a reader of RFC 4514 gets the name back, on one line', () => {
    const value = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }),
      fc.string({ unit: fc.constantFrom(' ', '#', ',', '+', '\\', '"', '=', '\n', 'a'), minLength: 1, maxLength: 6 }),
    );
    const step = fc.array(fc.record({ type: fc.constantFrom(CN, C, O, '1.2.3'), value }), {
      minLength: 1,
      maxLength: 2,
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 4 }), (name) => {
        const text = nameText(name);
        expect(text).not.toMatch(/[\n\r\u2028]/);
        expect(parse(text)).toEqual(name);
      }),
    );
  });
});

/** Section 3, as far as `nameText` uses it. */
function parse(text: string): DistinguishedName {
  return split(text, ',')
    .reverse()
    .map((step) =>
      split(step, '+').map((attribute) => {
        const at = attribute.indexOf('=');
        const type = Object.entries(ATTRIBUTE_TYPE).find(([short]) => short === attribute.slice(0, at));
        return { type: type?.[1] ?? attribute.slice(0, at), value: unescaped(attribute.slice(at + 1)) };
      }),
    );
}

function split(text: string, separator: string): string[] {
  const parts: string[] = [];
  let part = '';
  for (let at = 0; at < text.length; at++) {
    if (text[at] === separator) {
      parts.push(part);
      part = '';
    } else part += text[at] === '\\' ? text.slice(at, ++at + 1) : text[at];
  }
  return [...parts, part];
}

function unescaped(text: string): string {
  const octets: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const pair = /^\\([0-9a-f]{2})/.exec(text.slice(at));
    if (pair !== null) {
      octets.push(Number.parseInt(pair[1] ?? '', 16));
      at += 2;
    } else {
      const character = String.fromCodePoint(text.codePointAt(text[at] === '\\' ? ++at : at) ?? 0);
      at += character.length - 1;
      octets.push(...new TextEncoder().encode(character));
    }
  }
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(octets));
}
