import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ipPacket, udp } from '../../test/support/packets.js';
import { createAhTransform } from '../crypto/ah-transform.js';
import { nobleProvider } from '../crypto/noble/noble-provider.js';
import { AH, ahHeaderLength, findInsertionPoint, findProtection, InsertionPoint, maskMutableFields } from './ah.js';

/** What the ICV covers of a packet whose AH header of 12 octets and no ICV stands at `ahOffset`. */
function covered(packet: Uint8Array, ahOffset: number): Uint8Array | undefined {
  // Not at the start of its array, and with neighbours that nothing may touch.
  const arena = new Uint8Array(packet.length + 2 * GUARD).fill(0xee);
  arena.set(packet, GUARD);
  const masked = maskMutableFields(arena, GUARD, ahOffset, 0, 0);
  expect([...arena.subarray(0, GUARD), ...arena.subarray(GUARD + packet.length)]).toEqual(Array(2 * GUARD).fill(0xee));
  return masked ? arena.slice(GUARD, GUARD + packet.length) : undefined;
}

const GUARD = 5;
const AH_HEADER = [17, 1, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 1];

function v4(options: readonly number[]): Uint8Array {
  const bare = ipPacket({
    source: '10.1.0.1',
    destination: '10.2.0.2',
    protocol: 51,
    payload: Uint8Array.from([...AH_HEADER, ...udp(1, 2, 12)]),
  });
  const packet = Uint8Array.from([...bare.subarray(0, 20), ...options, ...bare.subarray(20)]);
  packet[0] = 0x45 + options.length / 4;
  return packet;
}

function v6(protocol: number, extensions: readonly number[]): Uint8Array {
  return ipPacket({
    source: '2001:db8::1',
    destination: '2001:db8::2',
    protocol,
    payload: Uint8Array.from([...extensions, ...AH_HEADER, ...udp(1, 2, 12)]),
  });
}

describe('what AH covers of IPv4 (RFC 4302 section 3.3.3.1.1)', () => {
  it('is the header without TOS, flags, fragment offset, TTL and checksum', () => {
    const packet = v4([]);
    packet.set([0xff], 1);
    packet.set([0x12, 0x34], 4);
    packet.set([0xff, 0xff], 6);
    const input = covered(packet, 20);
    expect([...(input ?? [])]).toEqual([
      ...[0x45, 0, 0, 44, 0x12, 0x34, 0, 0, 0, 51, 0, 0, 10, 1, 0, 1, 10, 2, 0, 2],
      ...packet.subarray(20),
    ]);
  });

  // Appendix A1. End of list and no-operation have no length.
  const immutable = [130, 133, 134, 148, 149];
  const mutable = [68, 7, 82, 136, 11, 12, 145, 10, 205, 142, 15, 144, 147, 222];

  it.each(immutable)('counts option %d as it is', (type) => {
    const options = [1, type, 6, 1, 2, 3, 4, 1];
    expect([...(covered(v4(options), 28)?.subarray(20, 28) ?? [])]).toEqual(options);
  });

  it.each(mutable)('counts option %d as zero, type and length included', (type) => {
    const options = [1, type, 6, 1, 2, 3, 4, 1];
    expect([...(covered(v4(options), 28)?.subarray(20, 28) ?? [])]).toEqual([1, 0, 0, 0, 0, 0, 0, 1]);
  });

  it.each([131, 137])(
    'with source route %d counts the destination that the packet will have when it arrives',
    (type) => {
      const route = (pointer: number) => [1, type, 11, pointer, 10, 9, 0, 1, 10, 9, 0, 2];
      const last = [10, 9, 0, 2];
      // Still to be visited: 10.9.0.1, 10.9.0.2, and arrived with nothing left (RFC 791 section 3.1).
      expect([...(covered(v4(route(4)), 32)?.subarray(16, 20) ?? [])]).toEqual(last);
      expect([...(covered(v4(route(8)), 32)?.subarray(16, 20) ?? [])]).toEqual(last);
      expect([...(covered(v4(route(12)), 32)?.subarray(16, 20) ?? [])]).toEqual([10, 2, 0, 2]);
      expect([...(covered(v4(route(4)), 32)?.subarray(20, 32) ?? [])]).toEqual([1, ...new Array(11).fill(0)]);
      expect(covered(v4([1, type, 10, 4, 10, 9, 0, 1, 10, 9, 0, 2]), 32)).toBeUndefined();
      expect(covered(v4([1, 1, type, 2]), 24)).toBeUndefined();
    },
  );

  it.each([[[7, 0, 0, 0]], [[7, 1, 0, 0]], [[7, 5, 0, 0]], [[1, 1, 1, 7]]])(
    'refuses options %j, which run out of the header',
    (options) => {
      expect(covered(v4(options), 20 + options.length)).toBeUndefined();
    },
  );
});

