import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryPacket, arbitrarySelector, packetOctets } from '../../test/support/arbitrary-policy.js';
import { type DescribedPacket, matchSet } from '../../test/support/linear-policy.js';
import { Flow, parseFlow } from '../wire/ip/flow.js';
import { hashFlow, SelectorSets } from './selector-sets.js';

const ANSWER = { yes: 'match', possibly: 'hidden', no: 'mismatch' } as const;

function flowOf(packet: DescribedPacket): Flow {
  const octets = packetOctets(packet);
  const flow = new Flow();
  expect(parseFlow(flow, octets, 0, octets.length)).toBe(true);
  return flow;
}

describe('selector sets of an association (RFC 4301 section 4.4.2)', () => {
  it('match what a field by field comparison matches', () => {
    let matched = 0;
    fc.assert(
      fc.property(fc.array(arbitrarySelector, { minLength: 1, maxLength: 3 }), arbitraryPacket, (selectors, packet) => {
        const sets = new SelectorSets(selectors);
        for (const direction of ['inbound', 'outbound'] as const) {
          const answers = selectors.map((set) => matchSet(set, packet, direction));
          const expected = (['yes', 'possibly', 'no'] as const).find((answer) => answers.includes(answer)) ?? 'no';
          expect(sets.match(flowOf(packet), direction === 'inbound')).toBe(ANSWER[expected]);
          if (expected === 'yes') matched++;
        }
      }),
      { numRuns: 3000 },
    );
    expect(matched).toBeGreaterThan(100);
  });

  it('have the same hash as every outbound packet that they match', () => {
    let matched = 0;
    fc.assert(
      fc.property(arbitrarySelector, arbitraryPacket, (selector, packet) => {
        const flow = flowOf(packet);
        // Narrowed to the packet in some fields, so that there is something to hash.
        const local = [{ first: packet.source, last: packet.source }];
        const ported = selector.protocol === 6 || selector.protocol === 17 || selector.protocol === 1;
        const narrowed = {
          ...selector,
          localAddresses: local,
          ...(ported ? { localPorts: [{ first: packet.sourcePort, last: packet.sourcePort }], remotePorts: [] } : {}),
        };
        for (const set of new SelectorSets([narrowed]).compiled) {
          if (set.match(flow, false) !== 'match') continue;
          matched++;
          expect(hashFlow(flow, set.single)).toBe(set.hash);
        }
      }),
      { numRuns: 3000 },
    );
    expect(matched).toBeGreaterThan(100);
  });
});
