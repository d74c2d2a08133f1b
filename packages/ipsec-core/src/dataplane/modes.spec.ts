import { createHash, randomFillSync } from 'node:crypto';
import { nodeCryptoProvider } from '@weft/ipsec-core/node-crypto';
import { describe, expect, it } from 'vitest';
import { fragmentsOf, ipPacket, udp } from '../../test/support/packets.js';
import { receive, send } from '../../test/support/planes.js';
import { espKeyingMaterialLength } from '../crypto/esp-transform.js';
import { ENCRYPTION, type EncryptionName, INTEGRITY, type IntegrityName } from '../crypto/suites.js';
import type { SecurityAssociationParameters } from '../policy/security-association-parameters.js';
import { createSecurityPolicyDatabase } from '../policy/spd.js';
import { parseAddress } from '../wire/ip/address.js';
import { createDataPlane, type DataPlane } from './data-plane.js';

const LIFE = { softLifetimeMilliseconds: 1e6, hardLifetimeMilliseconds: 2e6 };
const keys = (length: number) => {
  const octets = new Uint8Array(length);
  for (let at = 0; at < length; at += 32) {
    octets.set(
      createHash('sha256')
        .update(String(at))
        .digest()
        .subarray(0, length - at),
      at,
    );
  }
  return octets;
};

/** Everything is protected by tunnel `t`. */
function plane(): DataPlane {
  const made = createDataPlane({ provider: nodeCryptoProvider, random: (out) => void randomFillSync(out) });
  const selector = {
    localAddresses: [],
    remoteAddresses: [],
    protocol: 'any' as const,
    localPorts: [],
    remotePorts: [],
  };
  made.installPolicy(
    createSecurityPolicyDatabase([
      { entryId: 'e', ruleId: 'r', selectors: [selector], action: 'PROTECT', tunnelId: 't' },
    ]),
  );
  return made;
}

type Direction = 'inbound' | 'outbound';
type Make = (direction: Direction) => SecurityAssociationParameters;

const common = (direction: Direction) =>
  ({
    direction,
    tunnelId: 't',
    spi: 0x1234,
    extendedSequenceNumbers: true,
    replayWindow: 1024,
    mode: 'tunnel',
    ...LIFE,
  }) as const;

const outerOf = (direction: Direction, family: 4 | 6) => {
  const [a, b] = family === 4 ? ['192.0.2.1', '198.51.100.2'] : ['2001:db8::a', '2001:db8::b'];
  const [local, remote] = direction === 'outbound' ? [a, b] : [b, a];
  return { local: parseAddress(local ?? ''), remote: parseAddress(remote ?? '') };
};

const esp = (suite: EncryptionName, keyBits: number, integrity?: IntegrityName) => ({
  protocol: 'esp' as const,
  suite,
  keyBits,
  ...(integrity === undefined ? {} : { integrity }),
  keyingMaterial: keys(espKeyingMaterialLength({ encryption: suite, keyBits, integrity })),
});
const ah = (integrity: IntegrityName | 'aes-gmac') => ({
  protocol: 'ah' as const,
  integrity,
  keyBits: 128,
  keyingMaterial: keys(integrity === 'aes-gmac' ? 20 : INTEGRITY[integrity].keyLength),
});

function pairOf(...associations: readonly Make[]): { a: DataPlane; b: DataPlane } {
  const pair = { a: plane(), b: plane() };
  for (const make of associations) {
    pair.a.install(make('outbound'), 0);
    pair.b.install(make('inbound'), 0);
  }
  return pair;
}

/** Sends through a and opens at b with openIp; returns what travelled and what arrived. */
function carry({ a, b }: { a: DataPlane; b: DataPlane }, packet: Uint8Array) {
  const wire = new Uint8Array(packet.length + 300);
  const sent = { ...a.protect(packet, 0, packet.length, wire, 3, 1) };
  expect(sent).toMatchObject({ verdict: 'transmit', reason: undefined });
  const travelled = wire.slice(3, 3 + sent.length);
  const out = new Uint8Array(packet.length + 300);
  const opened = { ...b.openIp(travelled, 0, travelled.length, out, 5, 2) };
  expect(opened).toMatchObject({ verdict: 'deliver', reason: undefined });
  return { travelled, arrived: out.slice(5, 5 + opened.length) };
}