describe('what AH covers of IPv6 (RFC 4302 section 3.3.3.1.2)', () => {
  it('is the header without traffic class, flow label and hop limit', () => {
    const packet = v6(51, []);
    packet.set([0x6f, 0xff, 0xff, 0xff], 0);
    const input = covered(packet, 40);
    expect([...(input?.subarray(0, 8) ?? [])]).toEqual([0x60, 0, 0, 0, 0, 24, 51, 0]);
    expect(input?.subarray(8)).toEqual(packet.subarray(8));
  });

  it.each([0, 60])('of options in header %d: type and length, and the data unless it may change en route', (header) => {
    // PadN, an immutable option, a mutable one (third-highest bit of its type), two times Pad1.
    const options = [51, 1, 1, 0, 0x1e, 2, 8, 9, 0x3e, 2, 8, 9, 1, 0, 0, 0];
    const input = covered(v6(header, options), 56)?.subarray(40, 56);
    expect([...(input ?? [])]).toEqual([51, 1, 1, 0, 0x1e, 2, 8, 9, 0x3e, 2, 0, 0, 1, 0, 0, 0]);
    expect(covered(v6(header, [51, 0, 0x3e, 5, 0, 0, 0, 0]), 48)).toBeUndefined();
  });

  it('of a routing header: how it and the destination arrive', () => {
    const hop = (n: number) => [0x20, 1, 0x0d, 0xb8, ...new Array<number>(11).fill(0), n];
    const route = (left: number, ...hops: readonly number[]) => [51, 4, 0, left, 0, 0, 0, 0, ...hops.flatMap(hop)];
    // To ::2 by way of 3 and 4; at the end the destination is 4, and 2 and 3 stand in the header.
    const sent = covered(v6(43, route(2, 3, 4)), 80);
    const arrived = v6(43, route(0, 2, 3));
    arrived.set(hop(4), 24);
    expect(sent).toEqual(covered(arrived, 80));
    expect(covered(v6(43, route(3, 3, 4)), 80)).toBeUndefined();
    expect(covered(v6(43, [51, 0, 99, 1, 0, 0, 0, 0]), 48)).toBeUndefined();
    expect(covered(v6(43, [51, 0, 99, 0, 0, 0, 0, 0]), 48)).toBeDefined();
  });
});

describe('the ICV field', () => {
  it('is padded to 4 octets over IPv4 and to 8 over IPv6, and no more (RFC 4302 section 2.6)', () => {
    const lengths = [12, 16, 24, 32].map((icv) => [ahHeaderLength(4, icv), ahHeaderLength(6, icv)]);
    expect(lengths).toEqual([
      [24, 24],
      [28, 32],
      [36, 40],
      [44, 48],
    ]);
  });

  it('has padding of the sender’s choice, which the ICV covers (RFC 4302 section 3.3.3.2.1)', () => {
    const key = new Uint8Array(32).fill(3);
    const receiver = createAhTransform({
      provider: nobleProvider,
      integrity: 'hmac-sha2-256-128',
      keyBits: 0,
      keyingMaterial: key,
      extendedSequenceNumbers: false,
      direction: 'inbound',
    });
    const header = [17, 6, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 1];
    const packet = ipPacket({
      source: '2001:db8::1',
      destination: '2001:db8::2',
      protocol: 51,
      // Twelve octets, an ICV of sixteen that is zero while it is computed, four of padding, and the datagram.
      payload: Uint8Array.from([...header, ...new Array<number>(16).fill(0), 0xde, 0xad, 0xbe, 0xef, ...udp(1, 2, 12)]),
    });
    const input = packet.slice();
    input.fill(0, 7, 8);
    packet.set(createHmac('sha256', key).update(input).digest().subarray(0, 16), 40 + AH.icv);
    const verify = (octets: Uint8Array) => receiver.verify(octets, 0, octets.length, 40, 0);
    expect(verify(packet)).toBe(true);
    const changed = packet.slice();
    changed[40 + AH.icv + 17] = 0;
    expect(verify(changed)).toBe(false);
  });
});

