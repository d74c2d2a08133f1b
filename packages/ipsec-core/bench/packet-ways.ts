import {
  createDataPlane,
  createSecurityPolicyDatabase,
  type DataPlane,
  type EspAssociationParameters,
  type InboundResult,
  NetworkMapper,
  type OutboundResult,
  parseAddress,
  parsePrefix,
} from '@weft/ipsec-core';
import { icmpError, ipPacket, udp } from '../test/support/packets.js';
import { idleProvider } from './packets.js';

const SIZE = 1400;

/** Other ways that a packet can take. `one` does the packet `i` of a batch; `prepare` makes a batch of them. */
export interface Way {
  readonly prepare?: () => void;
  readonly one: (i: number) => (OutboundResult | InboundResult)['verdict'];
}

const END = { a: Uint8Array.of(192, 0, 2, 1), b: Uint8Array.of(192, 0, 2, 2) };
const END6 = { a: parseAddress('2001:db8::1'), b: parseAddress('2001:db8::2') };
const V4 = ipPacket({ source: '10.0.0.1', destination: '10.0.0.2', payload: udp(1, 2, SIZE) });
const V6 = ipPacket({ source: '2001:db8:1::1', destination: '2001:db8:2::2', payload: udp(1, 2, SIZE) });

/** Both ends in one engine: what it sends comes back to it. */
function engine(action: 'PROTECT' | 'BYPASS' | 'DISCARD', more: Partial<EspAssociationParameters> = {}): DataPlane {
  const plane = createDataPlane({ provider: idleProvider, random: () => undefined });
  const any = { localAddresses: [], remoteAddresses: [], protocol: 'any', localPorts: [], remotePorts: [] } as const;
  const entry = { entryId: 'e', ruleId: 'r', selectors: [any] };
  plane.installPolicy(
    createSecurityPolicyDatabase([action === 'PROTECT' ? { ...entry, action, tunnelId: 't' } : { ...entry, action }]),
  );
  return action === 'PROTECT' ? keyed(plane, more) : plane;
}

/** The same with an entry that names no tunnel; `prefixes`: what the one that there is carries. */
function engineByAddress(...prefixes: readonly string[]): DataPlane {
  const plane = createDataPlane({ provider: idleProvider, random: () => undefined });
  const any = { localAddresses: [], remoteAddresses: [], protocol: 'any', localPorts: [], remotePorts: [] } as const;
  plane.installPolicy(
    createSecurityPolicyDatabase(
      [{ entryId: 'e', ruleId: 'r', selectors: [any], action: 'PROTECT' }],
      [{ tunnelId: 't', addresses: prefixes.map((prefix) => parsePrefix(prefix).range) }],
    ),
  );
  return plane;
}

function keyed(plane: DataPlane, more: Partial<EspAssociationParameters> = {}): DataPlane {
  const { outer, pathMtu, ...rest } = more;
  const association = {
    tunnelId: 't',
    spi: 4096,
    protocol: 'esp',
    mode: 'tunnel',
    suite: 'aes-gcm-16',
    keyBits: 128,
    keyingMaterial: new Uint8Array(20),
    extendedSequenceNumbers: true,
    softLifetimeMilliseconds: 1e9,
    hardLifetimeMilliseconds: 1e9,
    ...rest,
  } as const;
  const ends = outer === undefined ? {} : { outer };
  const path = pathMtu === undefined ? {} : { pathMtu };
  plane.install({ ...association, ...ends, ...path, direction: 'outbound' }, 0);
  const back = outer === undefined ? {} : { outer: { local: outer.remote, remote: outer.local } };
  plane.install({ ...association, ...back, direction: 'inbound' }, 0);
  return plane;
}

const SLOT = SIZE + 200;
/** In a batch. */
export const PACKETS = 40;

/** Sealed, and opened where it stands. */
function thereAndBack(plane: DataPlane, clear: Uint8Array, byUdp: boolean, again = false): Way {
  const arena = new Uint8Array(PACKETS * SLOT);
  const rest = new Uint8Array(SLOT);
  const lengths = new Int32Array(PACKETS);
  return {
    prepare() {
      for (let i = 0; i < PACKETS; i++) {
        arena.set(clear, i * SLOT + 56);
        lengths[i] = plane.protect(arena, i * SLOT + 56, clear.length, arena, i * SLOT, 1).length;
      }
    },
    one(i) {
      const at = i * SLOT;
      const length = lengths[i] ?? 0;
      // What was received before is refused before it is looked at: in another place, so that it is still there.
      if (again) plane.openIp(arena, at, length, rest, 0, 1);
      return (byUdp ? plane.open(arena, at, length, arena, at, 1) : plane.openIp(arena, at, length, arena, at, 1))
        .verdict;
    },
  };
}

function sent(plane: DataPlane, clear: Uint8Array): Way {
  const arena = new Uint8Array(SLOT);
  return {
    one() {
      arena.set(clear, 56);
      return plane.protect(arena, 56, clear.length, arena, 0, 1).verdict;
    },
  };
}

const MAPPER = new NetworkMapper(
  [
    ['10.0.0.0/24', '172.20.0.0/24'],
    ['10.0.9.0/24', '172.20.9.0/24'],
    ['2001:db8:1::/64', '2001:db8:99::/64'],
  ].map(([local = '', overlay = '']) => ({ local: parsePrefix(local), overlay: parsePrefix(overlay) })),
);