const V4 = ipPacket({ source: '10.1.0.1', destination: '10.2.0.2', payload: udp(1, 2, 45) });
const V6 = ipPacket({ source: '2001:db8:1::1', destination: '2001:db8:2::2', payload: udp(1, 2, 45) });
/** Hop-by-hop with a router alert and a mutable option, then destination options, then UDP. */
const V6_EXTENDED = ipPacket({
  source: '2001:db8:1::1',
  destination: '2001:db8:2::2',
  protocol: 0,
  payload: Uint8Array.from([60, 0, 5, 2, 0, 0, 1, 0, 17, 0, 0x3e, 2, 9, 9, 1, 0, ...udp(1, 2, 20)]),
});
/** Options: no-operation, router alert, then record route, which routers change. */
const V4_OPTIONS = (() => {
  const bare = ipPacket({ source: '10.1.0.1', destination: '10.2.0.2', payload: udp(1, 2, 20) });
  const packet = new Uint8Array(bare.length + 12);
  packet.set(bare.subarray(0, 20));
  packet.set([1, 148, 4, 0, 0, 7, 7, 4, 0, 0, 0, 0], 20);
  packet.set(bare.subarray(20), 32);
  packet[0] = 0x48;
  packet[3] = packet.length;
  packet.set([0, 0], 10);
  let sum = 0;
  for (let at = 0; at < 32; at += 2) sum += ((packet[at] ?? 0) << 8) | (packet[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  packet.set([(~sum >>> 8) & 0xff, ~sum & 0xff], 10);
  return packet;
})();
const PACKETS = { V4, V6, V6_EXTENDED, V4_OPTIONS };

describe('suites', () => {
  const separate = Object.keys(INTEGRITY) as IntegrityName[];
  type Row = readonly [EncryptionName, number, IntegrityName | undefined];
  const all: readonly Row[] = (Object.keys(ENCRYPTION) as EncryptionName[]).flatMap((name) => {
    const suite = ENCRYPTION[name];
    return suite.keyBits.flatMap((bits): readonly Row[] =>
      suite.kind === 'combined' ? [[name, bits, undefined]] : separate.map((integrity): Row => [name, bits, integrity]),
    );
  });

  it.each(all)('%s-%d %s: seals and opens with and without ESN, by UDP and by IP', (name, bits, integrity) => {
    for (const extendedSequenceNumbers of [true, false]) {
      const make: Make = (direction) => ({
        ...common(direction),
        ...esp(name, bits, integrity),
        extendedSequenceNumbers,
      });
      const { a, b } = pairOf(make);
      for (const packet of [V4, V6, V4]) {
        const wire = new Uint8Array(400);
        const sent = { ...a.protect(packet, 0, packet.length, wire, 0, 1) };
        const out = new Uint8Array(400);
        expect({ ...b.open(wire, 0, sent.length, out, 0, 1) }).toMatchObject({ verdict: 'deliver', reason: undefined });
        expect(out.slice(0, packet.length)).toEqual(packet);
        wire[sent.length - 1] = (wire[sent.length - 1] ?? 0) ^ 1;
        expect(b.open(wire, 0, sent.length, out, 0, 1).verdict).toBe('discard');
      }
      const tunnel = pairOf((direction) => ({ ...make(direction), outer: outerOf(direction, 6) }));
      expect(carry(tunnel, V4).arrived).toEqual(V4);
    }
  });

  it('asks for integrity whenever encryption has none of its own', () => {
    for (const name of ['aes-cbc', 'aes-ctr', 'null'] as const) {
      const install = () => plane().install({ ...common('outbound'), ...esp(name, name === 'null' ? 0 : 128) }, 0);
      expect(install).toThrowError(expect.objectContaining({ code: 'INTEGRITY_REQUIRED' }));
    }
  });

  it.each([
    ['des', 'ALGORITHM_FORBIDDEN', /RFC 8221/],
    ['3des', 'ALGORITHM_FORBIDDEN', /RFC 8221/],
    ['blowfish', 'ALGORITHM_FORBIDDEN', /RFC 8221/],
    ['rot13', 'ALGORITHM_UNKNOWN', /choose one of/],
  ])('refuses %s with the reason', (name, code, message) => {
    const suite = { ...common('outbound'), ...esp('aes-gcm-16', 128), suite: name as EncryptionName };
    const install = () => plane().install(suite, 0);
    expect(install).toThrowError(expect.objectContaining({ code }));
    expect(install).toThrowError(message);
  });

  it.each([
    ['hmac-md5-96', 'ALGORITHM_FORBIDDEN'],
    ['des-mac', 'ALGORITHM_FORBIDDEN'],
    ['none', 'INTEGRITY_REQUIRED'],
    // RFC 8221 section 6: "these algorithms should only be used for AH and not for ESP".
    ['aes-gmac', 'ALGORITHM_UNKNOWN'],
  ])('refuses integrity %s', (name, code) => {
    const suite = { ...common('outbound'), ...esp('aes-cbc', 128, 'hmac-sha1-96'), integrity: name as IntegrityName };
    expect(() => plane().install(suite, 0)).toThrowError(expect.objectContaining({ code }));
  });

  it('says which algorithm a provider does not offer', () => {
    const poor = { ...nodeCryptoProvider, name: 'poor', macs: [], aeads: ['aes-gcm'] as const };
    const made = createDataPlane({ provider: poor, random: () => undefined });
    for (const more of [esp('chacha20-poly1305', 256), esp('aes-cbc', 128, 'hmac-sha1-96'), ah('aes-xcbc-96')]) {
      const install = () => made.install({ ...common('inbound'), outer: outerOf('inbound', 4), ...more }, 0);
      expect(install).toThrowError(expect.objectContaining({ code: 'ALGORITHM_NOT_OFFERED' }));
      expect(install).toThrowError(/"poor" does not offer/);
    }
  });
});

describe('tunnel mode with outer headers', () => {
  const nestings = [
    ['4 in 4', V4, 4],
    ['6 in 4', V6, 4],
    ['4 in 6', V4, 6],
    ['6 in 6', V6, 6],
  ] as const;

  it.each(nestings)('ESP %s', (_, packet, family) => {
    const pair = pairOf((d) => ({ ...common(d), ...esp('aes-gcm-16', 128), outer: outerOf(d, family) }));
    const { travelled, arrived } = carry(pair, packet);
    expect(arrived).toEqual(packet);
    expect((travelled[0] ?? 0) >>> 4).toBe(family);
    expect(travelled[family === 4 ? 9 : 6]).toBe(50);
  });

  it.each(nestings)('AH %s', (_, packet, family) => {
    for (const integrity of [...(Object.keys(INTEGRITY) as IntegrityName[]), 'aes-gmac'] as const) {
      const pair = pairOf((d) => ({ ...common(d), ...ah(integrity), outer: outerOf(d, family) }));
      const { travelled, arrived } = carry(pair, packet);
      expect(arrived).toEqual(packet);
      expect(travelled[family === 4 ? 9 : 6]).toBe(51);
      // AH is aligned to 4 octets over IPv4 and 8 over IPv6 (RFC 4302 section 2.2).
      const length = (travelled.length - packet.length - (family === 4 ? 20 : 40)) % (family === 4 ? 4 : 8);
      expect(length).toBe(0);
    }
  });

  it('copies DF and DSCP, or does as told', () => {
    const send = (more: object, packet = V4) => {
      const pair = pairOf((d) => ({
        ...common(d),
        ...esp('aes-gcm-16', 128),
        ...more,
        outer: { ...outerOf(d, 4), hopLimit: 9, ...('outer' in more ? (more.outer as object) : {}) },
      }));
      return carry(pair, packet).travelled;
    };
    const marked = V4.slice();
    marked[1] = 0xb8 | 2;
    marked.set([0x40, 0], 6);
    expect([...send({}, marked).slice(1, 9)].map((octet, i) => [i, octet])).toContainEqual([0, 0xba]);
    expect(send({}, marked)[6]).toBe(0x40);
    expect(send({}, V4)[6]).toBe(0);
    expect(send({ outer: { dontFragment: 'set' } })[6]).toBe(0x40);
    expect(send({ outer: { dontFragment: 'clear' } }, marked)[6]).toBe(0);
    expect(send({})[8]).toBe(9);
    expect(send({ dscp: 10 }, marked)[1]).toBe((10 << 2) | 2);
    const table = Array.from({ length: 64 }, (_, i) => 63 - i);
    expect(send({ dscp: table }, marked)[1]).toBe(((63 - 46) << 2) | 2);
  });

  it('takes over congestion marks and refuses those the sender could not learn of (RFC 6040)', () => {
    const make: Make = (d) => ({ ...common(d), ...esp('aes-gcm-16', 128) });
    const { a, b } = pairOf(make);
    const out = new Uint8Array(300);
    const wire = new Uint8Array(300);
    const arrive = (inner: number, outer: number) => {
      const packet = V4.slice();
      packet[1] = inner;
      const sent = a.protect(packet, 0, packet.length, wire, 0, 1);
      expect(sent.trafficClass & 3).toBe(inner);
      const { verdict, reason } = b.open(wire, 0, sent.length, out, 0, 1, outer);
      return verdict === 'deliver' ? out[1] : reason;
    };
    const rows = [0, 1, 2, 3].map((inner) => [0, 1, 2, 3].map((outer) => arrive(inner, outer)));
    expect(rows).toEqual([
      [0, 0, 0, 'ecn_congestion_lost'],
      [1, 1, 1, 3],
      [2, 1, 2, 3],
      [3, 3, 3, 3],
    ]);
  });
});

describe('transport mode', () => {
  it.each(Object.entries(PACKETS))('ESP and AH keep the headers of %s', (_, packet) => {
    const suites = [
      esp('aes-gcm-16', 256),
      esp('aes-cbc', 128, 'hmac-sha2-256-128'),
      ah('hmac-sha2-256-128'),
      ah('aes-gmac'),
    ];
    for (const suite of suites) {
      const pair = pairOf((d) => ({ ...common(d), ...suite, mode: 'transport' }));
      expect(carry(pair, packet).arrived).toEqual(packet);
      expect(carry(pair, packet).arrived).toEqual(packet);
    }
  });

  it('bundles ESP in AH, and refuses the inner one alone', () => {
    const inner: Make = (d) => ({ ...common(d), ...esp('aes-gcm-16', 128), mode: 'transport', bundledWith: 'around' });
    const outer: Make = (d) => ({
      ...common(d),
      ...ah('hmac-sha2-256-128'),
      mode: 'transport',
      tunnelId: 'around',
      spi: 0x999,
    });
    for (const packet of Object.values(PACKETS)) {
      expect(carry(pairOf(inner, outer), packet).arrived).toEqual(packet);
    }
    const { a, b } = pairOf(inner, outer);
    const alone = plane();
    alone.install({ ...inner('outbound'), bundledWith: 'x' }, 0);
    alone.install(
      { ...esp('null', 0, 'hmac-sha1-96'), ...common('outbound'), tunnelId: 'x', spi: 5000, mode: 'transport' },
      0,
    );
    expect(a.associations()).toHaveLength(2);
    const wire = new Uint8Array(300);
    const bare = plane();
    const { bundledWith: _, ...unbundled } = inner('outbound');
    bare.install(unbundled, 0);
    const sent = bare.protect(V4, 0, V4.length, wire, 0, 1);
    expect(b.openIp(wire, 0, sent.length, new Uint8Array(300), 0, 1).reason).toBe('bundle_incomplete');
  });

  it('works in place', () => {
    for (const suite of [esp('aes-gcm-16', 128), ah('hmac-sha2-256-128')]) {
      for (const [from, to, back] of [
        [100, 50, 10],
        [50, 100, 100],
        [60, 60, 20],
      ] as const) {
        const { a, b } = pairOf((d) => ({ ...common(d), ...suite, mode: 'transport' }));
        const arena = new Uint8Array(500);
        arena.set(V6_EXTENDED, from);
        const { length } = a.protect(arena, from, V6_EXTENDED.length, arena, to, 1);
        const opened = b.openIp(arena, to, length, arena, back, 1);
        expect(opened.reason).toBeUndefined();
        expect(arena.slice(back, back + opened.length)).toEqual(V6_EXTENDED);
      }
    }
  });

  it('does not protect fragments (RFC 4301 section 7)', () => {
    const pair = pairOf((d) => ({ ...common(d), ...esp('aes-gcm-16', 128), mode: 'transport' }));
    for (const packet of [V4, V6]) {
      const pieces = fragmentsOf(packet, 0, 24);
      const verdicts = pieces.slice(0, -1).map((piece) => send(pair.a, piece).verdicts);
      expect(verdicts).toEqual([['held']]);
      // They are put together first, and the packet is protected whole.
      const { packets } = send(pair.a, pieces.at(-1) ?? packet);
      expect(receive(pair.b, packets, true).packets).toEqual([packet]);
    }
  });

  it.each([
    ['ESP', esp('aes-gcm-16', 128)],
    ['AH', ah('hmac-sha2-256-128')],
  ])('%s takes a fragment header out that says that its packet is whole (RFC 4302 appendix A2)', (_, suite) => {
    for (const packet of [V6, V6_EXTENDED]) {
      const { a, b } = pairOf((d) => ({ ...common(d), ...suite, mode: 'transport' }));
      const [atomic = packet] = fragmentsOf(packet, 0, packet.length);
      expect(atomic.length).toBe(packet.length + 8);
      const { total } = a.explain(atomic, 0, atomic.length, 1).overhead ?? {};
      const sent = send(a, atomic);
      expect(sent.packets).toHaveLength(1);
      expect(sent.packets[0]?.length).toBe(total);
      const without = send(a, packet);
      expect(sent.packets[0]?.length).toBe(without.packets[0]?.length);
      expect(receive(b, [...sent.packets, ...without.packets], true).packets).toEqual([packet, packet]);
    }
    // Two of them no sender makes.
    const { a } = pairOf((d) => ({ ...common(d), ...suite, mode: 'transport' }));
    const [atomic = V6] = fragmentsOf(V6, 0, V6.length);
    const [twice = V6] = fragmentsOf(atomic, 0, atomic.length);
    expect(a.explain(twice, 0, twice.length, 1).reason).toBe('fragment_in_transport_mode');
    expect(send(a, twice).reasons).toEqual(['fragment_in_transport_mode']);
  });

  it('notices a changed header under AH but not one that routers change', () => {
    const { a, b } = pairOf((d) => ({ ...common(d), ...ah('hmac-sha2-256-128'), mode: 'transport' }));
    const open = (change: (packet: Uint8Array) => void) => {
      const wire = new Uint8Array(300);
      const { length } = a.protect(V4_OPTIONS, 0, V4_OPTIONS.length, wire, 0, 1);
      change(wire);
      return b.openIp(wire, 0, length, new Uint8Array(300), 0, 1).reason;
    };
    expect(open((p) => p.set([0xff], 1))).toBeUndefined();
    expect(open((p) => p.set([3], 8))).toBeUndefined();
    expect(open((p) => p.set([1, 2, 3, 4], 28))).toBeUndefined();
    expect(open((p) => p.set([11], 12))).toBe('integrity_failed');
    expect(open((p) => p.set([1], 24))).toBe('integrity_failed');
    expect(open((p) => p.set([7], 4))).toBe('integrity_failed');
  });
});

describe('traffic flow confidentiality (RFC 4303 sections 2.6 and 2.7)', () => {
  it('hides lengths', () => {
    const { a, b } = pairOf((d) => ({ ...common(d), ...esp('aes-gcm-16', 128), padTo: 256 }));
    const lengths = new Set<number>();
    for (let size = 8; size < 200; size += 17) {
      const packet = ipPacket({ source: '10.1.0.1', destination: '10.2.0.2', payload: udp(1, 2, size) });
      const wire = new Uint8Array(400).fill(0xee);
      const sent = a.protect(packet, 0, packet.length, wire, 0, 1);
      lengths.add(sent.length);
      const out = new Uint8Array(400);
      expect(b.open(wire, 0, sent.length, out, 0, 1).length).toBe(packet.length);
      expect(out.slice(0, packet.length)).toEqual(packet);
    }
    expect(lengths.size).toBe(1);
  });

  it('sends dummies that the receiver drops and counts', () => {
    const { a, b } = pairOf((d) => ({ ...common(d), ...esp('aes-gcm-16', 128) }));
    const wire = new Uint8Array(400);
    const sent = { ...a.dummy('t', 100, wire, 0, 1) };
    expect(sent.verdict).toBe('transmit');
    expect(b.open(wire, 0, sent.length, new Uint8Array(400), 0, 1).reason).toBe('dummy_packet');
    expect(b.tunnels()[0]?.inboundPackets).toBe(0n);
  });
});

describe('lifetimes in packets and bytes', () => {
  const limited =
    (more: object): Make =>
    (d) => ({ ...common(d), ...esp('aes-gcm-16', 128), ...more });

  it('ends the association at the hard bound and announces the soft one', () => {
    const { a } = pairOf(limited({ softPackets: 2, hardPackets: 3 }));
    const send = () => a.protect(V4, 0, V4.length, new Uint8Array(300), 0, 1).reason;
    expect([send(), a.expire(1).length, send(), a.expire(1)[0]?.kind, send()]).toEqual([
      undefined,
      0,
      undefined,
      'soft',
      undefined,
    ]);
    expect(send()).toBe('association_expired');
    expect(a.expire(1)).toMatchObject([{ kind: 'hard', spi: 0x1234 }]);
    const bytes = pairOf(limited({ softBytes: V4.length, hardBytes: 2 * V4.length })).a;
    bytes.protect(V4, 0, V4.length, new Uint8Array(300), 0, 1);
    expect(bytes.expire(1)).toMatchObject([{ kind: 'soft' }]);
  });

  it('spreads soft lifetimes by jitter', () => {
    const at = new Set<number>();
    for (let i = 0; i < 20; i++) {
      const { a } = pairOf(limited({ jitter: 0.5 }));
      let now = 0;
      while (a.expire(now).length === 0) now += 1e4;
      expect(now).toBeGreaterThanOrEqual(5e5);
      expect(now).toBeLessThanOrEqual(1e6);
      at.add(now);
    }
    expect(at.size).toBeGreaterThan(3);
  });
});