describe('a packet that is verified', () => {
  const make = (integrity: 'hmac-sha2-256-128' | 'aes-gmac', direction: 'inbound' | 'outbound') =>
    createAhTransform({
      provider: nobleProvider,
      integrity,
      keyBits: 128,
      keyingMaterial: new Uint8Array(integrity === 'aes-gmac' ? 20 : 32).fill(3),
      extendedSequenceNumbers: true,
      direction,
    });
  const room = [17, 7, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 1, ...new Array<number>(24).fill(0)];
  const ip = (source: string, protocol: number, extensions: readonly number[]) =>
    ipPacket({
      source,
      destination: source,
      protocol,
      payload: Uint8Array.from([...extensions, ...room, ...udp(1, 2, 300)]),
    });
  const options = [51, 24, ...new Array<number>(198).fill(0).map((_, i) => [0x3e, 4, 1, 2, 3, 4][i % 6] ?? 0)];
  const packets = [
    ['IPv4', 20, ip('10.1.0.1', 51, [])],
    ['IPv6 with 200 octets of options that may change', 240, ip('2001:db8::1', 60, options)],
  ] as const;

  it.each(
    packets.flatMap(([name, at, packet]) =>
      (['hmac-sha2-256-128', 'aes-gmac'] as const).map((integrity) => ({ name, at, packet, integrity })),
    ),
  )('is the same afterwards, also when it is refused: $name, $integrity', ({ at, packet, integrity }) => {
    const sealed = packet.slice();
    // What routers change counts as zero.
    sealed.set((packet[0] ?? 0) >>> 4 === 4 ? [0x45, 0xff] : [0x6f, 0xff], 0);
    expect(make(integrity, 'outbound').protect(sealed, 0, sealed.length, at, 7)).toBe(true);
    expect(sealed.subarray(0, at)).toEqual(Uint8Array.from([...sealed.subarray(0, 2), ...packet.subarray(2, at)]));
    for (const high of [7, 8]) {
      const arena = new Uint8Array(sealed.length + 2 * GUARD).fill(0xee);
      arena.set(sealed, GUARD);
      const before = arena.slice();
      expect(make(integrity, 'inbound').verify(arena, GUARD, sealed.length, at, high)).toBe(high === 7);
      expect(arena).toEqual(before);
    }
    const cut = at + 20;
    const before = sealed.slice();
    expect(make(integrity, 'inbound').verify(sealed, 0, cut, at, 7)).toBe(false);
    expect(make(integrity, 'inbound').verify(sealed, 0, sealed.length, at - 8, 7)).toBe(false);
    expect(sealed).toEqual(before);
  });
});

describe('where the header of AH or ESP is put (RFC 4302 and 4303 section 3.1.1)', () => {
  const at = (packet: Uint8Array) => {
    const point = new InsertionPoint();
    return findInsertionPoint(point, packet, 0, packet.length)
      ? [point.offset, point.nextHeaderField, point.next]
      : false;
  };

  it('is behind IPv4 options, and behind the IPv6 headers that routers read', () => {
    expect(at(v4([1, 1, 1, 1]))).toEqual([24, 9, 51]);
    expect(at(v6(0, [43, 0, 1, 4, 0, 0, 0, 0, 60, 0, 2, 0, 0, 0, 0, 0, 17, 0, 1, 4, 0, 0, 0, 0]))).toEqual([
      56, 48, 60,
    ]);
    // Destination options stay in front when a routing header follows (RFC 8200 section 4.1).
    expect(at(v6(60, [43, 0, 1, 4, 0, 0, 0, 0, 17, 0, 2, 0, 0, 0, 0, 0]))).toEqual([56, 48, 17]);
    expect(at(v6(60, [17, 0, 1, 4, 0, 0, 0, 0]))).toEqual([40, 6, 60]);
  });

  it('is found behind destination options as well', () => {
    const point = new InsertionPoint();
    const packet = v6(60, [51, 0, 1, 4, 0, 0, 0, 0]);
    expect(findProtection(point, packet, 0, packet.length)).toBe(true);
    expect(point.offset).toBe(48);
    const clear = v6(60, [17, 0, 1, 4, 0, 0, 0, 0]);
    expect(findProtection(point, clear, 0, clear.length)).toBe(false);
  });
});
