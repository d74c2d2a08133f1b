import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fragmentsOf, ipPacket, udp } from '../../test/support/packets.js';
import { association, drops, plane, protect, receive, type Sent, selector, send } from '../../test/support/planes.js';
import { reassemble } from '../../test/support/reassemble.js';
import { espKeyingMaterialLength } from '../crypto/esp-transform.js';
import type {
  AhAssociationParameters,
  SecurityAssociationParameters,
} from '../policy/security-association-parameters.js';
import { parseAddress } from '../wire/ip/address.js';
import type { DataPlane } from './data-plane.js';

const everything = [protect('e', selector([], []))];
const ports = (first: number, last: number) => selector([], [], { protocol: 17, remotePorts: [{ first, last }] });
const outerOf = (family: 4 | 6, inbound: boolean) => {
  const [a = '', b = ''] = family === 4 ? ['192.0.2.1', '192.0.2.2'] : ['2001:db8::a', '2001:db8::b'];
  return { local: parseAddress(inbound ? b : a), remote: parseAddress(inbound ? a : b) };
};
const packetOf = (six: boolean, length: number, df = false, port = 2) =>
  ipPacket({
    source: six ? '2001:db8:1::1' : '10.1.0.1',
    destination: six ? '2001:db8:2::2' : '10.2.0.2',
    fragment: df ? 0x4000 : 0,
    payload: udp(1, port, length - (six ? 40 : 20)),
  });

type More = Omit<Partial<SecurityAssociationParameters>, 'outer' | 'protocol'> & { readonly ah?: true };
type Surroundings = 'udp4' | 'udp6' | 'ip4' | 'ip6' | 'none';

/** Two edges; `around` says who writes which outer header, `none` is transport mode. */
function pair(around: Surroundings, mtu: number, more: More = {}, path: object = {}, policies = everything) {
  const { ah, ...rest } = more;
  const family = around === 'udp6' || around === 'ip6' ? 6 : 4;
  const planes = { a: plane(policies), b: plane(policies) };
  for (const [of, direction] of [
    [planes.a, 'outbound'],
    [planes.b, 'inbound'],
  ] as const) {
    const esp = association(direction);
    const header = around.startsWith('ip')
      ? { outer: { ...outerOf(family, direction === 'inbound'), ...('outer' in path ? (path.outer as object) : {}) } }
      : {};
    const underlay = around.startsWith('udp') ? { underlay: { family, udp: true } as const } : {};
    const { outer: _, ...pathMtu } = { outer: undefined, ...path };
    of.install(
      {
        ...esp,
        ...(ah ? { protocol: 'ah', integrity: 'hmac-sha2-256-128', keyingMaterial: new Uint8Array(32) } : {}),
        ...rest,
        ...header,
        mode: around === 'none' ? 'transport' : 'tunnel',
        ...(direction === 'outbound' ? { pathMtu: { mtu, ...underlay, ...pathMtu } } : {}),
      } as SecurityAssociationParameters & AhAssociationParameters,
      0,
    );
  }
  return planes;
}

const SURROUNDING = { udp4: 28, udp6: 48, ip4: 0, ip6: 0, none: 0 } as const;
const around = fc.constantFrom<Surroundings>('udp4', 'udp6', 'ip4', 'ip6', 'none');
const suites = fc.constantFrom<More>(
  {},
  { suite: 'chacha20-poly1305', keyBits: 256, keyingMaterial: new Uint8Array(36) } as More,
  {
    suite: 'aes-cbc',
    keyBits: 128,
    integrity: 'hmac-sha2-512-256',
    keyingMaterial: new Uint8Array(
      espKeyingMaterialLength({ encryption: 'aes-cbc', keyBits: 128, integrity: 'hmac-sha2-512-256' }),
    ),
  } as More,
  { padTo: 256 } as More,
);

/** Octets that the underlay sees for one packet of this length, found by sending it without any path MTU. */
function onTheWire(kind: Surroundings, more: More, packet: Uint8Array): number {
  const { a } = pair(kind, 65_535, more);
  const [sent] = send(a, packet).packets;
  return (sent?.length ?? Number.NaN) + SURROUNDING[kind];
}

