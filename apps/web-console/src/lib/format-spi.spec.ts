import fc from 'fast-check';
import { expect, it } from 'vitest';
import { formatSpi } from './format-spi.js';

it('keeps all 32 bits, the highest included', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), (spi) => {
      expect(formatSpi(spi)).toHaveLength(10);
      expect(Number(formatSpi(spi))).toBe(spi);
    }),
  );
});
