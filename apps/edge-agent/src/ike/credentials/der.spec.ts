import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boolean, DerError, DerReader, objectIdentifier, smallInteger, TAG, time } from './der.js';

const octets = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const reader = (hex: string) => new DerReader(octets(hex));
const text = (tag: number, value: string) => ({ tag, content: Buffer.from(value), raw: new Uint8Array(0) });

describe('DER', () => {
  it('reads values one after the other, nested ones when entered', () => {
    const outer = reader('30 05 02 01 07 05 00 04 00');
    const inner = outer.enter(TAG.SEQUENCE);
    expect(smallInteger(inner.read(TAG.INTEGER).content)).toBe(7);
    expect(inner.optional(TAG.BOOLEAN)).toBeUndefined();
    expect(inner.next().tag).toBe(5);
    inner.finish();
    expect(outer.read(TAG.OCTET_STRING).raw).toEqual(octets('0400'));
    outer.finish();
  });

  it.each([
    ['cut short', '30 05 02 01'],
    ['of indefinite length', '30 80 00 00'],
    ['a length with a superfluous octet', '04 81 05 00 00 00 00 00'],
    ['a length with a leading zero', `04 82 00 80 ${'00'.repeat(128)}`],
    ['a length of four octets', '04 84 01 00 00 00'],
    ['a high tag number', '1f 81 00 00'],
    ['empty', ''],
  ])('refuses a value that is %s', (_, hex) => {
    expect(() => reader(hex).next()).toThrow(DerError);
  });

  it('refuses another type, and what is left over', () => {
    expect(() => reader('0201 07').read(TAG.SEQUENCE)).toThrow(/0x30 expected, 0x02 found/);
    const extra = reader('0500 0500');
    extra.next();
    expect(() => extra.finish()).toThrow(/2 octets too many/);
  });

  it.each([
    ['2a864886f70d01010b', '1.2.840.113549.1.1.11'],
    ['551d13', '2.5.29.19'],
    ['8837', '2.999'],
    ['00', '0.0'],
  ])('knows object identifier %s', (hex, dotted) => {
    expect(objectIdentifier(octets(hex))).toBe(dotted);
  });

  it.each(['', '80', '2a80', '2a8001', '2affffffffff7f'])('refuses object identifier "%s"', (hex) => {
    expect(() => objectIdentifier(octets(hex))).toThrow(DerError);
  });

  it('reads integers and booleans in their one form', () => {
    expect([smallInteger(octets('7fffffff')), smallInteger(octets('0080')), smallInteger(octets('00'))]).toEqual([
      2 ** 31 - 1,
      128,
      0,
    ]);
    for (const wrong of ['', '80', '0001', '0100000000']) expect(() => smallInteger(octets(wrong))).toThrow(DerError);
    expect([boolean(octets('ff')), boolean(octets('00'))]).toEqual([true, false]);
    for (const wrong of ['', '01', 'ffff']) expect(() => boolean(octets(wrong))).toThrow(DerError);
  });

  it('reads times, and none that do not exist', () => {
    expect(time(text(TAG.UTC_TIME, '491231235959Z'))).toBe(Date.UTC(2049, 11, 31, 23, 59, 59));
    expect(time(text(TAG.UTC_TIME, '500101000000Z'))).toBe(Date.UTC(1950, 0, 1));
    expect(time(text(TAG.GENERALIZED_TIME, '20500229000000Z'.replace('0229', '0228')))).toBe(Date.UTC(2050, 1, 28));
    for (const wrong of [
      '500230000000Z',
      '500101240000Z',
      '500101006000Z',
      '5001010000Z',
      '500101000000+0100',
      '501301000000Z',
    ]) {
      expect(() => time(text(TAG.UTC_TIME, wrong))).toThrow(DerError);
    }
    expect(() => time(text(TAG.GENERALIZED_TIME, '20500101000000.5Z'))).toThrow(DerError);
    expect(() => time(text(0x16, '20500101000000Z'))).toThrow(DerError);
  });

  it('ends on any octets, with a value or a DerError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (data) => {
        const any = new DerReader(data);
        try {
          while (!any.done) any.next();
        } catch (error) {
          expect(error).toBeInstanceOf(DerError);
        }
      }),
    );
  });
});
