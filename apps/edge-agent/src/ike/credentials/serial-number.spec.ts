import { expect, it } from 'vitest';
import { serialValue } from './serial-number.js';

it.each([
  ['00ade7', 'ade7'],
  ['0000AD', 'ad'],
  ['4f00', '4f00'],
  ['0100', '0100'],
  ['00', '00'],
  ['', ''],
])('the serial number %j has the value %j', (written, value) => {
  expect(serialValue(written)).toBe(value);
});
