import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryPacket, arbitraryPolicies, packetOctets } from '../../test/support/arbitrary-policy.js';
import { type DescribedPacket, decideLinearly, UNDECIDED } from '../../test/support/linear-policy.js';
import { parsePrefix } from '../wire/ip/address.js';
import { Flow, parseFlow } from '../wire/ip/flow.js';
import { HIDDEN_FIELDS } from './packet-classifier.js';
import type { SecurityPolicy } from './security-policy.js';
import { icmpTypesAndCodes, mobilityTypes, type TrafficSelector } from './selector.js';
import { createSecurityPolicyDatabase } from './spd.js';

const ANY: TrafficSelector = {
  localAddresses: [],
  remoteAddresses: [],
  protocol: 'any',
  localPorts: [],
  remotePorts: [],
};
const v4 = (text: string) => [parsePrefix(text).range];
const port = (first: number, last = first) => [{ first, last }];

function flowOf(packet: DescribedPacket): Flow {
  const octets = packetOctets(packet);
  const flow = new Flow();
  expect(parseFlow(flow, octets, 0, octets.length)).toBe(true);
  return flow;
}

const TCP: DescribedPacket = {
  source: Uint8Array.of(10, 0, 0, 1),
  destination: Uint8Array.of(10, 0, 0, 2),
  protocol: 6,
  sourcePort: 1000,
  destinationPort: 443,
  fragment: 'whole',
  hidesProtocol: false,
};

/** Entries e0, e1, …: what each does, and its selector sets. */
const entries = (...rows: readonly (readonly [SecurityPolicy['action'], ...Partial<TrafficSelector>[]])[]) =>
  createSecurityPolicyDatabase(
    rows.map(([action, ...sets], i): SecurityPolicy => {
      const common = { entryId: `e${i}`, ruleId: 'r', selectors: sets.map((set) => ({ ...ANY, ...set })) };
      return action === 'PROTECT' ? { ...common, action, tunnelId: 't' } : { ...common, action };
    }),
  );