const mtuOf = (error: Uint8Array | undefined, six: boolean) => {
  const view = new DataView((error ?? new Uint8Array(60)).buffer);
  return six ? view.getUint32(44) : view.getUint16(26);
};

describe('path MTU, outbound (RFC 4301 section 8.2.1)', () => {
  it('reports exactly the largest packet that passes, for every suite, mode and encapsulation', () => {
    fc.assert(
      fc.property(around, suites, fc.boolean(), fc.integer({ min: 1280, max: 1600 }), (kind, more, six, mtu) => {
        fc.pre(kind !== 'none' || !('padTo' in more));
        const { a } = pair(kind, mtu, more);
        const { reasons, icmpErrors, packets } = send(a, packetOf(six, 1700, true));
        expect([reasons, icmpErrors.length, packets]).toEqual([['exceeds_path_mtu'], 1, []]);
        const told = mtuOf(icmpErrors[0], six);
        const fits = send(a, packetOf(six, told, true));
        if (six && told === 1280) {
          // What has to pass does, if need be in pieces.
          expect(fits.reasons).toEqual([]);
          return;
        }
        expect(fits.reasons).toEqual([]);
        expect((fits.packets[0]?.length ?? 0) + SURROUNDING[kind]).toBeLessThanOrEqual(mtu);
        expect(send(a, packetOf(six, told + 1, true)).reasons).toEqual(['exceeds_path_mtu']);
        if (!('padTo' in more)) expect(onTheWire(kind, more, packetOf(six, told + 1, true))).toBeGreaterThan(mtu);
      }),
      { numRuns: 120 },
    );
  });

  it('says what a datagram is to be cut to that has to pass though it is larger than the path (RFC 2473 section 7.2)', () => {
    const { a, b } = pair('udp4', 1280);
    const out = new Uint8Array(1500);
    const fits = packetOf(true, 1200, true);
    expect(a.protect(fits, 0, fits.length, out, 0, 1)).toMatchObject({ verdict: 'transmit', cutTo: 0 });
    const least = packetOf(true, 1280, true);
    const { length, verdict, cutTo } = a.protect(least, 0, least.length, out, 0, 1);
    expect([verdict, cutTo, length + 28 > 1280]).toEqual(['transmit', 1280, true]);
    expect(receive(b, [out.slice(0, length)], false)).toEqual({ packets: [least], reasons: [] });
  });

  it('cuts IPv4 without DF before protection, and the pieces make up the packet at the other end', () => {
    fc.assert(
      fc.property(
        around,
        suites,
        fc.integer({ min: 700, max: 4000 }),
        fc.integer({ min: 1280, max: 1600 }),
        (kind, more, length, mtu) => {
          fc.pre(kind !== 'none');
          const { a, b } = pair(kind, mtu, more);
          const packet = packetOf(false, length);
          packet.set([12, 34], 4);
          packet.set([0, 0], 10);
          const sent = send(a, packet);
          expect(sent.reasons).toEqual([]);
          for (const piece of sent.packets) expect(piece.length + SURROUNDING[kind]).toBeLessThanOrEqual(mtu);
          const { packets, reasons } = receive(b, sent.packets, kind.startsWith('ip'));
          expect(reasons).toEqual([]);
          const arrived = packets.length === 1 ? (packets[0] ?? packet) : reassemble(packets);
          expect(arrived.slice(20)).toEqual(packet.slice(20));
          expect([...arrived.slice(0, 10), ...arrived.slice(12, 20)]).toEqual([
            ...packet.slice(0, 10),
            ...packet.slice(12, 20),
          ]);
          expect(a.tunnels()[0]?.outboundPackets).toBe(BigInt(sent.packets.length));
          expect(a.policies()[0]?.packets).toBe(1n);
        },
      ),
      { numRuns: 120 },
    );
  });

  const throughTheUnderlay = (b: DataPlane, pieces: readonly Uint8Array[], limit: number) => {
    for (const piece of pieces) expect(piece.length).toBeLessThanOrEqual(limit);
    return receive(b, [pieces.length === 1 ? (pieces[0] ?? new Uint8Array()) : reassemble(pieces)], true);
  };

  it('cuts the result where the packet itself must not be cut', () => {
    const cases: readonly (readonly [Surroundings, number, boolean, boolean, object, number])[] = [
      // An IPv6 packet of 1280 octets passes whatever the path.
      ['ip4', 1000, true, false, { minimum: 576 }, 1280],
      ['ip6', 1280, true, false, {}, 1280],
      ['ip6', 1280, true, false, {}, 1270],
      // DF cleared in the outer header, and configured to be cut after.
      ['ip4', 1400, false, true, { fragmentation: 'after', outer: { dontFragment: 'clear' } }, 3000],
      ['ip6', 1400, true, false, { fragmentation: 'after', outer: { dontFragment: 'clear' } }, 3000],
      // Transport mode carries no fragments.
      ['none', 1400, false, false, {}, 3000],
    ];
    for (const [kind, mtu, six, df, path, length] of cases) {
      for (const ah of [undefined, true] as const) {
        const { a, b } = pair(kind, mtu, ah ? { ah } : {}, path);
        const packet = packetOf(six, length, df);
        const sent = send(a, packet);
        expect([sent.reasons, sent.packets.length > 1]).toEqual([[], true]);
        const { packets, reasons } = throughTheUnderlay(b, sent.packets, mtu);
        expect([kind, reasons]).toEqual([kind, []]);
        expect(packets).toEqual([packet]);
        expect(a.tunnels()[0]?.outboundPackets).toBe(1n);
      }
    }
  });

  it('leaves the result to the socket where the socket writes its header', () => {
    const { a, b } = pair('udp4', 1000, {}, { minimum: 576 });
    const packet = packetOf(true, 1280);
    const sent = send(a, packet);
    expect([sent.packets.length, sent.packets[0]?.length]).toEqual([1, 1280 + 8 + 8 + 2 + 2 + 16]);
    expect(receive(b, sent.packets, false).packets).toEqual([packet]);
  });

  it('does not cut for a policy with ports unless the peer takes later fragments (RFC 4301 section 7.3)', () => {
    for (const nonFirstFragmentsAlso of [true, false]) {
      const { a, b } = pair('ip4', 1400, { nonFirstFragmentsAlso }, {}, [protect('e', ports(1, 99))]);
      const packet = packetOf(false, 3000);
      const sent = send(a, packet);
      expect(sent.reasons).toEqual([]);
      expect(a.tunnels()[0]?.outboundPackets).toBe(nonFirstFragmentsAlso ? 3n : 1n);
      if (!nonFirstFragmentsAlso) expect(throughTheUnderlay(b, sent.packets, 1400).packets).toEqual([packet]);
    }
  });

  it('asks for the largest that fits when fragments with DF do not', () => {
    const { a } = pair('ip4', 1400);
    const [piece] = fragmentsOf(packetOf(false, 3000, true), 5, 1400);
    const sent = send(a, piece ?? new Uint8Array());
    expect(sent.reasons).toEqual(['exceeds_path_mtu']);
    // Outer header, SPI and number, IV, ICV, and trailer.
    expect(mtuOf(sent.icmpErrors[0], false)).toBe(1400 - 20 - 8 - 8 - 16 - 2);
  });

  it('does not pad beyond what fits (RFC 4303 section 2.7)', () => {
    const { a } = pair('udp4', 1400, { padTo: 1024 } as More);
    const lengths = [100, 1024, 1025, 1300].map((length) => send(a, packetOf(false, length, true)).packets[0]?.length);
    const room = 1400 - 28;
    expect(lengths).toEqual([1024 + 36, 1024 + 36, room, room]);
  });

  it('takes bundles into account', () => {
    for (const mtu of [1280, 1281, 1283, 1500]) {
      const a = plane(everything);
      const ah = { protocol: 'ah', integrity: 'hmac-sha2-256-128', keyingMaterial: new Uint8Array(32) } as const;
      const { pathMtu: _, ...common } = { pathMtu: undefined, ...association('outbound', { mode: 'transport' }) };
      a.install({ ...common, bundledWith: 'around' }, 0);
      a.install({ ...common, ...ah, tunnelId: 'around', spi: 0x999, pathMtu: { mtu } } as AhAssociationParameters, 0);
      const told = mtuOf(send(a, packetOf(false, 1600, true)).icmpErrors[0], false);
      const [sent] = send(a, packetOf(false, told, true)).packets;
      expect(sent?.length).toBeLessThanOrEqual(mtu);
      expect(sent?.length).toBeGreaterThan(mtu - 16);
      expect(send(a, packetOf(false, told + 1, true)).reasons).toEqual(['exceeds_path_mtu']);
    }
  });

  it('counts what was not taken of a packet, and goes on', () => {
    const { a } = pair('udp4', 1400);
    const packet = packetOf(false, 9000);
    const out = new Uint8Array(2000);
    const first = a.protect(packet, 0, packet.length, out, 0, 1);
    expect([first.verdict, first.more]).toEqual(['transmit', true]);
    a.protectMore(out, 0, 1);
    const next = a.protect(packetOf(false, 100), 0, 100, out, 0, 1);
    expect([next.verdict, next.more]).toEqual(['transmit', false]);
    expect(drops(a)).toEqual({ fragment_not_taken: 5 });
    expect({ ...a.protectMore(out, 0, 1) }).toMatchObject({ verdict: 'held', more: false, length: 0 });

    const tight = { ...a.protect(packet, 0, packet.length, new Uint8Array(1000), 0, 1) };
    expect(tight).toMatchObject({ verdict: 'discard', reason: 'buffer_too_small', more: false });
    expect(drops(a)).toEqual({ fragment_not_taken: 5, buffer_too_small: 7 });
  });

  it('goes on with a successor that is installed between two pieces, and stops when none is left', () => {
    const { a } = pair('udp4', 1400);
    const packet = packetOf(false, 9000);
    const out = new Uint8Array(2000);
    a.protect(packet, 0, packet.length, out, 0, 1);
    a.install(association('outbound', { spi: 0x2000, pathMtu: { mtu: 1400, underlay: { family: 4, udp: true } } }), 2);
    expect(a.protectMore(out, 0, 2).verdict).toBe('transmit');
    expect(out[2]).toBe(0x20);
    a.removeOutbound('t', 0x2000);
    a.removeOutbound('t', 0x1000);
    expect({ ...a.protectMore(out, 0, 2) }).toMatchObject({ reason: 'no_association', more: true });
  });

  it('clamps the MSS of connections to what fits, unless told not to', () => {
    const syn = (six: boolean, mss: number) =>
      ipPacket({
        source: six ? '2001:db8:1::1' : '10.1.0.1',
        destination: six ? '2001:db8:2::2' : '10.2.0.2',
        protocol: 6,
        payload: Uint8Array.from([
          0,
          9,
          0,
          9,
          0,
          0,
          0,
          0,
          0,
          0,
          0,
          0,
          0x60,
          2,
          9,
          9,
          0,
          0,
          0,
          0,
          2,
          4,
          mss >>> 8,
          mss & 255,
        ]),
      });
    for (const [path, six, expected] of [
      [{}, false, 1438 - 40],
      [{}, true, 1438 - 60],
      [{ clampMaximumSegmentSize: false }, false, 1460],
    ] as const) {
      const { a, b } = pair('udp4', 1500, {}, path);
      const [arrived] = receive(b, send(a, syn(six, 1460)).packets, false).packets;
      const at = six ? 62 : 42;
      expect(((arrived?.[at] ?? 0) << 8) | (arrived?.[at + 1] ?? 0)).toBe(expected);
    }
  });

  it('is explained octet by octet, and what explain says is what happens', () => {
    const cases = fc.record({
      kind: around,
      more: suites,
      six: fc.boolean(),
      df: fc.boolean(),
      length: fc.integer({ min: 100, max: 3000 }),
      mtu: fc.integer({ min: 1280, max: 1600 }),
      fragmentation: fc.constantFrom('before', 'after'),
    });
    fc.assert(
      fc.property(cases, ({ kind, more, six, df, length, mtu, fragmentation }) => {
        fc.pre(kind !== 'none' || !('padTo' in more));
        const { a } = pair(kind, mtu, more, { fragmentation });
        const packet = packetOf(six, length, df);
        const { verdict, reason, overhead, path, tooLarge } = a.explain(packet, 0, packet.length, 1);
        const sent = send(a, packet);
        expect([verdict, reason]).toEqual([sent.verdicts[0], sent.reasons[0]]);
        if (path === undefined) throw new Error('there is a path MTU');
        const { largest, outerIpHeader, udpHeader, bundle, maximumPacket } = path;
        const { total, ...parts } = largest;
        expect(Object.values(parts).reduce((sum, part) => sum + part, 0)).toBe(total);
        expect(outerIpHeader + udpHeader).toBe(SURROUNDING[kind]);
        expect([path.pathMtu, path.source, bundle]).toEqual([mtu, 'configured', 0]);
        expect(mtu - (total + outerIpHeader + udpHeader)).toBeGreaterThanOrEqual(0);
        expect(mtu - (total + outerIpHeader + udpHeader)).toBeLessThan(
          'suite' in more && more.suite === 'aes-cbc' ? 16 : 4,
        );
        expect(path.maximumSegmentSize).toBe(maximumPacket - (six ? 60 : 40));
        expect(tooLarge !== undefined).toBe(length > maximumPacket);
        if (tooLarge?.action === 'report') {
          expect(mtuOf(sent.icmpErrors[0], six)).toBe(six ? Math.max(1280, maximumPacket) : maximumPacket);
        } else if (tooLarge === undefined) {
          expect(sent.packets.map((one) => one.length)).toEqual([overhead?.total]);
        }
        const above = packetOf(six, maximumPacket + 1, df);
        const { action } = a.explain(above, 0, above.length, 1).tooLarge ?? {};
        expect(path.whenTooLarge).toBe(action);
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    [{ mode: 'tunnel', pathMtu: { mtu: 1500 } }],
    [{ mode: 'transport', pathMtu: { mtu: 1500, underlay: { family: 4, udp: true } } }],
    [{ mode: 'tunnel', outer: outerOf(6, false), pathMtu: { mtu: 1279 } }],
  ] as const)('refuses %j', (more) => {
    const install = () => plane(everything).install(association('outbound', more as object), 0);
    expect(install).toThrowError(expect.objectContaining({ code: 'PATH_MTU' }));
  });
});

describe('clear fragments under a policy with ports (RFC 4301 section 7)', () => {
  const policies = [
    protect('low', ports(1, 99)),
    { entryId: 'high', ruleId: 'r', selectors: [ports(100, 199)], action: 'BYPASS' as const },
    { entryId: 'none', ruleId: 'r', selectors: [ports(200, 299)], action: 'DISCARD' as const },
  ];

  const expectDecision = (port: number, sent: Sent, b: DataPlane, whole: Uint8Array, largest: number) => {
    if (port >= 200) {
      expect(sent.reasons).toEqual([port === 250 ? 'spd_discard' : 'no_policy']);
      return;
    }
    expect(sent.reasons).toEqual([]);
    if (port === 150) {
      // In the clear it leaves in fragments no larger than it came in.
      for (const piece of sent.packets) expect(piece.length).toBeLessThanOrEqual(largest);
      expect(reassemble(sent.packets)).toEqual(whole);
      return;
    }
    for (const piece of sent.packets) expect(piece.length).toBeLessThanOrEqual(1400 - 28);
    expect(sent.packets.length > 1).toBe(whole.length > 1338);
    if (sent.packets.length === 1) expect(receive(b, sent.packets, false).packets).toEqual([whole]);
  };

  it('are put together before the SPD is asked, and leave as the policy for the whole packet says', () => {
    const cases = fc.record({
      six: fc.boolean(),
      port: fc.constantFrom(50, 150, 250, 350),
      length: fc.integer({ min: 400, max: 5000 }),
      units: fc.integer({ min: 8, max: 150 }),
      random: fc.infiniteStream(fc.nat()),
    });
    fc.assert(
      fc.property(cases, ({ six, port, length, units, random }) => {
        const { a, b } = pair('udp4', 1400, { nonFirstFragmentsAlso: true }, {}, policies);
        const pieces = fragmentsOf(
          packetOf(six, length, false, port),
          0x0102,
          ...new Array<number>(60).fill(units * 8),
        );
        fc.pre(pieces.length > 1 && pieces.length <= 60);
        const order = pieces.map((piece) => [random.next().value, piece] as const).sort((x, y) => x[0] - y[0]);
        const sent = order.map(([, piece]) => send(a, piece));
        const last = sent.pop();
        expect(new Set(sent.flatMap(({ verdicts }) => verdicts))).toEqual(new Set(['held']));
        expect(a.reassembly()).toMatchObject({ packets: 0, fragments: 0, octets: 0, reassembledPackets: 1n });
        const largest = Math.max(...pieces.map((piece) => piece.length));
        if (last !== undefined) expectDecision(port, last, b, reassemble(pieces), largest);
      }),
      { numRuns: 100 },
    );
  });

  it('are carried as they are where no policy asks for ports', () => {
    const { a, b } = pair('udp4', 1400);
    for (const six of [false, true]) {
      const pieces = fragmentsOf(packetOf(six, 1000), 7, 320, 320);
      const sent = pieces.flatMap((piece) => send(a, piece).packets);
      expect(receive(b, sent, false).packets).toEqual(pieces);
    }
    expect(a.reassembly().packets).toBe(0);
  });

  it('are sent whole, and the result is cut, where the peer takes no later fragments (section 7.3)', () => {
    for (const six of [false, true]) {
      for (const kind of ['ip4', 'ip6', 'udp4'] as const) {
        const { a, b } = pair(kind, 1400, {}, {}, policies);
        const pieces = fragmentsOf(packetOf(six, 4000, false, 50), 7, 1200, 1200, 1200);
        const sent = pieces.map((piece) => send(a, piece)).at(-1);
        expect([sent?.reasons, (sent?.packets.length ?? 0) > 1]).toEqual([[], kind !== 'udp4']);
        const carried = kind === 'udp4' ? (sent?.packets ?? []) : [reassemble(sent?.packets ?? [])];
        for (const piece of kind === 'udp4' ? [] : (sent?.packets ?? []))
          expect(piece.length).toBeLessThanOrEqual(1400);
        expect(receive(b, carried, kind !== 'udp4')).toEqual({ packets: [reassemble(pieces)], reasons: [] });
        expect(a.tunnels()[0]?.outboundPackets).toBe(1n);
      }
    }
  });

  it('carries atomic fragments on their own, whatever else has their identification (RFC 6946)', () => {
    const { a, b } = pair('udp4', 1400, {}, {}, policies);
    const packet = packetOf(true, 600, false, 50);
    const [first] = fragmentsOf(packet, 7, 320);
    const [atomic] = fragmentsOf(packet, 7, packet.length);
    expect(send(a, first ?? packet).verdicts).toEqual(['held']);
    const sent = send(a, atomic ?? packet);
    expect([sent.verdicts, receive(b, sent.packets, false).packets]).toEqual([['transmit'], [atomic]]);
    // And a policy that is not theirs does not carry them.
    const [other] = fragmentsOf(packetOf(true, 600, false, 250), 7, 600);
    expect(send(a, other ?? packet).reasons).toEqual(['spd_discard']);
    expect(a.reassembly().fragments).toBe(1);
  });

  it('time out, and every one is counted', () => {
    const { a } = pair('udp4', 1400, {}, {}, policies);
    const pieces = fragmentsOf(packetOf(false, 1000, false, 50), 7, 320, 320);
    for (const piece of pieces.slice(1)) send(a, piece, 5);
    a.expire(30_004);
    expect(a.reassembly().packets).toBe(1);
    a.expire(30_005);
    expect([a.reassembly(), drops(a)]).toMatchObject([{ packets: 0, octets: 0 }, { reassembly_timeout: 2 }]);
  });
});
