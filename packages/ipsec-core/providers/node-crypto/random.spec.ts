import { describe, expect, it } from 'vitest';
import { nodeRandom } from './random.js';

describe('random octets', () => {
  it('fill whatever length is asked for, across blocks and beyond one', () => {
    const random = nodeRandom();
    for (const length of [0, 1, 32, 4095, 4096, 4097, 70_000]) {
      const out = new Uint8Array(length + 2);
      random(out.subarray(1, length + 1));
      expect([out[0], out.at(-1)]).toEqual([0, 0]);
      // Of so many octets none being other than zero would be a filler that does not fill.
      if (length >= 32) expect(out.some((octet) => octet !== 0)).toBe(true);
    }
  });

  it('are never given twice, to nobody', () => {
    const sources = [nodeRandom(), nodeRandom()];
    const seen = new Set<string>();
    for (let draw = 0; draw < 2000; draw++) {
      const out = new Uint8Array(16);
      sources[draw % 2]?.(out);
      seen.add(Buffer.from(out).toString('hex'));
    }
    expect(seen.size).toBe(2000);
  });
});
