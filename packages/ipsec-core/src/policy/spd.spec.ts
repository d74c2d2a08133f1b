import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readUint32 } from '../bytes/octets.js';
import type { AddressRange } from '../wire/ip/address.js';
import { parsePrefix } from '../wire/ip/address.js';
import { Flow } from '../wire/ip/flow.js';
import { OPAQUE_PORT } from '../wire/ip/protocol.js';
import { compareOctets, type PortRange, type TrafficSelector } from './selector.js';
import { createSecurityPolicyDatabase, type SecurityPolicy } from './spd.js';

interface Probe {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly protocol: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

/** The definition: the first entry of which every selector contains the packet's value. */
function oracle(policies: readonly SecurityPolicy[], probe: Probe, inbound: boolean): number {
  const [local, remote] = inbound ? [probe.destination, probe.source] : [probe.source, probe.destination];
  const [localPort, remotePort] = inbound
    ? [probe.destinationPort, probe.sourcePort]
    : [probe.sourcePort, probe.destinationPort];
  const within = (ranges: readonly AddressRange[], address: Uint8Array) =>
    ranges.length === 0 ||
    ranges.some(
      ({ first, last }) =>
        first.length === address.length && compareOctets(first, address) <= 0 && compareOctets(address, last) <= 0,
    );
  const port = (ranges: readonly PortRange[], value: number) =>
    ranges.length === 0 || ranges.some(({ first, last }) => first <= value && value <= last);
  return policies.findIndex(
    ({ selector }) =>
      within(selector.localAddresses, local) &&
      within(selector.remoteAddresses, remote) &&
      (selector.protocol === 'any' || selector.protocol === probe.protocol) &&
      port(selector.localPorts, localPort) &&
      port(selector.remotePorts, remotePort),
  );
}

function flowOf(probe: Probe): Flow {
  const flow = new Flow();
  flow.family = probe.source.length === 4 ? 4 : 6;
  for (let word = 0; word < probe.source.length / 4; word++) {
    flow.source[word] = readUint32(probe.source, 4 * word);
    flow.destination[word] = readUint32(probe.destination, 4 * word);
  }
  flow.protocol = probe.protocol;
  flow.sourcePort = probe.sourcePort;
  flow.destinationPort = probe.destinationPort;
  return flow;
}

// A small world, so that ranges touch, overlap and shadow each other all the time; the ends of the space occur too.
const v4 = fc
  .tuple(fc.constantFrom(0, 10, 10, 10, 255), fc.constantFrom(0, 1, 255), fc.integer({ min: 0, max: 12 }))
  .map(([a, b, d]) => Uint8Array.of(a, b, a === 255 ? 255 : 0, a === 255 ? 255 - d : d));
const v6 = v4.map((tail) => {
  const address = new Uint8Array(16);
  address.set(tail[0] === 255 ? [255, 255, 255, 255] : [0x20, 1, 0xd, 0xb8]);
  if (tail[0] === 255) address.fill(255, 4, 12);
  address.set(tail, 12);
  return address;
});
const range = fc.oneof(fc.tuple(v4, v4), fc.tuple(v6, v6)).map(([one, other]): AddressRange => {
  return compareOctets(one, other) <= 0 ? { first: one, last: other } : { first: other, last: one };
});
const port = fc.constantFrom(0, 1, 53, 80, 443, 1000, 65535);
const ports = fc.array(
  fc.tuple(port, port).map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) })),
  { maxLength: 2 },
);
const selector = fc
  .record({
    localAddresses: fc.array(range, { maxLength: 3 }),
    remoteAddresses: fc.array(range, { maxLength: 3 }),
    protocol: fc.constantFrom<number | 'any'>('any', 6, 17, 1),
    localPorts: ports,
    remotePorts: ports,
  })
  .map((value): TrafficSelector => (value.protocol === 'any' ? { ...value, localPorts: [], remotePorts: [] } : value));
const probe: fc.Arbitrary<Probe> = fc
  .tuple(
    fc.boolean(),
    v4,
    v4,
    v6,
    v6,
    fc.constantFrom(1, 6, 17, 50, 256),
    fc.oneof(port, fc.constant(OPAQUE_PORT)),
    port,
  )
  .map(([wide, a, b, c, d, protocol, sourcePort, destinationPort]) => ({
    source: wide ? c : a,
    destination: wide ? d : b,
    protocol,
    sourcePort,
    destinationPort,
  }));