/** From a network that stands in the overlay under another prefix; and an error about such a packet, for its sender. */
function mapped(plane: DataPlane, clear: Uint8Array): Way {
  const arena = new Uint8Array(SLOT);
  const six = (clear[0] ?? 0) >>> 4 === 6;
  const [source, destination] = six ? ['2001:db8:2::2', '2001:db8:99::1'] : ['10.0.0.2', '172.20.0.1'];
  const about = ipPacket({ source: destination, destination: source, payload: udp(1, 2, 100) });
  const error = icmpError({ source, destination }, six ? 2 : 3, six ? 0 : 4, about, 1280);
  const other = new Uint8Array(error.length);
  return {
    one() {
      other.set(error);
      if (MAPPER.toSite(other, 0, error.length) !== 'mapped') return 'discard';
      arena.set(clear, 56);
      if (MAPPER.toOverlay(arena, 56, clear.length) !== 'mapped') return 'discard';
      return plane.protect(arena, 56, clear.length, arena, 0, 1).verdict;
    },
  };
}

/** A run at a time, so that one object for a run counts as much as one for a packet. */
function sentInRuns(plane: DataPlane, clear: Uint8Array): Way {
  const arena = new Uint8Array(PACKETS * SLOT);
  const run = {
    write(_index: number, offset: number) {
      arena.set(clear, offset);
      return clear.length;
    },
  };
  return { one: () => plane.protectRun(run, 0, PACKETS, arena, 0, 1).verdict };
}

/** A run at a time: `prepare` makes one for each. */
function receivedInRuns(plane: DataPlane, clear: Uint8Array): Way {
  const arenas = Array.from({ length: PACKETS }, () => new Uint8Array(PACKETS * SLOT));
  const out = new Uint8Array(PACKETS * SLOT);
  let [size, length] = [0, 0];
  return {
    prepare() {
      for (const arena of arenas) {
        const run = {
          write(_index: number, offset: number) {
            arena.set(clear, offset);
            return clear.length;
          },
        };
        const result = plane.protectRun(run, 0, PACKETS, arena, 0, 1);
        size = result.packetLength;
        length = result.length;
      }
    },
    one(i) {
      const { delivered } = plane.openRun(arenas[i] ?? out, 0, size, length, out, 0, 1);
      return delivered === PACKETS ? 'deliver' : 'discard';
    },
  };
}

function cleared(plane: DataPlane, clear: Uint8Array): Way {
  return { one: () => plane.receiveClear(clear, 0, clear.length, 1).verdict };
}

const tunnel4 = { outer: { local: END.a, remote: END.b } };
const tunnel6 = { outer: { local: END6.a, remote: END6.b } };
const transport = { mode: 'transport' } as const;
/** What becomes of each, and how. */
export const WAYS: readonly (readonly [string, string, () => Way])[] = [
  ['sent in transport mode, IPv4', 'transmit', () => sent(engine('PROTECT', transport), V4)],
  ['received in transport mode, IPv4', 'deliver', () => thereAndBack(engine('PROTECT', transport), V4, false)],
  ['sent in transport mode, IPv6', 'transmit', () => sent(engine('PROTECT', transport), V6)],
  ['received in transport mode, IPv6', 'deliver', () => thereAndBack(engine('PROTECT', transport), V6, false)],
  ['sent for UDP', 'transmit', () => sent(engine('PROTECT'), V4)],
  ['sent from a mapped network, IPv4', 'transmit', () => mapped(engine('PROTECT'), V4)],
  ['sent from a mapped network, IPv6', 'transmit', () => mapped(engine('PROTECT'), V6)],
  ['sent in runs', 'transmit', () => sentInRuns(engine('PROTECT'), V4)],
  ['received in runs', 'deliver', () => receivedInRuns(engine('PROTECT'), V4)],
  ['received in UDP', 'deliver', () => thereAndBack(engine('PROTECT'), V4, true)],
  ['sent, IPv6 in IPv4', 'transmit', () => sent(engine('PROTECT', tunnel4), V6)],
  ['received, IPv6 in IPv4', 'deliver', () => thereAndBack(engine('PROTECT', tunnel4), V6, false)],
  ['sent, IPv4 in IPv6', 'transmit', () => sent(engine('PROTECT', tunnel6), V4)],
  ['received, IPv4 in IPv6', 'deliver', () => thereAndBack(engine('PROTECT', tunnel6), V4, false)],
  [
    'sent on a path of known MTU',
    'transmit',
    () => sent(engine('PROTECT', { ...tunnel4, pathMtu: { mtu: 1600 } }), V4),
  ],
  ['padded to hide lengths', 'transmit', () => sent(engine('PROTECT', { ...tunnel4, padTo: 512 }), V4)],
  ['received again', 'discard', () => thereAndBack(engine('PROTECT', tunnel4), V4, false, true)],
  ['bypassed', 'bypass', () => sent(engine('BYPASS'), V4)],
  ['discarded by policy', 'discard', () => sent(engine('DISCARD'), V4)],
  ['by its remote address, IPv4', 'deliver', () => thereAndBack(keyed(engineByAddress('10.0.0.0/24')), V4, true)],
  ['by its remote address, IPv6', 'deliver', () => thereAndBack(keyed(engineByAddress('2001:db8::/32')), V6, true)],
  ['for an address that no tunnel carries', 'discard', () => sent(keyed(engineByAddress('10.9.0.0/24')), V4)],
  ['without an association', 'discard', () => sent(engineByAddress('10.0.0.0/24'), V4)],
  ['received in the clear', 'bypass', () => cleared(engine('BYPASS'), V4)],
];
