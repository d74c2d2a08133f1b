import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChunkPool, NONE } from './chunk-pool.js';

describe('chunk pool', () => {
  it('gives back what was stored, whatever else comes and goes, and never holds more than it has', () => {
    const actions = fc.array(
      fc.oneof(
        fc.record({ length: fc.integer({ min: 1, max: 3000 }), octet: fc.nat({ max: 255 }) }),
        fc.nat({ max: 20 }),
      ),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(actions, (list) => {
        const pool = new ChunkPool(8192);
        const held: { chain: number; octets: Uint8Array }[] = [];
        const chunks = () => held.reduce((sum, { octets }) => sum + Math.ceil(octets.length / 512), 0);
        for (const action of list) {
          if (typeof action === 'number') {
            for (const { chain } of held.splice(action, 1)) pool.release(chain);
          } else {
            const octets = Uint8Array.from({ length: action.length }, (_, i) => action.octet ^ (i * 7));
            const fits = chunks() + Math.ceil(action.length / 512) <= 16;
            const chain = pool.store(Uint8Array.from([1, 2, 3, ...octets]), 3, action.length);
            expect(chain !== NONE).toBe(fits);
            if (fits) held.push({ chain, octets });
          }
          expect(pool.octetsInUse).toBe(chunks() * 512);
          for (const { chain, octets } of held) {
            const out = new Uint8Array(octets.length + 2);
            pool.load(chain, octets.length, out, 1);
            expect(out).toEqual(Uint8Array.from([0, ...octets, 0]));
            expect(pool.equals(chain, octets.length, octets, 0)).toBe(true);
            expect(
              pool.equals(
                chain,
                octets.length,
                octets.map((o, i) => (i === octets.length - 1 ? o ^ 1 : o)),
                0,
              ),
            ).toBe(false);
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});
