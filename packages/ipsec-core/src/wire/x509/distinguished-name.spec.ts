import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { der, nameDer } from '../../../test/support/distinguished-names.js';
import { fromHex } from '../../bytes/hex.js';
import { ATTRIBUTE_TYPE, readDistinguishedName, sameRelativeName } from './distinguished-name.js';

/** Subject of a certificate that OpenSSL 3.0 made with -subj '/C=US/ST=MA/O=BBN Technologies/CN=Stephen T. Kent'. */
const OPENSSL = fromHex(
  '304f310b3009060355040613025553310b300906035504080c024d4131193017060355040a0c1042424e20546563686e6f6c6f676965733118301606035504030c0f5374657068656e20542e204b656e74',
);

const { CN, C, O, DC, ST } = ATTRIBUTE_TYPE;

describe('distinguished names', () => {
  it('reads what OpenSSL writes, from the top of the tree down', () => {
    expect(readDistinguishedName(OPENSSL)).toEqual([
      [{ type: C, value: 'US' }],
      [{ type: ST, value: 'MA' }],
      [{ type: O, value: 'BBN Technologies' }],
      [{ type: CN, value: 'Stephen T. Kent' }],
    ]);
  });

  it('reads every character string, and keeps the encoding of what is none', () => {
    const read = (tag: number, value: string) => readDistinguishedName(nameDer([[[CN, value, tag]]]))?.[0]?.[0]?.value;
    for (const tag of [12, 18, 19, 20, 22, 26, 30]) expect(read(tag, '2001')).toBe('2001');
    expect([read(12, 'Zoë ✓'), read(20, 'Zoë'), read(30, 'Zoë ✓')]).toEqual(['Zoë ✓', 'Zoë', 'Zoë ✓']);
    expect(read(19, 'Zoë')).toBeUndefined();
    expect(read(3, 'ab')).toEqual(Uint8Array.of(3, 2, 0x61, 0x62));
  });

  it('compares without regard to case, kind of string, and spaces (RFC 5280 section 7.1)', () => {
    const step = (value: string, tag = 12, type: string = CN) =>
      readDistinguishedName(nameDer([[[type, value, tag]]]))?.[0] ?? [];
    const asked = step('BBN  Technologies ');
    for (const same of [step('bbn technologies'), step('BBN TECHNOLOGIES', 19), step('BBN Technologies', 30)]) {
      expect(sameRelativeName(asked, same)).toBe(true);
    }
    for (const other of [step('BBN'), step('BBN Technologies', 12, O), step('BBN Technologies', 4), []]) {
      expect(sameRelativeName(asked, other)).toBe(false);
    }
    const two =
      readDistinguishedName(
        nameDer([
          [
            [CN, 'a'],
            [DC, 'b'],
          ],
        ]),
      )?.[0] ?? [];
    const reversed =
      readDistinguishedName(
        nameDer([
          [
            [DC, 'b'],
            [CN, 'a'],
          ],
        ]),
      )?.[0] ?? [];
    expect(sameRelativeName(two, reversed)).toBe(true);
    expect(sameRelativeName(two, two.slice(0, 1))).toBe(false);
  });

  it.each([
    ['nothing', Uint8Array.of()],
    ['trailing octets', Uint8Array.from([...OPENSSL, 0])],
    ['an end that is missing', OPENSSL.slice(0, -1)],
    ['an indefinite length', Uint8Array.of(0x30, 0x80, 0, 0)],
    ['a length that is not the shortest', Uint8Array.of(0x30, 0x81, 0)],
    ['a step without attribute', der(0x30, [der(0x31, [])])],
    ['an attribute without value', der(0x30, [der(0x31, [der(0x30, [Uint8Array.of(6, 1, 0x29)])])])],
    ['an object identifier that does not end', der(0x30, [der(0x31, [der(0x30, [Uint8Array.of(6, 1, 0x80, 12, 0)])])])],
    ['UTF-8 that is none', der(0x30, [der(0x31, [der(0x30, [Uint8Array.of(6, 1, 0x29, 12, 1, 0xff)])])])],
    ['more than 4096 octets', nameDer(Array.from({ length: 100 }, () => [[CN, 'x'.repeat(40)] as const]))],
  ])('refuses %s', (_, octets) => {
    expect(readDistinguishedName(octets)).toBeUndefined();
  });

  it('reads back what was written, and takes any octets without throwing', () => {
    const attribute = fc.tuple(
      fc.constantFrom(CN, C, O, DC, '1.3.6.1.4.1.99999.7'),
      fc.string({ maxLength: 200, unit: 'grapheme' }),
    );
    const steps = fc.array(fc.array(attribute, { minLength: 1, maxLength: 2 }), { maxLength: 4 });
    fc.assert(
      fc.property(steps, fc.nat(), fc.integer({ min: 1, max: 255 }), (name, at, flip) => {
        const octets = nameDer(name);
        const expected = name.map((step) => step.map(([type, value]) => ({ type, value })));
        expect(readDistinguishedName(octets)).toEqual(octets.length > 4096 ? undefined : expected);
        octets[at % octets.length] = (octets[at % octets.length] ?? 0) ^ flip;
        readDistinguishedName(octets);
      }),
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (octets) => void readDistinguishedName(octets)));
  });
});
