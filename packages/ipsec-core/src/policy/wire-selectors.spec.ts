import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryPacket, arbitrarySelector } from '../../test/support/arbitrary-policy.js';
import { type DescribedPacket, matchSet } from '../../test/support/linear-policy.js';
import { selector } from '../../test/support/planes.js';
import type { WireSelector } from '../wire/ike/payloads/traffic-selector.js';
import { fromWireSelectors, toWireSelectors } from './wire-selectors.js';

/** RFC 7296 section 2.9: a packet is within when some local and some remote part contain its two ends. */
function containsLinearly(
  local: readonly WireSelector[],
  remote: readonly WireSelector[],
  packet: DescribedPacket,
  direction: 'inbound' | 'outbound',
): boolean {
  const outbound = direction === 'outbound';
  const message = [1, 58, 135].includes(packet.protocol);
  const ports = [6, 17].includes(packet.protocol);
  const end = (part: WireSelector, address: Uint8Array, port: number, binds: boolean): boolean => {
    if (part.type !== 'range' || part.first.length !== address.length) return false;
    if (Buffer.compare(part.first, address) > 0 || Buffer.compare(address, part.last) > 0) return false;
    const [start, last] = [part.startPort, part.endPort];
    const any = start === 0 && last === 65535;
    if (part.protocol === 44) return packet.hidesProtocol;
    if (part.protocol === 0) return any;
    if (packet.hidesProtocol || part.protocol !== packet.protocol) return false;
    if (any || !binds) return true;
    const shown = (message || ports) && packet.fragment !== 'later';
    return start > last ? !shown : shown && start <= port && port <= last;
  };
  const [here, there] = outbound ? [packet.source, packet.destination] : [packet.destination, packet.source];
  const [herePort, therePort] = outbound
    ? [packet.sourcePort, packet.destinationPort]
    : [packet.destinationPort, packet.sourcePort];
  return (
    local.some((part) => end(part, here, herePort, !message || outbound)) &&
    remote.some((part) => end(part, there, therePort, !message || !outbound))
  );
}

const set = arbitrarySelector;

describe('selector sets and IKEv2 traffic selectors', () => {
  it('stand for the same packets when there is one set', () => {
    let matched = 0;
    fc.assert(
      fc.property(
        set,
        arbitraryPacket,
        fc.constantFrom('inbound' as const, 'outbound' as const),
        (one, packet, way) => {
          const { local, remote } = toWireSelectors([one]);
          const expected = matchSet(one, packet, way) === 'yes';
          expect(containsLinearly(local, remote, packet, way)).toBe(expected);
          if (expected) matched++;
        },
      ),
      { numRuns: 3000 },
    );
    expect(matched).toBeGreaterThan(100);
  });

  it('mix and match when there are several, as the peer will', () => {
    let matched = 0;
    fc.assert(
      fc.property(
        fc.array(set, { minLength: 1, maxLength: 3 }),
        arbitraryPacket,
        fc.constantFrom('inbound' as const, 'outbound' as const),
        (sets, packet, way) => {
          const wire = toWireSelectors(sets);
          const back = fromWireSelectors(wire);
          const expected = containsLinearly(wire.local, wire.remote, packet, way);
          expect(back.some((one) => matchSet(one, packet, way) === 'yes')).toBe(expected);
          if (sets.some((one) => matchSet(one, packet, way) === 'yes')) expect(expected).toBe(true);
          if (expected) matched++;
        },
      ),
      { numRuns: 3000 },
    );
    expect(matched).toBeGreaterThan(100);
  });

  it('are written as RFC 7296 section 3.13.1 says', () => {
    const range = { type: 'range', first: Uint8Array.of(10, 1, 0, 0), last: Uint8Array.of(10, 1, 255, 255) } as const;
    const any = selector(['10.1.0.0/16'], ['10.2.0.0/16']);
    expect(toWireSelectors([any]).local).toEqual([{ ...range, protocol: 0, startPort: 0, endPort: 65535 }]);
    const opaque = { ...any, protocol: 6, localPorts: 'opaque', remotePorts: 'opaque' } as const;
    expect(toWireSelectors([opaque]).local).toEqual([{ ...range, protocol: 6, startPort: 65535, endPort: 0 }]);
    // An address that may be anything is so in the family of the other end.
    expect(toWireSelectors([selector([], ['10.2.0.0/16'])]).local).toMatchObject([{ first: new Uint8Array(4) }]);
  });

  it('stand for nothing where no packet can match, and are bounded', () => {
    const [v4] = toWireSelectors([selector(['10.1.0.0/16'], ['10.2.0.0/16'])]).local;
    const [v6] = toWireSelectors([selector(['2001:db8::/32'], [])]).local;
    const part = v4 as Extract<WireSelector, { type: 'range' }>;
    const other = v6 as WireSelector;
    const unknown = { type: 'unknown', number: 9, protocol: 0, body: new Uint8Array(2) } as const;
    const portWithoutProtocol = { ...part, startPort: 80, endPort: 80 };
    for (const [local, remote] of [
      [[part], [other]],
      [[unknown], [part]],
      [[portWithoutProtocol], [part]],
      [[{ ...part, protocol: 6 }], [{ ...part, protocol: 17 }]],
      [[part], []],
    ] as const) {
      expect(fromWireSelectors({ local, remote })).toEqual([]);
    }
    const many = Array.from({ length: 33 }, (_, i) => ({ ...part, protocol: 6, startPort: i, endPort: i }));
    expect(() => fromWireSelectors({ local: many, remote: many })).toThrowError(
      expect.objectContaining({ code: 'TOO_MANY_SELECTORS' }),
    );
  });
});
