import { expect, it } from 'vitest';
import { base32 } from './base32.js';

it.each([
  ['', ''],
  ['f', 'MY'],
  ['fo', 'MZXQ'],
  ['foo', 'MZXW6'],
  ['foob', 'MZXW6YQ'],
  ['fooba', 'MZXW6YTB'],
  ['foobar', 'MZXW6YTBOI'],
])('encodes %j as RFC 4648 section 10 does', (text, encoded) => {
  expect(base32(Buffer.from(text))).toBe(encoded);
});

it('takes every octet', () => {
  const all = Uint8Array.from({ length: 256 }, (_, value) => value);
  const bits = [...base32(all)].map((symbol) =>
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(symbol).toString(2).padStart(5, '0'),
  );
  const expected = [...all].map((octet) => octet.toString(2).padStart(8, '0')).join('');
  expect(bits.join('').slice(0, expected.length)).toBe(expected);
});
