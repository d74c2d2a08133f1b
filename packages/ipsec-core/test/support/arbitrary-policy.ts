import {
  type AddressRange,
  createSecurityPolicyDatabase,
  type PortSelector,
  type SecurityPolicy,
  type TrafficSelector,
} from '@weft/ipsec-core';
import fc from 'fast-check';
import type { DescribedPacket } from './linear-policy.js';

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
const addressRange = fc.oneof(fc.tuple(v4, v4), fc.tuple(v6, v6)).map(([one, other]): AddressRange => {
  return Buffer.compare(one, other) <= 0 ? { first: one, last: other } : { first: other, last: one };
});
const port = fc.constantFrom(0, 1, 53, 80, 443, 1000, 65535);
/** Types 0, 3 and 8 with codes; the ends of ranges fall between them. */
const message = fc.constantFrom(0, 0x0100, 0x0300, 0x0301, 0x03ff, 0x0800, 0x0801, 0xffff);
const ports = (value: fc.Arbitrary<number>): fc.Arbitrary<PortSelector> =>
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.array(
        fc.tuple(value, value).map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) })),
        { maxLength: 2 },
      ),
    },
    { weight: 1, arbitrary: fc.constant('opaque' as const) },
  );

/** Selector sets that a database takes. */
export const arbitrarySelector: fc.Arbitrary<TrafficSelector> = fc
  .record({
    localAddresses: fc.array(addressRange, { maxLength: 3 }),
    remoteAddresses: fc.array(addressRange, { maxLength: 3 }),
    protocol: fc.constantFrom<number | 'any' | 'opaque'>('any', 'opaque', 6, 6, 17, 1, 58, 135, 50),
  })
  .chain((common) => {
    const { protocol } = common;
    const none = fc.constant<PortSelector>([]);
    if (protocol === 'any') return withPorts(common, none);
    if (protocol === 'opaque' || protocol === 50) return withPorts(common, fc.constantFrom<PortSelector>([], 'opaque'));
    return withPorts(common, ports(protocol === 6 || protocol === 17 ? port : message));
  })
  .filter(isTaken);

/** Entries of every kind; those that protect share a few tunnels. */
export const arbitraryPolicies = (maxLength: number): fc.Arbitrary<readonly SecurityPolicy[]> =>
  fc
    .array(
      fc.tuple(
        fc.array(arbitrarySelector, { minLength: 1, maxLength: 3 }),
        fc.constantFrom('PROTECT' as const, 'BYPASS' as const, 'DISCARD' as const),
        fc.constantFrom('inbound' as const, 'outbound' as const, undefined),
        fc.integer({ min: 0, max: 3 }),
      ),
      { minLength: 1, maxLength },
    )
    .map((rows) =>
      rows.map(([selectors, action, direction, tunnel], i): SecurityPolicy => {
        const common = { entryId: `e${i}`, ruleId: 'r', selectors };
        if (action === 'PROTECT') return { ...common, action, tunnelId: `t${tunnel}` };
        return direction === undefined ? { ...common, action } : { ...common, action, direction };
      }),
    );

export const arbitraryPacket: fc.Arbitrary<DescribedPacket> = fc
  .tuple(
    fc.boolean(),
    fc.tuple(v4, v4, v6, v6),
    fc.constantFrom(1, 6, 6, 17, 50, 58, 135, 200),
    fc.tuple(port, port, message),
    fc.constantFrom('whole', 'whole', 'first', 'later', 'later'),
    fc.boolean(),
  )
  .map(([six, [a, b, c, d], protocol, [from, to, type], fragment, hides]): DescribedPacket => {
    const isMessage = protocol === 1 || protocol === 58 || protocol === 135;
    // A Mobility Header shows its type only.
    const shown = protocol === 135 ? type & 0xff00 : type;
    return {
      source: six ? c : a,
      destination: six ? d : b,
      protocol,
      sourcePort: isMessage ? shown : from,
      destinationPort: isMessage ? shown : to,
      fragment,
      hidesProtocol: six && fragment === 'later' && hides,
    };
  });

/** The octets of a packet; the next layer is 16 octets long. */
export function packetOctets(packet: DescribedPacket): Uint8Array {
  const { protocol, sourcePort, destinationPort } = packet;
  const payload = new Uint8Array(16).fill(0xa5);
  const view = new DataView(payload.buffer);
  if (protocol === 135) payload[2] = sourcePort >>> 8;
  else view.setUint16(0, sourcePort);
  if (protocol !== 135) view.setUint16(2, destinationPort);
  return packet.source.length === 4 ? ipv4(packet, payload) : ipv6(packet, payload);
}

function ipv4({ source, destination, protocol, fragment }: DescribedPacket, payload: Uint8Array): Uint8Array {
  const octets = new Uint8Array(20 + payload.length);
  octets.set([0x45, 0, 0, octets.length, 0, 1, ...FRAGMENT_FIELD[fragment], 64, protocol]);
  octets.set(source, 12);
  octets.set(destination, 16);
  octets.set(payload, 20);
  return octets;
}

/** Whole packets come behind a hop-by-hop header, fragments behind a fragment header. */
function ipv6({ source, destination, protocol, fragment, hidesProtocol }: DescribedPacket, payload: Uint8Array) {
  const behind = hidesProtocol ? 60 : protocol;
  const offset = { whole: [0, 0], first: [0, 1], later: [0, 0x80] }[fragment];
  const extension = fragment === 'whole' ? [protocol, 0, 1, 4, 0, 0, 0, 0] : [behind, 0, ...offset, 0, 0, 0, 7];
  const octets = new Uint8Array(48 + payload.length);
  octets.set([0x60, 0, 0, 0, 0, 8 + payload.length, fragment === 'whole' ? 0 : 44, 64]);
  octets.set(source, 8);
  octets.set(destination, 24);
  octets.set(extension, 40);
  octets.set(payload, 48);
  return octets;
}

function withPorts(
  common: Omit<TrafficSelector, 'localPorts' | 'remotePorts'>,
  arbitrary: fc.Arbitrary<PortSelector>,
): fc.Arbitrary<TrafficSelector> {
  return fc.tuple(arbitrary, arbitrary).map(([localPorts, remotePorts]) => ({ ...common, localPorts, remotePorts }));
}

function isTaken(selector: TrafficSelector): boolean {
  try {
    createSecurityPolicyDatabase([{ entryId: 'e', ruleId: 'r', selectors: [selector], action: 'BYPASS' }]);
    return true;
  } catch {
    return false;
  }
}

const FRAGMENT_FIELD = { whole: [0x40, 0], first: [0x20, 0], later: [0, 0x10] } as const;
