import { parseAddress, parsePrefix } from '@weft/ipsec-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { protectedRanges, unionOfRanges } from './protected-ranges.js';

describe('the protected ranges', () => {
  it('are the routes without what is direct within them, and that without what is routed again within it', () => {
    expect(protectedRanges(['10.0.0.0/8', '10.1.2.0/25'], ['10.1.0.0/16'])).toEqual([
      { family: 4, first: '10.0.0.0', last: '10.0.255.255' },
      { family: 4, first: '10.1.2.0', last: '10.1.2.127' },
      { family: 4, first: '10.2.0.0', last: '10.255.255.255' },
    ]);
  });

  it('of a route for everything leave out what never leaves a link', () => {
    expect(protectedRanges(['0.0.0.0/0', '::/0'], [])).toEqual([
      { family: 4, first: '0.0.0.1', last: '126.255.255.255' },
      { family: 4, first: '128.0.0.0', last: '223.255.255.255' },
      { family: 4, first: '240.0.0.0', last: '255.255.255.254' },
      { family: 6, first: '::2', last: 'fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff' },
      { family: 6, first: 'fec0::', last: 'feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff' },
    ]);
  });

  it('join what touches', () => {
    expect(protectedRanges(['10.0.0.0/25', '10.0.0.128/25', '10.0.1.0/32'], [])).toEqual([
      { family: 4, first: '10.0.0.0', last: '10.0.1.0' },
    ]);
  });

  it('make one list of several', () => {
    const lists = [
      protectedRanges(['10.0.0.0/24', '10.4.0.0/16'], []),
      protectedRanges(['10.0.1.0/24', '10.4.4.0/24'], []),
    ];
    expect(unionOfRanges(lists)).toEqual(protectedRanges(['10.0.0.0/23', '10.4.0.0/16'], []));
  });

  it('say of every address what the longest match says', () => {
    // Sixteen addresses, so that every one can be asked for, and prefixes meet in every way.
    const prefix = fc
      .tuple(fc.integer({ min: 0, max: 15 }), fc.integer({ min: 28, max: 32 }))
      .map(([host, length]) => `10.0.0.${host & ~(2 ** (32 - length) - 1)}/${length}`);
    const prefixes = fc.uniqueArray(prefix, { maxLength: 8 });
    fc.assert(
      fc.property(prefixes, prefixes, (routes, direct) => {
        const ranges = protectedRanges(routes, direct);
        for (let host = 0; host < 16; host++) {
          const address = parseAddress(`10.0.0.${host}`);
          const within = ranges.filter(
            ({ first, last }) =>
              Buffer.compare(parseAddress(first), address) <= 0 && Buffer.compare(address, parseAddress(last)) <= 0,
          );
          expect(within.length).toBe(isProtected(routes, direct, address) ? 1 : 0);
        }
      }),
      { numRuns: 300 },
    );
  });
});

function isProtected(routes: readonly string[], direct: readonly string[], address: Uint8Array): boolean {
  const longest = (texts: readonly string[]) =>
    Math.max(
      -1,
      ...texts
        .map(parsePrefix)
        .filter(({ range }) => Buffer.compare(range.first, address) <= 0 && Buffer.compare(address, range.last) <= 0)
        .map(({ length }) => length),
    );
  return longest(routes) > longest(direct);
}
