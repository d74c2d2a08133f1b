import { formatAddress, parsePrefix } from '@weft/ipsec-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OverlayPrefix } from './bundle/verified-bundle.js';
import { directPrefixes } from './direct-prefixes.js';

function prefix(text: string): OverlayPrefix {
  const { address, range } = parsePrefix(text);
  return { text, family: address.length === 4 ? 4 : 6, range };
}

const direct = (routes: string[], local: string[], connected: string[]) => [
  ...directPrefixes(routes.map(prefix), local.map(prefix), new Set(connected)),
];

describe('prefixes that are reached directly', () => {
  it('are the networks at hand within a route for everything, of both families', () => {
    expect(
      direct(['0.0.0.0/0', '::/0'], ['10.1.0.0/24', '2001:db8:1::/64'], ['192.0.2.0/24', 'fe80::/64', '10.1.0.0/24']),
    ).toEqual(['10.1.0.0/24', '2001:db8:1::/64', '192.0.2.0/24', 'fe80::/64']);
  });

  it('do not hold what a route names itself, or what no route covers', () => {
    expect(direct(['10.0.0.0/8', '10.1.0.0/24'], ['10.1.0.0/24'], ['192.0.2.0/24', '10.2.0.0/16'])).toEqual([
      '10.2.0.0/16',
    ]);
    expect(direct(['0.0.0.0/0'], [], ['2001:db8::/64'])).toEqual([]);
    expect(direct(['10.1.0.128/25'], ['10.1.0.0/24'], [])).toEqual([]);
  });

  it('lead every address where the most precise of all prefixes says, the route where both are as precise', () => {
    // Of a small space, so that they overlap.
    const prefixes = fc.array(
      fc.tuple(fc.nat({ max: 15 }), fc.integer({ min: 4, max: 8 })).map(([bits, length]) => {
        const octet = (bits << 4) & (0xff << (8 - length)) & 0xff;
        return `${formatAddress(Uint8Array.of(octet, 0, 0, 0))}/${length}`;
      }),
      { maxLength: 6 },
    );
    const best = (list: readonly string[], first: number) =>
      Math.max(
        -1,
        ...list.map((text) => {
          const { range, length } = parsePrefix(text);
          return (range.first[0] ?? 0) <= first && first <= (range.last[0] ?? 0) ? length : -1;
        }),
      );
    fc.assert(
      fc.property(prefixes, prefixes, fc.nat({ max: 255 }), (routes, connected, first) => {
        const routed = best(routes, first);
        const table = Math.max(routed, best(direct(routes, [], connected), first));
        const intoOverlay = routed >= 0 && routed === table;
        expect(intoOverlay).toBe(routed >= 0 && routed >= best(connected, first));
      }),
    );
  });
});