const bypass = (selectors: readonly TrafficSelector[]): SecurityPolicy[] =>
  selectors.map((value, i) => ({ entryId: `e${i}`, ruleId: 'r', selector: value, action: 'BYPASS' }));

describe('security policy database (RFC 4301 section 4.4.1)', () => {
  it('decides like a linear search, the second time from its cache', () => {
    const hasFamily = (value: TrafficSelector) => {
      try {
        createSecurityPolicyDatabase(bypass([value]));
        return true;
      } catch {
        return false;
      }
    };
    fc.assert(
      fc.property(
        fc.array(selector.filter(hasFamily), { minLength: 1, maxLength: 60 }),
        fc.array(probe, { minLength: 1, maxLength: 40 }),
        fc.boolean(),
        (selectors, probes, inbound) => {
          const policies = bypass(selectors);
          const database = createSecurityPolicyDatabase(policies);
          const direction = inbound ? 'inbound' : 'outbound';
          for (const packet of [...probes, ...probes]) {
            expect(database.lookup(flowOf(packet), direction)).toBe(oracle(policies, packet, inbound));
          }
          const portless = policies.map((entry) => ({
            ...entry,
            selector: { ...entry.selector, localPorts: [], remotePorts: [] },
          }));
          for (const packet of probes) {
            const expected = oracle(portless, packet, inbound);
            expect(database.lookupIgnoringPorts(flowOf(packet), direction)).toBe(expected);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('holds 10,000 entries and still decides like a linear search', () => {
    const entries: SecurityPolicy[] = Array.from({ length: 10_000 }, (_, i) => ({
      entryId: `e${i}`,
      ruleId: 'r',
      action: 'BYPASS',
      selector: {
        localAddresses: [parsePrefix(`10.${i >>> 8}.${i & 255}.0/24`).range],
        remoteAddresses: i % 7 === 0 ? [] : [parsePrefix(`172.${16 + (i % 16)}.0.0/16`).range],
        protocol: i % 3 === 0 ? 6 : 'any',
        localPorts: [],
        remotePorts: i % 3 === 0 ? [{ first: i % 1000, last: 2000 }] : [],
      },
    }));
    const database = createSecurityPolicyDatabase(entries);
    let matched = 0;
    for (let i = 0; i < 12_000; i += 13) {
      const packet: Probe = {
        source: Uint8Array.of(10, i >>> 8, i & 255, 9),
        destination: Uint8Array.of(172, 16 + (i % 16), 3, 4),
        protocol: i % 2 === 0 ? 6 : 17,
        sourcePort: 5,
        destinationPort: i % 2500,
      };
      const expected = oracle(entries, packet, false);
      expect(database.lookup(flowOf(packet), 'outbound')).toBe(expected);
      if (expected >= 0) matched++;
    }
    expect(matched).toBeGreaterThan(100);
  });

  it('names the value at fault', () => {
    const any: TrafficSelector = {
      localAddresses: [],
      remoteAddresses: [],
      protocol: 'any',
      localPorts: [],
      remotePorts: [],
    };
    const make = (value: Partial<TrafficSelector>) => () =>
      createSecurityPolicyDatabase(bypass([{ ...any, ...value }]));
    expect(make({ localPorts: [{ first: 1, last: 2 }] })).toThrowError(/^\[0\]\.selector: ports need a protocol/);
    expect(make({ protocol: 256 })).toThrowError(/^\[0\]\.selector\.protocol/);
    expect(make({ protocol: 6, remotePorts: [{ first: 2, last: 1 }] })).toThrowError(/remotePorts\[0\]/);
    expect(
      make({ localAddresses: [{ first: Uint8Array.of(2, 0, 0, 0), last: Uint8Array.of(1, 0, 0, 0) }] }),
    ).toThrowError(/localAddresses\[0\]/);
    expect(
      make({
        localAddresses: [parsePrefix('10.0.0.0/8').range],
        remoteAddresses: [parsePrefix('2001:db8::/32').range],
      }),
    ).toThrowError(/no family in common/);
    const twice = [...bypass([any]), ...bypass([any])];
    expect(() => createSecurityPolicyDatabase(twice)).toThrowError(/occurs twice/);
  });
});
