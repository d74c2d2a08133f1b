import type { SecurityAssociationParameters } from '@weft/ipsec-core';
import { describe, expect, it } from 'vitest';
import { isAt } from './places.js';

function placesOf(association: Partial<SecurityAssociationParameters>, workers: number): number[] {
  const whole = { direction: 'inbound', mode: 'tunnel', spi: 0x1000, ...association } as SecurityAssociationParameters;
  return Array.from({ length: workers }, (_, place) => place).filter((place) => isAt(place, whole, workers));
}

describe('which worker has an association', () => {
  it.each([1, 2, 3, 5])(
    'of %i: exactly one every inbound one, and not the one that sends unless it is alone',
    (workers) => {
      for (let spi = 256; spi < 300; spi++) {
        const places = placesOf({ spi }, workers);
        expect(places).toHaveLength(1);
        expect(places.includes(0)).toBe(workers === 1);
      }
    },
  );

  it('the one that sends has every outbound one, and all that travels directly on IP is with it alone', () => {
    expect(placesOf({ direction: 'outbound' }, 3)).toEqual([0, 1, 2]);
    const outer = { local: new Uint8Array(4), remote: new Uint8Array(4) };
    for (const direction of ['inbound', 'outbound'] as const) {
      expect(placesOf({ direction, outer }, 3)).toEqual([0]);
      expect(placesOf({ direction, mode: 'transport' }, 3)).toEqual([0]);
    }
  });
});
