import type { SecurityAssociationParameters } from '@weft/ipsec-core';
import { socketOfSpi } from '@weft/linux-io';
import { describe, expect, it } from 'vitest';
import { BUNDLE_PLACE, isAt } from './places.js';

function placesOf(association: Partial<SecurityAssociationParameters>, workers: number): number[] {
  const whole = { direction: 'inbound', protocol: 'esp', spi: 0x1000, ...association } as SecurityAssociationParameters;
  return Array.from({ length: workers }, (_, place) => place).filter((place) => isAt(place, whole, workers));
}

describe('which worker has an association', () => {
  it.each([1, 2, 3, 5])(
    'of %i: the one that the kernel gives its packets to has an inbound one, and each some',
    (workers) => {
      const used = new Set<number>();
      for (let spi = 256; spi < 300; spi++) {
        expect(placesOf({ spi }, workers)).toEqual([socketOfSpi(spi, workers)]);
        used.add(socketOfSpi(spi, workers));
      }
      expect(used.size).toBe(workers);
    },
  );

  it('what travels directly on IP has its place like any other, in tunnel mode and in transport mode', () => {
    const outer = { local: new Uint8Array(4), remote: new Uint8Array(4) };
    expect(placesOf({ outer, spi: 0x1001 }, 3)).toEqual([socketOfSpi(0x1001, 3)]);
    expect(placesOf({ mode: 'transport', spi: 0x1001 }, 3)).toEqual([socketOfSpi(0x1001, 3)]);
  });

  it('AH, and what comes within it, is with one, whatever its SPI', () => {
    for (const spi of [0x1000, 0x1001, 0x1002]) {
      expect(placesOf({ protocol: 'ah', spi }, 3)).toEqual([BUNDLE_PLACE]);
      expect(placesOf({ bundledWith: 'around', spi }, 3)).toEqual([BUNDLE_PLACE]);
    }
  });

  it('all know of every outbound one', () => {
    expect(placesOf({ direction: 'outbound' }, 3)).toEqual([0, 1, 2]);
    expect(placesOf({ direction: 'outbound', protocol: 'ah' }, 3)).toEqual([0, 1, 2]);
  });
});