describe('security policy database (RFC 4301 section 4.4.1)', () => {
  it('decides like a linear search, the second time from its cache', () => {
    fc.assert(
      fc.property(
        arbitraryPolicies(60),
        fc.array(arbitraryPacket, { minLength: 1, maxLength: 40 }),
        (policies, packets) => {
          const database = createSecurityPolicyDatabase(policies);
          for (const packet of [...packets, ...packets]) {
            for (const direction of ['inbound', 'outbound'] as const) {
              const expected = decideLinearly(policies, packet, direction);
              expect(database.lookup(flowOf(packet), direction)).toBe(expected);
              expect(database.search(flowOf(packet), direction)).toBe(expected);
            }
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('holds 10,000 entries and still decides like a linear search', () => {
    const policies: SecurityPolicy[] = Array.from({ length: 10_000 }, (_, i) => ({
      entryId: `e${i}`,
      ruleId: 'r',
      action: 'BYPASS',
      selectors: [
        {
          localAddresses: v4(`10.${i >>> 8}.${i & 255}.0/24`),
          remoteAddresses: i % 7 === 0 ? [] : v4(`172.${16 + (i % 16)}.0.0/16`),
          protocol: i % 3 === 0 ? 6 : 'any',
          localPorts: [],
          remotePorts: i % 3 === 0 ? [{ first: i % 1000, last: 2000 }] : [],
        },
      ],
    }));
    const database = createSecurityPolicyDatabase(policies);
    let matched = 0;
    for (let i = 0; i < 12_000; i += 277) {
      const packet: DescribedPacket = {
        source: Uint8Array.of(10, i >>> 8, i & 255, 9),
        destination: Uint8Array.of(172, 16 + (i % 16), 3, 4),
        protocol: i % 2 === 0 ? 6 : 17,
        sourcePort: 5,
        destinationPort: i % 2500,
        fragment: 'whole',
        hidesProtocol: false,
      };
      const expected = decideLinearly(policies, packet, 'outbound');
      expect(database.lookup(flowOf(packet), 'outbound')).toBe(expected);
      if (expected >= 0) matched++;
    }
    expect(matched).toBeGreaterThan(10);
  });

  it('answers from its bounded cache for the very flow and no other, when far more flows come than it holds', () => {
    const database = entries(
      ['PROTECT', { protocol: 6, remotePorts: port(443) }],
      ['DISCARD', { localAddresses: v4('10.0.0.0/20') }],
      ['PROTECT', { protocol: 6, localPorts: 'opaque', remotePorts: 'opaque' }],
      ['BYPASS', { protocol: 17 }],
    );
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 20_000; i++) {
        const packet: DescribedPacket = {
          ...TCP,
          source: Uint8Array.of(10, 0, i >>> 8, i & 255),
          protocol: i % 3 === 0 ? 17 : 6,
          destinationPort: i % 2 === 0 ? 443 : 80,
          fragment: i % 5 === 0 ? 'later' : 'whole',
        };
        const flow = flowOf(packet);
        const direction = i % 7 === 0 ? 'inbound' : 'outbound';
        if (database.lookup(flow, direction) !== database.search(flow, direction)) throw new Error(`flow ${i}`);
      }
    }
  });

  it('tells OPAQUE from ANY: only OPAQUE passes by a packet that shows its ports', () => {
    const opaque = entries(['PROTECT', { protocol: 6, localPorts: 'opaque', remotePorts: 'opaque' }], ['BYPASS', {}]);
    expect(opaque.lookup(flowOf(TCP), 'outbound')).toBe(1);
    expect(opaque.lookup(flowOf({ ...TCP, fragment: 'first' }), 'outbound')).toBe(1);
    expect(opaque.lookup(flowOf({ ...TCP, fragment: 'later' }), 'outbound')).toBe(0);
    const any = entries(['PROTECT', { protocol: 6 }]);
    for (const fragment of ['whole', 'first', 'later'] as const) {
      expect(any.lookup(flowOf({ ...TCP, fragment }), 'outbound')).toBe(0);
    }
  });

  it('does not let a fragment fall past an entry that may protect its packet, unless a later one is made for it', () => {
    const later = flowOf({ ...TCP, fragment: 'later' });
    const https = { protocol: 6, remotePorts: port(443) } as const;
    const fragments = { protocol: 6, localPorts: 'opaque', remotePorts: 'opaque' } as const;
    expect(entries(['PROTECT', https], ['BYPASS', {}]).lookup(later, 'outbound')).toBe(HIDDEN_FIELDS);
    expect(entries(['PROTECT', https]).lookup(later, 'outbound')).toBe(UNDECIDED);
    expect(entries(['PROTECT', https], ['PROTECT', fragments], ['BYPASS', {}]).lookup(later, 'outbound')).toBe(1);
    expect(entries(['PROTECT', https], ['BYPASS', { protocol: 6 }, fragments]).lookup(later, 'outbound')).toBe(1);
    const hidden: DescribedPacket = {
      ...TCP,
      source: parsePrefix('2001:db8::1/128').address,
      destination: parsePrefix('2001:db8::2/128').address,
      fragment: 'later',
      hidesProtocol: true,
    };
    expect(entries(['PROTECT', https], ['BYPASS', {}]).lookup(flowOf(hidden), 'outbound')).toBe(HIDDEN_FIELDS);
    expect(entries(['PROTECT', { protocol: 6 }], ['BYPASS', {}]).lookup(flowOf(hidden), 'outbound')).toBe(UNDECIDED);
    expect(entries(['PROTECT', https], ['DISCARD', { protocol: 'opaque' }]).lookup(flowOf(hidden), 'outbound')).toBe(1);
  });

  it('holds message types to the local selector when sent and to the remote one when received', () => {
    const echo = icmpTypesAndCodes({ first: 8, last: 8 });
    const request = flowOf({ ...TCP, protocol: 1, sourcePort: 0x0800, destinationPort: 0x0800 });
    const reply = flowOf({ ...TCP, protocol: 1, sourcePort: 0, destinationPort: 0 });
    const send = entries(['BYPASS', { protocol: 1, localPorts: [echo], remotePorts: 'opaque' }]);
    expect([send.lookup(request, 'outbound'), send.lookup(request, 'inbound')]).toEqual([0, -1]);
    const ping = entries(['BYPASS', { protocol: 1, localPorts: [echo], remotePorts: port(0) }]);
    expect([ping.lookup(request, 'outbound'), ping.lookup(reply, 'inbound')]).toEqual([0, 0]);
    expect([ping.lookup(reply, 'outbound'), ping.lookup(request, 'inbound')]).toEqual([-1, -1]);
    // "(T-start*256) + C-start <= (t*256) + c <= (T-end*256) + C-end" (section 4.4.1.1)
    const range = icmpTypesAndCodes({ first: 3, last: 5 }, { first: 1, last: 2 });
    const types = entries(['BYPASS', { protocol: 1, localPorts: [range] }]);
    const answers = [0x0300, 0x0301, 0x04ff, 0x0502, 0x0503].map((value) =>
      types.lookup(flowOf({ ...TCP, protocol: 1, sourcePort: value, destinationPort: value }), 'outbound'),
    );
    expect(answers).toEqual([-1, 0, 0, 0, -1]);
    const binding = entries(['BYPASS', { protocol: 135, localPorts: [mobilityTypes({ first: 5, last: 6 })] }]);
    const mobility = [0x0400, 0x0500, 0x0600, 0x0700].map((value) =>
      binding.lookup(flowOf({ ...TCP, protocol: 135, sourcePort: value, destinationPort: value }), 'outbound'),
    );
    expect(mobility).toEqual([-1, 0, 0, -1]);
  });

  it('keeps what is bypassed or discarded in one direction to that direction', () => {
    const database = createSecurityPolicyDatabase([
      { entryId: 'in', ruleId: 'r', selectors: [ANY], action: 'BYPASS', direction: 'inbound' },
      { entryId: 'out', ruleId: 'r', selectors: [ANY], action: 'DISCARD', direction: 'outbound' },
    ]);
    expect(database.lookup(flowOf(TCP), 'inbound')).toBe(0);
    expect(database.lookup(flowOf(TCP), 'outbound')).toBe(1);
  });

  it('names the value at fault', () => {
    const make =
      (...sets: Partial<TrafficSelector>[]) =>
      () =>
        entries(['BYPASS', ...sets]);
    const at = '[0].selectors[0]';
    const six = { localAddresses: [parsePrefix('2001:db8::/32').range] };
    const rows: readonly (readonly [Partial<TrafficSelector>, string, RegExp])[] = [
      [{ localPorts: port(1) }, `${at}.localPorts`, /ports need a protocol/],
      [{ remotePorts: 'opaque' }, `${at}.remotePorts`, /opaque ports need one protocol/],
      [{ protocol: 'opaque', remotePorts: port(1) }, `${at}.remotePorts`, /ports need a protocol/],
      [{ protocol: 50, localPorts: port(1) }, `${at}.localPorts`, /ports need a protocol/],
      [{ protocol: 256 }, `${at}.protocol`, /0 to 255/],
      [{ protocol: 'opaque', localAddresses: v4('10.0.0.0/8') }, `${at}.protocol`, /IPv4 packet always shows/],
      [{ ...six, protocol: 60 }, `${at}.protocol`, /extension header/],
      [{ protocol: 6, remotePorts: port(2, 1) }, `${at}.remotePorts[0]`, /first <= last/],
      [{ protocol: 6, remotePorts: port(65536) }, `${at}.remotePorts[0]`, /0 to 65535/],
      [{ protocol: 6, localPorts: 'opaque', remotePorts: port(1) }, at, /hides one port and shows the other/],
      [{ protocol: 135, localPorts: port(257, 400) }, `${at}.localPorts[0]`, /Mobility Header/],
      [
        { localAddresses: [{ first: Uint8Array.of(2, 0, 0, 0), last: Uint8Array.of(1, 0, 0, 0) }] },
        `${at}.localAddresses[0]`,
        /first is greater/,
      ],
      [{ ...six, remoteAddresses: v4('10.0.0.0/8') }, at, /no family in common/],
    ];
    for (const [set, path, message] of rows) {
      expect(make(set)).toThrowError(expect.objectContaining({ path }));
      expect(make(set)).toThrowError(message);
    }
    expect(make({}, { protocol: 256 })).toThrowError(/^\[0\]\.selectors\[1\]\.protocol/);
    expect(make()).toThrowError(/^\[0\]\.selectors: an entry has at least one/);
    const twice = [0, 1].map((): SecurityPolicy => ({ entryId: 'e', ruleId: 'r', selectors: [ANY], action: 'BYPASS' }));
    expect(() => createSecurityPolicyDatabase(twice)).toThrowError(/occurs twice/);
  });

  it('refuses to populate from a packet what no packet shows', () => {
    const make = (field: 'protocol' | 'localPort' | 'remotePort', set: Partial<TrafficSelector>) => () =>
      createSecurityPolicyDatabase([
        {
          entryId: 'e',
          ruleId: 'r',
          selectors: [{ ...ANY, ...set }],
          action: 'PROTECT',
          tunnelId: 't',
          populateFromPacket: [field],
        },
      ]);
    const opaque = { localPorts: 'opaque', remotePorts: 'opaque' } as const;
    for (const refused of [
      make('protocol', { protocol: 'opaque' }),
      make('localPort', { protocol: 6, ...opaque }),
      make('remotePort', { protocol: 6, ...opaque }),
      make('remotePort', {}),
    ]) {
      expect(refused).toThrowError(expect.objectContaining({ code: 'POPULATE_FROM_PACKET' }));
    }
    expect(make('remotePort', { protocol: 6 })).not.toThrow();
  });
});
