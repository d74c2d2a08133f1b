import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checksumAdd, checksumFinish, checksumUpdate } from './checksum.js';

/** RFC 1071 section 1, digit by digit: the ones' complement sum modulo 2^16-1 in one's own words. */
function oracle(octets: Uint8Array): number {
  let sum = 0n;
  for (let at = 0; at < octets.length; at += 2) sum += BigInt(((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0));
  const residue = Number(sum % 65535n);
  return sum === 0n ? 0xffff : ~(residue === 0 ? 0xffff : residue) & 0xffff;
}

describe('Internet checksum', () => {
  it('is the ones’ complement of the ones’ complement sum (RFC 1071)', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), fc.nat({ max: 9 }), (octets, offset) => {
        const length = Math.max(0, octets.length - offset);
        expect(checksumFinish(checksumAdd(octets, Math.min(offset, octets.length), length))).toBe(
          oracle(octets.subarray(Math.min(offset, octets.length))),
        );
      }),
    );
  });

  it('can be added up in parts of even length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat({ max: 199 }), (octets, half) => {
        const cut = Math.min(2 * half, octets.length & ~1);
        const sum = checksumAdd(octets, cut, octets.length - cut, checksumAdd(octets, 0, cut));
        expect(checksumFinish(sum)).toBe(oracle(octets));
      }),
    );
  });

  it('follows a changed word without being computed anew (RFC 1624)', () => {
    const word = fc.nat({ max: 0xffff });
    fc.assert(
      fc.property(fc.array(word, { minLength: 2, maxLength: 40 }), word, word, (words, position, after) => {
        const at = position % words.length;
        const octets = (list: readonly number[]) => Uint8Array.from(list.flatMap((w) => [w >>> 8, w & 255]));
        const before = words[at] ?? 0;
        const changed = words.map((w, i) => (i === at ? after : w));
        // A packet is never all zero; its checksum cannot be told from that of all ones.
        fc.pre(words.some((w, i) => i !== at && w !== 0));
        expect(checksumUpdate(oracle(octets(words)), before, after)).toBe(oracle(octets(changed)));
      }),
      { numRuns: 2000 },
    );
  });

  it('gives the example of RFC 1624 section 4', () => {
    expect(checksumUpdate(0xdd2f, 0x5555, 0x3285)).toBe(0x0000);
  });
});
