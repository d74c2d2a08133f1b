import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAddress, parseAddress, parsePrefix } from './address.js';

describe('addresses', () => {
  // RFC 4291 section 2.2 and RFC 5952 section 4: written, canonical.
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['2001:DB8:0:0:8:800:200C:417A', '2001:db8::8:800:200c:417a'],
    ['FF01:0:0:0:0:0:0:101', 'ff01::101'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['::', '::'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['1::', '1::'],
    ['::ffff:192.0.2.128', '::ffff:192.0.2.128'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ])('reads %s and writes %s', (written, canonical) => {
    expect(formatAddress(parseAddress(written))).toBe(canonical);
  });

  it.each(['', '1.2.3', '1.2.3.4.5', '256.1.1.1', '01.2.3.4', '1::2::3', ':1', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9'])(
    'refuses "%s"',
    (text) => {
      expect(() => parseAddress(text)).toThrowError(/is no IP address/);
    },
  );

  it.each([':::', '12345::', 'fe80::1%eth0', '1:2:3:4:5:6:7:8::', '::1.2.3.4:1', 'g::', ' ::1'])(
    'refuses "%s"',
    (text) => {
      expect(() => parseAddress(text)).toThrowError(/is no IP address/);
    },
  );

  it('writes what it reads back, for every address', () => {
    const octets = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      fc.array(fc.constantFrom(0, 0, 0, 1), { minLength: 16, maxLength: 16 }).map((list) => Uint8Array.from(list)),
    );
    fc.assert(
      fc.property(octets, (address) => {
        expect(parseAddress(formatAddress(address))).toEqual(address);
      }),
    );
  });

  it('gives the range of a prefix', () => {
    const { range, length } = parsePrefix('10.1.2.128/25');
    expect([formatAddress(range.first), formatAddress(range.last), length]).toEqual(['10.1.2.128', '10.1.2.255', 25]);
    const wide = parsePrefix('2001:db8::/33').range;
    expect(formatAddress(wide.last)).toBe('2001:db8:7fff:ffff:ffff:ffff:ffff:ffff');
    expect(formatAddress(parsePrefix('0.0.0.0/0').range.last)).toBe('255.255.255.255');
  });

  it.each([
    ['10.0.0.1/24', /did you mean 10\.0\.0\.0\/24/],
    ['10.0.0.0/33', /at most 32/],
    ['10.0.0.0', /is no prefix/],
    ['10.0.0.0/08', /is no prefix/],
  ])('refuses %s', (text, message) => {
    expect(() => parsePrefix(text)).toThrowError(message);
  });
});
