import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { smallUniverse } from '../../test/small-universe.js';
import { parsePrefixText } from '../address/prefix.js';
import { parseAddressText } from '../address/text.js';
import { compileShared } from '../fabric/compile-shared.js';
import { explainPacket } from './explain-packet.js';
import { type WrittenAddresses, writtenEntry } from './written-entry.js';

describe('writtenEntry', () => {
  it('names addresses that hold both ends of the packet that the entry decides', () => {
    let hops = 0;
    fc.assert(
      fc.property(smallUniverse(), (intent) => {
        const compiled = compileShared(intent);
        fc.pre(compiled.ok);
        for (const [source, destination] of PAIRS) {
          const [from, to] = [parseAddressText(source), parseAddressText(destination)];
          if (from === undefined || to === undefined) throw new Error('no address');
          const packet = {
            family: 4,
            source: from.value,
            destination: to.value,
            protocol: 6,
            sourcePort: 3,
            destinationPort: 1,
          } as const;
          for (const { outbound } of explainPacket(compiled.fabric, packet).hops) {
            if (outbound === undefined) throw new Error('a site sends it');
            const { remote, local, position, action, services } = writtenEntry(outbound, compiled.fabric);
            expect(holds(remote, to.value)).toBe(true);
            if (local !== 'site') expect(holds(local, from.value)).toBe(true);
            expect([action, position >= 1, services.length > 0]).toEqual(['PROTECT', true, true]);
            hops += 1;
          }
        }
      }),
      { numRuns: 400 },
    );
    expect(hops).toBeGreaterThan(20);
  });
});

function holds({ ranges, more }: WrittenAddresses, address: bigint): boolean {
  expect(more).toBe(0);
  return ranges.some((text) => {
    const parsed = parsePrefixText(text);
    if (parsed.ok)
      return parsed.prefix.family === 4 && parsed.prefix.range.first <= address && address <= parsed.prefix.range.last;
    const [first, last] = text.split('-').map((end) => parseAddressText(end));
    return first?.family === 4 && last !== undefined && first.value <= address && address <= last.value;
  });
}

const PAIRS = [
  ['10.0.0.0', '10.1.0.1'],
  ['10.2.1.0', '10.3.0.0'],
  ['10.1.0.0', '10.0.1.0'],
] as const;
